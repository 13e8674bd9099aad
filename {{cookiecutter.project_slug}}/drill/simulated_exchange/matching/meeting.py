"""Which order, or the liquidation of the account, a moving price meets first. Pure functions."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from ..account import margin
from ..journal.orders import Order
from ..journal.state import Book, State
from .liquidity import reaching


class Meeting(NamedTuple):
    """Where the price meets an order; no order means that the account is liquidated there."""

    price: Decimal
    order: Order | None


class Due(NamedTuple):
    """A price from which on, upwards or downwards, something is due."""

    price: Decimal
    upwards: bool

    def is_met(self, price: Decimal) -> bool:
        """Tell whether a price is there."""
        return price >= self.price if self.upwards else price <= self.price


def due(order: Order, book: Book) -> Due:
    """Return when a conditional order triggers, or a resting one fills.

    A resting order is due when the other side of the market stands at its price, and once that
    level is used up, when the market goes a tick further.
    """
    if order.kind == "conditional":
        return Due(order.trigger_price, (order.side == "BUY") == order.type.startswith("STOP"))
    step = order.sign * book.rules.tick
    price = order.price - step
    if price == book.price and not reaching(book, order):
        price -= step
    return Due(price, order.sign < 0)


def next_meeting(state: State, book: Book, target: Decimal) -> Meeting | None:
    """Return what the price of a symbol meets first on its way to a target.

    Orders that it meets at one price have their turn in the order in which they came there, the
    liquidation after them.
    """
    met: list[tuple[Decimal, int, str, Meeting]] = []
    waiting: list[tuple[Due, Order | None]] = [
        (due(order, book), order) for order in state.open_orders(symbol=book.rules.name)
    ]
    if liquidation := _liquidation(state, book):
        waiting.append((liquidation, None))
    for at, order in waiting:
        if at.is_met(target):
            price = max(at.price, book.price) if at.upwards else min(at.price, book.price)
            rank = (order.queued_ms, order.exchange_order_id) if order else (1 << 62, "")
            met.append((abs(price - book.price), *rank, Meeting(price, order)))
    return min(met)[-1] if met else None


def _liquidation(state: State, book: Book) -> Due | None:
    price = margin.liquidation_price(state, book.rules.name)
    if not price:
        return None
    upwards = book.position < 0
    ticks = (price / book.rules.tick).to_integral_value(ROUND_CEILING if upwards else ROUND_FLOOR)
    return Due(ticks * book.rules.tick, upwards)
