"""Look at the exchange before the engine is built: it must be one that the profile talks to."""

import asyncio
import socket
from urllib.parse import urlsplit

from ..config.complaints import PREFIX
from ..config.profiles import Profile, address_complaints
from ..exit_codes import ExitCode, NodeExit
from ..venue.binance.public import hello, lists, server_time_ms
from .guard import Start

EXCHANGE_SECONDS = 5.0


async def check_hosts(start: Start) -> None:
    """
    Resolve the exchange's host names and refuse what the profile does not talk to.

    Raises
    ------
    NodeExit
        With code 75 when a name does not resolve, 78 when it leads to a public address in the
        simulated profile, or to another one outside it.

    """
    settings, loop = start.settings, asyncio.get_running_loop()
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


async def check_symbols(start: Start) -> None:
    """
    Ask the exchange whether it is there and lists what is traded.

    Raises
    ------
    NodeExit
        With code 75 when it is away, 78 when it is not what it should be or does not list a symbol.

    """
    url = start.settings.exchange_http_url
    symbols = [each.symbol for each in start.traded]
    if start.settings.profile is Profile.SIMULATED:
        answer = await hello(url)
        listed = set(answer.get("symbols", symbols))
    else:
        await server_time_ms(url)
        listed = {symbol for symbol in symbols if await lists(url, symbol)}
    for symbol in symbols:
        if symbol not in listed:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"The exchange does not list {symbol}; correct {PREFIX}SYMBOL, or the line of "
                "strategies/ that names it.",
            )
