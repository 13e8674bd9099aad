"""Ask the exchange everything that engine and adapter will need, before the engine is built."""

import asyncio

from ..config.profiles import Profile
from ..venue.binance.public import hello, server_time_ms
from .account import check_account
from .clock import check_clock
from .guard import Start
from .symbols import check_symbols


async def check_exchange(start: Start) -> None:
    """
    Ask the exchange everything that engine and adapter will need, at once.

    Raises
    ------
    NodeExit
        With the first complaint, in the order of what the others depend on: whether it is there,
        the clock, the symbols, the account.

    """
    requests = start.requests
    await check_there(start)
    found = await asyncio.gather(
        check_clock(requests),
        check_symbols(start, requests),
        check_account(start, requests),
        return_exceptions=True,
    )
    for complaint in found:
        if complaint is not None:
            raise complaint


async def check_there(start: Start) -> None:
    """
    Ask the exchange whether it is there, and whether it is the profile's.

    Raises
    ------
    NodeExit
        With code 75 when nothing answers, 78 when it is something else.

    """
    url = start.settings.exchange_http_url
    if start.settings.profile is Profile.SIMULATED:
        await hello(url)
    else:
        await server_time_ms(url)
