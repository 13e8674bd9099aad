"""
Whether a request that failed may have been carried out all the same.

The adapter of nautilus_trader 1.231.0 takes most failures for refusals: the plan then sends its
next attempt, and an order that was carried out in silence is doubled. Here only a refusal is one.

Source: USD-M Futures, General Info, "HTTP Return Codes" (408, 503) and Error Codes (-1000, -1006,
-1007: "execution status unknown"; -1008: not executed).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.binance.http.error import BinanceError
from nautilus_trader.core.nautilus_pyo3 import HttpMethod

from ...venue.binance.signing_clock import SigningClock

SEND_SECONDS = 2.5
"""How long an answer is waited for: the exchange accepts a request for two seconds."""
NEVER_EXECUTED = -1008
UNKNOWN = frozenset({-1000, -1006, -1007})
NO_WORKING_ORDER = -2011
"""To a request to cancel: there is no such working order."""
TIMED_OUT = 408
REFUSALS = range(400, 500)

type Send = Callable[..., Awaitable[Any]]


class OutcomeUnknown(Exception):
    """
    A request has failed, and nobody has said whether it was carried out.

    It is none of the adapter's own errors, which the adapter turns into refusals.
    """


def is_unknown(error: Exception) -> bool:
    """Return whether what was asked for may have been done although the request has failed."""
    if not isinstance(error, BinanceError):
        return True  # no answer, or one that cannot be read
    code = code_of(error)
    if error.status not in REFUSALS:
        return code != NEVER_EXECUTED
    return error.status == TIMED_OUT or code in UNKNOWN


def code_of(error: BinanceError) -> int | None:
    """Return the exchange's own code of an error; ``None`` when it gave none."""
    code = error.message.get("code") if isinstance(error.message, dict) else None
    return code if isinstance(code, int) else None


def careful(send: Send, *, is_cancel: bool = False) -> Send:
    """
    Return `send`, which raises `OutcomeUnknown` where the outcome is.

    That there is nothing to cancel is no refusal either: the order may have filled, or an earlier
    request to cancel it may have been carried out in silence.
    """

    async def careful_send(*args: Any, **kwargs: Any) -> Any:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await send(*args, **kwargs)
        except Exception as error:
            if is_unknown(error) or (is_cancel and _is_nothing_there(error)):
                raise OutcomeUnknown(reason_of(error)) from error
            raise

    return careful_send


def stamped(sign: Send, clock: SigningClock) -> Send:
    """
    Return the adapter's `sign`, for requests that carry the time and the window of `clock`.

    It is the last thing before a request is sent.
    """

    async def sign_stamped(
        http_method: HttpMethod,
        url_path: str,
        payload: dict[str, Any] | None = None,
        *more: Any,
        **named: Any,
    ) -> Any:
        stamp = clock.stamp(is_change=http_method != HttpMethod.GET)
        fields = {**(payload or {}), **{name: str(value) for name, value in stamp.items()}}
        return await sign(http_method, url_path, fields, *more, **named)

    return sign_stamped


def reason_of(error: Exception) -> str:
    """Return why a request has failed, in one line."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return " ".join(str(error).split()) or type(error).__name__


def _is_nothing_there(error: Exception) -> bool:
    return isinstance(error, BinanceError) and code_of(error) == NO_WORKING_ORDER
