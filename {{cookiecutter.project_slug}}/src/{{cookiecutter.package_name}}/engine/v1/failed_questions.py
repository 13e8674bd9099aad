"""
What the adapter's own questions come to when they fail: a code and a sentence, and a second try.

The adapter logs what has failed and then waits for the end of its bound. Nobody would know whether
a restart helps: it does when nobody has answered, and not when the answer makes no sense or the key
is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from nautilus_trader.adapters.binance.http import client as adapter_client
from nautilus_trader.adapters.binance.http.error import BinanceError
from nautilus_trader.core.nautilus_pyo3 import (
    HttpClient,
    HttpError,
    HttpMethod,
    HttpResponse,
    HttpTimeoutError,
)

from ...exit_codes import ExitCode, NodeExit, one_line
from ...venue.binance.refusals import refusal_of
from ...venue.binance.requests import ExchangeError, wait_told

AGAIN_SECONDS = 0.25
"""The pause before a question is asked once more."""
LONGEST_WAIT_SECONDS = 10.0
"""How long the exchange may ask to wait; the start of the engine has 15 seconds."""
REPEATABLE = ("/fapi/v1/listenKey",)
"""What may be sent once more besides questions: it is the same key again."""
NO_ANSWER = (HttpError, HttpTimeoutError, OSError, TimeoutError)
OK = 200

_asked: ContextVar[str] = ContextVar("asked", default="")
"""The question that a task has asked last."""


def asked_last() -> str:
    """Return the exchange's name of what this task has asked last."""
    return _asked.get().rpartition("/")[2]


def end_of(error: BaseException, what: str) -> NodeExit:
    """
    Return how a start ends whose question has failed for good.

    Parameters
    ----------
    error : BaseException
        What has come of it.
    what : str
        The exchange's name of the question.

    """
    if isinstance(error, BinanceError):
        status, message = int(error.status), error.message
        if status == OK:
            return NodeExit(ExitCode.REFUSED, _nonsense(what))
        code, said = None, "no JSON"
        if isinstance(message, dict):
            code, said = message.get("code"), str(message.get("msg"))
        code = code if isinstance(code, int) else None
        told = f"HTTP status {status}: {'' if code is None else f'{code} '}{said}"
        refusal = refusal_of(ExchangeError(code, one_line(told)[:200], status))
        if refusal is not None:
            return refusal
        return NodeExit(
            ExitCode.AWAY, f"The exchange did not answer {what} in two attempts ({one_line(told)})."
        )
    if isinstance(error, NO_ANSWER):
        return NodeExit(
            ExitCode.AWAY,
            f"The exchange did not answer {what} in two attempts (no connection, or none in time).",
        )
    return NodeExit(ExitCode.REFUSED, _nonsense(what))


def _nonsense(what: str) -> str:
    return (
        f"The exchange answers {what or 'a question'} with something that the engine cannot read; "
        "the log above shows it. That is not believed, and nothing is traded."
    )


def telling[**Given, Answer](
    work: Callable[Given, Awaitable[Answer]], tell: Callable[[NodeExit], None]
) -> Callable[Given, Awaitable[Answer]]:
    """Return `work`, which tells how the start has to end when it fails."""

    async def told(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await work(*args, **kwargs)
        except Exception as error:
            tell(end_of(error, asked_last()))
            raise

    return told


@contextmanager
def hearing_waits() -> Iterator[None]:
    """Let the engine's HTTP clients that are made in this block hear how long they shall wait."""
    # They hear only the headers that they are told of, and the adapter tells them of none.
    names = vars(adapter_client)
    stock = names["HttpClient"]
    names["HttpClient"] = partial(stock, header_keys=["retry-after"])
    try:
        yield
    finally:
        names["HttpClient"] = stock


class PatientClient:
    """
    The engine's HTTP client, which asks once more what was not answered.

    It waits as long as the exchange asks it to (``Retry-After``). What changes something at the
    exchange is never sent twice.

    Parameters
    ----------
    stock : HttpClient
        The engine's.
    once : tuple[str, ...]
        Ends of the paths of questions that somebody else asks again when nobody answers.

    """

    def __init__(self, stock: HttpClient, once: tuple[str, ...]) -> None:
        self._stock = stock
        self._once = once

    async def request(
        self, method: HttpMethod, url: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return the answer, as the engine's own does."""
        path = urlsplit(url).path
        _asked.set(path)
        is_once = path.endswith(self._once)
        is_question = method == HttpMethod.GET or path in REPEATABLE
        try:
            answer = await self._stock.request(method, url, *args, **kwargs)
        except NO_ANSWER:
            if not is_question or is_once:
                raise
            seconds = AGAIN_SECONDS
        else:
            wait = wait_told(answer.status, answer.headers)
            if not is_question or (wait or 0.0) > LONGEST_WAIT_SECONDS:
                return answer
            if not wait and (_is_usable(answer) or (answer.status != OK and is_once)):
                return answer
            seconds = wait or AGAIN_SECONDS
        await asyncio.sleep(seconds)
        return await self._stock.request(method, url, *args, **kwargs)


def _is_usable(answer: HttpResponse) -> bool:
    """Return whether an answer says something: JSON, or that the question is wrong."""
    if answer.status >= OK + 300:
        return False
    if answer.status != OK:
        return True
    try:
        msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
