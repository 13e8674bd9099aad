"""Days, weeks and months, in UTC. Pure functions."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_AGO = re.compile(r"([0-9]{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


class By(StrEnum):
    """What a statement is divided by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def moment(at_ms: int) -> datetime:
    """Return a time of the market."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def shown(at_ms: int) -> str:
    """Return a time as people read it, to the second."""
    return moment(at_ms).strftime("%Y-%m-%d %H:%M:%S")


def period_of(at_ms: int, by: By) -> str:
    """Return the day, the week or the month of a moment: 2026-11-30, 2026-W49, 2026-11."""
    at = moment(at_ms)
    if by is By.DAY:
        return at.strftime("%Y-%m-%d")
    if by is By.WEEK:
        year, week, _ = at.isocalendar()
        return f"{year}-W{week:02}"
    return at.strftime("%Y-%m")


def read_moment(text: str, now_ms: int) -> int:
    """
    Return the moment that a person has named, in milliseconds.

    Parameters
    ----------
    text : str
        A day or a time, ``2026-11-30`` or ``2026-11-30T12:00``, taken as UTC unless it says
        otherwise; or how long ago: ``12h``, ``7d``, ``4w``.
    now_ms : int
        The exchange's now.

    Raises
    ------
    ValueError
        If it is neither.

    """
    if ago := _AGO.fullmatch(text):
        before = timedelta(hours=int(ago[1]) * _HOURS[ago[2]])
        return now_ms - int(before.total_seconds() * 1000)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text} is no time: write 2026-11-30, 2026-11-30T12:00, or how long ago, 12h, 7d, 4w."
        ) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(at.timestamp() * 1000)
