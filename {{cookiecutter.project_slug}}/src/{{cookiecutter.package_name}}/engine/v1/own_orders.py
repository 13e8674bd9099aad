"""The orders that an event-driven strategy makes: their ids, and their way through its memory."""

from collections.abc import Callable, Mapping
from typing import Any

from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderType
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.orders.list import OrderList
from nautilus_trader.model.orders.unpacker import OrderUnpacker

from ...plan.memory import Json
from ...plan.order_ids import Leg

ALONE: dict[str, Json] = {
    "contingency_type": "NO_CONTINGENCY",
    "order_list_id": None,
    "linked_order_ids": None,
    "parent_order_id": None,
}
"""Of an order that belongs to no list: the exchange takes none."""
USUAL: dict[str, Json] = {
    "type": "OrderInitialized",
    "time_in_force": "GTC",
    "post_only": False,
    "reduce_only": False,
    "quote_quantity": False,
    "emulation_trigger": "NO_TRIGGER",
    "trigger_instrument_id": None,
    "exec_algorithm_id": None,
    "exec_algorithm_params": None,
    "exec_spawn_id": None,
    "tags": None,
    "reconciliation": False,
    **ALONE,
}
"""What most orders have, and what is not remembered of each."""


class OwnOrders(OrderFactory):  # type: ignore[misc]  # the engine ships no types for it
    """
    The engine's factory, whose orders have ids that name their owner and their bar.

    Parameters
    ----------
    next_id : Callable[[Leg], str]
        Gives an id to an entry, or an exit.
    engine : Any
        What the engine's factory takes, by name.

    """

    def __init__(self, next_id: Callable[[Leg], str], **engine: Any) -> None:
        super().__init__(**engine)
        self._next_id = next_id
        self._leg = Leg.ENTRY

    def generate_client_order_id(self) -> ClientOrderId:
        """Return the id of the next order."""
        return ClientOrderId(self._next_id(self._leg))

    def _made(self, make: Callable[..., Order], *given: Any, **named: Any) -> Order:
        self._leg = Leg.EXIT if named.get("reduce_only") else Leg.ENTRY
        try:
            return make(*given, **named)
        finally:
            self._leg = Leg.ENTRY

    def market(self, *given: Any, **named: Any) -> Order:
        """Return a market order."""
        return self._made(super().market, *given, **named)

    def limit(self, *given: Any, **named: Any) -> Order:
        """Return a limit order."""
        return self._made(super().limit, *given, **named)

    def stop_market(self, *given: Any, **named: Any) -> Order:
        """Return a market order that waits for its trigger."""
        return self._made(super().stop_market, *given, **named)

    def stop_limit(self, *given: Any, **named: Any) -> Order:
        """Return a limit order that waits for its trigger."""
        return self._made(super().stop_limit, *given, **named)

    def market_if_touched(self, *given: Any, **named: Any) -> Order:
        """Return a market order that waits for a better price."""
        return self._made(super().market_if_touched, *given, **named)

    def limit_if_touched(self, *given: Any, **named: Any) -> Order:
        """Return a limit order that waits for a better price."""
        return self._made(super().limit_if_touched, *given, **named)

    def trailing_stop_market(self, *given: Any, **named: Any) -> Order:
        """Return a market order whose trigger follows the price."""
        return self._made(super().trailing_stop_market, *given, **named)


def remembered(order: Order) -> dict[str, Json]:
    """Return what makes an order, without the list that it may belong to."""
    fields = {**OrderInitialized.to_dict(order.init_event), **ALONE}
    return {k: v for k, v in fields.items() if k not in USUAL or USUAL[k] != v}


def made_again(fields: Mapping[str, Json]) -> Order:
    """Return the order that was remembered so, not yet sent."""
    return OrderUnpacker.unpack({**USUAL, **fields})


class NoBracketError(ValueError):
    """An order list is none that can be taken apart; its text says why."""


def bracket_of(orders: OrderList) -> tuple[Order, Any, Any]:
    """
    Return the entry of a bracket, the price of its stop, and that of its take-profit.

    Raises
    ------
    NoBracketError
        If it is not an entry with at most one stop and one take-profit of its own size.

    """
    entry, *others = orders.orders
    stop = take_profit = None
    for order in others:
        is_its_own = order.side != entry.side and order.quantity == entry.quantity
        if order.order_type == OrderType.STOP_MARKET and is_its_own and stop is None:
            stop = order.trigger_price
        elif order.order_type == OrderType.LIMIT and is_its_own and take_profit is None:
            take_profit = order.price
        else:
            raise NoBracketError(
                "Of order lists only brackets can be kept: an entry, with one STOP_MARKET and one "
                "LIMIT order against it at most, of its own quantity."
            )
    return entry, stop, take_profit
