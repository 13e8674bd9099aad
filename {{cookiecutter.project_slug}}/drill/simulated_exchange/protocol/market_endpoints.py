"""Endpoints of the market: from parameters to an answer. No network, no waiting."""

from typing import Any

from ..clock import wall_ms
from ..exchange import Exchange
from ..market.bars import INTERVALS, MINUTE_MS, candles
from . import market_payloads as payloads
from .lookup import book_of
from .parameters import Parameters


def exchange_info(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET exchangeInfo``."""
    return payloads.exchange_info(exchange.state, wall_ms())


def klines(exchange: Exchange, p: Parameters) -> Any:
    """Return candles whose open time lies in [startTime, endTime], compared as they are.

    The forming candle is among them only while the market runs at wall time. A market that lags
    keeps it back: clients drop it by their own clock, which says that it closed long ago.
    """
    book, state, live = book_of(exchange, p), exchange.state, exchange.clock.is_live()
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
