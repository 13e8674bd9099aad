"""What a line's orders have come to: exits, and how long nothing is opened after a stop-out."""

from importlib import import_module
from typing import Any

import pytest

FIRST = 1_704_085_259_999
BAR = 60_000
OWNER = "1jnoyl7h"


@pytest.fixture
def rooms(importable: str) -> Any:
    """A way to the package's modules."""
    return lambda name: import_module(f"{importable}.{name}")


def order_id(rooms: Any, leg: str, bar: int = 0, slot: int | None = None) -> Any:
    """Return the id of an order of a decision."""
    ids = rooms("plan.order_ids")
    return ids.parse(ids.make(OWNER, FIRST + bar * BAR, ids.Leg(leg), 0, slot))


@pytest.mark.parametrize("at_ms", [1, BAR - 1, BAR])
def test_nothing_is_opened_for_so_many_bars_after_a_stop_out(rooms: Any, at_ms: int) -> None:
    past = rooms("life.past").Past(OWNER, 3 * BAR)
    assert past.has_cooled_down(FIRST)
    past.filled(order_id(rooms, "S"), FIRST + at_ms)
    cooled = [past.has_cooled_down(FIRST + bar * BAR) for bar in range(6)]
    assert cooled == [False, False, False, False, True, True]


def test_only_a_stop_out_has_to_cool_down(rooms: Any) -> None:
    past = rooms("life.past").Past(OWNER, 3 * BAR)
    past.filled(order_id(rooms, "T"), FIRST + 1)
    past.filled(order_id(rooms, "X"), FIRST + 1)
    assert past.has_cooled_down(FIRST + BAR)


def test_without_a_cool_down_the_next_bar_may_open(rooms: Any) -> None:
    past = rooms("life.past").Past(OWNER, 0)
    past.filled(order_id(rooms, "S"), FIRST + 1)
    assert past.has_cooled_down(FIRST + BAR)


def test_a_restart_changes_nothing(rooms: Any) -> None:
    """What the exchange tells on the way up is what the events have told before."""
    orders, target = rooms("venue.binance.orders"), rooms("plan.target")
    lived, again = (rooms("life.past").Past(OWNER, 3 * BAR) for _ in range(2))
    exits = {}
    lived.filled(order_id(rooms, "S", 0), FIRST + 1)
    exits[str(order_id(rooms, "S", 0))] = target.Exit(target.ExitReason.STOP, FIRST + 1)
    for bar in range(40):
        name, at_ms = order_id(rooms, "X", bar), FIRST + bar * BAR + 7
        lived.filled(name, at_ms)
        exits[str(name)] = target.Exit(target.ExitReason.DECISION, at_ms)
    again.take(orders.OrderHistory({}, dict(reversed(exits.items()))))
    assert lived.exits == again.exits
    assert len(lived.exits) == rooms("life.past").MOST_EXITS
    assert lived.last_exit_ms == again.last_exit_ms == FIRST + 1


def row(name: Any, status: str, filled: str, at_ms: int, number: int) -> dict[str, Any]:
    """Return an order as the exchange tells it."""
    return {
        "clientOrderId": str(name), "status": status, "executedQty": filled,
        "updateTime": at_ms, "orderId": number,
    }  # fmt: skip


def test_what_was_cancelled_in_part_has_filled_when_its_trade_was(rooms: Any) -> None:
    """Not when it was cancelled, which comes later and may be in another bar."""
    orders = rooms("venue.binance.orders")
    profit, resting = order_id(rooms, "T"), order_id(rooms, "R", slot=3)
    rows = [
        row(profit, "CANCELED", "0.004", FIRST + BAR, 1),
        row(resting, "CANCELED", "0.001", FIRST + BAR, 2),
        row(order_id(rooms, "X"), "FILLED", "0.006", FIRST + 9, 3),
    ]
    trades = [
        {"orderId": 1, "time": FIRST + 5}, {"orderId": 1, "time": FIRST + 8},
        {"orderId": 2, "time": FIRST + 6}, {"orderId": 3, "time": FIRST + 2},
    ]  # fmt: skip
    found = orders.read_history([], rows, OWNER, trades)
    assert found.exits[str(profit)].at_ms == FIRST + 8
    assert found.exits[str(order_id(rooms, "X"))].at_ms == FIRST + 9
    assert found.slot_fills == {3: FIRST + 6}
