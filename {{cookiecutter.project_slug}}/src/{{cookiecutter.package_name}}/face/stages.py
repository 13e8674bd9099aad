"""The named stages of the one way up, each written as a JSON line on stdout."""

import json
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """A named state of the node; the order here is that of a life."""

    PREFLIGHT = "preflight"
    LEASE = "lease"
    """It waits until no other node with its id may trade."""
    MEND = "mend"
    """The store is brought to what the exchange says has happened."""
    LOAD = "load"
    CONNECT = "connect"
    RECONCILE = "reconcile"
    AUDIT = "audit"
    """What the engine believes is compared with what the exchange says."""
    WARMUP = "warmup"
    TRADING = "trading"
    DEGRADED = "degraded"
    """It trades, and something is wrong: what is held stays protected, nothing new is opened."""
    STOPPING = "stopping"
    REFUSED = "refused"
    """Held up without an engine: the configuration must be mended first."""


class Stages:
    """
    The current stage, the reason for being in it, and what was found on the way.

    Parameters
    ----------
    on_enter : Callable[[Stage], None], optional
        Called after each change of stage.

    """

    def __init__(self, on_enter: Callable[[Stage], None] | None = None) -> None:
        self.current = Stage.PREFLIGHT
        self.reason = ""
        self.found: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        """How long each stage before the first trading has taken."""
        self.traded_at: float | None = None
        """When it traded for the first time, by the monotonic clock."""
        self._since = time.monotonic()
        self._on_enter = on_enter

    def enter(self, stage: Stage, reason: str = "") -> None:
        """Enter `stage`, write its line, and remember `reason` for the health endpoint."""
        mono_ns = time.monotonic_ns()
        self._measure(stage, mono_ns / 1e9)
        self.current = stage
        self.reason = reason
        line = {
            "event": "stage",
            "stage": stage.value,
            "mono_ns": mono_ns,
            "wall_ns": time.time_ns(),
        }
        _write(line)
        if self._on_enter is not None:
            self._on_enter(stage)

    def _measure(self, stage: Stage, now: float) -> None:
        if self.traded_at is None:
            before = self.current.value
            self.seconds[before] = self.seconds.get(before, 0.0) + now - self._since
            if stage is Stage.TRADING:
                self.traded_at = now
        self._since = now

    def tell(self, guard: str, sentence: str) -> None:
        """Remember what a guard has found on the way up, and write its line."""
        self.found[guard] = sentence
        _write({"event": "found", "guard": guard, "sentence": sentence})


def _write(line: dict[str, Any]) -> None:
    # One write a line: the engine's logger writes to the same pipe.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
