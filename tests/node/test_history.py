"""What the exchange says has happened: all of it, and believed only when it agrees."""

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.asking import Asked
from node.baked import module
from node.processes import SYMBOL
from node.relay import Change

AWAY, REFUSED, CONFIGURATION = 75, 70, 78
DAY = 1_440
DAY_MS = 86_400_000


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(tmp_path / "exchange")
    yield asked
    asked.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("exchange") / "shared")
    asked.order("SELL")
    asked.order("BUY", "0.030")
    asked.stop("a-stop", "0.020")
    yield asked
    asked.close()


@pytest.fixture
def held(shared: Asked) -> Iterator[Asked]:
    """An account that holds 0.020 after a short position of 0.010, with a stop."""
    yield shared
    shared.relay.changes.clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module("venue.binance.history"), "AGREE_SECONDS", 0.5)


async def record_of(asked: Asked, **options: Any) -> Any:
    settings = asked.settings()
    requests = module("venue.binance.requests").Requests(settings)
    try:
        history = module("venue.binance.history")
        return await history.exchange_record(settings, requests, [SYMBOL], **options)
    finally:
        await requests.close()


async def end_of(asked: Asked, **options: Any) -> tuple[int, str]:
    with pytest.raises(module("exit_codes").NodeExit) as caught:
        await record_of(asked, **options)
    return int(caught.value.code), str(caught.value.sentence)


async def test_an_account_in_which_nothing_has_happened(asked: Asked) -> None:
    record = await record_of(asked)
    assert (record.orders, record.trades, record.positions) == ((), (), ())
    [balance] = record.balances
    assert (balance.asset, balance.wallet) == ("USDT", Decimal(100_000))
    assert record.weight <= 40


async def test_what_is_held_and_how_it_came(held: Asked) -> None:
    record = await record_of(held)
    [position] = record.positions
    assert (position.symbol, position.quantity) == (SYMBOL, Decimal("0.020"))
    assert [t.quantity for t in record.trades] == [Decimal("0.010"), Decimal("0.030")]
    assert [(o.kind, o.status) for o in record.orders] == [
        ("order", "FILLED"),
        ("order", "FILLED"),
        ("conditional", "NEW"),
    ]
    assert record.orders[2].trigger_price == 40_000


async def test_a_position_that_is_older_than_one_question(asked: Asked) -> None:
    entry = asked.order("BUY")
    asked.stop("a-stop")
    for _ in range(18):
        asked.exchange.post("step", {"bars": DAY})
    record = await record_of(asked)
    assert [t.exchange_order_id for t in record.trades] == [str(entry["orderId"])]
    # The entry is asked for by its number, the stop is among the open ones.
    assert record.orders[0].exchange_order_id == str(entry["orderId"])
    assert record.orders[1].client_order_id == "a-stop"
    assert record.since_ms[SYMBOL] > record.at_ms - 8 * DAY_MS


async def test_an_order_that_ended_long_ago_is_found_by_its_name(asked: Asked) -> None:
    asked.order("BUY", newClientOrderId="entry")
    asked.stop("a-stop")
    asked.exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": "39000"})
    for _ in range(9):
        asked.exchange.post("step", {"bars": DAY})
    assert (await record_of(asked)).orders == ()
    record = await record_of(asked, known={SYMBOL: ["a-stop", "entry", "never-sent"]})
    assert {(o.kind, o.client_order_id, o.status) for o in record.orders} == {
        ("order", "entry", "FILLED"),
        ("conditional", "a-stop", "FINISHED"),
        ("order", "a-stop", "FILLED"),
    }
    # Nine days old, and asked for all the same: without them nobody knew how it had ended.
    assert [t.side for t in record.trades] == ["BUY", "SELL"]
    again = await record_of(asked, since_ms=record.at_ms - 10 * DAY_MS)
    assert len(again.orders) == 3
    assert len(again.trades) == 2


