"""What is read back from a history: what the checks are given, of this drill and of older ones."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from drill.evidence_builder import (
    BAR,
    POLICY,
    SECOND,
    eventful,
    flat_ledger,
    ledger,
    snapshot,
    state,
)
from recovery_drill.record.evidence import Evidence, FaultSpan, LateWait
from recovery_drill.record.health import HealthLook
from recovery_drill.record.model import Record, StoredEvent, StoredFill
from recovery_drill.record.rebuild import from_records
from recovery_drill.store.view import StoreView, caught_up, store_look_data

ENTRY = "EMA001-1704085259-E0"
POSITION = "BTCUSDT-PERP.BINANCE-EMA-001"


def read(*rows: tuple[int, str, dict[str, Any]]) -> Evidence:
    """Return the evidence of records, each with its second, kind and data."""
    history = [
        Record(1, number, second * SECOND, 0, BAR, "drill", kind, data)
        for number, (second, kind, data) in enumerate(rows, start=1)
    ]
    return from_records(POLICY, history, ())


def test_a_look_at_the_store_keeps_what_the_checks_ask_for() -> None:
    filled = {"type": "OrderFilled", "trade_id": "1", "last_qty": "0.010", "order_side": "BUY"}
    view = StoreView(
        orders={ENTRY: ({"type": "OrderInitialized", "quantity": "0.010"}, filled)},
        positions={POSITION: (filled,)},
        keys=("general:EMA-001.memory",),
    )
    data = msgspec.json.decode(msgspec.json.encode(store_look_data(view, "at rest", "It lags.")))
    (found,) = read((9, "store.look", data)).store_looks
    assert (found.when, found.behind, found.mono_ns) == ("at rest", "It lags.", 9 * SECOND)
    assert found.orders[ENTRY] == (
        StoredEvent("OrderInitialized"),
        StoredEvent("OrderFilled", "1", Decimal("0.010"), "BUY"),
    )
    held = {POSITION: (StoredFill("1", "BUY", Decimal("0.010")),)}
    assert (found.positions, found.keys) == (held, view.keys)
    assert (found.position("BTCUSDT"), found.position("BTCUSD")) == (Decimal("0.010"), Decimal(0))


def test_a_stage_that_is_noted_before_the_start_belongs_to_that_life() -> None:
    (life,) = read(
        (2, "node.stage", {"number": 1, "stage": "preflight"}),
        (1, "node.started", {"number": 1, "pid": 7}),
    ).lives
    assert (life.pid, life.stages) == (7, (("preflight", 2 * SECOND),))


def test_faults_are_paired_by_name_and_the_last_may_have_no_end() -> None:
    began = {"must_notice": True, "store": False}
    found = read(
        (1, "fault.began", {"name": "store.slow", **began, "store": True}),
        (2, "fault.began", {"name": "exchange.silent", **began}),
        (3, "fault.ended", {"name": "store.slow"}),
        (4, "fault.began", {"name": "store.slow", **began, "must_notice": False}),
        (5, "fault.ended", {"name": "never.began"}),
    )
    assert found.faults == (
        FaultSpan("store.slow", SECOND, 3 * SECOND, must_notice=True, of_store=True),
        FaultSpan("exchange.silent", 2 * SECOND, None, must_notice=True),
        FaultSpan("store.slow", 4 * SECOND, None),
    )


def test_what_the_node_answered_at_health_is_read_back() -> None:
    told = {"when": "at rest", "status": 503, "stage": "degraded", "wrong": ["It is away."]}
    found = read((9, "health.look", told)).health_looks
    assert found == (HealthLook("at rest", 503, "degraded", ("It is away.",)),)


def test_lives_tell_what_they_said_and_whether_they_were_rivals() -> None:
    found = read(
        (1, "node.started", {"number": 1, "pid": 7}),
        (2, "node.started", {"number": 2, "pid": 8, "rival": True}),
        (3, "node.ended", {"number": 2, "code": 75, "how": "by itself", "said": "It is taken."}),
    )
    first, second = found.lives
    assert (first.rival, first.said, second.rival, second.said) == (
        False,
        None,
        True,
        "It is taken.",
    )


def test_lives_tell_whose_turn_it_was_and_when_they_stood_still() -> None:
    found = read(
        (1, "node.started", {"number": 1, "pid": 7}),
        (2, "node.started", {"number": 2, "pid": 8, "rival": True}),
        (3, "node.paused", {"number": 1}),
        (4, "node.turn", {"number": 2, "from": 1}),
        (5, "node.resumed", {"number": 1}),
        (6, "node.paused", {"number": 1}),
    )
    first, second = found.lives
    assert (first.due_ns, first.replaced_ns) == (SECOND, 4 * SECOND)
    assert first.pauses == ((3 * SECOND, 5 * SECOND), (6 * SECOND, None))
    assert (second.due_ns, second.replaced_ns, second.pauses) == (4 * SECOND, None, ())
    assert second.rival
    assert not second.only_beside


def test_crash_points_and_an_end_on_purpose_are_read() -> None:
    point = {"boundary": "stage reconcile, reached", "nth": 1, "life": 1}
    found = read((1, "crash.point", point), (2, "ended.early", {}))
    assert found.crash_points == ("stage reconcile, reached",)
    assert found.ended_early


def test_snapshots_and_waits_have_the_time_of_their_record() -> None:
    data = msgspec.to_builtins(snapshot())
    found = read((8, "snapshot", data), (9, "unsettled", {"what": "it waits"}))
    assert found.snapshots == (snapshot(mono_ns=8 * SECOND),)
    assert found.unsettled == (LateWait("it waits", 9 * SECOND),)


def test_what_a_node_has_left_is_read() -> None:
    left = snapshot(when="after it has ended", state=None)
    assert read((8, "left", msgspec.to_builtins(left))).left == (replace(left, mono_ns=8 * SECOND),)


def test_a_history_of_an_older_drill_is_read_and_has_nothing_of_what_came_later() -> None:
    old = msgspec.to_builtins(snapshot())
    del old["mono_ns"]
    found = read(
        (1, "node.started", {"number": 1, "pid": 7}),
        (2, "snapshot", old),
        (3, "store.behind", {"reason": "The store lags."}),
        (4, "node.ended", {"number": 1, "code": 1, "how": "by itself"}),
        (5, "after.stop", msgspec.to_builtins(ledger())),
        (6, "after.stop", msgspec.to_builtins(flat_ledger())),
    )
    assert found.after_stop == flat_ledger(), "the last one is that of the last life"
    assert (found.faults, found.store_looks, found.crash_points) == ((), (), ())
    assert not found.ended_early
    assert found.lives[0].said is None


def test_kills_are_the_lives_that_were_killed() -> None:
    assert [life.number for life in eventful().kills] == [1]


def test_a_store_that_has_not_heard_of_a_position_s_end_has_not_caught_up() -> None:
    bought = {"type": "OrderFilled", "trade_id": "1", "last_qty": "0.010", "order_side": "BUY"}
    sold = {**bought, "trade_id": "2", "order_side": "SELL"}
    flat = state(positions=[], orders=[])
    open_still = StoreView({}, {POSITION: (bought,)})
    assert caught_up(flat, open_still) == (
        f"The store lacks the end of position {POSITION}: it has 0.010 there."
    )
    assert caught_up(flat, StoreView({}, {POSITION: (bought, sold)})) is None
