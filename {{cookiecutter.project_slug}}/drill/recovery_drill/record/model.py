"""What the drill sees of node, exchange and history, as typed values.

Quantities and prices are ``Decimal``; a position is signed (long positive); market time is
milliseconds since the Unix epoch; ``mono_ns`` is the machine's monotonic clock, the only one that
orders records of different processes.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from recovery_drill.record.contract import CLOSED_AT_NODE, OPEN_AT_EXCHANGE
from recovery_drill.record.health import Condition
from recovery_drill.record.traded import Traded, last_close

SCHEMA = 1


class NodePosition(msgspec.Struct, frozen=True):
    """One open position in the node's cache; `quantity` is signed."""

    symbol: str
    quantity: Decimal
    strategy_id: str = ""


class NodeOrder(msgspec.Struct, frozen=True):
    """One order in the node's cache, open or closed, in the engine's words."""

    client_order_id: str
    type: str
    side: str
    quantity: Decimal
    filled: Decimal
    status: str
    reduce_only: bool
    symbol: str = ""
    exchange_order_id: str | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trade_ids: tuple[str, ...] = ()
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether the order is finished for the engine."""
        return self.status in CLOSED_AT_NODE


class NodeState(msgspec.Struct, frozen=True):
    """One answer of the node's ``/state``; any of those with a value here may be left out.

    A `decided_bar` of None is of a symbol whose bars it acts upon when it hears of them, and of
    which it has heard none since its start.
    """

    schema: int
    pid: int
    stage: str
    inflight: int
    positions: tuple[NodePosition, ...]
    orders: tuple[NodeOrder, ...]
    decided_bar: dict[str, int | None] = {}
    instance_id: str | None = None
    revision: int | None = None
    traded: tuple[Traded, ...] = ()
    conditions: tuple[Condition, ...] | None = None
    notes: tuple[str, ...] | None = None

    def has_decided(self, symbol: str, bar: int, since: int = 0) -> bool:
        """Tell whether it has decided the last bar in a symbol that was closed when `bar` was.

        What it does not say to be longer is a bar of a minute. Where strategies with bars of
        several lengths trade one symbol, the shortest ones count. One that acts upon bars as it
        hears of them has nothing to decide before the first one that closed after `since`, the last
        bar when it began to trade.
        """
        lengths = [t.bar_seconds for t in self.traded if t.symbol == symbol]
        length = min(lengths, default=60)
        decided = self.decided_bar.get(symbol, 0)
        return last_close(bar, length) <= (
            last_close(since, length) if decided is None else decided
        )

    def unfinished(self, symbols: Sequence[str]) -> tuple[NodeOrder, ...]:
        """Return the orders in `symbols` that are not finished for the node."""
        return tuple(o for o in self.orders if not o.closed and o.symbol in ("", *symbols))

    def position(self, symbol: str) -> Decimal:
        """Return the signed sum of the node's open positions in `symbol`."""
        return sum((p.quantity for p in self.positions if p.symbol == symbol), Decimal(0))

    def doing(self) -> str:
        """Return one clause on what the node was doing, and what it said is wrong."""
        waiting = [o.client_order_id for o in self.orders if not o.closed]
        clause = (
            f"it was in stage {self.stage}, had decided {self.decided_bar or 'no bar'} and had "
            f"{self.inflight} in flight (orders not closed: {', '.join(waiting) or 'none'})"
        )
        wrong = " ".join(each.sentence for each in self.conditions or ())
        return f"{clause}; it said: {wrong.removesuffix('.')}" if wrong else clause


class ExchangePosition(msgspec.Struct, frozen=True):
    """One position on the exchange's ledger; `quantity` is signed and never zero."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal


class ExchangeOrder(msgspec.Struct, frozen=True):
    """One order or conditional order on the exchange's ledger, in the exchange's words."""

    kind: Literal["order", "conditional"]
    exchange_order_id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    filled: Decimal
    status: str
    reduce_only: bool
    close_position: bool = False
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered_order_id: str | None = None

    @property
    def working(self) -> bool:
        """Whether the order can still trade or trigger."""
        return self.status in OPEN_AT_EXCHANGE

    @property
    def protects(self) -> bool:
        """Whether this is a protective stop: conditional, only reducing, of a stop type."""
        return (
            self.kind == "conditional"
            and self.type.startswith("STOP")
            and (self.reduce_only or self.close_position)
        )


class Fill(msgspec.Struct, frozen=True):
    """One fill on the exchange's ledger; `position_after` is signed."""

    trade_id: str
    exchange_order_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    market_ms: int
    position_after: Decimal


