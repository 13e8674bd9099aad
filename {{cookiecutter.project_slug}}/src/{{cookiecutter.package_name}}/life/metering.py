"""
What ``/metrics`` tells, gathered from what the node already knows.

Nothing is asked of exchange or store for it, and nothing of it may end or hold up trading: whatever
fails in here is counted, and left out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from .. import __version__
from ..engine.desk import Desk
from ..face.conditions import Condition, Conditions
from ..face.metrics.news import OrderNews
from ..face.metrics.snapshot import ClockFacts, DayFacts, LeaseFacts, Line, Snapshot, Wrong
from ..face.protection import covered
from ..face.stages import Stage, Stages
from ..guards.guard import Start
from ..guards.store_marks import EVERY_SECONDS
from ..plan.traded import Traded
from .event_keeper import EventKeeper
from .keeper import Keeper

LAG_SECONDS = 3 * EVERY_SECONDS
"""The store's watch looks for a mark after a while; what is younger says nothing of the store."""


@dataclass(slots=True)
class _Watched:
    """One line, and when its newest bar has come."""

    traded: Traded
    desk: Desk
    keeper: Keeper | EventKeeper
    bar_ms: int | None = None
    bar_at: float = 0.0


class Metering:
    """
    Count while the node runs, and tell it.

    Parameters
    ----------
    scope : Start
        What the node has.
    stages : Stages
        Where it is.
    conditions : Conditions
        What is wrong.
    born : float
        When the process began, by the monotonic clock.

    """

    def __init__(self, scope: Start, stages: Stages, conditions: Conditions, born: float) -> None:
        self._scope = scope
        self._stages = stages
        self._conditions = conditions
        self._born = born
        self._started = time.time() - (time.monotonic() - born)
        self._lines: dict[str, _Watched] = {}
        self._has_changed = True
        self._failures = 0

    def watch(self, traded: Traded, desk: Desk, keeper: Keeper | EventKeeper) -> None:
        """Take up a line that is loaded."""
        self._lines[traded.tag] = _Watched(traded, desk, keeper)

    def hear(self, news: OrderNews) -> None:
        """Count what has happened to an order."""
        self._has_changed = True
        self._harmless(lambda: self._scope.tally.hear(news, time.monotonic()))

    def look(self) -> None:
        """Look at every line's bar, and at its position's protection where that may be another."""
        self._harmless(lambda: self._look(time.monotonic()))

    def _harmless(self, count: Callable[[], None]) -> None:
        try:
            count()
        except Exception:
            self._failures += 1

    def _look(self, now: float) -> None:
        for each in self._lines.values():
            if (newest := each.keeper.newest_bar_ms) != each.bar_ms:
                each.bar_ms, each.bar_at = newest, now
        # Only what has happened to an order protects a position or leaves it naked.
        if self._has_changed and self._stages.traded_at:
            self._has_changed = False
            for each in self._lines.values():
                self._line(each, now)

    def _line(self, each: _Watched, now: float) -> Line:
        """Return a line as it is; whether its position lacks a stop counts from now on."""
        traded, tally = each.traded, self._scope.tally
        position, protected, working = Decimal(0), Decimal(0), 0
        # Before everything is ready nobody could place a stop, and the stage says so.
        if not self._stages.traded_at:
            return Line(traded.tag, traded.symbol, traded.bar_length.ms / 1000)
        if (row := each.desk.position()) is not None:
            position = row.quantity
        if position:
            unfinished = each.desk.unfinished()
            working = len(unfinished)
            protected = covered(unfinished, position)
        wants_stop = each.keeper.wants_stop
        is_naked = wants_stop and protected < abs(position)
        tally.protection(traded.tag, is_naked=is_naked, now=now)
        naked, naked_in_all = tally.naked(traded.tag, now)
        return Line(
            tag=traded.tag,
            symbol=traded.symbol,
            bar_seconds=traded.bar_length.ms / 1000,
            bar_age=None if each.bar_ms is None else now - each.bar_at,
            position=position,
            stopped=protected,
            wants_stop=wants_stop,
            naked_seconds=naked,
            naked_seconds_total=naked_in_all,
            working=working,
        )

    # -- What is told ----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return everything as it is now."""
        now = time.monotonic()
        self._harmless(lambda: self._look(now))
        scope, stages = self._scope, self._stages
        tally, settings = scope.tally, scope.settings
        traded_at = stages.traded_at
        return Snapshot(
            version=__version__,
            trader_id=settings.id,
            profile=settings.profile.value,
            stage=stages.current.value,
            stages=tuple(Stage),
            started=self._started,
            start_stages=dict(stages.seconds),
            start_seconds=None if traded_at is None else traded_at - self._born,
            stands_by=scope.stands_by and scope.lease.epoch is None,
            lines=[self._line(each, now) for each in self._lines.values()],
            orders=dict(tally.orders),
            fills=dict(tally.fills),
            refusals=dict(tally.refusals),
            round_trips=tally.round_trips,
            conditions=wrong(self._conditions.now, time.time_ns() // 1_000_000),
            lease=LeaseFacts(scope.lease.epoch, max(0.0, scope.lease.left())),
            clock=self._clock(now),
            store=tally.store(now, LAG_SECONDS),
            day=self._day(now),
            asked=scope.requests.asked,
            weight=scope.requests.weight,
            failures=self._failures,
        )

    def _clock(self, now: float) -> ClockFacts | None:
        measured = self._scope.requests.clock.measured
        if measured is None:
            return None
        return ClockFacts(measured.offset_ms / 1000, measured.doubt_ms / 1000, now - measured.at)

    def _day(self, now: float) -> DayFacts:
        told = self._scope.limits.told({}, now)
        limits = self._scope.settings.limits()
        day = told.day
        return DayFacts(
            result=None if day is None else -day.lost,
            commission=None if day is None else day.paid,
            equity=told.equity or {},
            most_loss=limits.max_daily_loss,
            most_commission=limits.max_daily_fees,
        )


def wrong(conditions: tuple[Condition, ...], now_ms: int) -> list[Wrong]:
    """Return conditions by their kinds: what a name has of a symbol is the symbol's label."""
    found: dict[tuple[str, str], Wrong] = {}
    for each in conditions:
        kind = each.name.replace(each.symbol, "").strip() if each.symbol else each.name
        kind = kind.removesuffix(" of")
        seconds = max(0, now_ms - each.since_ms) / 1000
        # The longest first; a symbol has each kind once.
        found.setdefault((kind, each.symbol), Wrong(kind, each.symbol, each.holds, seconds))
    return list(found.values())
