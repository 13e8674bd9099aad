"""Armed faults: which request or event they meet, and how they fire and are released.

A request is held (``gate``, ``delay``) in one of three phases:

* ``received``: it has arrived and nothing is done. If the client is gone when it may go on, it is
  dropped as if it had never arrived, unless the gate says ``"late": true``.
* ``processed``: the state has changed; neither the answer nor the user events that belong to the
  request have left.
* ``answered``: the answer has left, the user events have not.

An event is held ``before`` or ``after`` its delivery, and with it the user events that follow.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..journal.journal import Journal
from ..journal.state import State
from .table import FAULTS, check_match, read_options

HELD_SECONDS = 600.0
"""After this time a gate releases itself."""

MOST_FAULTS = 10_000


class Fault:
    """One fault, armed with its options.

    It happens to the request or event that it meets for the `nth` time, and to those that follow
    until it has happened so many `times`. Then it is released by itself, except for a gate.
    """

    def __init__(self, key: str, name: str, options: Mapping[str, Any]) -> None:
        self.key = key
        self.name = name
        self.options = options
        self.phase: str = options.get("phase", name)  # without one it is met by its name
        self.undo: Callable[[], None] | None = None
        self.past: State | None = None  # what a stale answer is made from
        self.data: dict[str, Any] = {}
        self.fired = asyncio.Event()
        self.released = asyncio.Event()
        self._first: int = options.get("nth", 1)
        self._after: int = self._first + options.get("times", 1)
        self._seen = 0
        self._done = 0

    def meets(self, about: Mapping[str, Any]) -> bool:
        """Count a request or event; tell whether it is one that the fault waits for."""
        if any(about.get(key) != value for key, value in self.options["match"].items()):
            return False
        self._seen += 1
        return self._first <= self._seen < self._after

    def is_done(self) -> bool:
        """Count that it has happened once more; tell whether it was the last time."""
        self._done += 1
        return self._done >= self._after - self._first

    def row(self) -> dict[str, Any]:
        """Return what the control interface tells about it."""
        happened = {"fired": self.fired.is_set(), "released": self.released.is_set()}
        return {"id": self.key, "name": self.name, **happened, "data": self.data}


class Faults:
    """All faults of one exchange; that one is armed, fires and is released is recorded."""

    def __init__(
        self, journal: Journal, words: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._journal = journal
        self._words = words or {}  # what requests and symbols there are to match
        self._faults: dict[str, Fault] = {}
        self._armed: dict[str, Fault] = {}

    def arm(self, name: str, given: Mapping[str, Any]) -> Fault:
        """Add a fault; a ValueError says what is wrong with it."""
        if name not in FAULTS:
            raise ValueError(f"There is no fault {name!r}: use {', '.join(FAULTS)}.")
        if len(self._faults) >= MOST_FAULTS:
            raise ValueError(f"There are {MOST_FAULTS} faults already: start a new exchange.")
        fault = Fault(f"f{len(self._faults) + 1}", name, read_options(name, given))
        check_match(fault.phase, fault.options.get("match", {}), self._words)
        self._faults[fault.key] = self._armed[fault.key] = fault
        self._record("armed", fault, {"options": dict(given)})
        return fault

    def rows(self) -> list[dict[str, Any]]:
        """Return what is told about all of them, in the order in which they were armed."""
        return [fault.row() for fault in self._faults.values()]

    def get(self, key: str) -> Fault | None:
        """Return a fault by its id."""
        return self._faults.get(key)

    def meet(self, about: Mapping[str, Any], kinds: Sequence[str]) -> list[Fault]:
        """Return the faults, held phases or names, that a request or event meets."""
        armed = (fault for fault in self._armed.values() if fault.phase in kinds)
        return [fault for fault in armed if fault.meets(about)]

    def happen(self, fault: Fault, data: Mapping[str, Any]) -> None:
        """Note that a fault has happened; after its last time it is released."""
        self.fire(fault, data)
        if fault.is_done():
            self.release(fault, "itself")

    def fire(self, fault: Fault, data: Mapping[str, Any]) -> None:
        """Note that a fault happens."""
        fault.data = dict(data)
        fault.fired.set()
        self._record("fired", fault, fault.data)

    def release(self, fault: Fault, by: str = "request") -> None:
        """Let what is held go on and undo what lasts, or disarm a fault that has not fired."""
        if not fault.released.is_set():
            fault.released.set()
            del self._armed[fault.key]
            self._record("released", fault, {"by": by})
            if fault.undo is not None:
                fault.undo()

    def release_all(self) -> None:
        """Let everything go on, because the exchange stops."""
        for fault in list(self._armed.values()):
            self.release(fault, by="stop")

    async def hold(self, met: Sequence[Fault], phase: str, about: Mapping[str, Any]) -> list[Fault]:
        """Wait for the gates and delays of one phase among those met, and return them."""
        holding = [fault for fault in met if fault.phase == phase]
        await asyncio.gather(*(self._hold(fault, about) for fault in holding))
        return holding

    async def _hold(self, fault: Fault, about: Mapping[str, Any]) -> None:
        self.fire(fault, about)
        seconds = fault.options.get("seconds")
        try:
            async with asyncio.timeout(HELD_SECONDS if seconds is None else seconds):
                await fault.released.wait()
        except TimeoutError:
            if fault.is_done():
                self.release(fault, "time")

    def _record(self, verb: str, fault: Fault, data: Mapping[str, Any]) -> None:
        self._journal.write(f"fault.{verb}", {"id": fault.key, "name": fault.name, **data})
