"""What a fill does to position and wallet. Pure functions; money is USDT."""

from decimal import Decimal
from typing import NamedTuple

from ..journal.orders import ZERO
from ..market.symbols import rounded

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
