"""
What an account has done: its fills, whose orders they were of, and its income.

Source: USD-M Futures, Trade: Account Trade List (six months, 7 days a question), All Orders (90
days); Account: Get Income History (three months).
"""

from collections.abc import Collection, Sequence

from ..records import IncomeRecord
from .account import Held, read_positions
from .contradictions import DAY_MS
from .income import income_rows
from .orders import NO_SUCH_ORDER
from .pages import ExchangeClock, Pages
from .requests import ExchangeError, Requests
from .rows import Trade, read_orders, read_trades
from .symbol_history import MARGIN_MS, ORDER_DAYS, TRADE_DAYS

INCOME_DAYS = 90
MOST_BY_NUMBER = 300
"""How many orders are asked for one by one: those that were placed long before they filled."""
PLACED_MS = 3_600_000
"""Orders are asked for since so long before the first fill."""


class Past:
    """
    Asks what an account has done.

    Parameters
    ----------
    requests : Requests
        How to ask.
    clock : ExchangeClock
        Writes times.

    Attributes
    ----------
    now_ms : int
        The exchange's now, as `look_at_the_clock` has found it last.

    """

    def __init__(self, requests: Requests, clock: ExchangeClock) -> None:
        self._requests = requests
        self._clock = clock
        self.now_ms = 0

    async def look_at_the_clock(self) -> int:
        """Return the exchange's now."""
        self.now_ms = await self._clock.now_ms()
        return self.now_ms

    @property
    def fills_since_ms(self) -> int:
        """Since when the exchange tells fills."""
        return self._back(TRADE_DAYS)

    @property
    def income_since_ms(self) -> int:
        """Since when the exchange tells income."""
        return self._back(INCOME_DAYS)

    def _back(self, days: int) -> int:
        return self.now_ms - days * DAY_MS + MARGIN_MS

    async def positions(self) -> dict[str, Held]:
        """Return the open positions by symbol."""
        return read_positions(await self._requests.get("/fapi/v3/positionRisk", {}))

    async def income(self, since_ms: int, until_ms: int) -> list[IncomeRecord]:
        """Return the income of a time, as far as it is told."""
        since_ms = max(since_ms, self.income_since_ms)
        if since_ms >= until_ms:
            return []
        return await income_rows(self._requests, self._clock, since_ms, until_ms)

    async def fills(self, symbol: str, since_ms: int, until_ms: int) -> list[Trade]:
        """Return the fills of a symbol and a time, as far as they are told."""
        since_ms = max(since_ms, self.fills_since_ms)
        if since_ms >= until_ms:
            return []
        rows = await self._pages("userTrades", symbol, "id").between(since_ms, until_ms)
        return read_trades(rows, symbol, len(rows))

    async def names(self, symbol: str, fills: Sequence[Trade]) -> dict[str, str]:
        """Return the client order ids of fills by order numbers, as far as they are told."""
        told = [fill.record for fill in fills if fill.record.at_ms >= self._back(ORDER_DAYS)]
        if not told:
            return {}
        wanted = {record.exchange_order_id for record in told}
        first = min(record.at_ms for record in told)
        last = max(record.at_ms for record in told)
        since_ms = max(first - PLACED_MS, self._back(ORDER_DAYS))
        rows = await self._pages("allOrders", symbol, "orderId").between(since_ms, last)
        orders = read_orders(rows, symbol, len(rows))
        names = {order.exchange_order_id: order.client_order_id for order in orders}
        found = {number: name for number, name in names.items() if number in wanted}
        return found | await self._names_one_by_one(symbol, wanted - set(found))

    async def _names_one_by_one(self, symbol: str, numbers: Collection[str]) -> dict[str, str]:
        found = {}
        for number in sorted(numbers, key=int)[-MOST_BY_NUMBER:]:
            query = {"symbol": symbol, "orderId": number}
            try:
                answer = await self._requests.get("/fapi/v1/order", query)
            except ExchangeError as error:
                if error.code != NO_SUCH_ORDER:
                    raise
                continue
            [order] = read_orders([answer], symbol, 1)
            found[number] = order.client_order_id
        return found

    def _pages(self, path: str, symbol: str, number: str) -> Pages:
        return Pages(self._requests, self._clock, f"/fapi/v1/{path}", symbol, (number, "time"))
