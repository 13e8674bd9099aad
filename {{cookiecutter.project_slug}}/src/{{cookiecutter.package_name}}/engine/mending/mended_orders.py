"""
What becomes of a stored order when the exchange tells what happened to it.

As much of its beginning stays as the exchange confirms, byte for byte; what follows is written as
the engine would have, had it heard.
"""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from msgspec import UNSET

from ...venue.records import OrderRecord, TradeRecord
from ..known import Fate, KnownOrder
from .event_pen import Maker, Pen
from .events import (
    BadEvent,
    Options,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderRejected,
)
from .fills import is_fill_of
from .stored_orders import StoredOrder, begun

NS_PER_MS = 1_000_000
TYPES = {
    "MARKET": "MARKET",
    "LIMIT": "LIMIT",
    "STOP_MARKET": "STOP_MARKET",
    "STOP": "STOP_LIMIT",
    "TAKE_PROFIT_MARKET": "MARKET_IF_TOUCHED",
    "TAKE_PROFIT": "LIMIT_IF_TOUCHED",
    "LIQUIDATION": "MARKET",
    "ADL": "MARKET",
}
"""The exchange's names of order types, and the engine's."""
BECOME = {
    "STOP_MARKET": ("MARKET",),
    "MARKET_IF_TOUCHED": ("MARKET",),
    "TRAILING_STOP_MARKET": ("MARKET",),
    "STOP_LIMIT": ("LIMIT",),
    "LIMIT_IF_TOUCHED": ("LIMIT",),
}
"""What the exchange calls a conditional order of the engine's types once it has triggered."""
ENDED = {
    Fate.CANCELED: "CANCELED",
    Fate.EXPIRED: "EXPIRED",
    Fate.REJECTED: "REJECTED",
}


def is_same(order: StoredOrder, known: KnownOrder, maker: Maker) -> bool:
    """Return whether a stored order began as the one that the exchange knows by its id."""
    init, row = order.init, known.first
    return (
        (init.strategy_id, init.instrument_id) == (maker.strategy, maker.instrument_id)
        and init.order_side == row.side
        and init.reduce_only == row.reduce_only
        and (init.order_type == TYPES.get(row.type, init.order_type) or _has_become(init, row))
        and (order.quantity == row.quantity or Decimal(init.quantity) == row.quantity)
    )


def _has_become(init: OrderInitialized, row: OrderRecord) -> bool:
    """Return whether a row tells what a conditional order has become; how it began is forgotten."""
    return row.kind == "order" and row.type in BECOME.get(init.order_type, ())


def agrees(order: StoredOrder, known: KnownOrder) -> bool:
    """Return whether a stored order stands as the exchange has it."""
    if len(order.fills) != len(known.trades):
        return False
    if not all(map(is_fill_of, order.fills, known.trades)):
        return False
    if not known.is_open:
        if known.fate is Fate.FILLED:
            return order.status == "FILLED"
        return order.status in ENDED.values()
    if order.status not in ("ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED"):
        return False
    return order.number == known.number and not _has_changed(order, known)


def _has_changed(order: StoredOrder, known: KnownOrder) -> bool:
    row, kind = known.last, order.init.order_type
    if row.quantity != order.quantity and row.quantity >= order.filled:
        return True
    if kind in ("LIMIT", "STOP_LIMIT", "LIMIT_IF_TOUCHED"):
        return row.price is not None and row.price != Decimal(order.price or 0)
    if kind == "STOP_MARKET" and known.last is known.first:
        trigger = row.trigger_price
        return trigger is not None and trigger != Decimal(order.trigger_price or 0)
    return False


def mended(order: StoredOrder | None, known: KnownOrder, maker: Maker) -> StoredOrder:
    """
    Return an order as the exchange has it.

    Parameters
    ----------
    order : StoredOrder | None
        What the store has of it; ``None`` when it has nothing that can be read.
    known : KnownOrder
        What the exchange has of it.
    maker : Maker
        Makes what is missing.

    Raises
    ------
    BadEvent
        If it cannot be told in the engine's events.

    """
    if order is not None:
        try:
            return _followed(_confirmed(order, known, maker), known, maker)
        except BadEvent:
            pass  # told anew from its beginning
    return _followed(_made(known, maker), known, maker)


def _confirmed(order: StoredOrder, known: KnownOrder, maker: Maker) -> StoredOrder:
    """Return the longest beginning of a stored order that the exchange confirms."""
    if not is_same(order, known, maker):
        raise BadEvent("is another order")
    row = known.first
    numbers = {row.exchange_order_id, known.last.exchange_order_id, known.number}
    count, trades = 1, list(known.trades)
    for event in order.events[1:]:
        number = getattr(event, "venue_order_id", None)
        if number is not None and number not in numbers:
            break
        if isinstance(event, OrderFilled):
            if not trades or not is_fill_of(event, trades.pop(0)):
                break
        elif isinstance(event, OrderDenied | OrderRejected | OrderCanceled | OrderExpired):
            break  # told last, and only if it is so
        count += 1
    return order.copy_of(count)


