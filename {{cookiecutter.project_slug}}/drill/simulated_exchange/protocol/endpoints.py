"""Which request does what, and what it weighs.

Source of the weights: the page of each request, "Request Weight", of
https://developers.binance.com/docs/derivatives/usds-margined-futures. A conditional order counts
as an order; its page does not say.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..clock import wall_ms
from ..errors import ExchangeError
from ..exchange import Exchange
from ..journal.orders import Kind
from . import account_endpoints as account
from . import market_endpoints as market
from . import order_endpoints as orders
from .limits import Cost, by_rows, by_symbol
from .parameters import Parameters
from .unsupported import UNSUPPORTED

Handle = Callable[[Exchange, Parameters], Any]
ORDER, BATCH = Cost(0, 1, 1), Cost(5, 5, 1)
KLINES = Cost(by_rows(500, (99, 1), (499, 2), (1_000, 5), (1_500, 10)))
DEPTH = Cost(by_rows(500, (50, 2), (100, 5), (500, 10), (1_000, 20)))
PRICE, BEST, MARK = Cost(by_symbol(1, 2)), Cost(by_symbol(2, 5)), Cost(by_symbol(1, 10))


class Endpoint(NamedTuple):
    """A request: its name in the journal, what it does, its security (signed, key, none), cost."""

    request: str
    handle: Handle
    security: str = "signed"
    cost: Cost = Cost()


def _signed(request: str, handle: Handle, cost: int | Cost = 1) -> Endpoint:
    return Endpoint(request, handle, "signed", cost if isinstance(cost, Cost) else Cost(cost))


def _public(request: str, handle: Handle, cost: int | Cost = 1) -> Endpoint:
    return Endpoint(request, handle, "none", cost if isinstance(cost, Cost) else Cost(cost))


def _of_conditionals(handle: Callable[[Exchange, Parameters, Kind], Any]) -> Handle:
    return lambda exchange, p: handle(exchange, p, "conditional")


def _refuse(_exchange: Exchange, _p: Parameters) -> Any:
    raise ExchangeError(-1020)


MARKET = {
    "GET /fapi/v1/ping": _public("ping.read", lambda _e, _p: {}),
    "GET /fapi/v1/time": _public("time.read", lambda _e, _p: {"serverTime": wall_ms()}),
    "GET /fapi/v1/exchangeInfo": _public("exchange_info.read", market.exchange_info),
    "GET /fapi/v1/klines": _public("klines.read", market.klines, KLINES),
    "GET /fapi/v1/depth": _public("depth.read", market.depth, DEPTH),
    "GET /fapi/v1/trades": _public("public_trades.read", market.trades, 5),
    "GET /fapi/v1/aggTrades": _public("public_trades.read", market.aggregate_trades, 20),
    "GET /fapi/v1/ticker/24hr": _public("ticker.read", market.day_ticker, Cost(by_symbol(1, 40))),
    "GET /fapi/v1/ticker/price": _public("ticker.read", market.price_ticker, PRICE),
    "GET /fapi/v2/ticker/price": _public("ticker.read", market.price_ticker, PRICE),
    "GET /fapi/v1/ticker/bookTicker": _public("ticker.read", market.book_ticker, BEST),
    "GET /fapi/v1/premiumIndex": _public("mark_price.read", market.premium_index, MARK),
    "GET /fapi/v1/fundingRate": _public("funding.read", market.funding_rates),
    "GET /fapi/v1/fundingInfo": _public("funding.read", market.funding_info, 0),
}
ACCOUNT = {
    "GET /fapi/v2/account": _signed("account.read", account.account_v2, 5),
    "GET /fapi/v3/account": _signed("account.read", account.account_v3, 5),
    "GET /fapi/v2/balance": _signed("balance.read", account.balance, 5),
    "GET /fapi/v3/balance": _signed("balance.read", account.balance, 5),
    "GET /fapi/v1/accountConfig": _signed("account_config.read", account.account_config, 5),
    "GET /fapi/v2/positionRisk": _signed("positions.read", account.positions_v2, 5),
    "GET /fapi/v3/positionRisk": _signed("positions.read", account.positions_v3, 5),
    "GET /fapi/v1/positionSide/dual": _signed("position_mode.read", account.position_mode, 30),
    "POST /fapi/v1/positionSide/dual": _signed("position_mode.set", account.set_position_mode),
    "GET /fapi/v1/multiAssetsMargin": _signed("assets_mode.read", account.assets_mode, 30),
    "POST /fapi/v1/multiAssetsMargin": _signed("assets_mode.set", account.set_assets_mode),
    "POST /fapi/v1/marginType": _signed("margin_type.set", account.set_margin_type),
    "POST /fapi/v1/positionMargin": _signed("margin.change", account.change_margin),
    "GET /fapi/v1/symbolConfig": _signed("symbol_config.read", account.symbol_config, 5),
    "GET /fapi/v1/leverageBracket": _signed("brackets.read", account.leverage_bracket),
    "POST /fapi/v1/leverage": _signed("leverage.set", account.set_leverage),
    "GET /fapi/v1/commissionRate": _signed("commission.read", account.commission_rate, 20),
    "GET /fapi/v1/income": _signed("income.read", account.income, 30),
    "GET /fapi/v1/rateLimit/order": _signed("limits.read", account.order_limits),
    "POST /fapi/v1/listenKey": Endpoint("listen_key.new", account.new_listen_key, "key"),
    "PUT /fapi/v1/listenKey": Endpoint("listen_key.keep", account.keep_listen_key, "key"),
    "DELETE /fapi/v1/listenKey": Endpoint("listen_key.close", account.close_listen_key, "key"),
}
ORDERS = {
    "POST /fapi/v1/order": _signed("order.new", orders.new_order, ORDER),
    "PUT /fapi/v1/order": _signed("order.amend", orders.amend, ORDER),
    "GET /fapi/v1/order": _signed("order.query", orders.query),
    "GET /fapi/v1/openOrder": _signed("order.query", orders.query_open),
    "DELETE /fapi/v1/order": _signed("order.cancel", orders.cancel),
    "DELETE /fapi/v1/allOpenOrders": _signed("order.cancel_all", orders.cancel_all),
    "POST /fapi/v1/countdownCancelAll": _signed("countdown.set", orders.count_down, 10),
    "POST /fapi/v1/batchOrders": _signed("order.batch_new", orders.place_some, BATCH),
    "PUT /fapi/v1/batchOrders": _signed("order.batch_amend", orders.amend_some, BATCH),
    "DELETE /fapi/v1/batchOrders": _signed("order.batch_cancel", orders.cancel_some),
    "GET /fapi/v1/openOrders": _signed("orders.open", orders.open_orders, Cost(by_symbol(1, 40))),
    "GET /fapi/v1/allOrders": _signed("orders.all", orders.all_orders, 5),
    "GET /fapi/v1/userTrades": _signed("trades.all", orders.trades, 5),
    "POST /fapi/v1/algoOrder": _signed("conditional.new", orders.new_conditional, ORDER),
    "GET /fapi/v1/algoOrder": _signed("conditional.query", _of_conditionals(orders.query)),
    "DELETE /fapi/v1/algoOrder": _signed("conditional.cancel", _of_conditionals(orders.cancel)),
    "DELETE /fapi/v1/algoOpenOrders": _signed(
        "conditional.cancel_all", _of_conditionals(orders.cancel_all)
    ),
    "GET /fapi/v1/openAlgoOrders": _signed(
        "conditionals.open", _of_conditionals(orders.open_orders), Cost(by_symbol(1, 40))
    ),
    "GET /fapi/v1/allAlgoOrders": _signed(
        "conditionals.all", _of_conditionals(orders.all_orders), 5
    ),
}
REFUSED = {request: _public("unsupported", _refuse) for request in UNSUPPORTED}
ENDPOINTS = {**MARKET, **ACCOUNT, **ORDERS, **REFUSED}
