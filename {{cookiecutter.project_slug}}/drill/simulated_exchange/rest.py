"""The REST endpoints: from parameters to an answer. No network, no waiting."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import payloads
from .account import MAKER_FEE, TAKER_FEE
from .clock import wall_ms
from .errors import ExchangeError, missing, not_required
from .exchange import Exchange
from .market import INTERVALS, MINUTE_MS, candles
from .matching import OrderRequest
from .orders import CONDITIONAL_TYPES, Kind, Order
from .parameters import Parameters
from .state import Book
from .symbols import text

Handler = Callable[[Exchange, Parameters], Any]
DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path: its name in the journal, what it demands, and what it does."""

    request: str
    security: str
    handle: Handler


ENDPOINTS: dict[tuple[str, str], Endpoint] = {}


def endpoint(route: str, request: str, security: str = "signed") -> Callable[[Handler], Handler]:
    """Register a handler under ``METHOD /path``; security is signed, key or none."""

    def register(handle: Handler) -> Handler:
        method, path = route.split()
        ENDPOINTS[method, path] = Endpoint(request, security, handle)
        return handle

    return register


# Market


@endpoint("GET /fapi/v1/ping", "ping.read", "none")
def _ping(_exchange: Exchange, _p: Parameters) -> Any:
    return {}


@endpoint("GET /fapi/v1/time", "time.read", "none")
def _time(_exchange: Exchange, _p: Parameters) -> Any:
    return {"serverTime": wall_ms()}


@endpoint("GET /fapi/v1/exchangeInfo", "exchange_info.read", "none")
def _exchange_info(exchange: Exchange, _p: Parameters) -> Any:
    return payloads.exchange_info(exchange.state, wall_ms())


@endpoint("GET /fapi/v1/klines", "klines.read", "none")
def _klines(exchange: Exchange, p: Parameters) -> Any:
    """Return candles whose open time lies in [startTime, endTime], compared as they are.

    The forming candle is among them only while the market runs at wall time. A market that lags
    keeps it back: clients drop it by their own clock, which says that it closed long ago.
    """
    book, state = _book(exchange, p), exchange.state
    interval = p.one_of("interval", tuple(INTERVALS), -1120)
    bars = list(book.bars)
    if book.forming is not None and exchange.clock.is_live(state.market_ms):
        bars.append(book.forming)
    since, until = p.integer("startTime"), p.integer("endTime")
    minutes, limit = INTERVALS[interval], p.limit(500, 1500)
    whole = minutes * MINUTE_MS
    skipped = max(0, (since or 0) - (since or 0) % whole - state.first_open_ms) // MINUTE_MS
    found = [
        c
        for c in candles(bars[skipped:], state.first_open_ms + skipped * MINUTE_MS, minutes)
        if (since is None or c.open_ms >= since)
        and (until is None or c.open_ms <= until)
        and (c.close_ms < state.forming_open_ms or exchange.clock.is_live(state.market_ms))
    ]
    return [payloads.kline(c) for c in (found[:limit] if since is not None else found[-limit:])]


# Account


@endpoint("GET /fapi/v2/account", "account.read")
@endpoint("GET /fapi/v3/account", "account.read")
def _account(exchange: Exchange, _p: Parameters) -> Any:
    return payloads.account_info(exchange.state)


@endpoint("GET /fapi/v2/positionRisk", "positions.read")
def _positions_v2(exchange: Exchange, p: Parameters) -> Any:
    names = [_book(exchange, p).rules.name] if p.get("symbol") else list(exchange.state.books)
    return [payloads.position_risk(exchange.state, name, version=2) for name in names]


@endpoint("GET /fapi/v3/positionRisk", "positions.read")
def _positions_v3(exchange: Exchange, p: Parameters) -> Any:
    """Return only symbols with a position or an open order, as version 3 does."""
    state = exchange.state
    names = [_book(exchange, p).rules.name] if p.get("symbol") else list(state.books)
    return [
        payloads.position_risk(state, name, version=3)
        for name in names
        if state.books[name].position or state.open_orders("order", name)
    ]


