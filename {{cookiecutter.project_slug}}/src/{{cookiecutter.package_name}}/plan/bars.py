"""Closed bars, and the window of the last ones that a decision is made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

MINUTE_MS = 60_000


class BarLength(StrEnum):
    """
    How long a bar is, in the exchange's words.

    Source: USD-M Futures, Kline/Candlestick Data, ``interval``; those up to a day have one length.
    """

    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR_1 = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    HOUR_6 = "6h"
    HOUR_8 = "8h"
    HOUR_12 = "12h"
    DAY_1 = "1d"

    @property
    def units(self) -> int:
        """How many of its unit it is: 5 of ``5m``."""
        return int(self.value[:-1])

    @property
    def unit(self) -> str:
        """Its unit: ``m``, ``h`` or ``d``."""
        return self.value[-1]

    @property
    def ms(self) -> int:
        """Its length in milliseconds."""
        return self.units * {"m": 1, "h": 60, "d": 1440}[self.unit] * MINUTE_MS


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """
    A closed bar.

    Parameters
    ----------
    close_ms : int
        Close time in milliseconds of market time, the ``T`` of a kline (open time + length - 1).
    open, high, low, close : Decimal
        Prices in the quote currency.
    volume : Decimal
        What was traded, in coins.

    """

    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)


MOST_MOVE = Decimal("0.1")
"""How far a bar may move from the close before it, as a part of that, and need no second answer."""


class BarWindow:
    """
    The last closed bars, whatever order they arrive in.

    Parameters
    ----------
    count : int
        The number of bars that a decision needs. It is fixed, so that a decision does not depend
        on how much history a start has loaded.
    bar_ms : int
        The length of each, in milliseconds.

    """

    def __init__(self, count: int, bar_ms: int) -> None:
        self._count = count
        self._bar_ms = bar_ms
        self._bars: dict[int, ClosedBar] = {}

    def add(self, bars: Iterable[ClosedBar]) -> None:
        """Take up `bars`; known ones are replaced, the oldest beyond the count are dropped."""
        for bar in bars:
            self._bars[bar.close_ms] = bar
        for close_ms in sorted(self._bars)[: -self._count]:
            del self._bars[close_ms]

    @property
    def last_close_ms(self) -> int | None:
        """Close time of the newest bar held, or ``None`` when there is none."""
        return max(self._bars, default=None)

    def expects(self, bar: ClosedBar) -> bool:
        """
        Return whether a bar may be believed as it came.

        It must be the next one, or one that is held already, and near what came before. Any other
        one may be true as well, and is asked for again before anything is decided on it.
        """
        last_ms = self.last_close_ms
        if last_ms is None or bar.close_ms in self._bars:
            return True
        prices = (bar.open, bar.high, bar.low, bar.close)
        if not all(price.is_finite() and price > 0 for price in prices):
            return False
        last = self._bars[last_ms].close
        is_near = all(abs(price - last) <= last * MOST_MOVE for price in prices)
        return bar.close_ms == last_ms + self._bar_ms and is_near

    @property
    def has_hole(self) -> bool:
        """Whether a bar is missing between the oldest and the newest one held."""
        if not self._bars:
            return False
        span = max(self._bars) - min(self._bars)
        return span != (len(self._bars) - 1) * self._bar_ms

    def complete(self) -> tuple[ClosedBar, ...] | None:
        """Return the window, oldest first, or ``None`` while it is short or has a hole."""
        if len(self._bars) < self._count or self.has_hole:
            return None
        return tuple(self._bars[close_ms] for close_ms in sorted(self._bars))
