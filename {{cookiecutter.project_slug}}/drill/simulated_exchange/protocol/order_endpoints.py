"""Endpoints of orders, conditional orders and trades: from parameters to an answer. No network."""

from typing import Any

from ..clock import wall_ms
from ..errors import ExchangeError, missing
from ..exchange import Exchange
from ..journal.orders import CONDITIONAL_TYPES, ZERO, Kind, Order
from . import order_payloads as payloads
from .lookup import ID_NAMES, book_of, find_order, page, window
from .parameters import Parameters

TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
SHORTEST_LIFE_MS = 600_000
LAST_DATE_MS = 253_402_300_799_000


def new_order(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST order``."""
    name = book_of(exchange, p).rules.name
    if p.get("type") in (*CONDITIONAL_TYPES, "TRAILING_STOP_MARKET"):
        raise ExchangeError(-4120)
    limit = p.one_of("type", ("MARKET", "LIMIT"), -1116) == "LIMIT"
    p.refuse("stopPrice", "closePosition", "quoteOrderQty", "icebergQty")
    if not limit:
        p.refuse("price", "timeInForce", "goodTillDate")
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
    if p.get("newOrderRespType", "ACK") != "ACK":
        order = exchange.state.orders[order.exchange_order_id]
    return payloads.order(order)


def new_conditional(exchange: Exchange, p: Parameters) -> Any:
    """Do ``POST algoOrder``."""
    name = book_of(exchange, p).rules.name
    if p.required("algoType") != "CONDITIONAL":
        raise missing("algoType")
    kind = p.one_of("type", CONDITIONAL_TYPES, -1116)
    at_market, close = kind.endswith("_MARKET"), p.flag("closePosition")
    p.refuse("activatePrice", "callbackRate")
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
        working_type=p.get("workingType", "CONTRACT_PRICE"),
        reduce_only=p.flag("reduceOnly"),
        close_position=close,
        client_order_id=p.client_id("clientAlgoId"),
        **_life(exchange, Parameters({"timeInForce": "GTC"} | p)),
    )
    return payloads.order(exchange.matching.place_conditional(order))


def amend(exchange: Exchange, p: Parameters) -> Any:
    """Do ``PUT order``."""
    order = find_order(exchange, p, "order")
    if not order.is_open or p.side() != order.side:
        raise ExchangeError(-2013)
    changed = exchange.matching.amend(order, p.decimal("quantity"), p.decimal("price"))
    return payloads.order(changed)


def query(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET order`` and its like."""
    return payloads.order(find_order(exchange, p, kind))


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


def cancel_some(exchange: Exchange, p: Parameters) -> Any:
    """Do ``DELETE batchOrders``."""
    name, answers = book_of(exchange, p).rules.name, []
    wanted = [{"orderId": word} for word in p.words("orderIdList")]
    wanted += [{"origClientOrderId": word} for word in p.words("origClientOrderIdList")]
    if not 0 < len(wanted) <= 10:
        raise missing("orderIdList")
    for one in wanted:
        try:
            answers.append(cancel(exchange, Parameters({"symbol": name, **one})))
        except ExchangeError as error:
            answers.append(error.answer)
    return answers


def open_orders(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET openOrders`` and its like."""
    name = book_of(exchange, p).rules.name if p.get("symbol") else None
    wanted = p.integer("algoId") if kind == "conditional" else None
    found = exchange.state.open_orders(kind, name)
    return [payloads.order(o) for o in found if wanted in (None, int(o.exchange_order_id))]


def all_orders(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    """Answer ``GET allOrders`` and its like."""
    name, (since, until) = book_of(exchange, p).rules.name, window(exchange, p)
    from_id = p.integer(ID_NAMES[kind][0])
    found = [
        payloads.order(order)
        for order in exchange.state.orders.values()
        if (order.kind, order.symbol) == (kind, name)
        and since <= order.created_ms <= until
        and (from_id or 0) <= int(order.exchange_order_id)
    ]
    return page(found, p, from_start=from_id is not None or bool(since))


def trades(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET userTrades``."""
    name, (since, until) = book_of(exchange, p).rules.name, window(exchange, p)
    order_id, from_id = p.integer("orderId"), p.integer("fromId")
    found = [
        payloads.trade(fill)
        for fill in exchange.state.fills
        if fill.symbol == name
        and since <= fill.market_ms <= until
        and order_id in (None, int(fill.exchange_order_id))
        and (from_id or 0) <= int(fill.trade_id)
    ]
    return page(found, p, from_start=from_id is not None or bool(since))


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