@endpoint("GET /fapi/v1/positionSide/dual", "position_mode.read")
def _position_mode(_exchange: Exchange, _p: Parameters) -> Any:
    return {"dualSidePosition": False}


@endpoint("POST /fapi/v1/positionSide/dual", "position_mode.set")
def _set_position_mode(_exchange: Exchange, p: Parameters) -> Any:
    raise ExchangeError(-1020 if p.flag("dualSidePosition") else -4059)


@endpoint("POST /fapi/v1/marginType", "margin_type.set")
def _set_margin_type(_exchange: Exchange, p: Parameters) -> Any:
    raise ExchangeError(-4046 if p.required("marginType") == "CROSSED" else -1020)


@endpoint("GET /fapi/v1/symbolConfig", "symbol_config.read")
def _symbol_config(exchange: Exchange, p: Parameters) -> Any:
    return [
        {
            "symbol": name,
            "marginType": "CROSSED",
            "isAutoAddMargin": False,
            "leverage": book.leverage,
            "maxNotionalValue": "100000000",
        }
        for name, book in exchange.state.books.items()
        if p.get("symbol") in (None, name)
    ]


@endpoint("POST /fapi/v1/leverage", "leverage.set")
def _set_leverage(exchange: Exchange, p: Parameters) -> Any:
    name, leverage = _book(exchange, p).rules.name, p.integer("leverage")
    if leverage is None or not 1 <= leverage <= 125:
        raise ExchangeError(-4028, f"Leverage {leverage} is not valid")
    exchange.matching.set_leverage(name, leverage)
    return {"leverage": leverage, "maxNotionalValue": "100000000", "symbol": name}


@endpoint("GET /fapi/v1/commissionRate", "commission.read")
def _commission_rate(exchange: Exchange, p: Parameters) -> Any:
    return {
        "symbol": _book(exchange, p).rules.name,
        "makerCommissionRate": text(MAKER_FEE),
        "takerCommissionRate": text(TAKER_FEE),
    }


@endpoint("POST /fapi/v1/listenKey", "listen_key.new", "key")
def _new_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    return {"listenKey": exchange.open_listen_key()}


@endpoint("PUT /fapi/v1/listenKey", "listen_key.keep", "key")
def _keep_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    if exchange.listen_key is None:
        raise ExchangeError(-1125)
    return {"listenKey": exchange.listen_key}


@endpoint("DELETE /fapi/v1/listenKey", "listen_key.close", "key")
def _close_listen_key(exchange: Exchange, _p: Parameters) -> Any:
    exchange.listen_key = None
    return {}


# Orders


@endpoint("POST /fapi/v1/order", "order.new")
def _new_order(exchange: Exchange, p: Parameters) -> Any:
    book = _book(exchange, p)
    if p.get("type") in CONDITIONAL_TYPES or p.get("type") == "TRAILING_STOP_MARKET":
        raise ExchangeError(-4120)
    kind = p.one_of("type", ("MARKET", "LIMIT"), -1116)
    forbidden = ("stopPrice", "closePosition", "quoteOrderQty", "icebergQty", "goodTillDate")
    _refuse(p, forbidden + (("price", "timeInForce") if kind == "MARKET" else ()))
    request = OrderRequest(
        symbol=book.rules.name,
        side=_side(p),
        type=kind,
        quantity=p.decimal("quantity"),
        price=p.decimal("price") if kind == "LIMIT" else book.rules.tick * 0,
        time_in_force=_time_in_force(p, required=True) if kind == "LIMIT" else "GTC",
        reduce_only=p.flag("reduceOnly"),
        client_order_id=_client_id(p, "newClientOrderId"),
    )
    accepted = exchange.matching.place(request)
    acknowledge = p.get("newOrderRespType", "ACK") == "ACK"
    return payloads.order(
        accepted if acknowledge else exchange.state.orders[accepted.exchange_order_id]
    )


