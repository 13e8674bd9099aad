"""
Deterministic client order ids: the same decision has the same id before and after a restart.

The form is ``{tag}-{bar close in seconds}-{leg}{attempt}``, for example ``EMA001-1704085259-E0``.
The exchange allows 36 characters of ``[.A-Z:/a-z0-9_-]`` (USD-M Futures, New Order,
``newClientOrderId``); 25 leave room for an adapter's own prefix.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_LENGTH = 25
MAX_TAG_LENGTH = 10

_FORM = re.compile(r"(?P<tag>[A-Za-z0-9_]{1,10})-(?P<close>\d{1,10})-(?P<leg>[EXS])(?P<attempt>\d)")


class Leg(StrEnum):
    """What an order is for."""

    ENTRY = "E"
    EXIT = "X"
    STOP = "S"


@dataclass(frozen=True, slots=True)
class OrderId:
    """
    The parts of a client order id.

    Parameters
    ----------
    tag : str
        The strategy's tag, 1 to 10 characters of ``[A-Za-z0-9_]``.
    close_seconds : int
        The decision bar's close time in whole seconds of market time.
    leg : Leg
        What the order is for.
    attempt : int
        0 to 9; grows only when the exchange has ended the previous attempt without a fill.

    """

    tag: str
    close_seconds: int
    leg: Leg
    attempt: int

    def __str__(self) -> str:
        text = f"{self.tag}-{self.close_seconds}-{self.leg}{self.attempt}"
        if _FORM.fullmatch(text) is None or len(text) > MAX_LENGTH:
            raise ValueError(f"{text!r} does not have the form of a client order id.")
        return text


def make(tag: str, close_ms: int, leg: Leg, attempt: int) -> str:
    """
    Return the client order id of one attempt at one leg of one decision.

    Raises
    ------
    ValueError
        If the parts do not fit the form.

    """
    return str(OrderId(tag, close_ms // 1000, leg, attempt))


def parse(text: str) -> OrderId | None:
    """Return the parts of a client order id, or ``None`` when it is not one of ours."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return OrderId(match["tag"], int(match["close"]), Leg(match["leg"]), int(match["attempt"]))
