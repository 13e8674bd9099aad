"""The user's list: several symbols, other bar lengths, own settings, and what is refused of it."""

import importlib
from decimal import Decimal
from pathlib import Path

import pytest

from node.conftest import Start
from node.processes import Exchange, Store
from node.test_trading import MOST_BARS, last_bar

CONFIGURATION = 78
ROOMS = ("strategies", "config.settings")
CODE = """
import sys
from decimal import Decimal
from trading_node import strategies
from trading_node.commands import main
from trading_node.plan.traded import Traded
from trading_node.strategies.ema_cross import EmaCross

def traded(settings, own):
    return [{lines}]

strategies.traded = traded
sys.exit(main.main(["run"]))
"""
BITCOIN = 'Traded(EmaCross(Decimal("0.010")), "BTCUSDT", "1m", "EMA001")'
ETHER = 'Traded(EmaCross(Decimal("0.100")), "ETHUSDT", "1m", "EMA002")'


def code(*lines: str) -> str:
    return CODE.format(lines=", ".join(lines))


@pytest.fixture
def two_symbols(tmp_path: Path, project: Path) -> tuple[Exchange, dict[str, str]]:
    """An exchange that lists two symbols, and where it is."""
    options = ("--symbol", "BTCUSDT", "--symbol", "ETHUSDT")
    exchange = Exchange(tmp_path / "two", project / "drill", *options)
    urls = {"TRADER_EXCHANGE_HTTP_URL": exchange.http, "TRADER_EXCHANGE_WS_URL": exchange.ws}
    return exchange, urls


def test_two_symbols_survive_a_kill(
    start: Start, store: Store, two_symbols: tuple[Exchange, dict[str, str]]
) -> None:
    exchange, urls = two_symbols
    node = start(code(BITCOIN, ETHER), **urls)
    node.until("trading")
    held: dict[str, Decimal] = {}
    for _ in range(MOST_BARS):
        bar = exchange.post("step", {"bars": 1})["bar"]
        state = node.settle(bar, "BTCUSDT", "ETHUSDT")
        held = {row["symbol"]: Decimal(row["quantity"]) for row in state["positions"]}
        if len(held) == 2:
            break
    else:
        raise AssertionError(f"No two positions in {MOST_BARS} bars.")
    assert [row["tag"] for row in state["traded"]] == ["EMA001", "EMA002"]
    node.kill()
    again = start(code(BITCOIN, ETHER), **urls)
    again.until("trading")
    state = again.settle(last_bar(exchange), "BTCUSDT", "ETHUSDT")
    assert {row["symbol"]: Decimal(row["quantity"]) for row in state["positions"]} == held
    ledger = exchange.get("ledger")
    assert {row["symbol"]: Decimal(row["quantity"]) for row in ledger["positions"]} == held
    assert {row["symbol"]: Decimal(row["quantity"]) for row in exchange.working_stops()} == {
        symbol: abs(quantity) for symbol, quantity in held.items()
    }


def test_no_symbol_is_traded_before_all_are_warm(
    start: Start, store: Store, two_symbols: tuple[Exchange, dict[str, str]]
) -> None:
    exchange, urls = two_symbols
    bars = {"request": "klines.read", "symbol": "ETHUSDT"}
    gate = {"name": "gate", "match": bars, "nth": 1, "phase": "received"}
    held = exchange.post("faults", gate)["id"]
    node = start(STRATEGY_TRADES="grid ema_cross@ETHUSDT", **urls)
    node.until("warmup")
    assert exchange.get(f"faults/{held}?wait_s=10")["fired"]
    bar = exchange.post("step", {"bars": 3})["bar"]
    assert node.get("state")[1]["decided_bar"] == {}
    exchange.release(held)
    node.until("trading")
    node.settle(bar, "BTCUSDT", "ETHUSDT")
    records = exchange.get("journal?after=0")["records"]
    asked = [each["data"] for each in records if each["kind"] == "request"]
    what = [(row["request"], row["symbol"]) for row in asked]
    assert ("order.new", "BTCUSDT") in what
    assert what.index(("klines.read", "ETHUSDT")) < what.index(("order.new", "BTCUSDT"))


