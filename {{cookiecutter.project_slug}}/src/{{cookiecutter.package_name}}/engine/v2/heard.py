"""What the engine's thread tells the rest of the node: plain values, nothing of the engine's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ...plan.bars import ClosedBar
from ...plan.rows import BalanceRow, FillRow, OrderRow, PositionRow


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """
    An order as the engine has it.

    Parameters
    ----------
    row : OrderRow
        What it is.
    events : int
        How many events it has.
    begun : str
        The number of its first event: sent anew under its name, it has another one.
    post_only : bool
        Whether it is refused where it would trade at once.

    """

    row: OrderRow
    events: int
    begun: str
    post_only: bool


@dataclass(frozen=True, slots=True)
class PositionSeen:
    """An open position as the engine has it, and with what its list in the store begins."""

    name: str
    row: PositionRow
    events: int
    since: str


@dataclass(frozen=True, slots=True)
class EventSeen:
    """
    Something has happened to an order.

    Parameters
    ----------
    kind : str
        The event's name.
    client_order_id : str
        Of which order.
    at_ms : int
        When, in milliseconds of market time.
    reason : str
        Why it was refused.
    is_past : bool
        Whether reconciliation has made it up.
    fill : FillRow, optional
        What has filled.

    """

    kind: str
    client_order_id: str
    at_ms: int
    reason: str = ""
    is_past: bool = False
    fill: FillRow | None = None


@dataclass(frozen=True, slots=True)
class InstrumentSeen:
    """What is known of a symbol's rules: steps of price and quantity, and the taker's fee."""

    tick_size: Decimal
    lot: Decimal
    taker_fee: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What is new at the engine, all at one moment.

    Parameters
    ----------
    orders : Mapping[str, OrderSeen | None]
        The orders that have changed; ``None`` for one that is not there any more.
    events : Sequence[EventSeen]
        What has happened, in order.
    positions : Sequence[PositionSeen], optional
        All open positions, where they may have changed.
    balances : Sequence[BalanceRow], optional
        All balances, likewise.
    bars : Sequence[tuple[str, ClosedBar]]
        Closed bars, by symbol.
    instruments : Mapping[str, InstrumentSeen]
        By symbol; at the beginning alone.
    closed_positions : Mapping[str, tuple[int, str]]
        Positions that have just closed: their events, and with what their lists begin.
    last_fills : Sequence[FillRow]
        The newest fills, oldest first; at the beginning alone.

    """

    orders: Mapping[str, OrderSeen | None] = field(default_factory=dict)
    events: Sequence[EventSeen] = ()
    positions: Sequence[PositionSeen] | None = None
    balances: Sequence[BalanceRow] | None = None
    bars: Sequence[tuple[str, ClosedBar]] = ()
    instruments: Mapping[str, InstrumentSeen] = field(default_factory=dict)
    closed_positions: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    last_fills: Sequence[FillRow] = ()
