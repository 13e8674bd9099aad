"""
An example: a grid, which buys a little at each line on the way down and sells it on the way up.

Its lines lie at equal distances around a slow anchor. Each line says how much should be held once
the price has crossed it: nothing at the anchor, one unit more at each line below, one less at each
line above. So the orders that rest follow from what is held: wherever a line wants more, a limit
order buys there, wherever it wants less, one sells. Never more than `lines` units are held, and
what is held has a stop beyond the last line.

The anchor moves in steps, so that not all orders are replaced on every bar.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ..plan.target import FLAT, Resting, Target, View

BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A grid of limit orders around a slow mean.

    Parameters
    ----------
    quantity : Decimal
        What one line buys or sells, in coins.
    lines : int
        The number of lines on each side of the anchor.
    distance : Decimal
        Basis points of the anchor between two lines.
    window : int
        The number of bars that the anchor is the mean of.
    anchor_step : float
        Basis points between two prices that the anchor can have.

    """

    quantity: Decimal
    lines: int = 3
    distance: Decimal = Decimal(20)
    window: int = 60
    anchor_step: float = 20.0

    def target(self, view: View) -> Target:
        """Return what is held, its stop, and the orders that should rest."""
        anchor = self._anchor(view)
        # As far beyond the last line as two lines lie apart.
        reach = anchor * self.distance * BASIS_POINT * (self.lines + 2)
        lowest, highest, close = anchor - reach, anchor + reach, view.bars[-1].close
        if not lowest < close < highest:
            return FLAT  # the market has left the grid
        stop = lowest if view.position > 0 else highest
        return Target(
            view.position,
            stop=stop if view.position else None,
            resting=tuple(self._orders(view.position, anchor, close)),
        )

    def _orders(self, position: Decimal, anchor: Decimal, close: Decimal) -> Iterator[Resting]:
        for line in range(-self.lines, self.lines + 1):
            price = anchor * (1 + line * self.distance * BASIS_POINT)
            lacks = -line * self.quantity - position
            size = min(self.quantity, abs(lacks))
            # One that is filled in parts waits for the rest until that is less than half of it.
            if 2 * size < self.quantity:
                continue
            # A line that the market has passed is left out: an order there would trade at once.
            if lacks > 0 and price < close:
                yield Resting(line + self.lines, size, price, post_only=True)
            elif lacks < 0 and price > close:
                yield Resting(line + self.lines, -size, price, post_only=True)

    def _anchor(self, view: View) -> Decimal:
        mean = float(sum(bar.close for bar in view.bars)) / len(view.bars)
        step = math.log1p(self.anchor_step / 10_000)
        price = Decimal(repr(math.exp(round(math.log(mean) / step) * step)))
        return round(price / view.tick_size) * view.tick_size