def test_bars_of_five_minutes(start: Start, store: Store, exchange: Exchange) -> None:
    node = start(code('Traded(EmaCross(Decimal("0.010"), window=50), "BTCUSDT", "5m", "EMA001")'))
    node.until("trading")
    before = last_bar(exchange)
    decided: set[int] = set()
    for _ in range(10):
        bar = exchange.post("step", {"bars": 1})["bar"]
        last_of_five = (bar + 1) // 300_000 * 300_000 - 1
        decided.add(node.settle(last_of_five)["decided_bar"]["BTCUSDT"])
    assert len({close for close in decided if close > before}) == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), "lists nothing to trade"),
        ((BITCOIN.replace("1m", "7m"),), "has bars of '7m'"),
        ((BITCOIN.replace("EMA001", "A-B"),), "needs a tag of 1 to 10"),
        ((BITCOIN.replace("BTCUSDT", "btcusdt"),), "needs a symbol as the exchange writes it"),
        ((BITCOIN, ETHER.replace("EMA002", "EMA001")), "The tag EMA001 is used by 2 lines"),
        ((BITCOIN, ETHER.replace("ETHUSDT", "BTCUSDT")), "BTCUSDT is traded by 2 lines"),
        ((BITCOIN.replace('10")', '10"), window=5000'),), "looks at 5000 bars"),
    ],
)
def test_a_list_that_cannot_be_traded(start: Start, lines: tuple[str, ...], sentence: str) -> None:
    node = start(code(*lines))
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert sentence in line


def test_a_setting_names_what_is_traded(start: Start) -> None:
    node = start(STRATEGY_TRADES="ema_cross martingale@ETHUSDT")
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert "names 'martingale', and there are ema_cross, mean_reversion, grid" in line
    node = start(STRATEGY_TRADES="grid mean_reversion")
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert "is traded by 2 lines" in line


def test_a_setting_names_lines_and_symbols(importable: str) -> None:
    strategies, config = (importlib.import_module(f"{importable}.{name}") for name in ROOMS)
    own = importlib.import_module(f"{importable}.strategies.settings").StrategySettings
    given = {"id": "TRADER-001", "symbol": "BTCUSDT", "profile": "simulated"}
    urls = {"exchange_http_url": "http://127.0.0.1:1", "exchange_ws_url": "ws://127.0.0.1:1"}
    settings = config.Settings(_env_file=None, store_url="redis://127.0.0.1:1", **given, **urls)
    for trades, wanted in (
        ("ema_cross", [("EMA001", "BTCUSDT")]),
        (" mean_reversion  grid@ETHUSDT ", [("MRV001", "BTCUSDT"), ("GRD001", "ETHUSDT")]),
        ("grid@", [("GRD001", "BTCUSDT")]),
        ("", []),
    ):
        found = strategies.traded(settings, own(_env_file=None, trades=trades))
        assert [(each.tag, each.symbol) for each in found] == wanted


def test_own_settings_are_checked_with_the_rest(start: Start) -> None:
    node = start(STRATEGY_FAST="none", STRATEGY_NOPE="1", TRADER_HTTP_PORT="0")
    assert node.wait() == CONFIGURATION
    complaints = node.complaint()
    assert any(line.startswith("STRATEGY_FAST is wrong") for line in complaints), complaints
    assert any(line.startswith("STRATEGY_NOPE is not a setting") for line in complaints)
    assert any(line.startswith("TRADER_HTTP_PORT is wrong") for line in complaints)
    assert len(complaints) == 3


def test_a_room_of_the_user_s_that_cannot_be_imported(start: Start) -> None:
    node = start(
        "import sys; sys.modules['trading_node.strategies'] = None\n"
        + code(BITCOIN)[:0]
        + "from trading_node.commands import main\nsys.exit(main.main(['run']))"
    )
    assert node.wait() == 1
    [line] = node.complaint()
    assert line.startswith("strategies/ cannot be imported: ")
