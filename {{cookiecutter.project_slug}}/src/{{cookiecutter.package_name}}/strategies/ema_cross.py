"""
The example: an EMA cross with a protective stop. Keep it, change it, or write one beside it.

Long when the fast average is above the slow one, short when it is below, flat inside a dead band.
The stop hangs below the highest high (above the lowest low) of the last bars. Its price is rounded
to a coarse geometric ladder, so that it moves in steps and is not replaced on every bar.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ..plan.target import FLAT, Target, View

BASIS_POINT = 0.0001


@dataclass(frozen=True, slots=True)
class EmaCross:
    """
    An EMA cross on closed bars with a chandelier stop.

    Parameters
    ----------
    quantity : Decimal
        The size of a position in coins.
    fast, slow : int
        The periods of the two averages in bars.
    window : int
        The number of bars that a decision looks at. Three times `slow` and more makes the first
        bar's weight in the slow average negligible.
    dead_band : float
        Basis points of the slow average; a difference within it means flat.
    stop_bars : int
        The number of last bars whose extreme the stop hangs from.
    stop_distance : float
        Basis points between that extreme and the stop.
    stop_step : float
        Basis points between two rungs of the ladder of stop prices.

    """

    quantity: Decimal
    fast: int = 5
    slow: int = 20
    window: int = 60
    dead_band: float = 2.0
    stop_bars: int = 10
    stop_distance: float = 100.0
    stop_step: float = 25.0

    def target(self, view: View) -> Target:
        """Return the position and the stop that the bars of `view` ask for."""
        closes = [float(bar.close) for bar in view.bars]
        slow = ema(closes, self.slow)
        difference = ema(closes, self.fast) - slow
        if abs(difference) <= slow * self.dead_band * BASIS_POINT:
            return FLAT
        last_bars, close = view.bars[-self.stop_bars :], view.bars[-1].close
        if difference > 0:
            extreme = float(max(bar.high for bar in last_bars))
            rung = math.floor(self._rung(extreme * (1 - self.stop_distance * BASIS_POINT)))
            stop = _to_tick(self._price(rung), view.tick_size, ROUND_FLOOR)
            # A stop at or beyond the market would trigger at once: the trend is already over.
            return Target(self.quantity, stop) if stop < close else FLAT
        extreme = float(min(bar.low for bar in last_bars))
        rung = math.ceil(self._rung(extreme * (1 + self.stop_distance * BASIS_POINT)))
        stop = _to_tick(self._price(rung), view.tick_size, ROUND_CEILING)
        return Target(-self.quantity, stop) if stop > close else FLAT

    def _rung(self, price: float) -> float:
        return math.log(price) / math.log1p(self.stop_step * BASIS_POINT)

    def _price(self, rung: int) -> float:
        return math.exp(rung * math.log1p(self.stop_step * BASIS_POINT))


def ema(values: Sequence[float], period: int) -> float:
    """Return the exponential moving average of `values`, seeded with the first one."""
    weight = 2 / (period + 1)
    average = values[0]
    for value in values[1:]:
        average += weight * (value - average)
    return average


def _to_tick(price: float, tick_size: Decimal, rounding: str) -> Decimal:
    return (Decimal(repr(price)) / tick_size).quantize(Decimal(1), rounding) * tick_size
