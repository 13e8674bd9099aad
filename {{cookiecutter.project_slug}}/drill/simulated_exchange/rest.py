"""The REST endpoints: from parameters to an answer. No network, no waiting."""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import payloads
from .account import MAKER_FEE, TAKER_FEE
from .clock import wall_ms
from .errors import ExchangeError, missing
from .exchange import Exchange
from .market import INTERVALS, MINUTE_MS, candles
from .orders import CONDITIONAL_TYPES, ZERO, Kind, Order
from .parameters import Parameters
from .state import Book
from .symbols import text

ID_NAMES: dict[Kind, tuple[str, str]] = {
    "order": ("orderId", "origClientOrderId"),
    "conditional": ("algoId", "clientAlgoId"),
}
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX")

# Market


def _exchange_info(exchange: Exchange, _p: Parameters) -> Any:
    return payloads.exchange_info(exchange.state, wall_ms())


def _klines(exchange: Exchange, p: Parameters) -> Any:
    """Return candles whose open time lies in [startTime, endTime], compared as they are.

    The forming candle is among them only while the market runs at wall time. A market that lags
    keeps it back: clients drop it by their own clock, which says that it closed long ago.
    """
    book, state, live = _book(exchange, p), exchange.state, exchange.clock.is_live()
    minutes = INTERVALS[p.one_of("interval", INTERVALS, -1120)]
    since, until, limit = p.integer("startTime"), p.integer("endTime"), p.limit(500, 1500)
    bars = [*book.bars, book.forming] if live and book.forming is not None else book.bars
    length_ms = minutes * MINUTE_MS
    first_ms = max(state.first_open_ms, (since or 0) - (since or 0) % length_ms)
    wanted = bars[(first_ms - state.first_open_ms) // MINUTE_MS :]
    found = [
        payloads.kline(candle)
        for candle in candles(wanted, first_ms, minutes)
        if (since is None or candle.open_ms >= since)
        and (until is None or candle.open_ms <= until)
        and (live or candle.close_ms < state.forming_open_ms)
    ]
    return found[:limit] if since is not None else found[-limit:]


# Account


def _account(exchange: Exchange, _p: Parameters) -> Any:
    return payloads.account_info(exchange.state)


def _positions_v2(exchange: Exchange, p: Parameters) -> Any:
    return [payloads.position_risk(exchange.state, name, 2) for name in _names(exchange, p)]


def _positions_v3(exchange: Exchange, p: Parameters) -> Any:
    """Return only symbols with a position or an open order, as version 3 does."""
    state, names = exchange.state, _names(exchange, p)
    used = (n for n in names if state.books[n].position or state.open_orders("order", n))
    return [payloads.position_risk(state, name, 3) for name in used]


def _position_mode(_exchange: Exchange, _p: Parameters) -> Any:
    return {"dualSidePosition": False}


def _set_position_mode(_exchange: Exchange, p: Parameters) -> Any:
    raise ExchangeError(-1020 if p.flag("dualSidePosition") else -4059)


def _set_margin_type(_exchange: Exchange, p: Parameters) -> Any:
    raise ExchangeError(-4046 if p.required("marginType") == "CROSSED" else -1020)


def _symbol_config(exchange: Exchange, p: Parameters) -> Any:
    fixed = {"marginType": "CROSSED", "isAutoAddMargin": False, "maxNotionalValue": "100000000"}
    return [
        {"symbol": name, "leverage": book.leverage, **fixed}
        for name, book in exchange.state.books.items()
        if p.get("symbol") in (None, name)
    ]


def _set_leverage(exchange: Exchange, p: Parameters) -> Any:
    name, leverage = _book(exchange, p).rules.name, p.integer("leverage")
    if leverage is None or not 1 <= leverage <= 125:
        raise ExchangeError(-4028, f"Leverage {leverage} is not valid")
    exchange.matching.set_leverage(name, leverage)
    return {"leverage": leverage, "maxNotionalValue": "100000000", "symbol": name}


def _commission_rate(exchange: Exchange, p: Parameters) -> Any:
    fees = {"makerCommissionRate": text(MAKER_FEE), "takerCommissionRate": text(TAKER_FEE)}
    return {"symbol": _book(exchange, p).rules.name, **fees}


def _new_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    return {"listenKey": exchange.open_listen_key()}


def _keep_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    if exchange.listen_key is None:
        raise ExchangeError(-1125)
    return {"listenKey": exchange.listen_key}


def _close_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    exchange.listen_key = None
    return {}


# Orders and conditional orders


def _new_order(exchange: Exchange, p: Parameters) -> Any:
    name = _book(exchange, p).rules.name
    if p.get("type") in (*CONDITIONAL_TYPES, "TRAILING_STOP_MARKET"):
        raise ExchangeError(-4120)
    limit = p.one_of("type", ("MARKET", "LIMIT"), -1116) == "LIMIT"
    p.refuse("stopPrice", "closePosition", "quoteOrderQty", "icebergQty", "goodTillDate")
    if not limit:
        p.refuse("price", "timeInForce")
    order = Order(
        kind="order",
        symbol=name,
        side=p.side(),
        type="LIMIT" if limit else "MARKET",
        quantity=p.decimal("quantity"),
        price=p.decimal("price") if limit else ZERO,
        time_in_force=p.one_of("timeInForce", TIMES_IN_FORCE, -1115) if limit else "GTC",
        reduce_only=p.flag("reduceOnly"),
        client_order_id=p.client_id("newClientOrderId"),
    )
    order = exchange.matching.place(order)
    if p.get("newOrderRespType", "ACK") != "ACK":
        order = exchange.state.orders[order.exchange_order_id]
    return payloads.order(order)


def _new_conditional(exchange: Exchange, p: Parameters) -> Any:
    name = _book(exchange, p).rules.name
    if p.required("algoType") != "CONDITIONAL":
        raise missing("algoType")
    kind = p.one_of("type", CONDITIONAL_TYPES, -1116)
    at_market, close = kind.endswith("_MARKET"), p.flag("closePosition")
    p.refuse("activatePrice", "callbackRate", "goodTillDate")
    if close:
        if not at_market:
            raise ExchangeError(-4136)
        if p.get("quantity"):
            raise ExchangeError(-4137)
        p.refuse("reduceOnly")
    given = p.get("timeInForce")
    order = Order(
        kind="conditional",
        symbol=name,
        side=p.side(),
        type=kind,
        quantity=ZERO if close else p.decimal("quantity"),
        price=ZERO if at_market else p.decimal("price"),
        trigger_price=p.decimal("triggerPrice"),
        time_in_force=p.one_of("timeInForce", TIMES_IN_FORCE, -1115) if given else "GTC",
        working_type=p.get("workingType", "CONTRACT_PRICE"),
        reduce_only=p.flag("reduceOnly"),
        close_position=close,
        client_order_id=p.client_id("clientAlgoId"),
    )
    return payloads.order(exchange.matching.place_conditional(order))


def _amend(exchange: Exchange, p: Parameters) -> Any:
    order = _find(exchange, p, "order")
    if not order.is_open or p.side() != order.side:
        raise ExchangeError(-2013)
    changed = exchange.matching.amend(order, p.decimal("quantity"), p.decimal("price"))
    return payloads.order(changed)


def _query(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    return payloads.order(_find(exchange, p, kind))


def _cancel(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    order = _find(exchange, p, kind, unknown=-2011)
    if not order.is_open:
        raise ExchangeError(-2011)
    cancelled = exchange.matching.cancel(order)
    if kind == "order":
        return payloads.order(cancelled)
    names = {"algoId": int(order.exchange_order_id), "clientAlgoId": order.client_order_id}
    return names | {"code": "200", "msg": "success"}


def _cancel_all(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    for order in exchange.state.open_orders(kind, _book(exchange, p).rules.name):
        exchange.matching.cancel(order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _cancel_some(exchange: Exchange, p: Parameters) -> Any:
    name, answers = _book(exchange, p).rules.name, []
    wanted = [{"orderId": word} for word in p.words("orderIdList")]
    wanted += [{"origClientOrderId": word} for word in p.words("origClientOrderIdList")]
    if not 0 < len(wanted) <= 10:
        raise missing("orderIdList")
    for one in wanted:
        try:
            answers.append(_cancel(exchange, Parameters({"symbol": name, **one})))
        except ExchangeError as error:
            answers.append(error.answer)
    return answers


def _open(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    name = _book(exchange, p).rules.name if p.get("symbol") else None
    wanted = p.integer("algoId") if kind == "conditional" else None
    found = exchange.state.open_orders(kind, name)
    return [payloads.order(o) for o in found if wanted in (None, int(o.exchange_order_id))]


def _all(exchange: Exchange, p: Parameters, kind: Kind = "order") -> Any:
    name, (since, until) = _book(exchange, p).rules.name, _window(exchange, p)
    from_id = p.integer(ID_NAMES[kind][0])
    found = [
        payloads.order(order)
        for order in exchange.state.orders.values()
        if (order.kind, order.symbol) == (kind, name)
        and since <= order.created_ms <= until
        and (from_id or 0) <= int(order.exchange_order_id)
    ]
    return _page(found, p, from_start=from_id is not None or bool(since))


def _trades(exchange: Exchange, p: Parameters) -> Any:
    name, (since, until) = _book(exchange, p).rules.name, _window(exchange, p)
    order_id, from_id = p.integer("orderId"), p.integer("fromId")
    found = [
        payloads.trade(fill)
        for fill in exchange.state.fills
        if fill.symbol == name
        and since <= fill.market_ms <= until
        and order_id in (None, int(fill.exchange_order_id))
        and (from_id or 0) <= int(fill.trade_id)
    ]
    return _page(found, p, from_start=from_id is not None or bool(since))


# What several endpoints need


def _book(exchange: Exchange, p: Parameters) -> Book:
    book = exchange.state.books.get(p.required("symbol"))
    if book is None:
        raise ExchangeError(-1121)
    return book


def _names(exchange: Exchange, p: Parameters) -> list[str]:
    return [_book(exchange, p).rules.name] if p.get("symbol") else list(exchange.state.books)


def _find(exchange: Exchange, p: Parameters, kind: Kind, unknown: int = -2013) -> Order:
    """Return the order that a request names, or refuse with the code for unknown ones."""
    id_name, client_name = ID_NAMES[kind]
    order_id, client_order_id = p.get(id_name), p.get(client_name)
    if kind == "order":
        _book(exchange, p)
    if not order_id and not client_order_id:
        msg = f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!"
        raise ExchangeError(-1102, msg)
    order = exchange.state.find(kind, order_id, client_order_id)
    if order is None or p.get("symbol") not in (None, order.symbol):
        raise ExchangeError(unknown)
    return order


def _window(exchange: Exchange, p: Parameters) -> tuple[int, int]:
    """Return the asked-for time as market time: clients take theirs from their wall clock."""
    since, until, lag = p.integer("startTime"), p.integer("endTime"), exchange.clock.lag_ms()
    return (0 if since is None else since - lag, 1 << 62 if until is None else until - lag)


def _page(found: list[Any], p: Parameters, *, from_start: bool) -> list[Any]:
    """Cut to the limit: the first ones after a start, else the latest."""
    limit = p.limit(500, 1000)
    return found[:limit] if from_start else found[-limit:]


# Which request does what


class Endpoint(NamedTuple):
    """A request: its name in the journal, what it does, and whether it is signed, key or none."""

    request: str
    handle: Callable[[Exchange, Parameters], Any]
    security: str = "signed"


def _of_conditionals(handle: Callable[[Exchange, Parameters, Kind], Any]) -> Any:
    return lambda exchange, p: handle(exchange, p, "conditional")


ENDPOINTS = {
    "GET /fapi/v1/ping": Endpoint("ping.read", lambda _e, _p: {}, "none"),
    "GET /fapi/v1/time": Endpoint("time.read", lambda _e, _p: {"serverTime": wall_ms()}, "none"),
    "GET /fapi/v1/exchangeInfo": Endpoint("exchange_info.read", _exchange_info, "none"),
    "GET /fapi/v1/klines": Endpoint("klines.read", _klines, "none"),
    "GET /fapi/v2/account": Endpoint("account.read", _account),
    "GET /fapi/v3/account": Endpoint("account.read", _account),
    "GET /fapi/v2/positionRisk": Endpoint("positions.read", _positions_v2),
    "GET /fapi/v3/positionRisk": Endpoint("positions.read", _positions_v3),
    "GET /fapi/v1/positionSide/dual": Endpoint("position_mode.read", _position_mode),
    "POST /fapi/v1/positionSide/dual": Endpoint("position_mode.set", _set_position_mode),
    "POST /fapi/v1/marginType": Endpoint("margin_type.set", _set_margin_type),
    "GET /fapi/v1/symbolConfig": Endpoint("symbol_config.read", _symbol_config),
    "POST /fapi/v1/leverage": Endpoint("leverage.set", _set_leverage),
    "GET /fapi/v1/commissionRate": Endpoint("commission.read", _commission_rate),
    "POST /fapi/v1/listenKey": Endpoint("listen_key.new", _new_listen_key, "key"),
    "PUT /fapi/v1/listenKey": Endpoint("listen_key.keep", _keep_listen_key, "key"),
    "DELETE /fapi/v1/listenKey": Endpoint("listen_key.close", _close_listen_key, "key"),
    "POST /fapi/v1/order": Endpoint("order.new", _new_order),
    "PUT /fapi/v1/order": Endpoint("order.amend", _amend),
    "GET /fapi/v1/order": Endpoint("order.query", _query),
    "GET /fapi/v1/openOrder": Endpoint("order.query", _query),
    "DELETE /fapi/v1/order": Endpoint("order.cancel", _cancel),
    "DELETE /fapi/v1/allOpenOrders": Endpoint("order.cancel_all", _cancel_all),
    "DELETE /fapi/v1/batchOrders": Endpoint("order.batch_cancel", _cancel_some),
    "GET /fapi/v1/openOrders": Endpoint("orders.open", _open),
    "GET /fapi/v1/allOrders": Endpoint("orders.all", _all),
    "GET /fapi/v1/userTrades": Endpoint("trades.all", _trades),
    "POST /fapi/v1/algoOrder": Endpoint("conditional.new", _new_conditional),
    "GET /fapi/v1/algoOrder": Endpoint("conditional.query", _of_conditionals(_query)),
    "DELETE /fapi/v1/algoOrder": Endpoint("conditional.cancel", _of_conditionals(_cancel)),
    "DELETE /fapi/v1/algoOpenOrders": Endpoint(
        "conditional.cancel_all", _of_conditionals(_cancel_all)
    ),
    "GET /fapi/v1/openAlgoOrders": Endpoint("conditionals.open", _of_conditionals(_open)),
    "GET /fapi/v1/allAlgoOrders": Endpoint("conditionals.all", _of_conditionals(_all)),
}
