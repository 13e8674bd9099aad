"""
One order asked for by its client order id, with its fills by their own numbers.

Source: USD-M Futures, Trade: Query Order, Query Algo Order, Account Trade List.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..records import OrderRecord, TradeRecord
from .orders import NO_SUCH_ORDER
from .requests import ExchangeError, Requests
from .rows import MOST_ROWS, read_conditionals, read_orders, read_trades

type _Read = Callable[[Any, str, int], list[OrderRecord]]


class OneOrder(NamedTuple):
    """
    What the exchange tells of one order.

    Parameters
    ----------
    orders : tuple[OrderRecord, ...]
        The order; a conditional one that has triggered, and the order that it became.
    trades : tuple[TradeRecord, ...]
        Its fills.

    """

    orders: tuple[OrderRecord, ...]
    trades: tuple[TradeRecord, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the answers fit together; a history may lag behind what has happened."""
        last = self.orders[-1]
        if last.kind == "conditional":
            return last.triggered_order_id is None
        return sum(trade.quantity for trade in self.trades) == last.filled


async def ask_for_order(
    requests: Requests, symbol: str, name: str, *, is_conditional: bool
) -> OneOrder | None:
    """
    Return what the exchange has of an order; ``None`` when it says that there is none.

    Raises
    ------
    ExchangeError
        If an answer is another error, or cannot be read.
    OSError, TimeoutError, aiohttp.ClientError
        If there is no answer.

    """
    if not is_conditional:
        order = await _one(requests, "order", symbol, "origClientOrderId", name, read_orders)
        return None if order is None else await _with_trades(requests, (order,))
    conditional = await _one(requests, "algoOrder", symbol, "clientAlgoId", name, read_conditionals)
    if conditional is None:
        return None
    number = conditional.triggered_order_id
    if number is None:
        return OneOrder((conditional,))
    order = await _one(requests, "order", symbol, "orderId", number, read_orders)
    if order is None:
        return OneOrder((conditional,))
    return await _with_trades(requests, (conditional, order))


async def _one(
    requests: Requests, path: str, symbol: str, key: str, value: str, read: _Read
) -> OrderRecord | None:
    try:
        answer = await requests.get(f"/fapi/v1/{path}", {"symbol": symbol, key: value})
    except ExchangeError as error:
        if error.code != NO_SUCH_ORDER:
            raise
        return None
    [order] = read([answer], symbol, 1)
    return order


async def _with_trades(requests: Requests, orders: tuple[OrderRecord, ...]) -> OneOrder:
    last = orders[-1]
    if not last.filled:
        return OneOrder(orders)
    query = {"symbol": last.symbol, "orderId": last.exchange_order_id, "limit": MOST_ROWS}
    answer = await requests.get("/fapi/v1/userTrades", query)
    return OneOrder(orders, tuple(trade.record for trade in read_trades(answer, last.symbol)))
