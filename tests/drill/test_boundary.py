"""Crash points: their names, and how they are learned from records."""

from typing import Any

import pytest

from recovery_drill.record.boundary import PHASES, Boundary, CrashPoint, boundaries
from recovery_drill.record.model import Record


def record(kind: str, mono_ns: int = 1, **data: Any) -> Record:
    return Record(1, 1, mono_ns, 0, None, "exchange", kind, data)


EVENT = {"client_order_id": "A", "delivered": 1}


@pytest.mark.parametrize(
    ("kind", "data", "names"),
    [
        (
            "request",
            {"request": "order.new", "leg": "entry"},
            [f"order.new entry, {phase}" for phase in ("received", "processed", "answered")],
        ),
        (
            "request",
            {"request": "orders.all", "leg": None},
            [f"orders.all, {phase}" for phase in PHASES["request"]],
        ),
        (
            "event",
            {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE", "status": "FILLED", **EVENT},
            [f"ORDER_TRADE_UPDATE TRADE FILLED, {phase}" for phase in ("before", "after")],
        ),
        (
            "event",
            {"event": "ALGO_UPDATE", "execution": None, "status": "NEW", **EVENT},
            ["ALGO_UPDATE NEW, before", "ALGO_UPDATE NEW, after"],
        ),
        (
            "store.unit",
            {"name": "RPUSH positions"},
            ["store RPUSH positions, before", "store RPUSH positions, after"],
        ),
        ("node.stage", {"stage": "reconcile"}, ["stage reconcile, reached"]),
        ("bar.stepped", {"bar": 5}, ["bar, closed"]),
        ("bar.walked", {"bar": 5}, ["bar, walked"]),
        ("order.filled", {"client_order_id": "A"}, []),
    ],
)
def test_a_boundary_is_named_by_what_it_is(
    kind: str, data: dict[str, Any], names: list[str]
) -> None:
    assert [boundary.name for boundary in boundaries([record(kind, **data)])] == names


def test_boundaries_are_counted_in_the_order_of_time() -> None:
    records = [
        record("node.stage", 3, stage="trading"),
        record("node.stage", 1, stage="load"),
        record("node.stage", 2, stage="load"),
    ]
    found = boundaries(records)
    assert [(boundary.what, times) for boundary, times in found.items()] == [
        ("load", 2),
        ("trading", 1),
    ]


def test_an_event_that_nobody_could_be_told_is_no_boundary() -> None:
    event: dict[str, Any] = {"event": "ACCOUNT_UPDATE", "execution": None, "status": None}
    assert not boundaries([record("event", **event, delivered=0)])
    assert boundaries([record("event", **event, delivered=1)])


@pytest.mark.parametrize(
    ("boundary", "gate"),
    [
        (
            Boundary("request", "conditional.new stop", "processed"),
            {"match": {"request": "conditional.new", "leg": "stop"}, "phase": "processed"},
        ),
        (
            Boundary("request", "klines.read", "answered"),
            {"match": {"request": "klines.read"}, "phase": "answered"},
        ),
        (
            Boundary("event", "ORDER_TRADE_UPDATE TRADE FILLED", "before"),
            {
                "match": {
                    "event": "ORDER_TRADE_UPDATE",
                    "execution": "TRADE",
                    "status": "FILLED",
                },
                "phase": "before",
            },
        ),
        (
            Boundary("event", "ALGO_UPDATE CANCELED", "after"),
            {"match": {"event": "ALGO_UPDATE", "status": "CANCELED"}, "phase": "after"},
        ),
    ],
)
def test_a_boundary_says_which_gate_holds_it(boundary: Boundary, gate: dict[str, Any]) -> None:
    assert boundary.gate(2) == {"name": "gate", "nth": 2, **gate}


def test_a_crash_point_names_its_occurrence() -> None:
    assert CrashPoint(Boundary("bar", "bar", "closed"), 3).name == "bar, closed (3)"