@endpoint("PUT /fapi/v1/order", "order.amend")
def _amend_order(exchange: Exchange, p: Parameters) -> Any:
    order = _find(exchange, p, "order")
    if not order.is_open or _side(p) != order.side:
        raise ExchangeError(-2013)
    changed = exchange.matching.amend(order, p.decimal("quantity"), p.decimal("price"))
    return payloads.order(changed)


@endpoint("GET /fapi/v1/order", "order.query")
@endpoint("GET /fapi/v1/openOrder", "order.query")
def _query_order(exchange: Exchange, p: Parameters) -> Any:
    return payloads.order(_find(exchange, p, "order"))


@endpoint("DELETE /fapi/v1/order", "order.cancel")
def _cancel_order(exchange: Exchange, p: Parameters) -> Any:
    order = _find(exchange, p, "order", unknown=-2011)
    if not order.is_open:
        raise ExchangeError(-2011)
    return payloads.order(exchange.matching.cancel(order))


@endpoint("DELETE /fapi/v1/allOpenOrders", "order.cancel_all")
def _cancel_all_orders(exchange: Exchange, p: Parameters) -> Any:
    for order in exchange.state.open_orders("order", _book(exchange, p).rules.name):
        exchange.matching.cancel(order)
    return DONE


@endpoint("DELETE /fapi/v1/batchOrders", "order.batch_cancel")
def _cancel_orders(exchange: Exchange, p: Parameters) -> Any:
    name = _book(exchange, p).rules.name
    keys = [("orderId", word) for word in p.words("orderIdList")]
    keys += [("origClientOrderId", word) for word in p.words("origClientOrderIdList")]
    if not 0 < len(keys) <= 10:
        raise missing("orderIdList")

    def cancel(field: str, word: str) -> payloads.Payload:
        try:
            one = Parameters({"symbol": name, field: word})
            answer: payloads.Payload = _cancel_order(exchange, one)
        except ExchangeError as error:
            return {"code": error.code, "msg": error.message}
        return answer

    return [cancel(*key) for key in keys]


@endpoint("GET /fapi/v1/openOrders", "orders.open")
def _open_orders(exchange: Exchange, p: Parameters) -> Any:
    return [payloads.order(o) for o in _open(exchange, p, "order")]


@endpoint("GET /fapi/v1/allOrders", "orders.all")
def _all_orders(exchange: Exchange, p: Parameters) -> Any:
    return [payloads.order(o) for o in _history(exchange, p, "order", "orderId")]


@endpoint("GET /fapi/v1/userTrades", "trades.all")
def _user_trades(exchange: Exchange, p: Parameters) -> Any:
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


# Conditional orders


@endpoint("POST /fapi/v1/algoOrder", "conditional.new")
def _new_conditional(exchange: Exchange, p: Parameters) -> Any:
    book = _book(exchange, p)
    if p.required("algoType") != "CONDITIONAL":
        raise missing("algoType")
    kind = p.one_of("type", tuple(CONDITIONAL_TYPES), -1116)
    at_market = kind.endswith("_MARKET")
    close = p.flag("closePosition")
    _refuse(p, ("activatePrice", "callbackRate", "goodTillDate"))
    if close:
        if not at_market:
            raise ExchangeError(-4136)
        if p.get("quantity"):
            raise ExchangeError(-4137)
        _refuse(p, ("reduceOnly",))
    zero = book.rules.tick * 0
    request = OrderRequest(
        symbol=book.rules.name,
        side=_side(p),
        type=kind,
        quantity=zero if close else p.decimal("quantity"),
        price=zero if at_market else p.decimal("price"),
        trigger_price=p.decimal("triggerPrice"),
        time_in_force=_time_in_force(p, required=False),
        working_type=p.get("workingType", "CONTRACT_PRICE"),
        reduce_only=p.flag("reduceOnly"),
        close_position=close,
        client_order_id=_client_id(p, "clientAlgoId"),
    )
    return payloads.conditional(exchange.matching.place_conditional(request))


@endpoint("GET /fapi/v1/algoOrder", "conditional.query")
def _query_conditional(exchange: Exchange, p: Parameters) -> Any:
    return payloads.conditional(_find(exchange, p, "conditional"))


