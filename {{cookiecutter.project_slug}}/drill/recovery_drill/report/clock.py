"""Where a moment stands between the left and the right edge of a drawing; pure.

A play has two clocks. The market stands still while a node is started, which takes seconds; then
many minutes of market pass in one. A drawing over either clock alone would show a kill as a line
without width, or all the bars as one line. So both move it to the right, each by its share.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

MOST_OF_SECONDS, FOR_EACH_LIFE = 0.45, 0.15
"""How much of the width real seconds may take, and how much each life of the node gets."""


@dataclass(frozen=True)
class Clock:
    """Moments in order, each by both clocks and with its place.

    Parameters
    ----------
    monos : tuple[int, ...]
        Monotonic times (ns).
    markets : tuple[int, ...]
        What the market's clock (ms) said then; it never goes back.
    places : tuple[float, ...]
        How far to the right they are, in per cent.

    """

    monos: tuple[int, ...]
    markets: tuple[int, ...]
    places: tuple[float, ...]

    def at(self, mono_ns: int) -> float:
        """Return the place of a moment of the play."""
        return self._between(self.monos, mono_ns, bisect_left(self.monos, mono_ns))

    def first(self, market_ms: int) -> float:
        """Return the place at which the market came to a time."""
        return self._between(self.markets, market_ms, bisect_left(self.markets, market_ms))

    def last(self, market_ms: int) -> float:
        """Return the place at which it went on from there."""
        after = bisect_right(self.markets, market_ms)
        if after and self.markets[after - 1] == market_ms:
            return self.places[after - 1]
        return self._between(self.markets, market_ms, after)

    def market(self, mono_ns: int) -> int:
        """Return what the market's clock said at a moment of the play."""
        return self.markets[max(0, bisect_right(self.monos, mono_ns) - 1)]

    def _between(self, times: tuple[int, ...], at: int, after: int) -> float:
        if after == 0:
            return self.places[0]
        if after == len(times):
            return self.places[-1]
        before, span = after - 1, times[after] - times[after - 1]
        part = (at - times[before]) / span if span else 1.0
        return self.places[before] + part * (self.places[after] - self.places[before])


def build_clock(moments: Iterable[tuple[int, int]], lives: int) -> Clock | None:
    """Return the clock of a play.

    Parameters
    ----------
    moments : Iterable[tuple[int, int]]
        What both clocks said, monotonic (ns) and market (ms), in any order.
    lives : int
        How many lives the node had, each of which takes seconds to begin.

    Returns
    -------
    Clock or None
        None when no time has passed by either.

    """
    monos, markets = list[int](), list[int]()
    for mono, market in sorted(moments):
        monos.append(mono)
        markets.append(max(market, markets[-1]) if markets else market)
    if not monos:
        return None
    passed, minutes = monos[-1] - monos[0], markets[-1] - markets[0]
    if passed + minutes == 0:
        return None
    share = min(MOST_OF_SECONDS, FOR_EACH_LIFE * lives) if minutes else 1.0
    of_mono = 100 * (share if passed else 0.0) / (passed or 1)
    of_market = 100 * (1 - share if passed else 1.0) / (minutes or 1)
    places = [0.0]
    for (mono, market), (later, further) in pairwise(zip(monos, markets, strict=True)):
        places.append(places[-1] + (later - mono) * of_mono + (further - market) * of_market)
    return Clock(tuple(monos), tuple(markets), tuple(places))
