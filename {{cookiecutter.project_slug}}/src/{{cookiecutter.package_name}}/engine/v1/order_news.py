"""What the engine's events tell of orders, for whoever counts."""

from typing import Any

from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderPendingCancel,
    OrderRejected,
    OrderSubmitted,
)

from ...face.metrics.news import Happened, OrderNews

KINDS = {
    OrderSubmitted: Happened.SUBMITTED,
    OrderAccepted: Happened.ACCEPTED,
    OrderFilled: Happened.FILLED,
    OrderPendingCancel: Happened.CANCEL_SENT,
    OrderCanceled: Happened.CANCELED,
    OrderExpired: Happened.EXPIRED,
    OrderRejected: Happened.REJECTED,
    OrderDenied: Happened.DENIED,
    OrderCancelRejected: Happened.CANCEL_REJECTED,
}


def news_of(event: Any, cache: Any) -> OrderNews | None:
    """
    Return what an event tells of an order; ``None`` when it is nothing that is counted.

    What reconciliation makes up at a start is the past, and is not counted.

    Parameters
    ----------
    event : Any
        The engine's event, after the order has taken it up.
    cache : Any
        The engine's cache.

    """
    if not isinstance(event, OrderEvent) or getattr(event, "reconciliation", False):
        return None
    happened = KINDS.get(type(event))
    if happened is None:
        return None
    if happened is Happened.FILLED:
        order = cache.order(event.client_order_id)
        if order is not None and not order.is_closed:
            happened = Happened.FILLED_IN_PART
    return OrderNews(event.client_order_id.value, happened, getattr(event, "reason", "") or "")
