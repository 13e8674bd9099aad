"""Faults that a drill arms: gates that hold a request or an event, and refusals.

A request is held in one of three phases, the n-th time that one like it comes:

* ``received``: it has arrived and nothing is done. If the client is gone when the gate is released,
  the request is dropped as if it had never arrived, unless the fault says ``"late": true``.
* ``processed``: the state has changed; neither the answer nor the user events that belong to the
  request have left.
* ``answered``: the answer has left, the user events have not.

An event is held ``before`` or ``after`` its delivery, and with it the user events that follow.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from ..journal.journal import Journal

HELD_SECONDS = 600.0
"""After this time a gate releases itself."""

MATCH_KEYS = ("request", "leg", "symbol", "client_order_id", "event", "execution")
REQUEST_PHASES = ("received", "processed", "answered")
EVENT_PHASES = ("before", "after")
MOST_FAULTS = 10_000


class Fault:
    """One armed fault; a ValueError says which options it should have been given."""

    def __init__(self, key: str, name: str, options: Mapping[str, Any]) -> None:
        self.key = key
        self.name = name
        self.match = dict(options.get("match") or {})
        self.nth = int(options.get("nth", 1))
        self.times = int(options.get("times", 1)) if name == "fail" else 1
        self.phase = options.get("phase") if name == "gate" else name
        self.late = bool(options.get("late", False))
        self.status = int(options.get("status", 503))
        self.code = int(options.get("code", -1001))
        self.seen = 0
        self.data: dict[str, Any] = {}
        self.fired = asyncio.Event()
        self.released = asyncio.Event()
        if unknown := self.match.keys() - set(MATCH_KEYS):
            msg = f"A fault cannot match by {', '.join(sorted(unknown))}"
            raise ValueError(f"{msg}: use {', '.join(MATCH_KEYS)}.")
        if name == "gate" and self.phase not in REQUEST_PHASES + EVENT_PHASES:
            phases = ", ".join(REQUEST_PHASES + EVENT_PHASES)
            raise ValueError(f"A gate needs a phase, which is one of {phases}.")
        if self.nth < 1 or self.times < 1:
            raise ValueError("A fault counts from 1: give nth and times of at least 1.")

    def meets(self, about: Mapping[str, Any]) -> bool:
        """Count a request or event; tell whether it is the one that the fault waits for."""
        if self.released.is_set() or any(about.get(k) != v for k, v in self.match.items()):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def row(self) -> dict[str, Any]:
        """Return what the control interface tells about it."""
        happened = {"fired": self.fired.is_set(), "released": self.released.is_set()}
        return {"id": self.key, "name": self.name, **happened, "data": self.data}


class Faults:
    """All faults of one exchange; that one is armed, fires and is released is recorded."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._faults: dict[str, Fault] = {}

    def arm(self, name: str, options: Mapping[str, Any]) -> Fault:
        """Add a ``gate``, ``fail``, ``wick`` or ``drop_sockets``."""
        if len(self._faults) >= MOST_FAULTS:
            raise ValueError(f"There are {MOST_FAULTS} faults already: start a new exchange.")
        fault = Fault(f"f{len(self._faults) + 1}", name, options)
        self._faults[fault.key] = fault
        self._record("armed", fault, {"options": dict(options)})
        return fault

    def get(self, key: str) -> Fault | None:
        """Return a fault by its id."""
        return self._faults.get(key)

    def meet(self, about: Mapping[str, Any], *phases: str) -> dict[str, Fault]:
        """Return the gates that a request or event meets, by phase; a refusal is ``fail``."""
        met: dict[str, Fault] = {}
        for fault in self._faults.values():
            if fault.phase in phases and fault.meets(about):
                met.setdefault(fault.phase, fault)
        return met

    def fire(self, fault: Fault, data: Mapping[str, Any]) -> None:
        """Note that a fault has happened."""
        fault.data = dict(data)
        fault.fired.set()
        self._record("fired", fault, fault.data)

    def release(self, fault: Fault, by: str = "request") -> None:
        """Let what a gate holds go on, or disarm a fault that has not fired."""
        if not fault.released.is_set():
            fault.released.set()
            self._record("released", fault, {"by": by})

    def release_all(self) -> None:
        """Let everything go on, because the exchange stops."""
        for fault in self._faults.values():
            self.release(fault, by="stop")

    async def hold(self, fault: Fault, data: Mapping[str, Any]) -> None:
        """Fire a gate and wait until it is released."""
        self.fire(fault, data)
        try:
            async with asyncio.timeout(HELD_SECONDS):
                await fault.released.wait()
        except TimeoutError:
            self.release(fault, "time")

    def _record(self, verb: str, fault: Fault, data: Mapping[str, Any]) -> None:
        self._journal.write(f"fault.{verb}", {"id": fault.key, "name": fault.name, **data})
