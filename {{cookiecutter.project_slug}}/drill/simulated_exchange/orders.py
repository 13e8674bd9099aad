"""Orders, conditional orders and fills: values that never change, and the rows they are told as."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from .symbols import rounded, text

Row = dict[str, Any]
Kind = Literal["order", "conditional"]

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED", "TRIGGERING"})
"""A conditional order in ``TRIGGERED`` is no longer open itself: the order it became is."""

CONDITIONAL_TYPES = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"})


@dataclass(frozen=True, slots=True)
class Order:
    """An order in the book, or a conditional order of the algo-order service.

    Parameters
    ----------
    kind : {"order", "conditional"}
        Which of the two it is.
    id : int
        ``orderId`` or ``algoId``; both come from one sequence.
    client_id : str
        The client's own name for it. The order that a triggered conditional becomes inherits it.
    type : str
        ``MARKET`` or ``LIMIT``, or one of `CONDITIONAL_TYPES`.
    origin_type : str
        The conditional type that a triggered order came from, else `type`.
    quantity : Decimal
        In the base asset; zero for a conditional with `close_position`.
    price, trigger_price : Decimal
        In USDT; zero when the type has none.
    filled, quote : Decimal
        What was filled so far, in the base asset and in USDT.
    created_ms, updated_ms : int
        Market time in milliseconds.
    triggered_order_id : int
        The order that this conditional became, or zero.
    """

    kind: Kind
    id: int
    client_id: str
    symbol: str
    side: str
    type: str
    origin_type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    working_type: str
    reduce_only: bool
    close_position: bool
    created_ms: int
    updated_ms: int
    status: str = "NEW"
    filled: Decimal = Decimal(0)
    quote: Decimal = Decimal(0)
    triggered_ms: int = 0
    triggered_order_id: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it can still fill, trigger or be cancelled."""
        return self.status in OPEN_STATUSES

    @property
    def sign(self) -> int:
        """Plus one for a purchase, minus one for a sale."""
        return 1 if self.side == "BUY" else -1

    @property
    def remaining(self) -> Decimal:
        """What is left to fill, in the base asset."""
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """The mean price of the fills so far, or zero."""
        return rounded(self.quote / self.filled) if self.filled else Decimal(0)

    @property
    def triggers_upwards(self) -> bool:
        """Whether a conditional triggers when the price rises to its trigger."""
        return (self.side == "BUY") == self.type.startswith("STOP")

    def row(self) -> Row:
        """Return the row of the ledger and the journal; decimals are strings."""
        return {
            "kind": self.kind,
            "exchange_order_id": str(self.id),
            "client_order_id": self.client_id,
            "symbol": self.symbol,
            "side": self.side,
            "type": self.type,
            "origin_type": self.origin_type,
            "time_in_force": self.time_in_force,
            "quantity": text(self.quantity),
            "filled": text(self.filled),
            "quote": text(self.quote),
            "price": text(self.price),
            "trigger_price": text(self.trigger_price),
            "average_price": text(self.average_price),
            "working_type": self.working_type,
            "status": self.status,
            "reduce_only": self.reduce_only,
            "close_position": self.close_position,
            "created_ms": self.created_ms,
            "updated_ms": self.updated_ms,
            "triggered_ms": self.triggered_ms,
            "triggered_order_id": str(self.triggered_order_id or ""),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Order":
        """Read what `row` wrote."""
        return cls(
            kind=row["kind"],
            id=int(row["exchange_order_id"]),
            client_id=row["client_order_id"],
            symbol=row["symbol"],
            side=row["side"],
            type=row["type"],
            origin_type=row["origin_type"],
            time_in_force=row["time_in_force"],
            quantity=Decimal(row["quantity"]),
            price=Decimal(row["price"]),
            trigger_price=Decimal(row["trigger_price"]),
            working_type=row["working_type"],
            reduce_only=row["reduce_only"],
            close_position=row["close_position"],
            created_ms=row["created_ms"],
            updated_ms=row["updated_ms"],
            status=row["status"],
            filled=Decimal(row["filled"]),
            quote=Decimal(row["quote"]),
            triggered_ms=row["triggered_ms"],
            triggered_order_id=int(row["triggered_order_id"] or 0),
        )


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order.

    Parameters
    ----------
    commission, realized_pnl : Decimal
        In USDT; the commission is positive when it is paid.
    position_after : Decimal
        The signed position once this fill is booked.
    """

    trade_id: int
    order_id: int
    client_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    realized_pnl: Decimal
    maker: bool
    market_ms: int
    position_after: Decimal

    def row(self) -> Row:
        """Return the row of the ledger and the journal; decimals are strings."""
        return {
            "trade_id": str(self.trade_id),
            "exchange_order_id": str(self.order_id),
            "client_order_id": self.client_id,
            "symbol": self.symbol,
            "side": self.side,
            "quantity": text(self.quantity),
            "price": text(self.price),
            "commission": text(self.commission),
            "realized_pnl": text(self.realized_pnl),
            "maker": self.maker,
            "market_ms": self.market_ms,
            "position_after": text(self.position_after),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Fill":
        """Read what `row` wrote."""
        return cls(
            trade_id=int(row["trade_id"]),
            order_id=int(row["exchange_order_id"]),
            client_id=row["client_order_id"],
            symbol=row["symbol"],
            side=row["side"],
            quantity=Decimal(row["quantity"]),
            price=Decimal(row["price"]),
            commission=Decimal(row["commission"]),
            realized_pnl=Decimal(row["realized_pnl"]),
            maker=row["maker"],
            market_ms=row["market_ms"],
            position_after=Decimal(row["position_after"]),
        )
