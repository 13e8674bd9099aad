"""What flattening does next, from what stands at the exchange. Pure."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import Enum

from ...venue.binance.account import Held
from ...venue.binance.closing import Standing
from ...venue.binance.one_order import OneOrder
from ...venue.binance.rows import WORKING
from ...venue.binance.rules import SymbolRules

BELIEVE_SECONDS = 1.0
"""For how long looks must find nothing: an answer may lag."""


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel all orders of a symbol, or all of its conditional ones; `count` are known of."""

    symbol: str
    is_conditional: bool
    count: int

    def told(self) -> str:
        """Return what it does, in words."""
        kind = "conditional order" if self.is_conditional else "order"
        known = f"{self.count} {kind}{'' if self.count == 1 else 's'} known"
        return f"cancel every {kind} of {self.symbol} ({known})"


@dataclass(frozen=True, slots=True)
class Close:
    """
    Make a position smaller by a market order that can do nothing else.

    Parameters
    ----------
    symbol, side : str
        What is sold or bought.
    quantity : Decimal
        How much.
    names : tuple[str, ...]
        Under which client order ids, one after the other: made from the position as it was found,
        so that another process that finds it so, too, asks for the same ones.

    """

    symbol: str
    side: str
    quantity: Decimal
    names: tuple[str, ...]

    def told(self) -> str:
        """Return what it does, in words."""
        return f"{self.side} {self.quantity} {self.symbol} at the market, reduce-only"


type Step = CancelAll | Close

MOST_ATTEMPTS = 10
"""How often one and the same position is tried to be closed by orders that end without a fill."""


def steps(
    standing: Standing, rules: Mapping[str, SymbolRules], cancelled: Collection[str]
) -> list[Step]:
    """
    Return what to do, in its order.

    Each symbol is finished before the next one is begun: between the end of its stop and the end of
    its position there is one answer. Both kinds of orders of a symbol are cancelled once whether
    any are told or not, for a list may lag, and again for as long as any are told.

    Parameters
    ----------
    standing : Standing
        What stands at the exchange.
    rules : Mapping[str, SymbolRules]
        By symbol: what it allows.
    cancelled : Collection[str]
        The symbols whose orders have been cancelled before.

    """
    found: list[Step] = []
    for symbol in standing.symbols:
        for is_conditional in (False, True):
            count = sum(
                order.symbol == symbol and order.is_conditional is is_conditional
                for order in standing.orders
            )
            if count or symbol not in cancelled:
                found.append(CancelAll(symbol, is_conditional, count))
        found += [
            closing(held, rules.get(symbol))
            for held in standing.positions
            if held.position.symbol == symbol
        ]
    return found


def closing(held: Held, rules: SymbolRules | None) -> Close:
    """Return how a position is made smaller: as a whole, or by the most that one order takes."""
    symbol, quantity = held.position.symbol, held.position.quantity
    size = abs(quantity)
    if rules is not None:
        mosts = [most for most in (rules.market_most, rules.most) if most is not None]
        most = min([size, *mosts])
        step = rules.step or most
        # What is smaller than a step, nobody but the exchange can say how to end: it is asked to.
        size = (most / step).to_integral_value(ROUND_DOWN) * step or size
    found = f"{symbol} {quantity.normalize():f} {held.updated_ms}"
    place = hashlib.sha256(found.encode()).hexdigest()[:12]
    names = tuple(f"flat-{place}-{attempt}" for attempt in range(MOST_ATTEMPTS))
    return Close(symbol, "SELL" if quantity > 0 else "BUY", size, names)


class Fate(Enum):
    """What is to be done about an order that may have been sent before."""

    SEND = "send"
    """The exchange has none of this name."""
    WAIT = "wait"
    """It works, or it has filled, and what was found of the position is from before it."""
    NEXT = "next"
    """It has ended without a fill: the next name."""


def fate_of(found: OneOrder | None) -> Fate:
    """Return what is to be done about an order of which the exchange has told."""
    if found is None:
        return Fate.SEND
    order = found.orders[-1]
    if order.filled or order.status in WORKING:
        return Fate.WAIT
    return Fate.NEXT


def over_from(flat_since: float, quiet_from: float) -> float:
    """
    Return when a look that finds nothing is the last one.

    Parameters
    ----------
    flat_since : float
        When the first look of those in a row began that have found nothing, by the monotonic clock.
    quiet_from : float
        From when on nothing of whoever traded before can arrive any more.

    """
    return max(flat_since + BELIEVE_SECONDS, quiet_from)
