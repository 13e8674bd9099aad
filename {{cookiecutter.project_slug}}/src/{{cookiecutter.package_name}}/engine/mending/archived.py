"""What an engine has stored, as rows of the archive."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ...books.archived import (
    ArchivedBalance,
    ArchivedFill,
    ArchivedOrder,
    ArchivedPosition,
    ArchivedState,
)
from ..stored import Writes
from .codec import Codec
from .events import BadEvent, OrderFilled
from .plan_writes import PlanWriter
from .stored import signed_fill
from .stored_orders import stored_order

PERPETUAL = "-PERP"


class KeysArchive:
    """
    The events of one trader.

    Parameters
    ----------
    trader : str
        The trader's id.
    codec : Codec
        How the engine writes.

    """

    def __init__(self, trader: str, codec: Codec) -> None:
        self._trader = trader
        self._codec = codec

    @property
    def prefix(self) -> str:
        """What all keys of the trader begin with."""
        return f"trader-{self._trader}:"

    def last_ns(self, rows: Sequence[bytes]) -> int | None:
        """Return when the last of some events of an order happened; ``None`` if nobody can read."""
        try:
            return int(self._codec.order_event(rows[-1]).ts_event)
        except (BadEvent, IndexError):
            return None

    def order(self, name: str, rows: Sequence[bytes]) -> ArchivedOrder | None:
        """Return an order that has ended; ``None`` for any other, and for what cannot be read."""
        try:
            order = stored_order(name, self._trader, rows, self._codec)
        except BadEvent:
            return None
        if not order.is_closed:
            return None
        init = order.init
        return ArchivedOrder(
            name=name,
            at_ns=int(order.events[-1].ts_event),
            exchange_order_id=order.number,
            strategy_id=init.strategy_id,
            symbol=_symbol(init.instrument_id),
            type=init.order_type,
            side=init.order_side,
            status=order.status,
            quantity=order.quantity,
            filled=order.filled,
            reduce_only=init.reduce_only,
            price=None if order.price is None else Decimal(order.price),
            trigger_price=None if order.trigger_price is None else Decimal(order.trigger_price),
            created_ns=int(init.ts_init),
            fills=[_fill(each) for each in order.fills],
            events=list(rows),
        )

    def position(self, name: str, rows: Sequence[bytes]) -> ArchivedPosition | None:
        """Return a position; ``None`` when it cannot be read."""
        try:
            fills = [self._codec.position_fill(row) for row in rows]
        except BadEvent:
            return None
        if not fills:
            return None
        return ArchivedPosition(
            name=name,
            at_ns=int(fills[-1].ts_event),
            strategy_id=fills[0].strategy_id,
            symbol=_symbol(fills[0].instrument_id),
            quantity=sum((signed_fill(fill) for fill in fills), Decimal(0)),
            opened_ns=min(int(fill.ts_event) for fill in fills),
            fills=[_fill(each) for each in fills],
            events=list(rows),
        )

    def state(self, account: str, row: bytes) -> ArchivedState | None:
        """Return a state of an account; ``None`` when it cannot be read."""
        try:
            state = self._codec.account_state(row)
        except BadEvent:
            return None
        if state.account_id != account:
            return None
        return ArchivedState(
            name=state.event_id,
            at_ns=int(state.ts_event),
            account_id=account,
            balances=[
                ArchivedBalance(b.currency, Decimal(b.total), Decimal(b.locked), Decimal(b.free))
                for b in state.balances
            ],
            events=[row],
        )

    def without(self, orders: Iterable[str], positions: Iterable[str]) -> Writes:
        """Return what removes orders and positions, and what the engine's index says of them."""
        pen = PlanWriter(())
        for name in orders:
            pen.forget_order(name)
        for name in positions:
            pen.position(name, [], is_open=False)
        return pen.plan().writes


def _symbol(instrument_id: str) -> str:
    return instrument_id.rpartition(".")[0].removesuffix(PERPETUAL)


def _fill(fill: OrderFilled) -> ArchivedFill:
    paid, _, currency = fill.commission.partition(" ")
    return ArchivedFill(
        trade_id=fill.trade_id,
        client_order_id=fill.client_order_id,
        at_ns=int(fill.ts_event),
        side=fill.order_side,
        quantity=Decimal(fill.last_qty),
        price=Decimal(fill.last_px),
        commission=Decimal(paid),
        currency=currency,
        liquidity=fill.liquidity_side,
    )