class Ledger(msgspec.Struct, frozen=True):
    """The exchange's own account of what happened: the ground truth of a drill."""

    market_ms: int
    bar: int
    seq: int
    wallet: dict[str, Decimal]
    positions: tuple[ExchangePosition, ...]
    orders: tuple[ExchangeOrder, ...]
    fills: tuple[Fill, ...]
    prices: dict[str, Decimal] = {}

    def position(self, symbol: str) -> Decimal:
        """Return the signed position in `symbol`."""
        return sum((p.quantity for p in self.positions if p.symbol == symbol), Decimal(0))

    def working(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Return the orders and conditional orders in `symbol` that can still trade."""
        return tuple(o for o in self.orders if o.symbol == symbol and o.working)

    def unprotected(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return those of `symbols` in which a position has no stop of the other side working."""
        return tuple(s for s in symbols if self.position(s) and not self._stops(s))

    def _stops(self, symbol: str) -> list[ExchangeOrder]:
        side = "SELL" if self.position(symbol) > 0 else "BUY"
        return [o for o in self.working(symbol) if o.protects and o.side == side]

    def fills_since_flat(self, symbol: str) -> tuple[Fill, ...]:
        """Return the fills that make up the position that is open now; empty when flat."""
        fills = [f for f in self.fills if f.symbol == symbol]
        flat = max((i for i, f in enumerate(fills) if f.position_after == 0), default=-1)
        return tuple(fills[flat + 1 :])


class StoredEvent(NamedTuple):
    """One event of an order as the store has it; the last three are of fills only."""

    type: str
    trade_id: str | None = None
    quantity: Decimal | None = None
    side: str | None = None


class StoredFill(NamedTuple):
    """One fill of a position's current cycle as the store has it; `quantity` is unsigned."""

    trade_id: str
    side: str
    quantity: Decimal


class StoreLook(msgspec.Struct, frozen=True):
    """One look at the store: what it had of the node's orders and positions.

    Parameters
    ----------
    when : str
        What had just happened, for messages: ``before kill 1``.
    behind : str or None
        One sentence on what the store lacked of the node's memory at the end of its budget; None
        when it lacked nothing.
    orders : dict[str, tuple[StoredEvent, ...]]
        The events of each order, by client order id, oldest first.
    positions : dict[str, tuple[StoredFill, ...]]
        The fills of each position's current cycle, by position id.
    keys : tuple[str, ...]
        The keys of what strategies remember, without the trader's prefix.
    mono_ns : int
        Monotonic time of the look.

    """

    when: str
    behind: str | None
    orders: dict[str, tuple[StoredEvent, ...]] = {}
    positions: dict[str, tuple[StoredFill, ...]] = {}
    keys: tuple[str, ...] = ()
    mono_ns: int = 0

    def position(self, symbol: str) -> Decimal:
        """Return the signed sum of the stored fills of the positions in `symbol`."""
        fills = [f for key, rows in self.positions.items() if _is_of(key, symbol) for f in rows]
        return sum((f.quantity if f.side == "BUY" else -f.quantity for f in fills), Decimal(0))


def _is_of(position_id: str, symbol: str) -> bool:
    # BTCUSDT-PERP.BINANCE-EMA-001 is of BTCUSDT, but not of BTCUSD.
    return re.match(rf"{re.escape(symbol)}\b", position_id) is not None


class Record(msgspec.Struct, frozen=True):
    """One line of a history or of the exchange's journal (see the contract)."""

    v: int
    seq: int
    mono_ns: int
    wall_ns: int
    market_ms: int | None
    source: Literal["node", "store", "exchange", "drill"]
    kind: str
    data: dict[str, Any]


def read_records(lines: Iterable[str]) -> list[Record]:
    """Decode JSON Lines into records; a torn last line (a killed writer) is left out.

    Raises
    ------
    ValueError
        If a line other than the last is no record.

    """
    records: list[Record] = []
    rows = [line for line in lines if line.strip()]
    for number, line in enumerate(rows, start=1):
        try:
            records.append(msgspec.json.decode(line, type=Record))
        except msgspec.DecodeError as error:
            if number == len(rows):
                break
            raise ValueError(f"Line {number} is no history record: {error}.") from error
    return records
