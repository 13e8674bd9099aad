"""Endpoints of the market: from parameters to an answer. No network, no waiting."""

from collections.abc import Callable
from typing import Any

from ..clock import wall_ms
from ..errors import ExchangeError
from ..exchange import Exchange
from ..journal.state import Book
from ..market.bars import INTERVALS, MINUTE_MS, candles
from . import market_payloads as payloads
from .lookup import book_of, names_of
from .parameters import Parameters

DEPTH_LIMITS = ("5", "10", "20", "50", "100", "500", "1000")
HOUR_MS = 60 * MINUTE_MS


def exchange_info(exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET exchangeInfo``."""
    return payloads.exchange_info(exchange.state, exchange.limits.rows(), wall_ms())


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


def depth(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET depth``."""
    book, limit = book_of(exchange, p), p.get("limit", "500")
    if limit not in DEPTH_LIMITS:
        raise ExchangeError(-4021, f"'{limit}' is not valid depth limit.")
    now = exchange.clock.now_ms()
    return payloads.depth(book, int(limit), exchange.journal.seq, now)


def day_ticker(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET ticker/24hr``."""
    return _for_each(exchange, p, payloads.day_ticker)


def price_ticker(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET ticker/price``, the same in versions 1 and 2."""
    return _for_each(exchange, p, payloads.price_ticker)


def book_ticker(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET ticker/bookTicker``."""
    return _for_each(exchange, p, payloads.best_prices)


def premium_index(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET premiumIndex``."""
    return _for_each(exchange, p, payloads.premium_index)


def funding_rates(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET fundingRate``: from a start, else the latest."""
    names, limit = names_of(exchange, p), p.limit(100, 1000)
    since, until = p.integer("startTime"), p.integer("endTime")
    found = [
        payloads.funding_rate(due)
        for due in exchange.state.funding_rates
        if due.symbol in names
        and (since is None or due.market_ms >= since)
        and (until is None or due.market_ms <= until)
    ]
    return found[-limit:] if since is None else found[:limit]


def funding_info(_exchange: Exchange, _p: Parameters) -> Any:
    """Answer ``GET fundingInfo``: it names the symbols with hours or bounds of their own."""
    return []


def trades(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET trades``: the latest ones."""
    tape, limit = book_of(exchange, p).tape, p.limit(500, 1000)
    return [payloads.public_trade(trade) for trade in list(tape.trades)[-limit:]]


def aggregate_trades(exchange: Exchange, p: Parameters) -> Any:
    """Answer ``GET aggTrades``: from an id or a start, else the latest; old ones are forgotten."""
    tape, limit, first = book_of(exchange, p).tape, p.limit(500, 1000), p.integer("fromId")
    since, until = p.integer("startTime"), p.integer("endTime")
    if since is not None and until is not None and until - since > HOUR_MS:
        raise ExchangeError(-1127, "More than 1 hours between startTime and endTime.")
    found = [
        payloads.aggregate_trade(trade)
        for trade in tape.trades
        if (first is None or trade.number >= first)
        and (since is None or trade.market_ms >= since)
        and (until is None or trade.market_ms <= until)
    ]
    return found[-limit:] if first is None and since is None else found[:limit]


def _for_each(
    exchange: Exchange, p: Parameters, payload: Callable[[Book, int], payloads.Payload]
) -> Any:
    """Answer for the symbol that a request names, or with a list for all."""
    now, books = exchange.clock.now_ms(), exchange.state.books
    told = [payload(books[name], now) for name in names_of(exchange, p)]
    return told[0] if p.get("symbol") else told
