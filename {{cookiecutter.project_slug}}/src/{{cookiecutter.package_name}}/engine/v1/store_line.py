"""The engine's own way to its store: a mark written along it, and what it must have brought."""

from collections.abc import Iterator, Mapping
from typing import Any

from nautilus_trader.model.events import OrderEvent, PositionEvent
from nautilus_trader.model.identifiers import ClientOrderId, PositionId

from ..mending.store_format import WATCH_MARK
from ..store_line import Written


class StoreLineV1:
    """
    What the engine writes, as far as a watch needs to know of it.

    Everything goes through one queue and one connection, in order: when a mark is in the store, so
    is everything that was written before it, or it never comes.

    Parameters
    ----------
    cache : Any
        The engine's cache.
    prefix : str
        What all keys of the trader begin with.

    """

    def __init__(self, cache: Any, prefix: str) -> None:
        self._cache = cache
        self._prefix = prefix
        self._orders: set[ClientOrderId] = set()
        self._positions: set[PositionId] = set()
        self._told: set[ClientOrderId] = set()

    @property
    def mark_key(self) -> str:
        """Where the mark is in the store."""
        return f"{self._prefix}general:{WATCH_MARK}"

    def write_mark(self, mark: bytes) -> None:
        """Write a mark, after everything that has been written before."""
        self._cache.add(WATCH_MARK, mark)

    def note(self, event: Any) -> None:
        """Take note of what an event has changed."""
        if isinstance(event, OrderEvent):
            self._orders.add(event.client_order_id)
        elif isinstance(event, PositionEvent):
            self._positions.add(event.position_id)

    def written(self) -> list[Written]:
        """
        Return what the store must have by now of all that is open, or has changed since last asked.

        Both are few, however long the past is.
        """
        cache = self._cache
        orders = {order.client_order_id: order for order in cache.orders_open()}
        orders |= {order.client_order_id: order for order in cache.orders_inflight()}
        positions = {position.id: position for position in cache.positions_open()}
        orders |= {name: cache.order(name) for name in self._orders | self._told}
        positions |= {name: cache.position(name) for name in self._positions}
        self._orders.clear()
        self._positions.clear()
        self._told = {name for name, order in orders.items() if order and not order.is_closed}
        return [*self._of_orders(orders), *self._of_positions(positions.values())]

    def _of_orders(self, orders: Mapping[ClientOrderId, Any]) -> Iterator[Written]:
        for name, order in orders.items():
            key, what = f"{self._prefix}orders:{name.value}", f"order {name.value}"
            if order is None:
                # It never arrived at the exchange and is forgotten, in the store as well.
                yield Written(key, what, 0, "forgotten")
            else:
                # Sent again under its name, its list begins anew.
                yield Written(key, what, order.event_count, str(order.init_id))

    def _of_positions(self, positions: Any) -> Iterator[Written]:
        for position in positions:
            if position is not None:
                name = position.id.value
                # Opened anew, a position's list is, too.
                since = f"{position.opening_order_id} {position.ts_opened}"
                key = f"{self._prefix}positions:{name}"
                yield Written(key, f"position {name}", position.event_count, since)