@endpoint("DELETE /fapi/v1/algoOrder", "conditional.cancel")
def _cancel_conditional(exchange: Exchange, p: Parameters) -> Any:
    order = _find(exchange, p, "conditional", unknown=-2011)
    if not order.is_open:
        raise ExchangeError(-2011)
    exchange.matching.cancel(order)
    return {
        "algoId": int(order.exchange_order_id),
        "clientAlgoId": order.client_order_id,
        "code": "200",
        "msg": "success",
    }


@endpoint("DELETE /fapi/v1/algoOpenOrders", "conditional.cancel_all")
def _cancel_all_conditionals(exchange: Exchange, p: Parameters) -> Any:
    for order in exchange.state.open_orders("conditional", _book(exchange, p).rules.name):
        exchange.matching.cancel(order)
    return DONE


@endpoint("GET /fapi/v1/openAlgoOrders", "conditionals.open")
def _open_conditionals(exchange: Exchange, p: Parameters) -> Any:
    wanted = p.integer("algoId")
    found = _open(exchange, p, "conditional")
    return [payloads.conditional(o) for o in found if wanted in (None, int(o.exchange_order_id))]


@endpoint("GET /fapi/v1/allAlgoOrders", "conditionals.all")
def _all_conditionals(exchange: Exchange, p: Parameters) -> Any:
    return [payloads.conditional(o) for o in _history(exchange, p, "conditional", "algoId")]


# What several endpoints need


def _book(exchange: Exchange, p: Parameters) -> Book:
    book = exchange.state.books.get(p.required("symbol"))
    if book is None:
        raise ExchangeError(-1121)
    return book


def _side(p: Parameters) -> str:
    if p.get("positionSide", "BOTH") != "BOTH":
        raise ExchangeError(-4061)
    return p.one_of("side", ("BUY", "SELL"), -1117)


def _time_in_force(p: Parameters, *, required: bool) -> str:
    if not required and not p.get("timeInForce"):
        return "GTC"
    return p.one_of("timeInForce", ("GTC", "IOC", "FOK", "GTX"), -1115)


def _client_id(p: Parameters, name: str) -> str:
    value = p.get(name, "")
    if value and not re.fullmatch(r"[.A-Z:/a-z0-9_-]{1,36}", value):
        raise ExchangeError(-4015)
    return value


def _refuse(p: Parameters, names: tuple[str, ...]) -> None:
    for name in names:
        if p.get(name) and p[name].lower() != "false":
            raise not_required(name)
    if p.get("priceMatch", "NONE") != "NONE":
        raise not_required("priceMatch")


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


ID_NAMES: dict[Kind, tuple[str, str]] = {
    "order": ("orderId", "origClientOrderId"),
    "conditional": ("algoId", "clientAlgoId"),
}


def _open(exchange: Exchange, p: Parameters, kind: Kind) -> list[Order]:
    symbol = _book(exchange, p).rules.name if p.get("symbol") else None
    return exchange.state.open_orders(kind, symbol)


def _history(exchange: Exchange, p: Parameters, kind: Kind, id_name: str) -> list[Order]:
    name, (since, until) = _book(exchange, p).rules.name, _window(exchange, p)
    from_id = p.integer(id_name)
    found = [
        order
        for order in exchange.state.orders.values()
        if order.kind == kind
        and order.symbol == name
        and since <= order.created_ms <= until
        and (from_id or 0) <= int(order.exchange_order_id)
    ]
    return _page(found, p, from_start=from_id is not None or bool(since))


def _page[Item](found: list[Item], p: Parameters, *, from_start: bool) -> list[Item]:
    """Cut to the limit: the first ones after a start, else the latest."""
    limit = p.limit(500, 1000)
    return found[:limit] if from_start else found[-limit:]


def _window(exchange: Exchange, p: Parameters) -> tuple[int, int]:
    """Return the asked-for time as market time: clients take theirs from their wall clock."""
    since, until, lag = p.integer("startTime"), p.integer("endTime"), exchange.lag_ms()
    return (0 if since is None else since - lag, 1 << 62 if until is None else until - lag)
