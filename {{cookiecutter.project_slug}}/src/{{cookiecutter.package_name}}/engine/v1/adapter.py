"""
The exchange adapter's execution client, with its faults mended.

nautilus_trader 1.231.0 gathers the symbols to ask about from its cache (``BTCUSDT-PERP``) and from
the exchange (``BTCUSDT``). After a warm start both spellings are in the set, every order and fill
is asked for twice, and reconciliation writes a fill that never happened.

It also answers a failed request with an empty report. Reconciliation then says that it succeeded:
a stop that has filled works for ever, an entry is unknown, a position is flat. The engine knows
what to do with a report that raises, so here a failed request does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.binance import (
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.adapters.binance.common.enums import BinanceErrorCode
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol
from nautilus_trader.adapters.binance.futures.enums import BinanceFuturesEventType
from nautilus_trader.adapters.binance.http.error import get_binance_error_code
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus

from ...exit_codes import ExitCode, NodeExit
from .failed_questions import PatientClient, end_of, hearing_waits, telling
from .late_fills import PatientFinish
from .user_stream import FAILED, tell_when_lost

SYMBOLS = "_get_cache_active_symbols"
ACCOUNT = "_http_account"
USER_STREAM = "_ws_client"
HTTP = "_http_client"
CONNECT = "_connect"
REPORT_METHODS = (
    "generate_order_status_reports",
    "generate_fill_reports",
    "generate_position_status_reports",
)
USER_EVENTS = "_futures_user_ws_handlers"
ALGO_DECODER = "_decoder_futures_algo_update"
REQUESTS = {
    "query_futures_position_risk": "positionRisk",
    "query_open_orders": "openOrders",
    "query_all_orders": "allOrders",
    "query_user_trades": "userTrades",
    "query_open_algo_orders": "openAlgoOrders",
    "query_all_algo_orders": "allAlgoOrders",
    "query_order": "order",
    "query_algo_order": "algoOrder",
}
"""The account methods that reports are made from, and the exchange's names for their requests."""

RETRY_SECONDS = 0.25
"""The pause before a failed request is sent once more."""
FAILED_TOPIC = "reports.failed"
"""Where it is published how the start ends when a report cannot be made."""
CONNECT_TOPIC = "connect.failed"
"""Where it is published how the start ends when a client cannot connect."""
MISSED_TOPIC = "fills.missed"
"""Where the sentence about a fill that could not be learned is published."""
LOST_TOPIC = "streams.lost"
"""Where the sentence about a user stream that was given up is published."""

type Question = Callable[..., Awaitable[Any]]


class ReportFailed(Exception):
    """
    A request that a report is made from has failed twice.

    It is none of the adapter's own errors, which the adapter turns into empty reports.
    """


class MendedExecClientFactory(BinanceLiveExecClientFactory):
    """Create the stock execution client; ask for each symbol once, and let failures be failures."""

    @staticmethod
    def create(
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: Any,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> Any:
        """
        Return the mended client.

        Raises
        ------
        NodeExit
            With code 1 if the adapter no longer has a method that is mended here.

        """
        with hearing_waits():
            client = BinanceLiveExecClientFactory.create(
                loop=loop, name=name, config=config, msgbus=msgbus, cache=cache, clock=clock
            )
        stock_symbols = existing(client, SYMBOLS)

        def symbols_once() -> set[str]:
            return {str(BinanceSymbol(symbol)) for symbol in stock_symbols()}

        setattr(client, SYMBOLS, symbols_once)

        _make_patient(client, msgbus)
        account = existing(client, ACCOUNT)

        def tell(end: NodeExit) -> None:
            msgbus.publish(FAILED_TOPIC, end)

        for method in REPORT_METHODS:
            setattr(client, method, telling(existing(client, method), tell))
        for method, request in REQUESTS.items():
            setattr(account, method, _failing_loudly(existing(account, method), request, tell))

        def miss(sentence: str) -> None:
            msgbus.publish(MISSED_TOPIC, sentence)

        stream = existing(client, USER_STREAM)
        existing(stream, FAILED)
        tell_when_lost(stream, lambda sentence: msgbus.publish(LOST_TOPIC, sentence))

        handlers = existing(client, USER_EVENTS)
        kind = BinanceFuturesEventType.ALGO_UPDATE
        decode = existing(client, ALGO_DECODER).decode
        handlers[kind] = PatientFinish(client, account, decode, handlers[kind], miss)
        return client


class MendedDataClientFactory(BinanceLiveDataClientFactory):
    """Create the stock data client; let failures be failures."""

    @staticmethod
    def create(
        loop: asyncio.AbstractEventLoop,
        name: str,
        config: Any,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
    ) -> Any:
        """
        Return the mended client.

        Raises
        ------
        NodeExit
            With code 1 if the adapter no longer has a method that is mended here.

        """
        with hearing_waits():
            client = BinanceLiveDataClientFactory.create(
                loop=loop, name=name, config=config, msgbus=msgbus, cache=cache, clock=clock
            )
        _make_patient(client, msgbus)
        return client


def _make_patient(client: Any, msgbus: MessageBus) -> None:
    """Let a client ask once more, and tell why it cannot connect."""
    http = existing(client, HTTP)  # both clients have the same one
    stock = existing(http, "_client")
    if not isinstance(stock, PatientClient):
        http._client = PatientClient(stock, tuple(f"/{each}" for each in REQUESTS.values()))

    def tell(end: NodeExit) -> None:
        msgbus.publish(CONNECT_TOPIC, end)

    setattr(client, CONNECT, telling(existing(client, CONNECT), tell))


def existing(owner: object, name: str) -> Any:
    """
    Return an attribute of the engine's or its adapter's.

    Raises
    ------
    NodeExit
        With code 1 if there is none.

    """
    found = getattr(owner, name, None)
    if found is None:
        raise NodeExit(
            ExitCode.DEFECT,
            f"The exchange adapter has no {name} any more; this package mends version 1.231.0 of "
            "nautilus_trader: install that version or review adapter.py.",
        )
    return found


def _failing_loudly(stock: Question, request: str, tell: Callable[[NodeExit], None]) -> Question:
    """Return `stock`, asked once more when it fails, and raising `ReportFailed` after that."""

    async def ask(*args: Any, **kwargs: Any) -> Any:
        try:
            return await stock(*args, **kwargs)
        except Exception as error:
            if _is_answer(error):
                raise
        await asyncio.sleep(RETRY_SECONDS)
        try:
            return await stock(*args, **kwargs)
        except Exception as error:
            if _is_answer(error):
                raise
            end = end_of(error, request)
            tell(end)
            raise ReportFailed(end.sentence) from error

    return ask


def _is_answer(error: Exception) -> bool:
    """Return whether `error` says that there is no such order, which the adapter understands."""
    return get_binance_error_code(error) == BinanceErrorCode.NO_SUCH_ORDER
