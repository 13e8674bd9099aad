"""What anybody may ask the exchange: its time, its symbols, its bars."""

import time
from collections.abc import Iterator
from typing import Any

from ...config.complaints import PREFIX
from ...config.profiles import Profile
from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit
from ...plan.bars import BarLength, ClosedBar
from .fields import Row
from .requests import NonsenseError, Requests, get_once

BAR_FIELDS = ("open time", "open", "high", "low", "close", "volume", "close time")
"""The first fields of a row of Kline/Candlestick Data."""
MOST_BARS = 1_500
"""The most that one answer holds (``limit``)."""


async def exchange_now_ms(settings: Settings) -> int:
    """
    Return the exchange's now: what its bars and fills are stamped with, in milliseconds.

    Raises
    ------
    NodeExit
        As of the question that the profile needs.

    """
    if settings.profile is Profile.SIMULATED:
        return int((await hello(settings.exchange_http_url))["market_ms"])
    return await server_time_ms(settings.exchange_http_url)


async def hello(url: str) -> dict[str, Any]:
    """
    Return the simulated exchange's answer to ``/_sim/hello``.

    Raises
    ------
    NodeExit
        With code 75 when nothing answers, 78 when something else than a simulated exchange does.

    """
    status, answer = await get_once(url, "/_sim/hello")
    market_ms = answer.get("market_ms") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(market_ms, int):
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"What answers at {url} is not a simulated exchange (no /_sim/hello); "
            f"correct {PREFIX}EXCHANGE_HTTP_URL.",
        )
    return dict(answer)


async def server_time_ms(url: str) -> int:
    """
    Return the exchange's wall time in milliseconds (USD-M Futures, Check Server Time).

    Raises
    ------
    NodeExit
        With code 75 when there is no answer, or none that tells the time.

    """
    status, answer = await get_once(url, "/fapi/v1/time")
    if not isinstance(answer, dict) or not isinstance(answer.get("serverTime"), int):
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} does not tell its time (HTTP status {status})."
        )
    return int(answer["serverTime"])


async def simulated_clock(requests: Requests) -> tuple[int, int]:
    """
    Return the simulated exchange's market time, and the wall time of just then.

    Raises
    ------
    ExchangeError
        If the answer is an error, or tells no time.

    """
    before = time.time()
    answer = await requests.get("/_sim/hello", {}, sign=False)
    market_ms: Any = answer.get("market_ms") if isinstance(answer, dict) else None
    if not _is_time(market_ms):
        raise NonsenseError("The simulated exchange does not tell its market time.")
    return int(market_ms), int((before + time.time()) * 500)


async def server_now_ms(requests: Requests) -> int:
    """
    Return the exchange's wall time in milliseconds, asked on a connection that stays open.

    Raises
    ------
    ExchangeError
        If the answer is an error, or tells no time.

    """
    answer = await requests.get("/fapi/v1/time", {}, sign=False)
    server_ms: Any = answer.get("serverTime") if isinstance(answer, dict) else None
    if not _is_time(server_ms):
        raise NonsenseError("The exchange does not tell its time.")
    return int(server_ms)


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**14


async def closed_bars(
    requests: Requests, symbol: str, length: BarLength, count: int, now_ms: int
) -> list[ClosedBar]:
    """
    Return the last closed bars, about `count` of them, oldest first.

    Source: USD-M Futures, Kline/Candlestick Data.

    Raises
    ------
    ExchangeError
        If the answer is an error, or holds what no bars can be.

    """
    query = {
        "symbol": symbol,
        "interval": length.value,
        "startTime": now_ms - (count + 1) * length.ms,
        "limit": count + 2,
    }
    rows = await requests.get("/fapi/v1/klines", query, sign=False)
    bars = list(_bars(rows, length.ms, now_ms))
    return [bar for bar in bars if bar.close_ms <= now_ms]  # the last one may still be forming


def _bars(answer: Any, length_ms: int, now_ms: int) -> Iterator[ClosedBar]:
    if not isinstance(answer, list) or len(answer) > MOST_BARS:
        raise NonsenseError("The exchange told bars that are no list, or too long a one.")
    for values in answer:
        if not isinstance(values, list) or len(values) < len(BAR_FIELDS):
            raise NonsenseError("The exchange told a bar that has not all of its fields.")
        yield _bar(Row("a bar", dict(zip(BAR_FIELDS, values, strict=False))), length_ms, now_ms)


def _bar(row: Row, length_ms: int, now_ms: int) -> ClosedBar:
    bar = ClosedBar(
        close_ms=row.stamp("close time"),
        open=row.amount("open"),
        high=row.amount("high"),
        low=row.amount("low"),
        close=row.amount("close"),
        volume=row.amount("volume"),
    )
    if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise row.wrong("close", f"not possible between {bar.low} and {bar.high}")
    if bar.close_ms != row.stamp("open time") + length_ms - 1:
        raise row.wrong("close time", f"not {length_ms} ms after its open time")
    if bar.close_ms > now_ms + length_ms:
        raise row.wrong("close time", "in the future")
    return bar
