"""Ask again a few times, within a bound, and end the process when nobody answers."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from ..exit_codes import ExitCode, NodeExit
from .binance.refusals import refusal_of
from .binance.requests import ExchangeError, NonsenseError, failure_words

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
        With code 75 when all attempts have failed, 70 when the answers are absurd, 78 when the
        exchange refuses for good.

    """
    pause = PAUSE_SECONDS
    end = NodeExit(ExitCode.AWAY, f"The exchange did not answer for {what}.")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question()
        except FAILURES as error:
            end, wait = _end_of(error, what), getattr(error, "wait", 0.0)
            warn(f"The exchange was asked for {what}, attempt {attempt}: {failure_words(error)}")
        if attempt < ATTEMPTS:
            await asyncio.sleep(max(pause, wait))
            pause *= 2
    raise end


def _end_of(error: Exception, what: str) -> NodeExit:
    if isinstance(error, NonsenseError):
        return NodeExit(ExitCode.REFUSED, f"{error} That is not believed, and nothing is traded.")
    if isinstance(error, ExchangeError) and (refusal := refusal_of(error)) is not None:
        return refusal
    return NodeExit(
        ExitCode.AWAY,
        f"The exchange did not answer for {what} in {ATTEMPTS} attempts ({failure_words(error)}).",
    )
