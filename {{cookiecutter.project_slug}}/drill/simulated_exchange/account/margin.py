"""What positions and open orders bind, and when that is too much. Pure functions; money is USDT.

Margin is cross, and there is one bracket: whatever a position is worth, the leverage may be up to
125 and the maintenance margin is 0.4 % of that worth. The mark price is the last price.
"""

from collections.abc import Iterable
from decimal import Decimal

from ..journal.orders import ZERO, Order
from ..journal.state import Book, State

MAINTENANCE_RATE = Decimal("0.004")
HIGHEST_LEVERAGE = 125
HIGHEST_NOTIONAL = 100_000_000
"""What clients are told that a position may be worth; the margin ends it long before."""


def reducible(book: Book, sign: int) -> Decimal:
    """Return how much of the position an order of one side could close."""
    return abs(book.position) if book.position * sign < 0 else ZERO


def unrealized_pnl(state: State) -> Decimal:
    """Return the open profit of all positions."""
    return sum((b.unrealized_pnl for b in state.books.values()), ZERO)


def position_margin(state: State, symbol: str | None = None) -> Decimal:
    """Return the margin that positions bind: that of one symbol, or all."""
    return sum((abs(b.notional) / b.leverage for b in state.books_of(symbol)), ZERO)


def order_margin(state: State, symbol: str | None = None) -> Decimal:
    """Return what open orders bind beyond the positions: those of one symbol, or all."""
    bound = ZERO
    for book in state.books_of(symbol):
        orders = state.open_orders("order", book.rules.name)
        bound += (_exposure(book, orders) - abs(book.notional)) / book.leverage
    return bound


def maintenance_margin(state: State, symbol: str | None = None) -> Decimal:
    """Return the margin balance at which positions are liquidated: that of one symbol, or all."""
    return sum((abs(b.notional) * MAINTENANCE_RATE for b in state.books_of(symbol)), ZERO)


def available(state: State) -> Decimal:
    """Return what can still be used as margin."""
    balance = state.wallet + unrealized_pnl(state)
    return max(ZERO, balance - position_margin(state) - order_margin(state))


def margin_needed(state: State, order: Order) -> Decimal:
    """Return how much more would be bound if an order, new or amended, were open at its price."""
    book, opened = state.books[order.symbol], state.open_orders("order", order.symbol)
    others = [other for other in opened if other.exchange_order_id != order.exchange_order_id]
    return (_exposure(book, [*others, order]) - _exposure(book, opened)) / book.leverage


def leverage_margin(state: State, symbol: str, leverage: int) -> Decimal:
    """Return how much more would be bound with another leverage."""
    book = state.books[symbol]
    exposure = _exposure(book, state.open_orders("order", symbol))
    return exposure / leverage - exposure / book.leverage


def liquidation_price(state: State, symbol: str) -> Decimal:
    """Return the price at which the balance is down to the maintenance margin, or zero for none.

    The prices of the other symbols are taken as they are.
    """
    book = state.books[symbol]
    if not book.position:
        return ZERO
    others = state.wallet + unrealized_pnl(state) - book.unrealized_pnl
    others -= maintenance_margin(state) - maintenance_margin(state, symbol)
    slope = book.position - abs(book.position) * MAINTENANCE_RATE
    return max(ZERO, (book.position * book.entry_price - others) / slope)


def _exposure(book: Book, orders: Iterable[Order]) -> Decimal:
    """Return what the position is worth, or would be if all bids or all asks filled."""
    sides = {1: book.notional, -1: book.notional}
    for order in orders:
        if not order.reduce_only:
            sides[order.sign] += order.sign * order.remaining * order.price
    return max(abs(notional) for notional in sides.values())
