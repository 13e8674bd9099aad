"""What several endpoints need: what a request names, and how far back it may look.

History is limited, by market time, as the real exchange limits it. Source: "All Orders", "Query
Order", "Query All Algo Orders", "Account Trade List" and "Get Income History" of
https://developers.binance.com/docs/derivatives/usds-margined-futures:

* A question covers at most 7 days, and without a time the last 7 days.
* Orders are forgotten once they are 90 days old; cancelled or expired ones without a fill after 3.
* Trades are told for six months, taken as 180 days, income for three, taken as 90.

Not documented, but what clients report: -4165 answers a longer question, a start alone means the
7 days that follow it, and -4166 answers a start before all that is kept. An end alone is taken as
the 7 days before it.
"""

from typing import Any

from ..errors import ExchangeError, filled
from ..exchange import Exchange
from ..journal.orders import Kind, Order
from ..journal.state import Book
from .parameters import Parameters

ID_NAMES: dict[Kind, tuple[str, str]] = {
    "order": ("orderId", "origClientOrderId"),
    "conditional": ("algoId", "clientAlgoId"),
}
DAY_MS = 86_400_000
WINDOW_DAYS = 7
UNFILLED_DAYS, ORDER_DAYS, TRADE_DAYS, INCOME_DAYS = 3, 90, 180, 90


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
    state, symbol = exchange.state, p.get("symbol")
    order = state.find(kind, order_id, client_order_id)
    if order is not None and symbol not in (None, order.symbol) and not order_id:
        named = (kind, symbol, client_order_id)  # before another symbol had the name, too
        latest = reversed(state.orders.values())
        order = next((o for o in latest if (o.kind, o.symbol, o.client_order_id) == named), None)
    if order is None or symbol not in (None, order.symbol):
        raise ExchangeError(unknown)
    return order


def is_forgotten(exchange: Exchange, order: Order) -> bool:
    """Tell whether questions about an order no longer find it."""
    age_ms = exchange.clock.now_ms() - order.created_ms
    unfilled = order.status in ("CANCELED", "EXPIRED") and not order.filled
    return age_ms > (UNFILLED_DAYS if unfilled else ORDER_DAYS) * DAY_MS


def window(exchange: Exchange, p: Parameters, kept_days: int) -> tuple[int, int]:
    """Return first and last market time of a question.

    Clients take theirs from wall time, or from the stamps that they were told, which are market
    time: a time that would be before all that is kept, but lies in the market's past, is such a
    stamp. Market time may stand still: an end since the last change is now.
    """
    now, lag, length_ms = exchange.clock.now_ms(), exchange.clock.lag_ms(), WINDOW_DAYS * DAY_MS
    kept_from = now - kept_days * DAY_MS

    def asked(name: str) -> int | None:
        given = p.integer(name)
        if given is None or given - lag < kept_from <= given <= now:
            return given
        return given - lag

    since, until, end = asked("startTime"), asked("endTime"), p.integer("endTime")
    if since is not None and until is not None and until - since > length_ms:
        raise filled(-4165, WINDOW_DAYS)
    if until is None or (end is not None and end >= exchange.state.changed_wall_ms):
        until = max(until or now, now)
    if since is None:
        return max(until - length_ms, kept_from), until
    if end is not None and until < since:
        raise ExchangeError(-1023)
    if since < kept_from:
        raise filled(-4166, kept_days)
    return since, since + length_ms if end is None else until


def page(found: list[Any], p: Parameters, *, from_start: bool) -> list[Any]:
    """Cut to the limit: the first ones after a start, else the latest."""
    limit = p.limit(500, 1000)
    return found[:limit] if from_start else found[-limit:]
