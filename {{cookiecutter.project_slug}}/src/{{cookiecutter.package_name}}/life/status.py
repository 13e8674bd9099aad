"""What the status page is told: everything that this life knows, put together."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.settings import Settings
from ..face.answers import Known
from ..face.changes import Changes
from ..face.conditions import Conditions
from ..face.last_fills import LastFills
from ..face.stages import Stages
from ..face.status import Status, Trade, document
from ..face.versions import versions
from ..guards.guard import Start
from ..guards.halt.record import Halt
from ..plan.traded import EventDriven
from .event_keeper import EventKeeper
from .keeper import Keeper

MOST_TRADES = 50


@dataclass(frozen=True, slots=True)
class StatusOf:
    """
    What one life knows, for the page.

    Parameters
    ----------
    scope : Start
        What the guards look at.
    stages : Stages
        What it is at.
    changes : Changes
        Counts what has changed.
    conditions : Conditions
        What is wrong.
    keepers : Mapping[str, Keeper | EventKeeper]
        By symbol.
    fills : LastFills
        The last fills.
    notifications : Callable[[], str]
        Tells how notifications fare, in a sentence.

    """

    scope: Start
    stages: Stages
    changes: Changes
    conditions: Conditions
    keepers: Mapping[str, Keeper | EventKeeper]
    fills: LastFills
    notifications: Callable[[], str]

    def document(self) -> dict[str, Any]:
        """Return the answer to ``GET /status``."""
        scope, now = self.scope, time.monotonic()
        settings: Settings = scope.settings
        marks = {symbol: scope.limits.mark(symbol, now) for symbol in scope.symbols}
        halt = scope.halts.now
        return document(
            Status(
                self._known(now),
                pid=os.getpid(),
                revision=self.changes.revision,
                trader_id=settings.id,
                instance_id=settings.instance_id,
                profile=settings.profile.value,
                traded=scope.traded,
                marks={symbol: mark for symbol, mark in marks.items() if mark is not None},
                trades=[
                    Trade(fill, self.fills.profit(fill.name))
                    for fill in self.fills.newest_first(MOST_TRADES)
                ],
                day_began_ms=scope.limits.day_began_ms,
                curve=scope.limits.curve(now),
                lease_epoch=scope.lease.epoch,
                lease_seconds=max(0.0, scope.lease.left()),
                is_halted=not isinstance(halt, Halt) or halt.is_halted,
                halt=halt.told(),
                found=self.stages.found,
                notes=scope.notes,
                versions=versions(),
                takes_commands=settings.control_token is not None,
                notifications=self.notifications(),
            )
        )

    def _known(self, now: float) -> Known:
        bare = [
            each.symbol
            for each in self.scope.traded
            if isinstance(each, EventDriven) and not each.stops
        ]
        return Known(
            self.stages.current,
            now,
            self.stages.reason,
            rows=self.scope.engine.standing(),
            look=self.scope.last_look.now,
            pending_looks=sum(keeper.pending_looks for keeper in self.keepers.values()),
            conditions=self.conditions.now,
            bare_symbols=bare,
        )
