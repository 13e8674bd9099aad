"""
An example: against a move that went too far, until the price is back at its mean.

It enters when the last close lies far from the mean of the bars before. A take-profit waits at that
mean, a stop lies beyond the entry, and after some bars it leaves at any price. How much it opens
follows the wallet.

Nothing is remembered. While a position is held, `entry_ms` tells which bars came before it, and
from them everything is worked out again as it was then: so neither a restart nor a new bar moves
the take-profit or the stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..plan.bars import ClosedBar
from ..plan.target import FLAT, Target, View

BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class MeanReversion:
    """
    Back to the mean, with a take-profit, a stop and a last moment.

    Parameters
    ----------
    quantity : Decimal
        The size of a unit in coins.
    mean_bars : int
        The number of bars that the mean is of.
    entry_distance : Decimal
        Basis points between mean and close, from which on it enters.
    stop_distance : Decimal
        Basis points between the close that it entered at and the stop.
    hold_bars : int
        The number of bars after which it leaves.
    equity_per_unit : Decimal
        It opens one unit for each such amount in the wallet, and one at least.
    most_units : int
        The most units that it opens.

    """

    quantity: Decimal
    mean_bars: int = 20
    entry_distance: Decimal = Decimal(40)
    stop_distance: Decimal = Decimal(60)
    hold_bars: int = 15
    equity_per_unit: Decimal = Decimal(40_000)
    most_units: int = 3

    @property
    def window(self) -> int:
        """The number of bars that a decision looks at: those before the entry, and those since."""
        return self.mean_bars + self.hold_bars

    def target(self, view: View) -> Target:
        """Return the position, the stop and the take-profit that `view` asks for."""
        if view.position and view.entry_ms is not None:
            return self._held(view, view.entry_ms)
        side = self._side(view.bars)
        if side == 0 or view.equity is None:
            return FLAT
        units = int(view.equity / self.equity_per_unit)
        quantity = self.quantity * min(max(units, 1), self.most_units)
        return self._around(view.bars, quantity * side)

    def _held(self, view: View, entry_ms: int) -> Target:
        before = [bar for bar in view.bars if bar.close_ms < entry_ms]
        if len(before) < self.mean_bars:
            return FLAT  # it is held for longer than it should be
        target = self._around(before, view.position)
        close = view.bars[-1].close
        # A stop at or beyond the market would trigger at once.
        is_beyond = target.stop is not None and (target.stop - close) * view.position >= 0
        return FLAT if is_beyond else target

    def _side(self, bars: Sequence[ClosedBar]) -> int:
        """Return 1 to buy, -1 to sell, 0 to do nothing."""
        mean = self._mean(bars)
        distance = bars[-1].close - mean
        if abs(distance) < mean * self.entry_distance * BASIS_POINT:
            return 0
        return -1 if distance > 0 else 1

    def _around(self, bars: Sequence[ClosedBar], quantity: Decimal) -> Target:
        """Return a position that the last of `bars` was the reason for."""
        away = bars[-1].close * self.stop_distance * BASIS_POINT
        stop = bars[-1].close + (-away if quantity > 0 else away)
        return Target(quantity, stop, take_profit=self._mean(bars))

    def _mean(self, bars: Sequence[ClosedBar]) -> Decimal:
        return sum((bar.close for bar in bars[-self.mean_bars :]), Decimal(0)) / self.mean_bars
