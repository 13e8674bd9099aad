"""Look at the exchange before the engine is built: it must be one that the profile talks to."""

import asyncio
import socket
from urllib.parse import urlsplit

from ..config.complaints import PREFIX
from ..config.profiles import address_complaints
from ..exit_codes import ExitCode, NodeExit
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
