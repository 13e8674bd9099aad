"""Ask again a few times, within a bound, and end the process when nobody answers."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from ..exit_codes import ExitCode, NodeExit
from .binance.requests import ExchangeError

ATTEMPTS = 5
ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.2
"""The pause after the first failed question; it doubles with each further one."""

FAILURES = (ExchangeError, NodeExit, OSError, TimeoutError, aiohttp.ClientError)
"""What a failed question raises: an error answer, no connection, no answer, or nonsense."""


async def ask[Answer](
    what: str, question: Callable[[], Awaitable[Answer]], warn: Callable[[str], None]
) -> Answer:
    """
    Return the answer to `question`.

    Parameters
    ----------
    what : str
        What is asked for, in words.
    question : Callable[[], Awaitable[Answer]]
        Asks once.
    warn : Callable[[str], None]
        Takes a line about each attempt that failed.

    Raises
    ------
    NodeExit
        With code 75 when all attempts have failed.

    """
    pause = PAUSE_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question()
        except FAILURES as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            warn(f"The exchange was asked for {what}, attempt {attempt}: {reason}")
        if attempt < ATTEMPTS:
            await asyncio.sleep(pause)
            pause *= 2
    raise NodeExit(
        ExitCode.AWAY,
        f"The exchange did not answer for {what} in {ATTEMPTS} attempts ({reason}).",
    )
