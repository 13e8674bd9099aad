"""What a decision sees and what it answers: the seam between an idea and its execution."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Protocol

from .bars import ClosedBar
from .memory import Json
from .order_ids import MAX_SLOTS


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
    lot : Decimal
        The smallest step of a quantity, in coins; see `on_lot`.
    memory : Json
        What the rule has answered as its memory before this bar; ``None`` for a rule without.

    """

    bars: tuple[ClosedBar, ...]
    position: Decimal
    tick_size: Decimal
    entry_price: Decimal | None = None
    entry_ms: int | None = None
    exits: tuple[Exit, ...] = ()
    equity: Decimal | None = None
    lot: Decimal = Decimal("0.001")
    memory: Json = None


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
    memory : Json
        What the next bar sees as `View.memory`, of a rule that remembers something; with ``None``
        it stays as it was.

    """

    quantity: Decimal
    stop: Decimal | None = None
    take_profit: Decimal | None = None
    resting: tuple[Resting, ...] = ()
    memory: Json = None


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


def on_lot(quantity: Decimal, lot: Decimal) -> Decimal:
    """Return a quantity on steps of the instrument: the next smaller one, never a larger."""
    return (quantity / lot).to_integral_value(ROUND_DOWN) * lot


def check(target: Target, lot: Decimal | None = None) -> None:
    """
    Look whether a target can be aimed at.

    Raises
    ------
    ValueError
        If it is none, if two of its resting orders have the same slot, or if a number in it cannot
        be a price or a quantity.

    """
    if not isinstance(target, Target):
        raise ValueError(f"The answer is a {type(target).__name__}, and no Target.")
    slots = [each.slot for each in target.resting]
    for each in target.resting:
        if slots.count(each.slot) > 1:
            raise ValueError(
                f"Two resting orders of one target are in slot {each.slot}; each needs its own."
            )
        if each.slot not in range(MAX_SLOTS):
            raise ValueError(f"There is no slot {each.slot}; there are 0 to {MAX_SLOTS - 1}.")
        if each.quantity == 0:
            raise ValueError(f"The resting order in slot {each.slot} has no quantity.")
    for quantity in (target.quantity, *(each.quantity for each in target.resting)):
        if not (isinstance(quantity, Decimal) and quantity.is_finite()):
            raise ValueError(f"The quantity {quantity!r} is no Decimal number.")
        if lot is not None and quantity % lot != 0:
            raise ValueError(f"The quantity {quantity} is no multiple of {lot}; see on_lot.")
    for price in (target.stop, target.take_profit, *(each.price for each in target.resting)):
        if price is None:
            continue
        if not (isinstance(price, Decimal) and price.is_finite() and price > 0):
            raise ValueError(f"The price {price!r} is no positive Decimal number.")


class Rule(Protocol):
    """
    A level-triggered strategy: a pure function of what is, with no memory of its own.

    A restart must not change its answers: no clock, no random numbers, no state between calls. What
    it must remember beyond bars and orders goes through `View.memory` and `Target.memory`, and it
    has what `Remembering` in `memory` says.
    """

    @property
    def window(self) -> int:
        """The number of closed bars that `target` needs."""

    def target(self, view: View) -> Target:
        """Return what should be so, given what is."""
