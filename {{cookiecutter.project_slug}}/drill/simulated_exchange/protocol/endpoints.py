"""Which request does what."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..clock import wall_ms
from ..exchange import Exchange
from ..journal.orders import Kind
from . import account_endpoints as account
from . import market_endpoints as market
from . import order_endpoints as orders
from .parameters import Parameters


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
    "GET /fapi/v1/exchangeInfo": Endpoint("exchange_info.read", market.exchange_info, "none"),
    "GET /fapi/v1/klines": Endpoint("klines.read", market.klines, "none"),
    "GET /fapi/v2/account": Endpoint("account.read", account.account_v2),
    "GET /fapi/v3/account": Endpoint("account.read", account.account_v3),
    "GET /fapi/v2/positionRisk": Endpoint("positions.read", account.positions_v2),
    "GET /fapi/v3/positionRisk": Endpoint("positions.read", account.positions_v3),
    "GET /fapi/v1/positionSide/dual": Endpoint("position_mode.read", account.position_mode),
    "POST /fapi/v1/positionSide/dual": Endpoint("position_mode.set", account.set_position_mode),
    "POST /fapi/v1/marginType": Endpoint("margin_type.set", account.set_margin_type),
    "GET /fapi/v1/symbolConfig": Endpoint("symbol_config.read", account.symbol_config),
    "POST /fapi/v1/leverage": Endpoint("leverage.set", account.set_leverage),
    "GET /fapi/v1/commissionRate": Endpoint("commission.read", account.commission_rate),
    "POST /fapi/v1/listenKey": Endpoint("listen_key.new", account.new_listen_key, "key"),
    "PUT /fapi/v1/listenKey": Endpoint("listen_key.keep", account.keep_listen_key, "key"),
    "DELETE /fapi/v1/listenKey": Endpoint("listen_key.close", account.close_listen_key, "key"),
    "POST /fapi/v1/order": Endpoint("order.new", orders.new_order),
    "PUT /fapi/v1/order": Endpoint("order.amend", orders.amend),
    "GET /fapi/v1/order": Endpoint("order.query", orders.query),
    "GET /fapi/v1/openOrder": Endpoint("order.query", orders.query),
    "DELETE /fapi/v1/order": Endpoint("order.cancel", orders.cancel),
    "DELETE /fapi/v1/allOpenOrders": Endpoint("order.cancel_all", orders.cancel_all),
    "DELETE /fapi/v1/batchOrders": Endpoint("order.batch_cancel", orders.cancel_some),
    "GET /fapi/v1/openOrders": Endpoint("orders.open", orders.open_orders),
    "GET /fapi/v1/allOrders": Endpoint("orders.all", orders.all_orders),
    "GET /fapi/v1/userTrades": Endpoint("trades.all", orders.trades),
    "POST /fapi/v1/algoOrder": Endpoint("conditional.new", orders.new_conditional),
    "GET /fapi/v1/algoOrder": Endpoint("conditional.query", _of_conditionals(orders.query)),
    "DELETE /fapi/v1/algoOrder": Endpoint("conditional.cancel", _of_conditionals(orders.cancel)),
    "DELETE /fapi/v1/algoOpenOrders": Endpoint(
        "conditional.cancel_all", _of_conditionals(orders.cancel_all)
    ),
    "GET /fapi/v1/openAlgoOrders": Endpoint(
        "conditionals.open", _of_conditionals(orders.open_orders)
    ),
    "GET /fapi/v1/allAlgoOrders": Endpoint("conditionals.all", _of_conditionals(orders.all_orders)),
}
