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
from .settings import PREFIX, Settings, is_public

STORE_SECONDS = 3.0
EXCHANGE_SECONDS = 5.0


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
    answer = await hello(settings.exchange_http_url)
    if settings.symbol not in answer.get("symbols", [settings.symbol]):
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
    Resolve the exchange's host names and refuse public addresses.

    Raises
    ------
    NodeExit
        With code 75 when a name does not resolve, 78 when it leads to a public address.

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
            if is_public(str(address[0])):
                raise NodeExit(
                    ExitCode.CONFIGURATION,
                    f"{PREFIX}{name.upper()} leads to {address[0]}, which is not a loopback or "
                    "private address; the simulated profile never talks to a public host.",
                )


async def hello(url: str) -> dict[str, Any]:
    """
    Return the simulated exchange's answer to ``/_sim/hello``.

    Raises
    ------
    NodeExit
        With code 75 when nothing answers, 78 when something else than a simulated exchange does.

    """
    timeout = aiohttp.ClientTimeout(total=EXCHANGE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/_sim/hello", allow_redirects=False) as response,
        ):
            answer = await response.json() if response.status == 200 else None
    except TimeoutError:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} did not answer within {EXCHANGE_SECONDS:.0f} s."
        ) from None
    except aiohttp.ClientConnectionError as error:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange at {url} is away: {_one_line(error)}."
        ) from None
    except (aiohttp.ClientError, ValueError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("market_ms"), int):
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"What answers at {url} is not a simulated exchange (no /_sim/hello); "
            f"correct {PREFIX}EXCHANGE_HTTP_URL.",
        )
    return answer


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
