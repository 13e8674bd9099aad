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
    looked_at,
    node_order,
    node_stop,
    snapshot,
    state,
)
from recovery_drill.evidence import Evidence

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