async def test_more_than_one_page(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(12):
        asked.order("BUY")
        asked.order("SELL")
    asked.order("BUY")
    began = asked.exchange.get("hello")["market_epoch"] - DAY_MS
    for name in ("pages", "rows"):
        monkeypatch.setattr(module(f"venue.binance.{name}"), "MOST_ROWS", 5)
    newest = await record_of(asked)
    assert len(newest.trades) == 5
    assert newest.since_ms[SYMBOL] == newest.trades[0].at_ms + 1
    everything = await record_of(asked, since_ms=began)
    assert len({t.trade_id for t in everything.trades}) == len(everything.trades) == 25
    assert len(everything.orders) == 25
    monkeypatch.setattr(module("venue.binance.pages"), "MOST_PAGES", 2)
    bounded = await record_of(asked, since_ms=began)
    assert "Not all of the past of BTCUSDT is looked at" in " ".join(bounded.notes)


def changed(**fields: Any) -> Change:
    """Change every row of a list."""
    return lambda rows: [row | fields for row in rows]


def positions(change: Change) -> Change:
    return lambda account: account | {"positions": change(account["positions"])}


def times(row: dict[str, Any], factor: int) -> dict[str, Any]:
    return row | {"positionAmt": str(factor * Decimal(row["positionAmt"]))}


def nothing(_answer: Any) -> list[Any]:
    return []


def tenfold(rows: list[Any]) -> list[Any]:
    return [times(row, 10) for row in rows]


def without_last(rows: list[Any]) -> list[Any]:
    return rows[:-1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"positionRisk": nothing}, "in one answer that the position of BTCUSDT is 0"),
        ({"positionRisk": tenfold}, "in one answer that the position of BTCUSDT is 0.200"),
        ({"v3/account": positions(nothing)}, "and in another that it is 0"),
        ({"v3/account": positions(tenfold)}, "and in another that it is 0.200"),
        ({"positionRisk": nothing, "v3/account": positions(nothing)}, "do not add up"),
        ({"positionRisk": tenfold, "v3/account": positions(tenfold)}, "do not add up"),
        ({"positionRisk": changed(entryPrice="1")}, "by its trades the price is"),
        ({"userTrades": nothing}, "tells trades of 0"),
        ({"userTrades": without_last}, "tells trades of 0"),
        ({"allOrders": nothing}, "its history does not tell of it yet"),
        ({"allOrders": without_last}, "its history does not tell of it yet"),
        ({"allOrders": nothing, "v1/order": lambda _: (400, {"code": -2013})}, "not of its order"),
        ({"openAlgoOrders": nothing}, "is not among the open orders"),
        ({"allAlgoOrders": nothing}, "its history does not tell of it yet"),
        ({"allOrders": changed(executedQty="0.001")}, "0.001 of the order"),
    ],
)
async def test_answers_that_contradict_each_other(
    held: Asked, impatient: None, changes: dict[str, Change], words: str
) -> None:
    held.relay.changes.update(changes)
    code, sentence = await end_of(held)
    assert code == REFUSED
    assert words in sentence
    assert "look at the account" in sentence


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("positionRisk", changed(positionAmt="1e308")),
        ("positionRisk", changed(positionAmt="NaN")),
        ("positionRisk", changed(positionAmt="0.010abc")),
        ("positionRisk", changed(positionAmt=0.01)),
        ("positionRisk", changed(positionAmt=None)),
        ("positionRisk", changed(symbol=["BTCUSDT"])),
        ("positionRisk", changed(positionSide="LONG")),
        ("positionRisk", lambda rows: rows * 2),
        ("positionRisk", lambda rows: rows * 3_000),
        ("positionRisk", lambda _: {}),
        ("positionRisk", lambda _: [[]]),
        ("v3/account", lambda _: []),
        ("v3/account", lambda account: account | {"assets": None}),
        ("v3/account", lambda account: account | {"assets": [{"asset": "USDT"}]}),
        ("allOrders", changed(symbol="ETHUSDT")),
        ("allOrders", changed(status="LOST")),
        ("allOrders", changed(side="LONG")),
        ("allOrders", changed(origQty="-0.010")),
        ("allOrders", changed(executedQty="9")),
        ("allOrders", changed(orderId="first")),
        ("allOrders", changed(orderId=True)),
        ("allOrders", changed(time=-1)),
        ("allOrders", changed(updateTime=10**15)),
        ("allOrders", changed(clientOrderId="x" * 65)),
        ("allOrders", changed(clientOrderId="\u0000")),
        ("allOrders", lambda rows: rows * 501),
        ("allAlgoOrders", changed(triggerPrice="Infinity")),
        ("allAlgoOrders", changed(reduceOnly="false")),
        ("userTrades", changed(qty="1e-400")),
        ("userTrades", changed(qty="0")),
        ("userTrades", changed(price="1" * 400)),
        ("userTrades", changed(id=None)),
        ("openOrders", lambda _: "none"),
    ],
)
async def test_nonsense(held: Asked, impatient: None, path: str, change: Change) -> None:
    held.relay.changes[path] = change
    code, sentence = await end_of(held)
    assert code == REFUSED
    assert sentence.startswith("The exchange")
    assert "not believed" in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, b"<html>", AWAY),
        (502, b"", AWAY),
        (200, b"", REFUSED),
        (200, b'[{"positionAmt": NaN}]', REFUSED),
        (200, b"[" * 100_000, REFUSED),
        (429, b'{"code":-1003,"msg":"Too many requests."}', AWAY),
        (401, b'{"code":-2015,"msg":"Invalid API-key."}', CONFIGURATION),
    ],
)
async def test_no_answer(held: Asked, impatient: None, status: int, body: bytes, code: int) -> None:
    held.relay.changes["positionRisk"] = lambda _: (status, body)
    assert (await end_of(held))[0] == code


