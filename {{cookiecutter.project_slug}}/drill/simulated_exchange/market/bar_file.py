"""Read recorded one-minute bars from a CSV file.

The header is ``timestamp,open,high,low,close,volume``. The timestamp is the open time of the bar in
UTC, and each row is one minute after the one before. The volume is taken as quote volume, in USDT.
"""

import gzip
import math
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .scripts import RecordedRow

HEADER = "timestamp,open,high,low,close,volume"
MINUTE = timedelta(minutes=1)


class BarFileError(Exception):
    """The file holds no bars that can be traded on; the message says which promise is broken."""


def read_bars(path: Path) -> tuple[int, list[RecordedRow]]:
    """Return the open time of the first bar in milliseconds since 1970, and all bars as written."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        header, *lines = content.decode().splitlines() or [""]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BarFileError(f"{path} cannot be read as a file of bars: {reason}.") from None
    if header != HEADER:
        raise BarFileError(f"{path} is no file of bars: its first line has to be {HEADER}.")
    first, due, rows = None, None, []
    for number, line in enumerate(lines, start=2):
        try:
            stamp, *row = line.split(",")
            time = datetime.fromisoformat(stamp)
            opened, high, low, closed, volume = map(float, row)
        except ValueError:
            raise _refusal(path, number, "this is no row of a time and five numbers") from None
        first, due = first or time, due or time
        if time != due or time.second or time.microsecond:
            raise _refusal(path, number, "rows have to be one minute apart, on full minutes")
        inside = 0 < low <= opened <= high < math.inf and low <= closed <= high
        if not (inside and 0 <= volume < math.inf):
            raise _refusal(path, number, "open and close have to lie between low and high")
        rows.append(tuple(row))
        due += MINUTE
    start = first.replace(tzinfo=first.tzinfo or UTC).timestamp() if first else 0
    return int(start * 1000), rows


def _refusal(path: Path, line: int, sentence: str) -> BarFileError:
    return BarFileError(f"{path}, line {line}: {sentence}.")
