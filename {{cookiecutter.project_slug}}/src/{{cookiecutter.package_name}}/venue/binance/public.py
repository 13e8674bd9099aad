"""What anybody may ask the exchange: its time, its symbols, its bars."""

import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ...config.complaints import PREFIX
from ...config.profiles import Profile
from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit
from ...plan.bars import BarLength, ClosedBar
from .requests import ExchangeError, NonsenseError, Requests, get_once


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
        If the answer is an error, or holds no bars.

    """
    query = {
        "symbol": symbol,
        "interval": length.value,
        "startTime": now_ms - (count + 1) * length.ms,
        "limit": count + 2,
    }
    rows = await requests.get("/fapi/v1/klines", query, sign=False)
    try:
        bars = list(_bars(rows))
    except (ArithmeticError, IndexError, TypeError, ValueError) as error:
        raise ExchangeError(None, f"klines that cannot be read ({error!r})") from None
    return [bar for bar in bars if bar.close_ms <= now_ms]  # the last one may still be forming


def _bars(rows: Iterable[Any]) -> Iterable[ClosedBar]:
    for row in rows:
        yield ClosedBar(
            close_ms=int(row[6]),
            open=Decimal(row[1]),
            high=Decimal(row[2]),
            low=Decimal(row[3]),
            close=Decimal(row[4]),
            volume=Decimal(row[5]),
        )
