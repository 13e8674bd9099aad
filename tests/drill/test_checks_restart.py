"""Restarts in which nothing happened: spoiled histories, and what is allowed."""

from dataclasses import replace
from typing import Any

import pytest

from drill.evidence_builder import (
    SECOND,
    Journal,
    broken,
    eventful,
    fault,
    ledger,
    look,
    looked_at,
    node_order,
    node_stop,
    snapshot,
    sound_journal,
    state,
)
from recovery_drill.record.evidence import Evidence, trimmed

OLD = node_order(client_order_id="EMA001-1704080000-E0", trade_ids=["0"])
CHECK = "restart-changes-nothing"


def restarted(before: dict[str, Any], after: dict[str, Any], **changes: Any) -> Evidence:
    """Return a history with one restart between two states of the node."""
    return eventful(
        snapshots=(
            snapshot(when="before kill 1", state=state(**before), mono_ns=8 * SECOND),
            snapshot(state=state(**after), mono_ns=15 * SECOND),
        ),
        **changes,
    )


FORGOTTEN = {"orders": [node_order(), node_stop()]}
CANCELLED = node_stop(client_order_id="EMA001-1704080000-S0", status="CANCELED")


@pytest.mark.parametrize(("caught_up", "breaks"), [(2, False), (9, True)])
def test_what_was_closed_may_be_lost_until_the_store_has_caught_up(
    caught_up: int, breaks: bool
) -> None:
    """The store is away until the sixth second; the node is at rest in the eighth, and restarts."""
    found = restarted(
        {"orders": [node_order(), node_stop(), CANCELLED]},
        FORGOTTEN,
        faults=(fault(began_ns=5 * SECOND, ended_ns=6 * SECOND),),
        store_looks=(look(mono_ns=caught_up * SECOND),),
    )
    assert (CHECK in broken(found)) == breaks


SPOILED = [
    pytest.param(
        restarted({}, {"positions": []}),
        CHECK,
        "The node held 0.010 BTCUSDT of EMA-001 before the restart and holds no BTCUSDT after "
        "restart 1, while nothing changed on the exchange.",
        id="position-lost-in-the-restart",
    ),
    pytest.param(
        restarted({}, {"orders": [node_order(), node_stop(status="CANCELED")]}),
        CHECK,
        "Order EMA001-1704085259-S0 was ACCEPTED, 0 filled in the node before the restart and is "
        "CANCELED, 0 filled after restart 1, while nothing changed on the exchange.",
        id="order-closed",
    ),
    pytest.param(
        restarted({}, {"orders": [node_order(trade_ids=["1", "S-1"]), node_stop()]}),
        CHECK,
        "Order EMA001-1704085259-E0 was FILLED, 0.010 filled in 1 in the node before the restart "
        "and is FILLED, 0.010 filled in 1, S-1 after restart 1, while nothing changed on the "
        "exchange.",
        id="fill-added-in-the-restart",
    ),
    pytest.param(
        restarted({"orders": [OLD, node_order(), node_stop()]}, {}),
        CHECK,
        "Order EMA001-1704080000-E0 was FILLED, 0.010 filled in 0 in the node before the restart "
        "and is unknown after restart 1, while nothing changed on the exchange.",
        id="closed-order-forgotten",
    ),
    pytest.param(
        restarted({}, {"orders": [OLD, node_order(), node_stop()]}),
        CHECK,
        "Order EMA001-1704080000-E0 was unknown in the node before the restart and is FILLED, "
        "0.010 filled in 0 after restart 1, while nothing changed on the exchange.",
        id="order-made-up",
    ),
]


def test_an_order_that_had_not_reached_the_exchange_may_be_settled() -> None:
    unsent = node_order(client_order_id="E9", status="INITIALIZED", filled="0", trade_ids=[])
    for after in ([node_order(), node_stop()], [node_order(), node_stop(), unsent]):
        found = restarted({"orders": [node_order(), node_stop(), unsent]}, {"orders": after})
        assert CHECK not in broken(found)


def test_where_something_happened_on_the_exchange_nothing_is_compared() -> None:
    journal = Journal().holds("0")
    found = restarted({}, {"positions": []}, journal=tuple(journal.records))
    moved = eventful(
        snapshots=(
            snapshot(ledger=ledger(seq=0), mono_ns=8 * SECOND),
            *found.snapshots[1:],
        ),
        journal=tuple(journal.records),
    )
    assert CHECK in broken(found)
    assert looked_at(moved)[CHECK] == 0


def test_a_node_that_lost_its_store_need_not_know_what_has_ended() -> None:
    lost = fault(name="store.flush", began_ns=10 * SECOND, ended_ns=11 * SECOND, must_notice=False)
    found = restarted({"orders": [OLD, node_order(), node_stop()]}, {}, faults=(lost, fault()))
    assert CHECK not in broken(found)
    assert looked_at(found)[CHECK] == 3


def test_a_rival_s_start_is_no_restart() -> None:
    lives = eventful().lives
    found = restarted(
        {}, {"positions": []}, lives=(lives[0], *(replace(life, rival=True) for life in lives[1:]))
    )
    assert looked_at(found)[CHECK] == 0


def test_a_takeover_is_a_restart() -> None:
    first, second, third = eventful().lives
    beside = replace(second, started_ns=SECOND, turn_ns=11 * SECOND, rival=True)
    found = restarted({}, {"positions": []}, lives=(first, beside, third))
    assert CHECK in broken(found)


def test_a_market_that_moved_on_is_no_change_of_the_exchange() -> None:
    journal = sound_journal().add("market.price", symbol="BTCUSDT", price="60010")
    before = snapshot(ledger=ledger(seq=6), mono_ns=8 * SECOND)
    after = snapshot(state=state(positions=[]), ledger=ledger(seq=7), mono_ns=15 * SECOND)
    found = eventful(snapshots=(before, after), journal=tuple(journal.records))
    assert CHECK in broken(found)


def test_a_node_that_does_not_answer_is_not_compared() -> None:
    silent, sound = snapshot(state=None, mono_ns=8 * SECOND), snapshot(mono_ns=15 * SECOND)
    assert looked_at(eventful(snapshots=(silent, sound)))[CHECK] == 0
    last = replace(silent, mono_ns=40 * SECOND)
    assert looked_at(eventful(snapshots=(sound, last)))[CHECK] == 0


def test_a_fault_of_something_else_lets_no_order_be_forgotten() -> None:
    other = fault(name="exchange.slow", began_ns=10 * SECOND, ended_ns=11 * SECOND, of_store=False)
    found = restarted(
        {"orders": [OLD, node_order(), node_stop()]}, {}, faults=(other, *eventful().faults)
    )
    assert CHECK in broken(found)


@pytest.mark.parametrize("trimmed_one", [0, 1])
def test_closed_orders_that_a_snapshot_left_out_are_not_missed(trimmed_one: int) -> None:
    whole = {"orders": [OLD, node_order(), node_stop()]}
    found = restarted(whole, whole)
    snapshots = list(found.snapshots)
    snapshots[trimmed_one] = trimmed(snapshots[trimmed_one])
    assert CHECK not in broken(replace(found, snapshots=tuple(snapshots)))
