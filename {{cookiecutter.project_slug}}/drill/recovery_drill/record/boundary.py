"""Crash points: what the places are called at which a node is killed, and where they come from.

A *boundary* is named by what it is, ``order.new entry, processed`` or ``store RPUSH positions,
before``, so that a name means the same in every project and every run. A *crash point* is one of
its occurrences. Both are learned from the records of a play that nobody disturbed.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from recovery_drill.record.model import Record

Kind = Literal["request", "event", "store", "stage", "bar"]

PHASES: dict[Kind, tuple[str, ...]] = {
    "request": ("received", "processed", "answered"),
    "event": ("before", "after"),
    "store": ("before", "after"),
    "stage": ("reached",),
    "bar": ("walked", "closed"),
}
"""At which sides of each thing a node can be killed."""

KINDS: dict[Kind, str] = {
    "request": "exchange requests",
    "event": "user events",
    "store": "store commands",
    "stage": "stages",
    "bar": "bars",
}
"""What the kinds are called in reports."""


class Boundary(msgspec.Struct, frozen=True, order=True):
    """A place where a node can be killed.

    Parameters
    ----------
    kind : str
        What happens there: a request to the exchange, a user event from it, a command to the store,
        a stage of the node, or a bar of the market.
    what : str
        Which one: ``order.new entry``, ``ORDER_TRADE_UPDATE TRADE FILLED``, ``RPUSH positions``.
    phase : str
        On which side of it; see `PHASES`.

    """

    kind: Kind
    what: str
    phase: str

    @property
    def name(self) -> str:
        """What it is called: ``order.new entry, processed``."""
        prefix = {"store": "store ", "stage": "stage "}.get(self.kind, "")
        return f"{prefix}{self.what}, {self.phase}"

    def gate(self, nth: int) -> dict[str, Any]:
        """Return the exchange's gate that holds the `nth` occurrence of this request or event."""
        first, *more = self.what.split()
        keys = ("request", "leg") if self.kind == "request" else ("event", "execution", "status")
        if self.kind == "event" and first != "ORDER_TRADE_UPDATE":
            keys = ("event", "status")
        match = dict(zip(keys, (first, *more), strict=False))
        return {"name": "gate", "match": match, "nth": nth, "phase": self.phase}


class CrashPoint(msgspec.Struct, frozen=True, order=True):
    """The `nth` occurrence of a boundary, counted from 1 since the drill began to wait for it."""

    boundary: Boundary
    nth: int = 1

    @property
    def name(self) -> str:
        """What it is called: ``order.new entry, processed (2)``."""
        return f"{self.boundary.name} ({self.nth})"


def boundaries(records: Iterable[Record]) -> Counter[Boundary]:
    """Count the boundaries in records of exchange, store and drill.

    Returns
    -------
    Counter[Boundary]
        In order of first occurrence, how often each came.

    """
    found: Counter[Boundary] = Counter()
    for record in sorted(records, key=lambda r: r.mono_ns):
        named = _named(record)
        if named is None:
            continue
        kind, what, phases = named
        found.update(Boundary(kind, what, phase) for phase in phases)
    return found


def _named(record: Record) -> tuple[Kind, str, tuple[str, ...]] | None:
    data = record.data
    match record.kind:
        case "event" if not data["delivered"]:
            return None  # nobody was there to be told, so nothing can be held
        case "request":
            return "request", _words(data["request"], data.get("leg")), PHASES["request"]
        case "event" if data["event"] == "ORDER_TRADE_UPDATE":
            what = _words(data["event"], data["execution"], data.get("status"))
            return "event", what, PHASES["event"]
        case "event":
            return "event", _words(data["event"], data.get("status")), PHASES["event"]
        case "store.unit":
            return "store", str(data["name"]), PHASES["store"]
        case "node.stage":
            return "stage", str(data["stage"]), PHASES["stage"]
        case "bar.walked":
            return "bar", "bar", ("walked",)
        case "bar.stepped":
            return "bar", "bar", ("closed",)
        case _:
            return None


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word)
