"""
What is counted while the node runs: numbers in memory, no engine, no network, no clock of its own.

Times are those of the monotonic clock. Whatever is kept by name is bounded: labels are those of
what is traded, and an order's name is forgotten with its answer.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...plan.limits import KEPT_BACK
from ...plan.order_ids import Leg, parse
from ...venue.binance.order_refusals import known_code
from .news import REFUSALS, Happened, OrderNews
from .snapshot import BUCKETS, Durations, StoreFacts

NOBODY = ("", "", "")
"""The labels of an order that no line of what is traded has made."""
OUTCOMES = tuple(
    each for each in Happened if each not in (Happened.FILLED_IN_PART, Happened.CANCEL_SENT)
)
PLACE, CANCEL = "place", "cancel"
MOST_AWAITED = 1_000
"""Requests whose answers are waited for at once; what is beyond is counted and not measured."""
ANSWERS = frozenset(
    {Happened.ACCEPTED, Happened.FILLED, Happened.FILLED_IN_PART, Happened.REJECTED}
)
CANCEL_ANSWERS = frozenset(
    {Happened.CANCELED, Happened.CANCEL_REJECTED, Happened.FILLED, Happened.EXPIRED}
)


class Tally:
    """
    What has happened since the process began.

    Parameters
    ----------
    owners : Mapping[str, tuple[str, str]]
        By owner of client order ids: tag and symbol of its line.

    """

    def __init__(self, owners: Mapping[str, tuple[str, str]]) -> None:
        self._owners = dict(owners)
        legs = [(*line, leg.name.lower()) for line in self._owners.values() for leg in Leg]
        # From 0 on, so that the first of a kind is seen as an increase.
        self.orders: Counter[tuple[str, ...]] = Counter(
            {(*leg, outcome.value): 0 for leg in legs for outcome in OUTCOMES}
        )
        self.fills: Counter[tuple[str, ...]] = Counter(dict.fromkeys(legs, 0))
        self.refusals: Counter[tuple[str, ...]] = Counter()
        self._awaited: dict[tuple[str, str], float] = {}
        self._trips = {PLACE: _Times(), CANCEL: _Times()}
        self._naked = {tag: Naked() for tag, _ in self._owners.values()}
        self._mark_at: float | None = None
        self._look = 0.0
        self._is_store_watched = False

    # -- Orders ----------------------------------------------------------------------------------

    def hear(self, news: OrderNews, now: float) -> None:
        """Count what has happened to an order."""
        labels = self._labels(news.client_order_id)
        happened = news.happened
        if happened in (Happened.FILLED, Happened.FILLED_IN_PART):
            self.fills[labels] += 1
        if happened in OUTCOMES:
            self.orders[(*labels, happened.value)] += 1
        if happened in REFUSALS:
            self.refusals[(*labels[:2], code_of(news.reason))] += 1
        self._time(news, now)

    def _labels(self, client_order_id: str) -> tuple[str, str, str]:
        parts = parse(client_order_id)
        line = self._owners.get(parts.owner) if parts else None
        return NOBODY if line is None or parts is None else (*line, parts.leg.name.lower())

    def _time(self, news: OrderNews, now: float) -> None:
        name, happened = news.client_order_id, news.happened
        if happened is Happened.SUBMITTED:
            self._await(PLACE, name, now)
        elif happened is Happened.CANCEL_SENT:
            self._await(CANCEL, name, now)
        if happened in ANSWERS:
            self._answered(PLACE, name, now)
        if happened in CANCEL_ANSWERS:
            self._answered(CANCEL, name, now)

    def _await(self, kind: str, name: str, now: float) -> None:
        if len(self._awaited) < MOST_AWAITED:
            self._awaited[kind, name] = now

    def _answered(self, kind: str, name: str, now: float) -> None:
        if (sent := self._awaited.pop((kind, name), None)) is not None:
            self._trips[kind].add(now - sent)

    @property
    def round_trips(self) -> dict[str, Durations]:
        """By kind: how long requests took until something was heard."""
        return {kind: times.told() for kind, times in self._trips.items()}

    # -- Protection ------------------------------------------------------------------------------

    def protection(self, tag: str, *, is_naked: bool, now: float) -> None:
        """Take up whether a line's position lacks a stop for some part of it."""
        self._naked[tag].look(is_naked=is_naked, now=now)

    def naked(self, tag: str, now: float) -> tuple[float, float]:
        """Return for how long it has lacked one, and for how long in all."""
        return self._naked[tag].told(now)

    # -- Store -----------------------------------------------------------------------------------

    def mark_written(self, now: float) -> None:
        """Take up that the engine has written a mark; one that has not come yet counts on."""
        self._is_store_watched = True
        if self._mark_at is None:
            self._mark_at = now

    def looked(self, *, is_there: bool, seconds: float) -> None:
        """Take up a look at the store, how long it took, and whether the last mark was there."""
        self._look = seconds
        if is_there:
            self._mark_at = None

    def store(self, now: float, pause: float) -> StoreFacts | None:
        """Return what is known of the store; a mark may take `pause` until it is looked for."""
        if not self._is_store_watched:
            return None
        age = 0.0 if self._mark_at is None else now - self._mark_at
        return StoreFacts(age if age > pause else 0.0, self._look)


@dataclass(slots=True)
class Naked:
    """For how long a position has lacked a stop."""

    since: float | None = None
    before: float = 0.0
    """All that was before this time."""

    def look(self, *, is_naked: bool, now: float) -> None:
        """Take up whether it does now."""
        if is_naked and self.since is None:
            self.since = now
        elif not is_naked and self.since is not None:
            self.before += now - self.since
            self.since = None

    def told(self, now: float) -> tuple[float, float]:
        """Return for how long it has lacked one, and for how long in all."""
        seconds = 0.0 if self.since is None else now - self.since
        return seconds, self.before + seconds


class _Times:
    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def told(self) -> Durations:
        return Durations(tuple(self._counts), self._seconds)


def code_of(reason: str) -> str:
    """Return a refusal's label: a code that is known, ``limit`` or ``other``."""
    if reason.startswith(KEPT_BACK):
        return "limit"
    return known_code(reason) or "other"
