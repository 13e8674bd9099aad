"""The engine's bars and orders in this package's own words."""

from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide, OrderType
from nautilus_trader.model.orders import Order

from .bars import ClosedBar
from .planner import OrderView, Phase
from .state import is_in_flight

NS_PER_MS = 1_000_000


def order_view(order: Order) -> OrderView:
    """Return what the plan needs to know of an order in the cache."""
    if order.is_closed:
        phase = Phase.ENDED
    else:
        phase = Phase.IN_FLIGHT if is_in_flight(order) else Phase.WORKING
    sign = 1 if order.side == OrderSide.BUY else -1
    is_stop = order.order_type == OrderType.STOP_MARKET
    return OrderView(
        client_order_id=order.client_order_id.value,
        phase=phase,
        filled=order.filled_qty.as_decimal(),
        quantity=sign * order.quantity.as_decimal(),
        trigger_price=order.trigger_price.as_decimal() if is_stop else None,
    )


def closed_bar(bar: Bar) -> ClosedBar:
    """Return the engine's bar without its types."""
    return ClosedBar(
        close_ms=milliseconds(bar.ts_event),
        open=bar.open.as_decimal(),
        high=bar.high.as_decimal(),
        low=bar.low.as_decimal(),
        close=bar.close.as_decimal(),
    )


def milliseconds(nanoseconds: int) -> int:
    """Return a stamp in milliseconds; the adapter's have floating-point noise below that."""
    return round(nanoseconds / NS_PER_MS)
