"""The node's state as one document, taken from the engine's cache alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

SCHEMA = 1

AWAITING = frozenset(
    {
        OrderStatus.INITIALIZED,
        OrderStatus.EMULATED,
        OrderStatus.RELEASED,
        OrderStatus.SUBMITTED,
        OrderStatus.TRIGGERED,
        OrderStatus.PENDING_UPDATE,
        OrderStatus.PENDING_CANCEL,
    }
)
"""Statuses in which an order waits for the exchange, or for a command not yet sent."""


def is_in_flight(order: Order) -> bool:
    """Return whether the outcome of `order` is open; a market order's is until it has closed."""
    if order.is_closed:
        return False
    executing = order.order_type == OrderType.MARKET or order.status == OrderStatus.PARTIALLY_FILLED
    return order.status in AWAITING or (executing and order.order_type != OrderType.LIMIT)


def symbol_of(instrument_id: InstrumentId) -> str:
    """Return a perpetual contract's symbol as the exchange writes it."""
    return str(instrument_id.symbol.value).removesuffix("-PERP")


def document(
    cache: CacheFacade | None,
    *,
    pid: int,
    instance_id: str,
    revision: int,
    stage: str,
    decided_bar: Mapping[str, int],
    pending_looks: int,
) -> dict[str, Any]:
    """
    Return the answer to ``GET /state``.

    Parameters
    ----------
    cache : CacheFacade, optional
        The engine's cache; ``None`` before it is loaded.
    pid : int
        The process id.
    instance_id : str
        The name of this process among its restarts.
    revision : int
        Grows with each change of what is answered here.
    stage : str
        The current stage.
    decided_bar : Mapping[str, int]
        By symbol: close time in milliseconds of market time of the last decided bar.
    pending_looks : int
        Looks at the market that are due and have not happened; each may send a command.

    """
    orders: list[Order] = cache.orders() if cache else []
    return {
        "schema": SCHEMA,
        "pid": pid,
        "instance_id": instance_id,
        "lease_epoch": None,
        "revision": revision,
        "stage": stage,
        "decided_bar": dict(decided_bar),
        "inflight": sum(is_in_flight(order) for order in orders) + pending_looks,
        "positions": [_position(each) for each in (cache.positions_open() if cache else [])],
        "orders": [_order(each) for each in sorted(orders, key=_age)],
        "balances": _balances(cache.accounts() if cache else []),
    }


def _age(order: Order) -> tuple[int, str]:
    return order.ts_init, order.client_order_id.value


def _position(position: Position) -> dict[str, Any]:
    return {
        "symbol": symbol_of(position.instrument_id),
        "quantity": str(position.signed_decimal_qty()),
        "strategy_id": position.strategy_id.value,
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id.value,
        "exchange_order_id": order.venue_order_id.value if order.venue_order_id else None,
        "symbol": symbol_of(order.instrument_id),
        "type": order.order_type.name,
        "side": order.side.name,
        "quantity": str(order.quantity),
        "filled": str(order.filled_qty),
        "status": order.status.name,
        "reduce_only": order.is_reduce_only,
        "price": str(order.price) if order.has_price else None,
        "trigger_price": str(order.trigger_price) if order.has_trigger_price else None,
        "trade_ids": [trade_id.value for trade_id in order.trade_ids],
    }


def _balances(accounts: Iterable[Any]) -> list[dict[str, str]]:
    return [
        {
            "currency": currency.code,
            "total": str(balance.total.as_decimal()),
            "locked": str(balance.locked.as_decimal()),
            "free": str(balance.free.as_decimal()),
        }
        for account in accounts
        for currency, balance in account.balances().items()
    ]