async def test_an_answer_that_does_not_end(
    held: Asked, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("venue.binance.requests"), "MOST_BYTES", 10_000)
    held.relay.changes["positionRisk"] = lambda _: b" " * 10_001
    code, sentence = await end_of(held)
    assert code == REFUSED
    assert "10,000 bytes" in sentence


@pytest.mark.parametrize(
    "requests",
    [
        ("orders.all",),
        ("trades.all",),
        ("positions.read",),
        ("account.read",),
        ("orders.all", "trades.all"),
        ("order.query", "orders.all", "trades.all", "positions.read"),
    ],
)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_history_that_lags(asked: Asked, requests: tuple[str, ...], side: str) -> None:
    """Two round trips before, so that a trade that is not told leaves a plausible past."""
    for each in ("BUY", "SELL", "SELL", "BUY"):
        asked.order(each)
        asked.exchange.post("step", {"bars": 3})
    if side == "SELL":
        asked.order("BUY")
    for name in requests:
        stale = {"name": "stale", "match": {"request": name}, "times": 3}
        asked.exchange.post("faults", stale)
    asked.exchange.post("step", {"bars": 3})
    asked.order(side)
    lines: list[str] = []
    record = await record_of(asked, warn=lines.append)
    assert lines, "nothing was noticed"
    assert len(record.trades) == (5 if side == "BUY" else 6)
    assert [str(p.quantity) for p in record.positions] == (["0.010"] if side == "BUY" else [])


async def test_a_history_that_lags_for_good_is_refused(asked: Asked, impatient: None) -> None:
    stale = {"name": "stale", "match": {"request": "positions.read"}, "times": 1_000}
    asked.exchange.post("faults", stale)
    asked.order("BUY")
    started = time.monotonic()
    code, sentence = await end_of(asked)
    assert code == REFUSED
    assert "It did not agree within" in sentence
    assert time.monotonic() - started < 5
