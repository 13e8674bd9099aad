"""Endpoints of orders, conditional orders and trades: from parameters to an answer. No network."""

from collections.abc import Callable
from typing import Any

from ..clock import wall_ms
from ..errors import ExchangeError, invalid, missing
from ..exchange import Exchange
from ..journal.orders import CONDITIONAL_TYPES, ZERO, Kind, Order
from . import order_payloads as payloads
from .lookup import (
    ID_NAMES,
    ORDER_DAYS,
    TRADE_DAYS,
    book_of,
    find_order,
    is_forgotten,
    page,
    window,
)
from .parameters import Parameters

TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
SHORTEST_LIFE_MS = 600_000
LAST_DATE_MS = 253_402_300_799_000
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
MOST_PLACED, MOST_CANCELLED = 5, 10
LONGEST_COUNTDOWN_MS = 10**12


def new_order(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST order``."""
    name = book_of(exchange, p).rules.name
    if p.get("type") in (*CONDITIONAL_TYPES, "TRAILING_STOP_MARKET"):
        raise ExchangeError(-4120)
    limit = p.one_of("type", ("MARKET", "LIMIT"), -1116) == "LIMIT"
    p.refuse("stopPrice", "closePosition", "quoteOrderQty", "icebergQty")
    if not limit:
        p.refuse("price", "timeInForce", "goodTillDate")
    told = p.one_of("newOrderRespType", ("ACK", "RESULT"), -1136, "ACK")
    order = Order(
        kind="order",
        symbol=name,
        side=p.side(),
        type="LIMIT" if limit else "MARKET",
        quantity=p.decimal("quantity"),
        price=p.decimal("price") if limit else ZERO,
        reduce_only=p.flag("reduceOnly"),
        client_order_id=p.client_id("newClientOrderId"),
        **(_life(exchange, p) if limit else {}),
    )
    order = exchange.matching.place(order)
    if told == "RESULT":
        order = exchange.state.orders[order.exchange_order_id]
    return payloads.order(order)


def new_conditional(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST algoOrder``."""
    name = book_of(exchange, p).rules.name
    if p.required("algoType") != "CONDITIONAL":
        raise missing("algoType")
    if p.get("type") == "TRAILING_STOP_MARKET":
        raise ExchangeError(-1020)
    kind = p.one_of("type", CONDITIONAL_TYPES, -1116)
    at_market, close = kind.endswith("_MARKET"), p.flag("closePosition")
    p.refuse("activatePrice", "callbackRate", "priceProtect")
    if close:
        if not at_market:
            raise ExchangeError(-4136)
        if p.get("quantity"):
            raise ExchangeError(-4137)
        p.refuse("reduceOnly")
    order = Order(
        kind="conditional",
        symbol=name,
        side=p.side(),
        type=kind,
        quantity=ZERO if close else p.decimal("quantity"),
        price=ZERO if at_market else p.decimal("price"),
        trigger_price=p.decimal("triggerPrice"),
        working_type=p.one_of("workingType", WORKING_TYPES, -4031, "CONTRACT_PRICE"),
        reduce_only=p.flag("reduceOnly"),
        close_position=close,
        client_order_id=p.client_id("clientAlgoId"),
        **_life(exchange, Parameters({"timeInForce": "GTC"} | p)),
    )
    return payloads.order(exchange.matching.place_conditional(order))


def place_some(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST batchOrders``: one after another, each with an answer of its own."""
    return [_answered(new_order, exchange, one) for one in p.each("batchOrders", MOST_PLACED)]


def amend_some(exchange: Exchange, p: Parameters) -> Any:
    """Do ``PUT batchOrders``: one after another, each with an answer of its own."""
    return [_answered(amend, exchange, one) for one in p.each("batchOrders", MOST_PLACED)]


def amend(exchange: Exchange, p: Parameters) -> Any:
    """Do ``PUT order``."""
    order = find_order(exchange, p, "order")
    if not order.is_open or p.side() != order.side:
        raise ExchangeError(-2013)
    changed = exchange.matching.amend(order, p.decimal("quantity"), p.decimal("price"))
    return payloads.order(changed)


def query(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET order`` and its like."""
    order = find_order(exchange, p, kind)
    if is_forgotten(exchange, order):
        raise ExchangeError(-2013)
    return payloads.order(order)


def query_open(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET openOrder``."""
    order = find_order(exchange, p, "order")
    if not order.is_open:
        raise ExchangeError(-2013)
    return payloads.order(order)


def cancel(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Do ``DELETE order`` and its like."""
    order = find_order(exchange, p, kind, unknown=-2011)
    if not order.is_open:
        raise ExchangeError(-2011)
    cancelled = exchange.matching.cancel(order)
    if kind == "order":
        return payloads.order(cancelled)
    names = {"algoId": int(order.exchange_order_id), "clientAlgoId": order.client_order_id}
    return names | {"code": "200", "msg": "success"}


def cancel_all(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Do ``DELETE allOpenOrders`` and its like."""
    for order in exchange.state.open_orders(kind, book_of(exchange, p).rules.name):
        exchange.matching.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def count_down(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST countdownCancelAll``: cancel later, unless it is asked for again before."""
    name, length_ms = book_of(exchange, p).rules.name, p.integer("countdownTime")
    if length_ms is None:
        raise missing("countdownTime")
    if not 0 <= length_ms <= LONGEST_COUNTDOWN_MS:
        raise invalid("countdownTime")
    exchange.countdowns.begin(name, length_ms)
    return {"symbol": name, "countdownTime": str(length_ms)}


def cancel_some(exchange: Exchange, p: Parameters) -> Any:
    """Do ``DELETE batchOrders``; ccxt writes the names of its lists in small letters."""
    name, wanted = book_of(exchange, p).rules.name, []
    lists = {"orderIdList": "orderId", "origClientOrderIdList": "origClientOrderId"}
    for several, single in lists.items():
        names = p.listed(several) or p.listed(several.lower())
        wanted += [Parameters({"symbol": name, single: str(value)}) for value in names]
    if not 0 < len(wanted) <= MOST_CANCELLED:
        raise missing("orderIdList")
    return [_answered(cancel, exchange, one) for one in wanted]


def open_orders(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET openOrders`` and its like."""
    name = book_of(exchange, p).rules.name if p.get("symbol") else None
    wanted = p.integer("algoId") if kind == "conditional" else None
    found = exchange.state.open_orders(kind, name)
    return [payloads.order(o) for o in found if wanted in (None, int(o.exchange_order_id))]


def all_orders(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET allOrders`` and its like."""
    name, (since, until) = book_of(exchange, p).rules.name, window(exchange, p, ORDER_DAYS)
    from_id = p.integer(ID_NAMES[kind][0])
    found = [
        order
        for order in exchange.state.orders.values()
        if (order.kind, order.symbol) == (kind, name)
        and since <= order.created_ms <= until
        and (from_id or 0) <= int(order.exchange_order_id)
        and not is_forgotten(exchange, order)
    ]
    told = page(found, p, from_start=from_id is not None or "startTime" in p)
    return [payloads.order(order) for order in told]


def trades(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET userTrades``."""
    name, (since, until) = book_of(exchange, p).rules.name, window(exchange, p, TRADE_DAYS)
    order_id, from_id = p.integer("orderId"), p.integer("fromId")
    if from_id is not None and ("startTime" in p or "endTime" in p):
        raise ExchangeError(-1106, "Parameter 'startTime and endTime' sent when not required.")
    found = [
        fill
        for fill in exchange.state.fills
        if fill.symbol == name
        and since <= fill.market_ms <= until
        and order_id in (None, int(fill.exchange_order_id))
        and (from_id or 0) <= int(fill.trade_id)
    ]
    told = page(found, p, from_start=from_id is not None or "startTime" in p)
    return [payloads.trade(fill) for fill in told]


def _life(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """Read how long an order shall live; a date is wall time, in full seconds.

    Source: "New Order" of the exchange's documentation, `goodTillDate`.
    """
    kind = p.one_of("timeInForce", TIMES_IN_FORCE, -1115)
    if kind != "GTD":
        p.refuse("goodTillDate")
        return {"time_in_force": kind}
    date = p.integer("goodTillDate")
    if date is None:
        raise missing("goodTillDate")
    if not wall_ms() + SHORTEST_LIFE_MS < date < LAST_DATE_MS:
        raise ExchangeError(-5040)
    date -= date % 1000
    expires_ms = date - exchange.clock.lag_ms()
    return {"time_in_force": kind, "good_till_date": date, "expires_ms": expires_ms}


def _answered(
    handle: Callable[[Exchange, Parameters], Any], exchange: Exchange, p: Parameters
) -> Any:
    """Do one of several; its refusal is an answer, too."""
    try:
        return handle(exchange, p)
    except ExchangeError as error:
        return error.answer
