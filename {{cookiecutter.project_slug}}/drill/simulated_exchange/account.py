"""The arithmetic of one cross-margin account in one-way mode. Pure functions."""

from dataclasses import dataclass
from decimal import Decimal

from .state import Book, State
from .symbols import rounded

MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.0005")
OPENING_WALLET = Decimal(100_000)


@dataclass(frozen=True, slots=True)
class Booking:
    """What a fill makes of a position."""

    position: Decimal
    entry_price: Decimal
    realized_pnl: Decimal


def booked(position: Decimal, entry: Decimal, change: Decimal, price: Decimal) -> Booking:
    """Book a fill on a position.

    Parameters
    ----------
    position, entry : Decimal
        The signed position and its mean entry price.
    change : Decimal
        The signed quantity that was filled; it may close, open or turn the position.
    price : Decimal
        The price of the fill.
    """
    after = position + change
    if position * change >= 0:
        mean = (entry * abs(position) + price * abs(change)) / abs(after)
        return Booking(after, rounded(mean), Decimal(0))
    closed = min(abs(change), abs(position))
    realized = rounded(closed * (price - entry) * (1 if position > 0 else -1))
    if not after:
        return Booking(after, Decimal(0), realized)
    return Booking(after, price if after * position < 0 else entry, realized)


def commission(quantity: Decimal, price: Decimal, *, maker: bool) -> Decimal:
    """Return the fee of a fill in USDT."""
    return rounded(quantity * price * (MAKER_FEE if maker else TAKER_FEE))


def reducible(book: Book, sign: int) -> Decimal:
    """Return how much of the position an order of one side could close."""
    return abs(book.position) if book.position * sign < 0 else Decimal(0)


def position_margin(state: State) -> Decimal:
    """Return the margin that positions bind, at the last prices, in USDT."""
    return sum(
        (abs(b.position) * b.price / b.leverage for b in state.books.values()), start=Decimal(0)
    )


def order_margin(state: State) -> Decimal:
    """Return the margin that open limit orders bind, in USDT."""
    return sum(
        (
            order.remaining * order.price / state.books[order.symbol].leverage
            for order in state.open_orders("order")
            if not order.reduce_only
        ),
        start=Decimal(0),
    )


def unrealized_pnl(state: State) -> Decimal:
    """Return the open profit of all positions, in USDT."""
    return sum((b.unrealized_pnl for b in state.books.values()), start=Decimal(0))


def available(state: State) -> Decimal:
    """Return what can still be used as margin, in USDT."""
    free = state.wallet + unrealized_pnl(state) - position_margin(state) - order_margin(state)
    return max(Decimal(0), free)


def margin_needed(book: Book, sign: int, quantity: Decimal, price: Decimal) -> Decimal:
    """Return the margin by which an order would enlarge the exposure, in USDT."""
    more = abs(book.position + sign * quantity) - abs(book.position)
    return max(Decimal(0), more) * price / book.leverage
