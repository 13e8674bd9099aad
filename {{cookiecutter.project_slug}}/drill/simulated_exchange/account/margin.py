"""What positions and open orders bind. Pure functions; money is USDT."""

from decimal import Decimal

from ..journal.orders import ZERO
from ..journal.state import Book, State


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
