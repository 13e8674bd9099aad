"""What stands at the exchange now: positions, working orders, working conditional orders."""

import asyncio
from collections.abc import Sequence

from ..records import ExchangeRecord, OrderRecord
from .account import read_positions
from .requests import Requests
from .rows import read_conditionals, read_orders
from .symbol_history import MOST_OPEN


async def standing(requests: Requests, symbols: Sequence[str]) -> ExchangeRecord:
    """
    Return what stands now; nothing that is past, and no balances.

    It counts 5 at the exchange for all positions, and 2 more for each symbol.

    Raises
    ------
    ExchangeError
        If an answer is an error, or absurd.
    OSError, TimeoutError, aiohttp.ClientError
        If there is no answer.

    """
    risk, *open_orders = await asyncio.gather(
        requests.get("/fapi/v3/positionRisk", {}),
        *(_open(requests, symbol) for symbol in symbols),
    )
    return ExchangeRecord(
        at_ms=0,
        orders=tuple(order for orders in open_orders for order in orders),
        positions=tuple(held.position for held in read_positions(risk).values()),
    )


async def _open(requests: Requests, symbol: str) -> list[OrderRecord]:
    orders, conditionals = await asyncio.gather(
        requests.get("/fapi/v1/openOrders", {"symbol": symbol}),
        requests.get("/fapi/v1/openAlgoOrders", {"symbol": symbol}),
    )
    return [
        *read_orders(orders, symbol, MOST_OPEN),
        *read_conditionals(conditionals, symbol, MOST_OPEN),
    ]
