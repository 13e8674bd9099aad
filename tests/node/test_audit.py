"""The audit tells every way in which the engine may be wrong, and each comparison is needed."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Store
from node.test_trading import last_bar, step_until_position

OWNER = "1jnoyl7h"
ENTRY, STOP, LIMIT = (f"{OWNER}-1704085259-{leg}" for leg in ("E0", "S0", "R000"))
SINCE = 1_000


def row(name: str, number: str, **more: Any) -> Any:
    given = {
        "client_order_id": name,
        "exchange_order_id": number,
        "symbol": "BTCUSDT",
        "type": "MARKET",
        "side": "BUY",
        "status": "FILLED",
        "quantity": Decimal("0.010"),
        "filled": Decimal("0.010"),
        "reduce_only": False,
    }
    return module("plan.rows").OrderRow(**{**given, **more})


def rows() -> Any:
    """What an engine has that is right."""
    names = module("plan.rows")
    working = {"status": "ACCEPTED", "filled": Decimal(0)}
    stop = {"type": "STOP_MARKET", "side": "SELL", "reduce_only": True, **working}
    return names.Rows(
        orders=(
            row(ENTRY, "1", trade_ids=("11", "12")),
            row(STOP, "2", trigger_price=Decimal("59000"), **stop),
            row(LIMIT, "3", type="LIMIT", price=Decimal("58000.0"), **working),
            row("somebody-elses", "9", status="INITIALIZED"),
        ),
        positions=(names.PositionRow("BTCUSDT", Decimal("0.010"), "EMA001"),),
        balances=(names.BalanceRow("USDT", Decimal("99999.7"), Decimal(0), Decimal("99999.7")),),
    )


def order(name: str, number: str, **more: Any) -> Any:
    given = {
        "kind": "order",
        "exchange_order_id": number,
        "client_order_id": name,
        "symbol": "BTCUSDT",
        "type": "MARKET",
        "side": "BUY",
        "status": "FILLED",
        "time_in_force": "GTC",
        "quantity": Decimal("0.010"),
        "filled": Decimal("0.010"),
        "reduce_only": False,
        "created_ms": 2_000,
        "updated_ms": 2_000,
    }
    return module("venue.records").OrderRecord(**{**given, **more})


def trade(number: str, **more: Any) -> Any:
    given = {
        "trade_id": number,
        "exchange_order_id": "1",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "quantity": Decimal("0.005"),
        "price": Decimal(60000),
        "commission": Decimal("0.15"),
        "commission_asset": "USDT",
        "is_maker": False,
        "at_ms": 2_000,
    }
    return module("venue.records").TradeRecord(**{**given, **more})


def record() -> Any:
    """What the exchange says, just the same."""
    names = module("venue.records")
    working = {"status": "NEW", "filled": Decimal(0)}
    stop = {"type": "STOP_MARKET", "side": "SELL", "reduce_only": True, **working}
    return names.ExchangeRecord(
        at_ms=3_000,
        orders=(
            order(ENTRY, "1"),
            order(STOP, "2", kind="conditional", trigger_price=Decimal("59000.0"), **stop),
            order(LIMIT, "3", type="LIMIT", price=Decimal(58000), **working),
        ),
        trades=(trade("11"), trade("12")),
        positions=(names.PositionRecord("BTCUSDT", Decimal("0.010"), Decimal(60000)),),
        balances=(names.BalanceRecord("USDT", Decimal("99999.7"), Decimal("99939")),),
        since_ms={"BTCUSDT": SINCE},
    )


def audit(here: Any, there: Any) -> list[str]:
    found: list[str] = module("guards.audit").differences(here, there, {OWNER}, ["BTCUSDT"])
    return found


def with_row(index: int, **more: Any) -> Callable[[Any], Any]:
    def change(here: Any) -> Any:
        orders = list(here.orders)
        orders[index] = replace(orders[index], **more)
        return replace(here, orders=tuple(orders))

    return change


def without_row(index: int) -> Callable[[Any], Any]:
    return lambda here: replace(here, orders=here.orders[:index] + here.orders[index + 1 :])


CASES: list[tuple[str, Callable[[Any], Any], str]] = [
    ("positions", lambda here: replace(here, positions=()), "is 0.010 at the exchange, and 0 here"),
    (
        "missing orders",
        without_row(1),
        "works at the exchange (STOP_MARKET), and is not known here",
    ),
    (
        "missing orders",
        with_row(1, status="CANCELED"),
        "works at the exchange, and is CANCELED here",
    ),
    ("quantities", with_row(1, quantity=Decimal("0.020")), "and of 0.020 here"),
    ("filled", with_row(2, filled=Decimal("0.001")), "and 0.001 here"),
    ("prices", with_row(2, price=Decimal(57000)), "and 57000 here"),
    ("triggers", with_row(1, trigger_price=Decimal(58000)), "and at 58000 here"),
    ("triggers", with_row(1, trigger_price=None), "and at None here"),
    ("sides", with_row(1, reduce_only=False), "reduce-only at one place alone"),
    ("sides", with_row(2, side="SELL"), "has another side"),
    ("strangers", with_row(3, status="ACCEPTED"), "which is not this node's, is ACCEPTED here"),
    ("limbo", with_row(2, status="SUBMITTED"), "it is SUBMITTED"),
    ("limbo", with_row(2, status="PENDING_CANCEL"), "it is PENDING_CANCEL"),
    ("missing fills", with_row(0, trade_ids=("11",)), "Trade 12 of the order"),
    ("made-up fills", with_row(0, trade_ids=("11", "12", "made-up")), "Trade made-up"),
    ("wallet", lambda here: replace(here, balances=()), "and 0 here"),
]


ENDED = "ended orders"
"""The one that is seen in what the exchange says, and not in what the engine has."""


def test_what_is_the_same_is_no_difference() -> None:
    assert audit(rows(), record()) == []


@pytest.mark.parametrize(("name", "change", "words"), CASES)
def test_each_difference_has_its_sentence(
    name: str, change: Callable[[Any], Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sentence] = audit(change(rows()), record())
    assert words in sentence
    # And nothing else would have found it.
    monkeypatch.delitem(module("guards.comparisons").COMPARISONS, name)
    assert audit(change(rows()), record()) == []


def test_no_comparison_is_left_out() -> None:
    names = {name for name, _, _ in CASES} | {ENDED}
    assert names == set(module("guards.comparisons").COMPARISONS)


def test_an_order_that_the_exchange_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    there = record()
    ended = replace(there.orders[1], status="CANCELED")
    there = replace(there, orders=(there.orders[0], ended, there.orders[2]))
    [sentence] = audit(rows(), there)
    assert "is ACCEPTED here, and does not work at the exchange" in sentence
    monkeypatch.delitem(module("guards.comparisons").COMPARISONS, ENDED)
    assert audit(rows(), there) == []


def test_a_stop_that_has_triggered_is_two_records_of_one_order() -> None:
    there, here = record(), rows()
    sold = {"exchange_order_id": "5", "side": "SELL", "at_ms": 2_500}
    there = replace(
        there,
        orders=(
            there.orders[0],
            replace(there.orders[1], status="FINISHED", triggered_order_id="5"),
            there.orders[2],
            order(STOP, "5", side="SELL", reduce_only=True),
        ),
        trades=(*there.trades, trade("13", quantity=Decimal("0.010"), **sold)),
        positions=(),
    )
    stop = {"status": "FILLED", "filled": Decimal("0.010"), "trade_ids": ("13",)}
    here = replace(with_row(1, **stop)(here), positions=())
    assert audit(here, there) == []
    [sentence] = audit(with_row(1, trade_ids=("99",))(here), there)
    assert "Trade 99" in sentence


def test_fills_older_than_what_was_asked_for_are_not_called_made_up() -> None:
    there = replace(record(), since_ms={"BTCUSDT": 2_001}, positions=(), trades=())
    here = replace(rows(), positions=())
    assert audit(here, there) == []


def test_what_is_somebody_else_s_is_named_and_no_difference() -> None:
    there = record()
    other = module("venue.records").PositionRecord("ETHUSDT", Decimal(1), Decimal(3000))
    stray = order("web_1", "7", status="NEW", filled=Decimal(0), type="LIMIT")
    there = replace(there, positions=(*there.positions, other), orders=(*there.orders, stray))
    assert audit(rows(), there) == []
    position, left = module("guards.audit").foreign(there, {OWNER}, ["BTCUSDT"])
    assert "holds 1 ETHUSDT" in position
    assert "web_1" in left


async def test_a_difference_counts_when_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = module("guards.audit")
    monkeypatch.setattr(guard, "AGREE_SECONDS", 0.1)
    monkeypatch.setattr(guard, "PAUSE_SECONDS", 0.05)
    wrong = replace(rows(), positions=())

    async def ask() -> Any:
        return record()

    passing = iter([wrong, rows()])
    found = await guard.audit(ask, lambda: next(passing), {OWNER}, ["BTCUSDT"])
    assert (found.differences, found.foreign) == ([], [])
    found = await guard.audit(ask, lambda: wrong, {OWNER}, ["BTCUSDT"])
    assert len(found.differences) == 1


def rows_of(state: dict[str, Any]) -> Any:
    """Return what an engine has, from the document of ``/state``."""
    names = module("plan.rows")

    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    amounts = ("quantity", "filled", "price", "trigger_price")
    orders = [
        names.OrderRow(
            **{key: number(told[key]) if key in amounts else told[key] for key in told}
            | {"trade_ids": tuple(told["trade_ids"])}
        )
        for told in state["orders"]
    ]
    positions = [
        names.PositionRow(told["symbol"], Decimal(told["quantity"]), told["strategy_id"])
        for told in state["positions"]
    ]
    balances = [
        names.BalanceRow(told["currency"], *(Decimal(told[k]) for k in ("total", "locked", "free")))
        for told in state["balances"]
    ]
    return names.Rows(tuple(orders), tuple(positions), tuple(balances))


async def test_a_node_that_trades_and_one_that_has_come_back_are_right(
    start: Start, store: Store, exchange: Exchange, environment: dict[str, str]
) -> None:
    names = ("id", "profile", "symbol", "store_url", "exchange_http_url", "exchange_ws_url")
    given = {name: environment[f"TRADER_{name.upper()}"] for name in names}
    settings = module("config.settings").Settings(_env_file=None, **given)
    requests = module("venue.binance.requests").Requests(settings)
    history = module("venue.binance.history")
    node = start()
    node.until("trading")
    state = step_until_position(exchange, node)
    for _ in range(2):
        told = await history.exchange_record(settings, requests, [SYMBOL])
        assert told.positions
        assert audit(rows_of(state), told) == []
        node.kill()
        node = start()
        node.until("trading")
        state = node.settle(last_bar(exchange))
    wrong = rows_of(state | {"positions": []})
    assert audit(wrong, told) != []
    await requests.close()
