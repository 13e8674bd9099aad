"""Orders that are refused again and again: the node waits, longer each time, and says so."""

from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from node.conftest import Start
from node.processes import Exchange, Store
from node.test_trading import MOST_BARS, last_bar, step

BAR = 60_000
FIRST = 1_704_085_259_999
MOST_ENTRIES = 2
"""In a dozen bars in which every stop is refused."""


@pytest.fixture
def rooms(importable: str) -> Any:
    """The module under test."""
    return import_module(f"{importable}.life.refusals")


def close(bars: int) -> int:
    """Return the close of a later bar."""
    return FIRST + bars * BAR


def test_refused_stops_keep_it_from_opening_longer_each_time(rooms: Any) -> None:
    stop = rooms.Leg.STOP
    refusals = rooms.Refusals("BTCUSDT", BAR)
    assert refusals.may_open(FIRST)
    refusals.refused(stop, FIRST, "-4045 too many stop orders")
    assert refusals.may_open(FIRST), "the decision itself may go on with its next attempt"
    assert [refusals.may_open(close(n)) for n in range(1, 5)] == [False, False, False, True]
    assert refusals.told(close(1)) == (
        "The exchange refuses stops of BTCUSDT: -4045 too many stop orders. "
        "Cancel stop orders that are not wanted any more."
    )
    assert refusals.told(close(4)) == ""
    refusals.refused(stop, close(4), "-4045 too many stop orders")
    assert next(n for n in range(5, 30) if refusals.may_open(close(n))) == 4 + 16
    refusals.taken(stop)
    assert refusals.may_open(close(5))
    assert refusals.told(close(5)) == ""


def test_one_refused_entry_may_pass(rooms: Any) -> None:
    entry = rooms.Leg.ENTRY
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(entry, FIRST, "-2019 margin")
    assert refusals.may_open(close(1))
    assert refusals.told(FIRST) == "", "it may pass"
    refusals.refused(entry, close(1), "-2019 margin")
    assert refusals.told(close(1)) == (
        "The exchange refuses entries of BTCUSDT: -2019 margin. "
        "Add margin, or trade a smaller quantity."
    )
    assert not refusals.may_open(close(2))


def test_refused_exits_keep_nothing_from_being_closed(rooms: Any) -> None:
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(rooms.Leg.EXIT, FIRST, "-2022 reduce-only")
    assert refusals.may_open(close(1))


def test_a_node_whose_stops_are_refused(start: Start, store: Store, exchange: Exchange) -> None:
    refused = {"name": "fail", "match": {"request": "conditional.new"}, "times": 100_000}
    fault = exchange.post("faults", {**refused, "status": 400, "code": -4045})["id"]
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))

    def entries() -> list[str]:
        rows = exchange.get("ledger")["orders"]
        filled = [r for r in rows if Decimal(r["filled"]) and not r["reduce_only"]]
        return [row["client_order_id"] for row in filled]

    for _ in range(MOST_BARS):
        if entries():
            break
        step(exchange, node)
    assert exchange.position() == "0", "what cannot be protected is closed at once"
    status, health = node.get("health")
    assert (status, health["stage"]) == (503, "degraded")
    assert "The exchange refuses stops of BTCUSDT" in health["reason"]
    [condition] = node.get("state")[1]["conditions"]
    assert condition["symbol"] == "BTCUSDT"
    assert condition["since_ms"] > 0
    for _ in range(11):
        step(exchange, node)
        assert exchange.position() == "0"
    assert len(entries()) <= MOST_ENTRIES
    exchange.release(fault)
    for _ in range(MOST_BARS):
        if exchange.working_stops():
            break
        step(exchange, node)
    assert node.get("health")[0] == 200, "what was refused has been taken"


def test_one_stop_whose_price_was_passed_may_pass(rooms: Any) -> None:
    stop, passed = rooms.Leg.STOP, "{'code': -2021, 'msg': 'Order would immediately trigger.'}"
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(stop, FIRST, passed)
    assert refusals.told(FIRST) == ""
    assert refusals.may_open(close(1))
    refusals.refused(stop, close(1), passed)
    assert "-2021" in refusals.told(close(1))
    assert [refusals.may_open(close(n)) for n in range(2, 6)] == [False, False, False, True]


def adapters_words(code: int) -> str:
    """Return the reason of a refused order as the adapter writes it."""
    return str({"code": code, "msg": "What the exchange says."})


@pytest.mark.parametrize("code", [-1111, -4005])
def test_a_size_that_is_refused_lasts(rooms: Any, code: int) -> None:
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(rooms.Leg.ENTRY, FIRST, adapters_words(code))
    assert next(n for n in range(1, 70) if refusals.may_open(close(n))) == 64
    told = refusals.told(close(1))
    assert told.startswith(
        f"The exchange refuses entries of BTCUSDT: {code} What the exchange says. "
    )
    assert "start" in told, "only a person helps"


def test_a_post_only_order_that_would_trade_is_no_reason_to_wait(rooms: Any) -> None:
    resting, refused = rooms.Leg.RESTING, adapters_words(-5022)
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(resting, FIRST, refused)
    assert refusals.told(FIRST) == "", "a price has moved"
    for bar in range(1, 9):
        assert refusals.may_open(close(bar)), "each bar is another case"
        refusals.refused(resting, close(bar), refused)
        assert refusals.told(close(bar)) == (
            "The exchange refuses resting orders of BTCUSDT: -5022 What the exchange says. "
            "The market was beyond their price, where a post-only order cannot rest."
        )
    refusals.taken(resting)  # one in another slot
    assert refusals.told(close(8))
    assert refusals.told(close(9)) == ""
    refusals.refused(resting, close(12), refused)
    assert refusals.told(close(12)) == "", "once again a price has moved"


@pytest.mark.parametrize("code", [-4131, -4016, -4024])
def test_a_market_beyond_the_band_is_told_with_what_ends_it(rooms: Any, code: int) -> None:
    refusals = rooms.Refusals("BTCUSDT", BAR)
    for bar in range(2):  # one may pass
        assert refusals.may_open(close(bar))
        refusals.refused(rooms.Leg.ENTRY, close(bar), adapters_words(code))
    assert "taken again once it is not" in refusals.told(close(1))
    assert [refusals.may_open(close(bar)) for bar in (2, 6)] == [False, True]


def test_a_refused_time_may_pass(rooms: Any) -> None:
    refusals = rooms.Refusals("BTCUSDT", BAR)
    refusals.refused(rooms.Leg.STOP, FIRST, adapters_words(-1021))
    assert refusals.may_open(close(1))
    assert refusals.told(close(1)) == ""


@pytest.mark.parametrize(
    ("code", "watch"),
    [(-1021, "clock"), (-2015, "account"), (-2022, "account"), (-4140, "symbols"), (-4164, "")],
)
def test_a_refusal_wakes_the_watch_that_knows_more(importable: str, code: int, watch: str) -> None:
    refusals: Any = import_module(f"{importable}.venue.binance.order_refusals")
    watches = {each.name for each in import_module(f"{importable}.guards").WATCHES}
    found = refusals.refusal_for(adapters_words(code)).watch
    assert found == watch
    assert found in watches | {""}


def test_a_denial_of_the_engine_has_no_code(importable: str) -> None:
    refusals: Any = import_module(f"{importable}.venue.binance.order_refusals")
    denied = "NOTIONAL_LESS_THAN_MIN_FOR_INSTRUMENT: min_notional=100.00, notional=12.34"
    assert refusals.refusal_for(denied) == refusals.UNKNOWN
    assert refusals.words_of(denied) == denied
