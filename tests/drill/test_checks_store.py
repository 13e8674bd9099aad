"""The store's content: spoiled histories and the check that names each; and what is allowed."""

from typing import Any

import pytest
from msgspec.structs import replace

from drill.evidence_builder import (
    SECOND,
    broken,
    eventful,
    fault,
    look,
    looked_at,
    sound_journal,
)
from recovery_drill.record.evidence import Evidence

ENTRY, STOP = "EMA001-1704085259-E0", "EMA001-1704085259-S0"
HOLDS, KEEPS = "store-holds-what-node-holds", "store-keeps-what-it-has"
BEHIND = "The store does not have order EMA001-1704085259-S0."


def looks(after: dict[str, Any], **changes: Any) -> Evidence:
    """Return a history with a look before a restart and one after it."""
    second = look(**{"when": "after restart 1", "mono_ns": 16 * SECOND, **after})
    return eventful(store_looks=(look(), second), **changes)


SPOILED = [
    pytest.param(
        looks({"behind": BEHIND}),
        HOLDS,
        f"The store did not have within 5 s what the node has after restart 1: {BEHIND}",
        id="store-behind",
    ),
    pytest.param(
        looks({"behind": BEHIND, "mono_ns": 31 * SECOND}),
        HOLDS,
        f"The store did not have within 5 s what the node has after restart 1: {BEHIND}",
        id="store-never-caught-up",
    ),
    pytest.param(
        looks({"keys": []}),
        KEEPS,
        "The store had general:EMA-001.memory before kill 1, and no longer does after restart 1.",
        id="memory-gone",
    ),
    pytest.param(
        looks({"orders": {STOP: look().orders[STOP]}}),
        KEEPS,
        f"The store had order {ENTRY} before kill 1, and no longer does after restart 1.",
        id="order-gone",
    ),
    pytest.param(
        looks({"orders": {**look().orders, ENTRY: [["OrderInitialized"]]}}),
        KEEPS,
        f"The store had OrderInitialized, OrderFilled 1 0.010 BUY of order {ENTRY}, which had "
        "ended, before kill 1, and has OrderInitialized after restart 1.",
        id="event-gone",
    ),
]


def test_the_store_is_not_judged_while_something_is_done_to_it() -> None:
    for at in (20, 25, 30):
        found = looks({"behind": BEHIND, "mono_ns": at * SECOND})
        assert HOLDS not in broken(found), at
        assert looked_at(found)[HOLDS] == 1


def test_a_fault_of_something_else_excuses_no_store() -> None:
    found = looks({"behind": BEHIND, "mono_ns": 25 * SECOND}, faults=(fault(of_store=False),))
    assert HOLDS in broken(found)


def test_what_the_store_had_before_it_was_disturbed_is_not_asked_for() -> None:
    found = looks({"keys": [], "orders": {}, "positions": {}, "mono_ns": 36 * SECOND})
    assert looked_at(found)[KEEPS] == 0


def test_events_may_be_added_to_an_order_that_has_ended() -> None:
    more = [*look().orders[ENTRY], ["OrderUpdated"]]
    assert KEEPS not in broken(looks({"orders": {**look().orders, ENTRY: more}}))


def test_what_an_order_that_is_open_looks_like_may_change() -> None:
    orders = {**look().orders, STOP: [["OrderInitialized"], ["OrderAccepted"]]}
    assert KEEPS not in broken(looks({"orders": orders}))


def test_an_order_that_never_reached_the_exchange_may_be_cleared_away() -> None:
    unsent = look(orders={**look().orders, "EMA001-1704085319-E0": [["OrderInitialized"]]})
    after = look(when="after restart 1", mono_ns=16 * SECOND)
    found = eventful(store_looks=(unsent, after), journal=tuple(sound_journal().records))
    assert KEEPS not in broken(found)


def test_only_a_fault_of_the_store_excuses_what_it_forgot() -> None:
    other = fault(name="exchange.slow", began_ns=10 * SECOND, ended_ns=11 * SECOND, of_store=False)
    assert KEEPS in broken(looks({"keys": []}, faults=(other, fault())))


def test_an_order_that_ended_between_two_looks_was_open_at_the_first() -> None:
    journal = sound_journal().stop("closed", status="CANCELED")
    orders = {**look().orders, STOP: [["OrderInitialized"], ["OrderCanceled"]]}
    first = look(mono_ns=5 * SECOND)
    after = look(when="after restart 1", mono_ns=16 * SECOND, orders=orders)
    records = tuple(journal.records)
    assert KEEPS not in broken(eventful(store_looks=(first, after), journal=records))
    assert KEEPS in broken(eventful(store_looks=(look(), after), journal=records))


INVENTED = [["OrderInitialized"], ["OrderFilled", "S-1", "0.010", "BUY"]]
REAL = [["OrderInitialized"], ["OrderFilled", "1", "0.010", "BUY"]]


def given_way(had: list[Any], has: list[Any]) -> Evidence:
    first = look(orders={**look().orders, ENTRY: had})
    after = look(when="after restart 1", mono_ns=16 * SECOND, orders={**look().orders, ENTRY: has})
    return eventful(store_looks=(first, after))


def test_a_fill_that_was_never_made_may_give_way_to_the_one_that_was() -> None:
    assert KEEPS not in broken(given_way(INVENTED, REAL))


@pytest.mark.parametrize(
    ("had", "has"),
    [
        pytest.param(REAL, INVENTED, id="a-real-one-for-an-invented-one"),
        pytest.param(INVENTED, [*INVENTED[:1], ["OrderFilled", "S-2", "0.010", "BUY"]], id="both"),
        pytest.param(REAL, REAL[:1], id="a-real-one-is-gone"),
    ],
)
def test_no_fill_that_was_made_gives_way(had: list[Any], has: list[Any]) -> None:
    assert KEEPS in broken(given_way(had, has))


def archived(days: float, **changes: Any) -> Evidence:
    """Return a history in which a closed order's entry is gone, so many days after it ended."""
    journal = sound_journal().stop("closed", status="CANCELED").records
    last = [r for r in journal if r.data.get("client_order_id") == ENTRY][-1]
    assert last.market_ms is not None
    later = replace(journal[-1], market_ms=last.market_ms + round(days * 86_400_000))
    later = replace(later, kind="bar.closed", data={}, mono_ns=15 * SECOND)
    after = look(when="after restart 1", mono_ns=16 * SECOND, orders={STOP: look().orders[STOP]})
    return eventful(store_looks=(look(), after), journal=(*journal, later), **changes)


def test_what_ended_long_ago_may_have_left_for_an_archive() -> None:
    flat = archived(7.1, snapshots=())
    assert KEEPS not in broken(flat)


def test_what_the_exchange_still_tells_of_must_not_have_left() -> None:
    assert KEEPS in broken(archived(6.9, snapshots=()))


def test_what_is_held_must_not_have_left_however_old_it_is() -> None:
    assert KEEPS in broken(archived(100))
