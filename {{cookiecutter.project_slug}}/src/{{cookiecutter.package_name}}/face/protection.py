"""Which part of what is held a stop at the exchange would close. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..plan.rows import OrderRow, Rows
from .compared import held

STOPS = frozenset({"STOP_MARKET", "STOP_LIMIT", "TRAILING_STOP_MARKET", "TRAILING_STOP_LIMIT"})
"""Types of orders that close what is held when the price goes against it."""
WORKING = frozenset({"ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED", "PENDING_UPDATE"})
ON_THEIR_WAY = frozenset({"INITIALIZED", "SUBMITTED", "EMULATED", "RELEASED"})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Protection:
    """
    How what is held of one symbol is protected.

    Parameters
    ----------
    symbol : str
        Which.
    held : Decimal
        What is held, with its sign.
    covered : Decimal
        How much of it working stops close, without a sign; never more than is held.
    on_its_way : Decimal
        The same of stops that the exchange has not answered yet.
    triggers : tuple[Decimal, ...]
        Where the working stops are triggered.

    """

    symbol: str
    held: Decimal
    covered: Decimal
    on_its_way: Decimal
    triggers: tuple[Decimal, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all of it is covered."""
        return self.covered >= abs(self.held)

    @property
    def will_be_whole(self) -> bool:
        """Whether all of it is covered once the exchange has answered."""
        return self.covered + self.on_its_way >= abs(self.held)


def protections(rows: Rows) -> list[Protection]:
    """Return for each symbol of which something is held how that is protected."""
    return [_protection(symbol, quantity, rows) for symbol, quantity in sorted(held(rows).items())]


def covered(orders: Iterable[OrderRow], quantity: Decimal) -> Decimal:
    """Return how much of what is held of their symbol working stops of `orders` close."""
    return _closes(_stops(orders, quantity, WORKING), abs(quantity))


def _protection(symbol: str, quantity: Decimal, rows: Rows) -> Protection:
    orders = [order for order in rows.orders if order.symbol == symbol]
    working = _stops(orders, quantity, WORKING)
    coming = _stops(orders, quantity, ON_THEIR_WAY)
    triggers = tuple(o.trigger_price for o in working if o.trigger_price is not None)
    most = abs(quantity)
    return Protection(symbol, quantity, _closes(working, most), _closes(coming, most), triggers)


def _stops(
    orders: Iterable[OrderRow], quantity: Decimal, statuses: frozenset[str]
) -> list[OrderRow]:
    closing = "SELL" if quantity > 0 else "BUY"
    return [
        order
        for order in orders
        if order.side == closing
        and order.type in STOPS
        and order.status in statuses
        and order.reduce_only
    ]


def _closes(orders: Iterable[OrderRow], most: Decimal) -> Decimal:
    # An order that closes all there is has no quantity.
    return min(most, sum((o.quantity - o.filled if o.quantity else most for o in orders), ZERO))
