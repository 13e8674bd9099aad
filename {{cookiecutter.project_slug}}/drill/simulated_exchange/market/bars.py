"""Bars of one minute, and candles of any interval made of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from .symbols import rounded, text

MINUTE_MS = 60_000
POINT_MS = (1_000, 17_000, 34_000, 50_000)
"""When, after a bar's open time, its price is at the four points of its path."""


class Bar(NamedTuple):
    """One minute of prices, in USDT; `volume` counts the base asset."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def row(self) -> list[str]:
        """Write the bar for the journal."""
        return [text(value) for value in self]

    def path(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return the way the price travels through the bar.

        A rising bar visits its low first, a falling one its high; a protective stop on the side
        that lost is thus reached before the winning side.
        """
        if self.close >= self.open:
            return self.open, self.low, self.high, self.close
        return self.open, self.high, self.low, self.close


class Candle(NamedTuple):
    """A bar with its place in time, for any interval: what klines are made of."""

    open_ms: int
    close_ms: int
    bar: Bar
    quote_volume: Decimal


INTERVALS = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240,
    "6h": 360, "8h": 480, "12h": 720, "1d": 1440,
}  # fmt: skip
"""The kline intervals served, in minutes."""


def candles(bars: Sequence[Bar], first_open_ms: int, minutes: int) -> list[Candle]:
    """Join one-minute bars without gaps to candles; the last one may be incomplete."""
    joined: list[Candle] = []
    for offset, bar in enumerate(bars):
        open_ms = first_open_ms + offset * MINUTE_MS
        start = open_ms - open_ms % (minutes * MINUTE_MS)
        quote = rounded(bar.volume * bar.close)
        if joined and joined[-1].open_ms == start:
            last = joined.pop()
            high, low = max(last.bar.high, bar.high), min(last.bar.low, bar.low)
            bar = Bar(last.bar.open, high, low, bar.close, last.bar.volume + bar.volume)
            quote += last.quote_volume
        joined.append(Candle(start, start + minutes * MINUTE_MS - 1, bar, quote))
    return joined
