"""
Look before the engine is built: it hangs on a store that is away and cannot be interrupted.

Everything here is bounded and ends the process with one plain sentence.
"""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import redis.asyncio
import redis.exceptions

from .exit_codes import ExitCode, NodeExit
from .profiles import Profile, address_complaints
from .settings import PREFIX, Settings

STORE_SECONDS = 3.0
EXCHANGE_SECONDS = 5.0
INVALID_SYMBOL = -1121
"""USD-M Futures, Error Codes."""


async def preflight(settings: Settings) -> None:
    """
    Ask the store and the exchange whether they are there and usable.

    Raises
    ------
    NodeExit
        With code 75 when one is away, 78 when it is there but must not or cannot be used.

    """
    await check_store(settings)
    await check_hosts(settings)
    url = settings.exchange_http_url
    if settings.profile is Profile.SIMULATED:
        answer = await hello(url)
        is_listed = settings.symbol in answer.get("symbols", [settings.symbol])
    else:
        await server_time_ms(url)
        is_listed = await lists(url, settings.symbol)
    if not is_listed:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"The exchange does not list {settings.symbol}; correct {PREFIX}SYMBOL.",
        )


async def check_store(settings: Settings) -> None:
    """
    Ping the store and write a key that expires at once.

    Raises
    ------
    NodeExit
        With one sentence for each way in which a store cannot be used.

    """
    parts = urlsplit(settings.store_url.get_secret_value())
    place = f"The store at {parts.hostname}:{parts.port or 6379}"
    client = redis.asyncio.Redis.from_url(
        settings.store_url.get_secret_value(),
        socket_connect_timeout=STORE_SECONDS,
        socket_timeout=STORE_SECONDS,
        retry=None,
    )
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await client.ping()
            # Outside the engine's own keys, which begin with "trader-".
            await client.set(f"preflight:{settings.id}", b"", px=1)
    except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{place} refuses the user name or password ({_one_line(error)}); "
            f"correct {PREFIX}STORE_URL or {PREFIX}STORE_PASSWORD.",
        ) from None
    except redis.exceptions.BusyLoadingError:
        raise NodeExit(
            ExitCode.AWAY, f"{place} is still loading its data; start again soon."
        ) from None
    except redis.exceptions.ReadOnlyError:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{place} is a read-only replica; point {PREFIX}STORE_URL at its primary.",
        ) from None
    except redis.exceptions.ResponseError as error:
        raise NodeExit(ExitCode.AWAY, f"{place} takes no writes: {_one_line(error)}.") from None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"{place} did not answer within {STORE_SECONDS:.0f} s."
        ) from None
    except (redis.exceptions.RedisError, OSError) as error:
        raise NodeExit(ExitCode.AWAY, f"{place} is away: {_one_line(error)}.") from None
    finally:
        await client.aclose()


async def check_hosts(settings: Settings) -> None:
    """
    Resolve the exchange's host names and refuse what the profile does not talk to.

    Raises
    ------
    NodeExit
        With code 75 when a name does not resolve, 78 when it leads to a public address in the
        simulated profile, or to another one outside it.

    """
    loop = asyncio.get_running_loop()
    for name in ("exchange_http_url", "exchange_ws_url"):
        parts = urlsplit(getattr(settings, name))
        host = parts.hostname or ""
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS):
                found = await loop.getaddrinfo(host, parts.port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            raise NodeExit(
                ExitCode.AWAY, f"The exchange's host {host} has no address; is the exchange up?"
            ) from None
        for *_, address in found:
            for complaint in address_complaints(settings.profile, str(address[0])):
                raise NodeExit(ExitCode.CONFIGURATION, f"{PREFIX}{name.upper()} {complaint}.")


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
    status, answer = await _get(url, "/_sim/hello")
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
    status, answer = await _get(url, "/fapi/v1/time")
    if not isinstance(answer, dict) or not isinstance(answer.get("serverTime"), int):
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} does not tell its time (HTTP status {status})."
        )
    return int(answer["serverTime"])


async def lists(url: str, symbol: str) -> bool:
    """
    Return whether the exchange knows `symbol` (USD-M Futures, Symbol Price Ticker V2).

    Raises
    ------
    NodeExit
        With code 75 when there is no answer, or none about a price.

    """
    status, answer = await _get(url, f"/fapi/v2/ticker/price?symbol={symbol}")
    if isinstance(answer, dict) and answer.get("code") == INVALID_SYMBOL:
        return False
    if not isinstance(answer, dict) or answer.get("symbol") != symbol:
        raise NodeExit(
            ExitCode.AWAY,
            f"The exchange at {url} does not tell the price of {symbol} (HTTP status {status}).",
        )
    return True


async def _get(url: str, path: str) -> tuple[int, Any]:
    """
    Return status and JSON body of an answer; ``None`` stands for a body that is something else.

    Raises
    ------
    NodeExit
        With code 75 when nothing answers in time.

    """
    timeout = aiohttp.ClientTimeout(total=EXCHANGE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}{path}", allow_redirects=False) as response,
        ):
            status = response.status
            try:
                return status, await response.json()
            except (aiohttp.ContentTypeError, ValueError):
                return status, None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} did not answer within {EXCHANGE_SECONDS:.0f} s."
        ) from None
    except aiohttp.ClientConnectionError as error:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} is away: {_one_line(error)}."
        ) from None
    except aiohttp.ClientError:  # an answer that is no HTTP
        return 0, None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
