"""Times as people read them: of the market by the clock, of the play in seconds."""

import re
from datetime import UTC, datetime

MINUTE_MS, SECOND_NS = 60_000, 1_000_000_000
# The first and the last second that datetime can say; a number beyond them is no time.
MOST_MS = 253_402_300_799_000
MILLISECONDS = re.compile(r"(?<![\w.-])\d{13}(?![\w.-]\d|\w)")


def market_time(at_ms: int, *, day: bool = False) -> str:
    """Return a market time: ``05:37``, with seconds where there are any, and its day if wanted.

    Bars are named by the last millisecond in them: that one is told as the moment they close.
    """
    if not 0 <= at_ms <= MOST_MS:
        return str(at_ms)
    at = datetime.fromtimestamp((at_ms + 1 if at_ms % 1000 == 999 else at_ms) / 1000, UTC)
    clock = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    return f"{at:%Y-%m-%d} {clock}" if day else clock


def readable(sentence: str, *, day: bool = False) -> str:
    """Return a sentence whose bare milliseconds are market times."""
    return MILLISECONDS.sub(lambda m: market_time(int(m[0]), day=day), sentence)


def seconds(at_ns: int, since_ns: int) -> str:
    """Return how long after a moment another one was: ``4.2 s``."""
    return f"{(at_ns - since_ns) / SECOND_NS:.1f} s"
