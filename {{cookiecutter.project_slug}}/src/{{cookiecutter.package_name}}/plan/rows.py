"""
Orders, positions and balances as plain rows, in the enum names that both engine versions share.

An engine room turns what its cache holds into them; the plan and ``/state`` know nothing else.
"""

from dataclasses import dataclass
from decimal import Decimal

CLOSED = frozenset({"DENIED", "REJECTED", "CANCELED", "EXPIRED", "FILLED"})
"""Statuses in which nothing more happens to an order."""
UNHEARD = frozenset({"INITIALIZED", "SUBMITTED"})
"""Statuses of orders that the exchange has said nothing about."""
AWAITING = frozenset(
    {
        "INITIALIZED",
        "EMULATED",
        "RELEASED",
        "SUBMITTED",
        "TRIGGERED",
        "PENDING_UPDATE",
        "PENDING_CANCEL",
    }
)
"""Statuses in which an order waits for the exchange, or for a command not yet sent."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """
    One order as the engine has it.

    Parameters
    ----------
    client_order_id : str
        Its client order id.
    exchange_order_id : str, optional
        The exchange's number, once it is known.
    symbol : str
        As the exchange writes it.
    type, side, status : str
        The engine's enum names: ``STOP_MARKET``, ``BUY``, ``ACCEPTED``.
    quantity, filled : Decimal
        In coins, without a sign.
    reduce_only : bool
        Whether it may only make a position smaller.
    price, trigger_price : Decimal, optional
        Its limit and its trigger, where it has them.
    trade_ids : tuple[str, ...]
        The exchange's numbers of its fills.
    born_ns : int
        When the engine has made it; orders are told in this order.

    """

    client_order_id: str
    exchange_order_id: str | None
    symbol: str
    type: str
    side: str
    status: str
    quantity: Decimal
    filled: Decimal
    reduce_only: bool
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trade_ids: tuple[str, ...] = ()
    born_ns: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in CLOSED

    @property
    def is_in_flight(self) -> bool:
        """Whether its outcome is open; a market order's is until it has closed."""
        if self.is_closed:
            return False
        executing = self.type == "MARKET" or self.status == "PARTIALLY_FILLED"
        return self.status in AWAITING or (executing and self.type != "LIMIT")

    @property
    def signed_quantity(self) -> Decimal:
        """The quantity in coins: positive buys, negative sells."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True, slots=True)
class PositionRow:
    """
    One open position as the engine has it.

    Parameters
    ----------
    symbol : str
        As the exchange writes it.
    quantity : Decimal
        The signed quantity in coins.
    strategy_id : str
        The engine's name of its owner.
    entry_price : Decimal, optional
        The average price at which it was opened.
    entry_ms : int, optional
        Market time of its first fill, in milliseconds.

    """

    symbol: str
    quantity: Decimal
    strategy_id: str
    entry_price: Decimal | None = None
    entry_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FillRow:
    """
    One fill as the engine has it.

    Parameters
    ----------
    symbol, trade_id, client_order_id, side : str
        The exchange's number of it, and the order that it is of.
    quantity, price : Decimal
        In coins, and of one of them.
    commission : Decimal
        What it has cost, in `currency`.
    currency : str
        As the exchange writes it.
    at_ms : int
        When, in milliseconds of market time.

    """

    symbol: str
    trade_id: str
    client_order_id: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    currency: str
    at_ms: int

    @property
    def name(self) -> str:
        """Symbol and number: no other fill has both."""
        return f"{self.symbol} {self.trade_id}"


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """What the wallet holds of one currency, as the engine has it."""

    currency: str
    total: Decimal
    locked: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything that the engine has, as far as anybody asks."""

    orders: tuple[OrderRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    balances: tuple[BalanceRow, ...] = ()