def _made(known: KnownOrder, maker: Maker) -> StoredOrder:
    """Return an order that the store does not have, as it was sent."""
    row = known.first
    kind = TYPES.get(row.type)
    if kind is None:
        if known.is_open:
            raise BadEvent(f"is of a type that cannot be told without its offset ({row.type})")
        kind = "MARKET"  # what it has become
    price = maker.price(row.price) if row.price else UNSET
    trigger = maker.price(row.trigger_price) if row.trigger_price else UNSET
    if kind == "MARKET":
        options = Options()
    elif kind == "LIMIT":
        options = Options(price=price, expire_time_ns=0)
    else:
        limit = price if kind.endswith("LIMIT") or kind.startswith("LIMIT") else UNSET
        options = Options(
            price=limit, trigger_price=trigger, trigger_type="DEFAULT", expire_time_ns=0
        )
    in_force = row.time_in_force if row.time_in_force in ("IOC", "FOK") else "GTC"
    init = OrderInitialized(
        trader_id=maker.trader,
        strategy_id=maker.strategy,
        instrument_id=maker.instrument_id,
        client_order_id=known.name,
        order_side=row.side,  # type: ignore[arg-type]  # what it is, is checked by reading it back
        order_type=kind,  # type: ignore[arg-type]  # likewise
        quantity=maker.quantity(row.quantity),
        time_in_force=in_force,  # type: ignore[arg-type]  # likewise
        post_only=row.time_in_force == "GTX",
        reduce_only=row.reduce_only,
        quote_quantity=False,
        options=options,
        emulation_trigger="NO_TRIGGER",
        trigger_instrument_id=None,
        contingency_type="NO_CONTINGENCY",
        order_list_id=None,
        linked_order_ids=None,
        parent_order_id=None,
        exec_algorithm_id=None,
        exec_algorithm_params=None,
        exec_spawn_id=None,
        tags=None,
        event_id=str(uuid4()),
        # Orders are told in this order; the exchange's own time keeps it.
        ts_init=str(row.created_ms * NS_PER_MS),
        ts_event=str(row.created_ms * NS_PER_MS),
        reconciliation=True,
    )
    return begun(init, maker.codec.encoded(init))


def _followed(order: StoredOrder, known: KnownOrder, maker: Maker) -> StoredOrder:
    """Append what the exchange knows beyond a stored order's events."""
    pen = Pen(order, maker)
    row, trades = known.first, known.trades[len(order.fills) :]
    if order.status == "INITIALIZED":
        pen.submitted(row.created_ms)
    if known.fate is Fate.REJECTED and not order.fills and not trades and order.number is None:
        pen.rejected(known.ended_ms)
        return order
    if order.number is None:
        pen.accepted(row.exchange_order_id, row.created_ms)
    if order.number != known.number:
        pen.updated(known, max(row.updated_ms, row.created_ms))
    for trade in trades:
        pen.filled(trade)
    if not known.is_open:
        if order.status != "FILLED" and known.fate is not Fate.FILLED:
            pen.ended(known)
    else:
        if _has_changed(order, known):
            pen.updated(known, known.last.updated_ms)
        pen.unanswered()
    if not agrees(order, known):
        raise BadEvent("cannot be told as the exchange has it")
    return order


def gone(order: StoredOrder, symbol: str, trades: list[TradeRecord], at_ms: int) -> KnownOrder:
    """Return what is known of an order of which the exchange tells no more than its fills."""
    filled = sum((trade.quantity for trade in trades), Decimal(0))
    fate = Fate.FILLED if filled >= order.quantity else Fate.CANCELED
    numbers = [getattr(event, "venue_order_id", None) for event in order.events]
    row = OrderRecord(
        kind="order",
        exchange_order_id=next(number for number in numbers if number),
        client_order_id=order.init.client_order_id,
        symbol=symbol,
        type=order.init.order_type,
        side=order.init.order_side,
        status=fate.name,
        time_in_force=order.init.time_in_force,
        quantity=order.quantity,
        filled=filled,
        reduce_only=order.init.reduce_only,
        created_ms=at_ms,
        updated_ms=at_ms,
    )
    number = trades[-1].exchange_order_id if trades else order.number or row.exchange_order_id
    if number == row.exchange_order_id:
        return KnownOrder(row, row, tuple(trades), fate)
    return KnownOrder(row, replace(row, exchange_order_id=number), tuple(trades), fate)
