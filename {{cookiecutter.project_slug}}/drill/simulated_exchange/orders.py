"""Orders, conditional orders and fills: values that never change, and the rows they are told as."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, Self

from .symbols import rounded, text

Row = dict[str, Any]
Kind = Literal["order", "conditional"]

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED", "TRIGGERING"})
"""A conditional order in ``TRIGGERED`` is no longer open itself: the order it became is."""

CONDITIONAL_TYPES = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"})


class Told:
    """Something that ledger and journal tell as a row of its fields, decimals as strings."""

    def row(self) -> Row:
        """Write the row."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {k: text(v) if isinstance(v, Decimal) else v for k, v in values.items()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `row` wrote."""
        known = {f.name: f.type is Decimal for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**{k: Decimal(row[k]) if decimal else row[k] for k, decimal in known.items()})


@dataclass(frozen=True, kw_only=True)
class Order(Told):
    """An order in the book, or a conditional order of the algo-order service.

    Parameters
    ----------
    kind : {"order", "conditional"}
        Which of the two it is.
    exchange_order_id : str
        ``orderId`` or ``algoId``; both come from one sequence.
    client_order_id : str
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
    created_ms, updated_ms, triggered_ms : int
        Market time in milliseconds.
    triggered_order_id : str
        The order that this conditional became, or nothing.
    """

    kind: Kind
    exchange_order_id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    origin_type: str
    time_in_force: str
    quantity: Decimal
    filled: Decimal = Decimal(0)
    quote: Decimal = Decimal(0)
    price: Decimal
    trigger_price: Decimal
    working_type: str
    status: str = "NEW"
    reduce_only: bool
    close_position: bool
    created_ms: int
    updated_ms: int
    triggered_ms: int = 0
    triggered_order_id: str = ""

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
        """Write the row, with the mean price of the fills."""
        return super().row() | {"average_price": text(self.average_price)}


@dataclass(frozen=True, kw_only=True)
class Fill(Told):
    """One execution of an order.

    Parameters
    ----------
    commission, realized_pnl : Decimal
        In USDT; the commission is positive when it is paid.
    position_after : Decimal
        The signed position once this fill is booked.
    """

    trade_id: str
    exchange_order_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    realized_pnl: Decimal
    maker: bool
    market_ms: int
    position_after: Decimal
