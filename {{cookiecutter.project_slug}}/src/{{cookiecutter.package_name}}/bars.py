"""Closed one-minute bars, and the window of the last ones that a decision is made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

BAR_MS = 60_000


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """
    A closed one-minute bar.

    Parameters
    ----------
    close_ms : int
        Close time in milliseconds of market time, the ``T`` of a kline (open time + 59 999).
    open, high, low, close : Decimal
        Prices in the quote currency.

    """

    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class BarWindow:
    """
    The last `length` closed bars, whatever order they arrive in.

    Parameters
    ----------
    length : int
        The number of bars that a decision needs. It is fixed, so that a decision does not depend
        on how much history a start has loaded.

    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._bars: dict[int, ClosedBar] = {}

    def add(self, bars: Iterable[ClosedBar]) -> None:
        """Take up `bars`; known ones are replaced, the oldest beyond the length are dropped."""
        for bar in bars:
            self._bars[bar.close_ms] = bar
        for close_ms in sorted(self._bars)[: -self._length]:
            del self._bars[close_ms]

    @property
    def last_close_ms(self) -> int | None:
        """Close time of the newest bar held, or ``None`` when there is none."""
        return max(self._bars, default=None)

    @property
    def has_hole(self) -> bool:
        """Whether a bar is missing between the oldest and the newest one held."""
        if not self._bars:
            return False
        span = max(self._bars) - min(self._bars)
        return span != (len(self._bars) - 1) * BAR_MS

    def complete(self) -> tuple[ClosedBar, ...] | None:
        """Return the window, oldest first, or ``None`` while it is short or has a hole."""
        if len(self._bars) < self._length or self.has_hole:
            return None
        return tuple(self._bars[close_ms] for close_ms in sorted(self._bars))
