"""What a decision sees and what it answers: the seam between an idea and its execution."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

from .bars import ClosedBar


@dataclass(frozen=True, slots=True)
class View:
    """
    Everything that a decision may depend on.

    Parameters
    ----------
    bars : tuple[ClosedBar, ...]
        The last closed bars, oldest first, without a hole; as many as the rule's `window`.
    position : Decimal
        The signed position in coins.
    tick_size : Decimal
        The smallest price step of the instrument.

    """

    bars: tuple[ClosedBar, ...]
    position: Decimal
    tick_size: Decimal


@dataclass(frozen=True, slots=True)
class Target:
    """
    What should be so until the next bar closes.

    Parameters
    ----------
    quantity : Decimal
        The signed position in coins.
    stop : Decimal, optional
        The trigger price of the protective stop for the whole position. It may lie between two
        price steps: see `on_tick`.

    """

    quantity: Decimal
    stop: Decimal | None = None


FLAT = Target(Decimal(0))


def on_tick(target: Target, tick_size: Decimal) -> Target:
    """
    Return `target` with its stop on a price step of the instrument.

    A stop between two steps goes to the one farther from the market, so that rounding never makes
    it trigger at once: a long position's stop down, a short one's up.
    """
    if target.stop is None:
        return target
    rounding = ROUND_FLOOR if target.quantity > 0 else ROUND_CEILING
    steps = (target.stop / tick_size).to_integral_value(rounding)
    return replace(target, stop=steps * tick_size)


class Rule(Protocol):
    """
    A level-triggered strategy: a pure function of what is, with no memory of its own.

    A restart must not change its answers: no clock, no random numbers, no state between calls.
    """

    @property
    def window(self) -> int:
        """The number of closed bars that `target` needs."""

    def target(self, view: View) -> Target:
        """Return what should be so, given what is."""
