"""Orders, conditional orders and fills: values that never change, and the rows they are told as."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache, lru_cache
from sys import intern
from typing import Any, Literal, Self

from ..market.symbols import rounded, text

Kind = Literal["order", "conditional"]

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED", "TRIGGERING"})
"""A conditional order in ``TRIGGERED`` is no longer open itself: the order it became is."""

CONDITIONAL_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
ZERO = Decimal(0)
_number = lru_cache(maxsize=10_000)(Decimal)


class Told:
    """Something that ledger and journal tell as a row of its fields, decimals as strings."""

    def row(self) -> dict[str, Any]:
        """Write the row."""
        return {k: text(v) if isinstance(v, Decimal) else v for k, v in vars(self).items()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `row` wrote; equal words and numbers share an object, since there are many."""
        values = {}
        for name, is_decimal in _columns(cls):  # type: ignore[arg-type]  # a class can be hashed
            value = row[name]
            if is_decimal:
                value = _number(value)
            elif type(value) is str:
                value = intern(value)
            values[name] = value
        return cls(**values)


@cache
def _columns(told: type[Told]) -> tuple[tuple[str, bool], ...]:
    """Name the fields of a class, and tell which hold decimals."""
    return tuple((f.name, f.type is Decimal) for f in fields(told))  # type: ignore[arg-type]  # it is one


@dataclass(frozen=True, kw_only=True)
class Order(Told):
    """An order, or a conditional order of the algo-order service; as asked for, then as it is.

    Prices are in USDT and zero when the type has none. Quantities count the base asset; that of a
    conditional with `close_position` is zero. `quote` is what the fills came to, in USDT. Times are
    market times. Exchange ids of both kinds come from one sequence; a request has none yet.
    """

    kind: Kind
    symbol: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal = ZERO
    trigger_price: Decimal = ZERO
    time_in_force: str = "GTC"
    good_till_date: int = 0  # as the client gave it, in wall time
    expires_ms: int = 0  # the same in market time
    working_type: str = "CONTRACT_PRICE"
    reduce_only: bool = False
    close_position: bool = False
    client_order_id: str = ""  # an order that a conditional becomes inherits it
    origin_type: str = ""  # the type of the conditional that it was, else its own
    exchange_order_id: str = ""
    status: str = "NEW"
    filled: Decimal = ZERO
    quote: Decimal = ZERO
    liquidation: bool = False  # the exchange's own order, of a liquidation or to deleverage
    amendments: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    queued_ms: int = 0  # since when it has its place in the queue at its price
    triggered_ms: int = 0
    triggered_order_id: str = ""  # the order that this conditional became

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
        return rounded(self.quote / self.filled) if self.filled else ZERO

    def row(self) -> dict[str, Any]:
        """Write the row, with the mean price of the fills."""
        return super().row() | {"average_price": text(self.average_price)}


@dataclass(frozen=True, kw_only=True)
class Fill(Told):
    """One execution of an order; a positive commission is paid, the position is signed."""

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
