"""What several endpoints need: what a request names, and which rows it wants."""

from typing import Any

from ..errors import ExchangeError
from ..exchange import Exchange
from ..journal.orders import Kind, Order
from ..journal.state import Book
from .parameters import Parameters

ID_NAMES: dict[Kind, tuple[str, str]] = {
    "order": ("orderId", "origClientOrderId"),
    "conditional": ("algoId", "clientAlgoId"),
}


def book_of(exchange: Exchange, p: Parameters) -> Book:
    """Return the book of the symbol that a request names."""
    book = exchange.state.books.get(p.required("symbol"))
    if book is None:
        raise ExchangeError(-1121)
    return book


def names_of(exchange: Exchange, p: Parameters) -> list[str]:
    """Return the symbol that a request names, or all."""
    return [book_of(exchange, p).rules.name] if p.get("symbol") else list(exchange.state.books)


def find_order(exchange: Exchange, p: Parameters, kind: Kind, unknown: int = -2013) -> Order:
    """Return the order that a request names, or refuse with the code for unknown ones."""
    id_name, client_name = ID_NAMES[kind]
    order_id, client_order_id = p.get(id_name), p.get(client_name)
    if kind == "order":
        book_of(exchange, p)
    if not order_id and not client_order_id:
        msg = f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!"
        raise ExchangeError(-1102, msg)
    order = exchange.state.find(kind, order_id, client_order_id)
    if order is None or p.get("symbol") not in (None, order.symbol):
        raise ExchangeError(unknown)
    return order


def window(exchange: Exchange, p: Parameters) -> tuple[int, int]:
    """Return the asked-for time as market time: clients take theirs from their wall clock."""
    since, until, lag = p.integer("startTime"), p.integer("endTime"), exchange.clock.lag_ms()
    return (0 if since is None else since - lag, 1 << 62 if until is None else until - lag)


def page(found: list[Any], p: Parameters, *, from_start: bool) -> list[Any]:
    """Cut to the limit: the first ones after a start, else the latest."""
    limit = p.limit(500, 1000)
    return found[:limit] if from_start else found[-limit:]
