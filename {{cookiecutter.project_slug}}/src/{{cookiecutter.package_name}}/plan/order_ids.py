"""
Deterministic client order ids: the same decision has the same id before and after a restart.

The form is ``{version}{owner}-{bar close in seconds}-{leg}{slot}{attempt}``, for example
``1kq3vabc-1704085259-E0`` for an entry and ``1kq3vabc-1704085259-R070`` for the resting order of
slot 7. Resting orders have a slot; the orders that an event-driven strategy makes itself have their
number within the bar in its place: ``E000`` and ``X000`` are its first entry and its first exit.

The owner is the version and seven letters drawn from trader id, tag and symbol, so that two traders
on one account, two strategies of one trader, and one strategy on two symbols never make the same
id, and none takes another's order for its own. The version says how the rest is read; a later form
gets another one, so that orders of this form stay readable.

The exchange allows 36 characters of ``[.A-Z:/a-z0-9_-]`` (USD-M Futures, New Order,
``newClientOrderId``). Ours have 24 at most: the adapter of NautilusTrader 2 puts 12 before an id of
up to 24, and nothing before a longer one.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

VERSION = "1"
MAX_LENGTH = 24
MAX_ATTEMPTS = 36
"""How many attempts an id can tell apart: one character of ``[0-9a-z]``."""
MAX_SLOTS = 36 * 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_OWNER_LETTERS = 7
_FORM = re.compile(
    rf"(?P<owner>{VERSION}[a-z2-7]{{{_OWNER_LETTERS}}})-(?P<close>[0-9]{{10}})-"
    r"(?:(?P<leg>[EXST])|(?P<numbered>[EXR])(?P<slot>[0-9a-z]{2}))(?P<attempt>[0-9a-z])"
)


class Leg(StrEnum):
    """What an order is for."""

    ENTRY = "E"
    EXIT = "X"
    STOP = "S"
    TAKE_PROFIT = "T"
    RESTING = "R"


@dataclass(frozen=True, slots=True)
class OrderId:
    """
    The parts of a client order id.

    Parameters
    ----------
    owner : str
        Whose it is, as `owner_of` makes it.
    close_seconds : int
        The decision bar's close time in whole seconds of market time.
    leg : Leg
        What the order is for.
    attempt : int
        0 to 35; grows only when the exchange has ended the previous attempt without a fill.
    slot : int, optional
        0 to 1295; which of the resting orders it is, or the number of an order that an event-driven
        strategy makes itself.

    """

    owner: str
    close_seconds: int
    leg: Leg
    attempt: int
    slot: int | None = None

    def __str__(self) -> str:
        # Which legs have a slot, the form says.
        is_whole = 0 <= self.attempt < MAX_ATTEMPTS and 0 <= (self.slot or 0) < MAX_SLOTS
        text = ""
        if is_whole:
            slot = "" if self.slot is None else _DIGITS[self.slot // 36] + _DIGITS[self.slot % 36]
            text = f"{self.owner}-{self.close_seconds}-{self.leg}{slot}{_DIGITS[self.attempt]}"
        if _FORM.fullmatch(text) is None:
            raise ValueError(f"{self!r} cannot be written as a client order id.")
        return text


def owner_of(trader_id: str, tag: str, symbol: str) -> str:
    """
    Return the first eight characters of every id that one strategy makes on one symbol.

    They are the version and 35 bits of a digest: that two owners among a hundred are the same has a
    chance of one in seven million. Of one node's owners it is checked; see `traded.complaints`.
    """
    digest = hashlib.sha256("\n".join((trader_id, tag, symbol)).encode()).digest()
    return VERSION + base64.b32encode(digest).decode()[:_OWNER_LETTERS].lower()


def make(owner: str, close_ms: int, leg: Leg, attempt: int, slot: int | None = None) -> str:
    """
    Return the client order id of one attempt at one leg of one decision.

    Raises
    ------
    ValueError
        If the parts do not fit the form.

    """
    return str(OrderId(owner, close_ms // 1000, leg, attempt, slot))


def parse(text: str) -> OrderId | None:
    """Return the parts of a client order id, or ``None`` when it does not have the form."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    slot = match["slot"]
    return OrderId(
        owner=match["owner"],
        close_seconds=int(match["close"]),
        leg=Leg(match["leg"] or match["numbered"]),
        attempt=int(match["attempt"], 36),
        slot=None if slot is None else int(slot, 36),
    )


def leg_of(client_order_id: str, owner: str) -> Leg | None:
    """Return what an order is for, or ``None`` when it is not of this owner."""
    parts = parse(client_order_id)
    return None if parts is None or parts.owner != owner else parts.leg
