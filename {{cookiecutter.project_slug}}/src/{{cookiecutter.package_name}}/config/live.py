"""What trading with money asks of the settings: each limit chosen, what may be lost said. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .complaints import PREFIX
from .limits import LimitSettings, missing_limits

_FORM = re.compile(
    r"The account (?P<account>[^\s<>]+) may lose (?P<loss>[0-9]+(\.[0-9]+)?) USDT a day\.?"
)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """
    What the owner of an account has said of it.

    Parameters
    ----------
    account : str
        The name that the exchange gives it (``accountAlias``).
    loss : Decimal
        What it may lose on one day, in USDT.

    """

    account: str
    loss: Decimal


def acknowledgement_for(account: str, loss: Decimal) -> str:
    """Return the sentence that the owner of an account has to say."""
    return f"The account {account} may lose {loss} USDT a day."


def read_acknowledgement(text: str) -> Acknowledgement | None:
    """Return what a sentence says; ``None`` when it says something else."""
    found = _FORM.fullmatch(text.strip())
    return None if found is None else Acknowledgement(found["account"], Decimal(found["loss"]))


def live_complaints(settings: LimitSettings, acknowledged: str) -> Iterator[str]:
    """Yield in sentences what is missing for trading with money."""
    yield from missing_limits(settings)
    name, loss = f"{PREFIX}LIVE_ACKNOWLEDGEMENT", settings.max_daily_loss
    said = read_acknowledgement(acknowledged)
    if said is None:
        wanted = acknowledgement_for("<its name at the exchange>", loss)
        yield (
            f"{name} must be the sentence '{wanted}', in the owner's own hand; docs/going-live.md "
            "says where the name is found."
        )
    elif said.loss != loss:
        yield (
            f"{name} says that {said.loss} USDT may be lost a day, and {PREFIX}MAX_DAILY_LOSS is "
            f"{loss}; they must be the same."
        )
