"""Rows of orders that have ended, made once: they change no more, and there are many of them."""

from typing import Any

from nautilus_trader.model.identifiers import ClientOrderId

from ...plan.rows import OrderRow
from .views import order_row


class KeptRows:
    """
    What an engine's cache has of orders, at a cost that hardly grows with their number.

    Parameters
    ----------
    cache : Any
        The engine's cache.

    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._ended: dict[ClientOrderId, OrderRow] = {}

    def hear(self, name: ClientOrderId) -> None:
        """Take note that something has happened to an order: also one that had ended may fill."""
        self._ended.pop(name, None)

    def standing(self) -> list[OrderRow]:
        """Return the orders that have not ended."""
        names = self._cache.client_order_ids() - self._cache.client_order_ids_closed()
        found = (self._cache.order(name) for name in names)
        return [order_row(order) for order in found if order is not None and not order.is_closed]

    def rows(self) -> list[OrderRow]:
        """Return all orders."""
        names = self._cache.client_order_ids()
        for name in self._ended.keys() - names:
            del self._ended[name]
        changing = []
        for name in names - self._ended.keys():
            order = self._cache.order(name)
            if order is None:
                continue
            row = order_row(order)
            if row.is_closed:
                self._ended[name] = row
            else:
                changing.append(row)
        return [*self._ended.values(), *changing]
