"""
Questions that the node asks the exchange itself, through the adapter's own HTTP classes.

The engine's cache is a memory; what makes a decision happen exactly once is asking before sending.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from nautilus_trader.adapters.binance import BinanceAccountType
from nautilus_trader.adapters.binance.common.enums import BinanceErrorCode, BinanceKlineInterval
from nautilus_trader.adapters.binance.factories import get_cached_binance_http_client
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.adapters.binance.futures.http.market import BinanceFuturesMarketHttpAPI
from nautilus_trader.adapters.binance.http.error import BinanceError, get_binance_error_code
from nautilus_trader.common.component import LiveClock

from . import order_ids
from .bars import BAR_MS, ClosedBar
from .order_ids import Leg
from .planner import OrderView, Phase
from .preflight import exchange_now_ms
from .settings import Settings

MOST_ROWS = 1_000
"""The most orders that one answer holds (USD-M Futures, All Orders, ``limit``)."""

RECEIVE_WINDOW_MS = 5_000
"""How long after its signature the exchange accepts a request (USD-M Futures, ``recvWindow``)."""

ENDED = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "FINISHED"})


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """
    What the exchange knows of one strategy's recent orders.

    Parameters
    ----------
    orders : Mapping[str, OrderView]
        By client order id.
    last_stop_fill_ms : int
        Market time of the last fill of a protective stop; 0 when there was none.

    """

    orders: Mapping[str, OrderView]
    last_stop_fill_ms: int


class Exchange:
    """
    Ask about one symbol.

    Parameters
    ----------
    settings : Settings
        Where the exchange is and which symbol is traded.
    clock : LiveClock
        The engine's clock, for signatures.

    """

    def __init__(self, settings: Settings, clock: LiveClock) -> None:
        self._settings = settings
        self._symbol = settings.symbol
        account_type = BinanceAccountType.USDT_FUTURES
        client = get_cached_binance_http_client(
            clock=clock,
            account_type=account_type,
            api_key=settings.api_key,
            api_secret=settings.api_secret.get_secret_value(),
            base_url=settings.exchange_http_url,
        )
        self._account = BinanceFuturesAccountHttpAPI(client, clock, account_type)
        self._market = BinanceFuturesMarketHttpAPI(client, account_type)

    async def market_ms(self) -> int:
        """Return the exchange's now: what its bars and fills are stamped with, in milliseconds."""
        return await exchange_now_ms(self._settings)

    async def closed_bars(self, count: int) -> list[ClosedBar]:
        """Return the last closed one-minute bars, about `count` of them, oldest first."""
        now = await self.market_ms()
        klines = await self._market.query_klines(
            symbol=self._symbol,
            interval=BinanceKlineInterval.MINUTE_1,
            start_time=now - (count + 1) * BAR_MS,
            limit=count + 2,
        )
        return [
            ClosedBar(
                close_ms=kline.close_time,
                open=Decimal(kline.open),
                high=Decimal(kline.high),
                low=Decimal(kline.low),
                close=Decimal(kline.close),
            )
            for kline in klines
            if kline.close_time <= now  # the last one may still be forming
        ]

    async def knows(self, client_order_id: str) -> bool:
        """Return whether the exchange has an order or a conditional order of this id."""
        try:
            await self._account.query_order(self._symbol, orig_client_order_id=client_order_id)
        except BinanceError as error:
            if not _is_no_such_order(error):
                raise
        else:
            return True
        try:
            await self._account.query_algo_order(client_algo_id=client_order_id)
        except BinanceError as error:
            if not _is_no_such_order(error):
                raise
            return False
        return True

    async def order_history(self, tag: str) -> OrderHistory:
        """Return what the exchange knows of the recent orders whose ids carry `tag`."""
        orders: dict[str, OrderView] = {}
        last_stop_fill_ms = 0
        conditionals = await self._account.query_all_algo_orders(self._symbol, limit=MOST_ROWS)
        for conditional in conditionals:
            if _is_own(conditional.clientAlgoId, tag):
                orders[conditional.clientAlgoId] = OrderView(
                    client_order_id=conditional.clientAlgoId,
                    phase=_phase(conditional.algoStatus),
                    filled=Decimal(0),
                )
        # A conditional order that has triggered is an order with the same client id: it wins.
        for order in await self._account.query_all_orders(self._symbol, limit=MOST_ROWS):
            if not _is_own(order.clientOrderId, tag):
                continue
            filled = Decimal(order.executedQty or 0)
            orders[order.clientOrderId] = OrderView(
                client_order_id=order.clientOrderId,
                phase=_phase(order.status.value if order.status else None),
                filled=filled,
            )
            parts = order_ids.parse(order.clientOrderId)
            if parts is not None and parts.leg is Leg.STOP and filled > 0:
                last_stop_fill_ms = max(last_stop_fill_ms, int(order.updateTime or 0))
        return OrderHistory(orders, last_stop_fill_ms)


def _is_own(client_order_id: str, tag: str) -> bool:
    parts = order_ids.parse(client_order_id)
    return parts is not None and parts.tag == tag


def _is_no_such_order(error: BinanceError) -> bool:
    return get_binance_error_code(error) == BinanceErrorCode.NO_SUCH_ORDER


def _phase(status: str | None) -> Phase:
    return Phase.ENDED if status in ENDED else Phase.WORKING
