"""
What the exchange has done with an order, told to the engine in the engine's own events.

Only what it has not heard is told, and fills under the exchange's own numbers. A user event that
comes later tells the same again, and the engine takes each fill once.
"""

from typing import Any

from nautilus_trader.model.enums import LiquiditySide, OrderStatus
from nautilus_trader.model.identifiers import TradeId, VenueOrderId
from nautilus_trader.model.objects import Currency, Money
from nautilus_trader.model.orders import Order

from ...venue.records import TradeRecord
from ..known import Fate, KnownOrder
from .views import NS_PER_MS

UNHEARD = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
"""Of orders whose acceptance the engine has not heard of."""


def tell(client: Any, order: Order, known: KnownOrder) -> bool:
    """
    Tell the engine what has become of an order.

    Parameters
    ----------
    client : Any
        The adapter's execution client.
    order : Order
        The order in the engine's cache.
    known : KnownOrder
        What the exchange says of it.

    Returns
    -------
    bool
        Whether anything was new.

    """
    if order.is_closed:
        return False
    whose = {
        "strategy_id": order.strategy_id,
        "instrument_id": order.instrument_id,
        "client_order_id": order.client_order_id,
    }
    is_new = False
    ended_ns = known.ended_ms * NS_PER_MS
    if order.status in UNHEARD:
        is_new = True
        if known.fate is Fate.REJECTED:
            reason = f"The exchange says {known.last.status}."
            client.generate_order_rejected(**whose, reason=reason, ts_event=ended_ns)
            return True
        client.generate_order_accepted(
            **whose,
            venue_order_id=VenueOrderId(known.first.exchange_order_id),
            ts_event=known.first.created_ms * NS_PER_MS,
        )
    is_new = _tell_new_number(client, order, known, whose) or is_new
    heard = set(order.trade_ids)
    for trade in known.trades:
        if TradeId(trade.trade_id) not in heard:
            is_new = True
            tell_fill(client, order, trade)
    end = {"venue_order_id": VenueOrderId(known.number), "ts_event": ended_ns}
    if known.fate in (Fate.CANCELED, Fate.REJECTED):
        client.generate_order_canceled(**whose, **end)
    elif known.fate is Fate.EXPIRED:
        client.generate_order_expired(**whose, **end)
    return is_new or known.fate not in (Fate.OPEN, Fate.FILLED)


def _tell_new_number(client: Any, order: Order, known: KnownOrder, whose: dict[str, Any]) -> bool:
    """Tell that a conditional order has become another one, or that its quantity is another."""
    instrument = client._cache.instrument(order.instrument_id)
    quantity = order.quantity
    if known.last.quantity and known.last.quantity != quantity.as_decimal():
        # The exchange makes a reduce-only order as small as the position.
        quantity = instrument.make_qty(known.last.quantity)
    number = VenueOrderId(known.number)
    before = order.venue_order_id or VenueOrderId(known.first.exchange_order_id)
    if number == before and quantity == order.quantity:
        return False
    if number != before:
        client._triggered_algo_order_ids.add(order.client_order_id)
    client.generate_order_updated(
        **whose,
        venue_order_id=number,
        quantity=quantity,
        price=order.price if order.has_price else None,
        trigger_price=order.trigger_price if order.has_trigger_price else None,
        ts_event=known.ended_ms * NS_PER_MS,
        venue_order_id_modified=True,
    )
    return True


def tell_fill(client: Any, order: Order, trade: TradeRecord) -> None:
    """Tell the engine of one fill, by its own number."""
    instrument = client._cache.instrument(order.instrument_id)
    client.generate_order_filled(
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        venue_order_id=VenueOrderId(trade.exchange_order_id),
        venue_position_id=None,
        trade_id=TradeId(trade.trade_id),
        order_side=order.side,
        order_type=order.order_type,
        last_qty=instrument.make_qty(trade.quantity),
        last_px=instrument.make_price(trade.price),
        quote_currency=instrument.quote_currency,
        commission=Money(trade.commission, Currency.from_str(trade.commission_asset)),
        liquidity_side=LiquiditySide.MAKER if trade.is_maker else LiquiditySide.TAKER,
        ts_event=trade.at_ms * NS_PER_MS,
    )
