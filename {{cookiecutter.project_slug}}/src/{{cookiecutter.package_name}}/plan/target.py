"""What a decision sees and what it answers: the seam between an idea and its execution."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Protocol

from .bars import ClosedBar


class ExitReason(StrEnum):
    """Why a position became smaller."""

    STOP = "stop"
    TAKE_PROFIT = "take profit"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Exit:
    """
    One order of the strategy's own that made its position smaller.

    Parameters
    ----------
    why : ExitReason
        What the order was for.
    at_ms : int
        Market time of its last fill, in milliseconds.

    """

    why: ExitReason
    at_ms: int


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
    entry_price : Decimal, optional
        The average price at which the position was opened; ``None`` when flat.
    entry_ms : int, optional
        Market time of its first fill, in milliseconds; ``None`` when flat.
    exits : tuple[Exit, ...]
        The strategy's own last exits, oldest first, as far back as the exchange's recent history.
    equity : Decimal, optional
        What the wallet holds in the currency that the symbol is settled in, without what open
        positions have gained or lost; ``None`` when the exchange has not told yet.

    """

    bars: tuple[ClosedBar, ...]
    position: Decimal
    tick_size: Decimal
    entry_price: Decimal | None = None
    entry_ms: int | None = None
    exits: tuple[Exit, ...] = ()
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Resting:
    """
    A limit order that should be working.

    Parameters
    ----------
    slot : int
        Which of the strategy's resting orders it is, 0 to 1295: another price or quantity in the
        same slot replaces the order that works there.
    quantity : Decimal
        The signed quantity in coins: positive buys, negative sells.
    price : Decimal
        The limit. It may lie between two price steps: see `on_tick`.
    post_only : bool
        Whether it is refused where it would trade at once.

    """

    slot: int
    quantity: Decimal
    price: Decimal
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """
    What should be so until the next bar closes.

    Prices may lie between two price steps: see `on_tick`.

    Parameters
    ----------
    quantity : Decimal
        The signed position in coins.
    stop : Decimal, optional
        The trigger price of the protective stop for the whole position.
    take_profit : Decimal, optional
        The price of a limit order that closes the whole position.
    resting : tuple[Resting, ...]
        The limit orders that should be working, each in a slot of its own. What they fill changes
        the position: a rule that wants to keep it answers with the `View`'s own position.

    """

    quantity: Decimal
    stop: Decimal | None = None
    take_profit: Decimal | None = None
    resting: tuple[Resting, ...] = ()


FLAT = Target(Decimal(0))


def on_tick(target: Target, tick_size: Decimal) -> Target:
    """
    Return `target` with its prices on price steps of the instrument.

    A price between two steps goes to the one farther from the market, so that rounding never makes
    an order trade at once: a long position's stop down and its take-profit up, a short one's the
    other way round, a resting order that buys down, one that sells up.
    """
    is_long = target.quantity > 0

    def to_step(price: Decimal, *, down: bool) -> Decimal:
        rounding = ROUND_FLOOR if down else ROUND_CEILING
        return (price / tick_size).to_integral_value(rounding) * tick_size

    stop, take_profit = target.stop, target.take_profit
    return replace(
        target,
        stop=None if stop is None else to_step(stop, down=is_long),
        take_profit=None if take_profit is None else to_step(take_profit, down=not is_long),
        resting=tuple(
            replace(each, price=to_step(each.price, down=each.quantity > 0))
            for each in target.resting
        ),
    )


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
