"""The arithmetic of one cross-margin account in one-way mode. Pure functions; money is USDT."""

from decimal import Decimal
from typing import NamedTuple

from .orders import ZERO
from .state import Book, State
from .symbols import rounded

MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.0005")
OPENING_WALLET = Decimal(100_000)


class Booking(NamedTuple):
    """What a fill makes of a position."""

    position: Decimal
    entry_price: Decimal
    realized_pnl: Decimal


def booked(position: Decimal, entry: Decimal, change: Decimal, price: Decimal) -> Booking:
    """Book a signed quantity on a signed position; it may open, enlarge, close or turn it."""
    after = position + change
    if position * change >= 0:
        mean = (entry * abs(position) + price * abs(change)) / abs(after)
        return Booking(after, rounded(mean), ZERO)
    closed = min(abs(change), abs(position))
    realized = rounded(closed * (price - entry) * (1 if position > 0 else -1))
    if not after:
        return Booking(after, ZERO, realized)
    return Booking(after, price if after * position < 0 else entry, realized)


def commission(quantity: Decimal, price: Decimal, *, maker: bool) -> Decimal:
    """Return the fee of a fill."""
    return rounded(quantity * price * (MAKER_FEE if maker else TAKER_FEE))


def reducible(book: Book, sign: int) -> Decimal:
    """Return how much of the position an order of one side could close."""
    return abs(book.position) if book.position * sign < 0 else ZERO


def position_margin(state: State) -> Decimal:
    """Return the margin that positions bind, at the last prices."""
    return sum((abs(b.position) * b.price / b.leverage for b in state.books.values()), ZERO)


def order_margin(state: State) -> Decimal:
    """Return the margin that open limit orders bind."""
    opening = (order for order in state.open_orders("order") if not order.reduce_only)
    return sum((o.remaining * o.price / state.books[o.symbol].leverage for o in opening), ZERO)


def unrealized_pnl(state: State) -> Decimal:
    """Return the open profit of all positions."""
    return sum((b.unrealized_pnl for b in state.books.values()), ZERO)


def available(state: State) -> Decimal:
    """Return what can still be used as margin."""
    free = state.wallet + unrealized_pnl(state) - position_margin(state) - order_margin(state)
    return max(ZERO, free)


def margin_needed(book: Book, sign: int, quantity: Decimal, price: Decimal) -> Decimal:
    """Return the margin by which an order would enlarge the exposure."""
    more = abs(book.position + sign * quantity) - abs(book.position)
    return max(ZERO, more) * price / book.leverage
