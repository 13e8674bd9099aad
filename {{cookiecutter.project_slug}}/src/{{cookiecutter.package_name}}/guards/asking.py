"""Ask the exchange a few times before a start gives up, and tell apart what a restart mends."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from ..exit_codes import ExitCode, NodeExit
from ..venue.binance.refusals import refusal_of
from ..venue.binance.requests import ExchangeError, NonsenseError, failure_words

ATTEMPTS = 3
PAUSE_SECONDS = 0.2


async def answer_to[Answer](what: str, question: Callable[[], Awaitable[Answer]]) -> Answer:
    """
    Return the answer to `question`.

    Parameters
    ----------
    what : str
        What is asked for, in words.
    question : Callable[[], Awaitable[Answer]]
        Asks once.

    Raises
    ------
    NodeExit
        With code 78 when the exchange refuses for good, 70 when its answers are absurd, 75 when it
        does not answer.

    """
    end = NodeExit(ExitCode.AWAY, f"The exchange does not tell {what}.")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await question()
        except NonsenseError as error:
            end = NodeExit(
                ExitCode.REFUSED, f"{error} That is not believed, and nothing is traded."
            )
        except ExchangeError as error:
            refusal = refusal_of(error)
            if refusal is not None:
                raise refusal from None
            end = _away(what, error)
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            end = _away(what, error)
        if attempt < ATTEMPTS:
            await asyncio.sleep(PAUSE_SECONDS * attempt)
    raise end


def _away(what: str, error: Exception) -> NodeExit:
    return NodeExit(ExitCode.AWAY, f"The exchange does not tell {what}: {failure_words(error)}.")
