"""Read recorded one-minute bars from a CSV file.

The header is ``timestamp,open,high,low,close,volume``. The timestamp is the open time of the bar in
UTC, and each row is one minute after the one before. The volume is taken as quote volume, in USDT.
"""

import csv
import gzip
import math
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from .market import MINUTE_MS, RecordedRow

HEADER = ["timestamp", "open", "high", "low", "close", "volume"]
MINUTE = timedelta(minutes=1)


class BarFileError(Exception):
    """The file holds no bars that can be traded on; the message says which promise is broken."""


def read_bars(path: Path) -> tuple[int, list[RecordedRow]]:
    """Return the open time of the first bar in milliseconds since 1970, and all bars as written.

    Raises
    ------
    BarFileError
        When the file is no bar file, or a row does not fit.
    """
    try:
        with closing(_open(path)) as file:
            return _read(path, csv.reader(file))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BarFileError(f"{path} cannot be read as a file of bars: {error}.") from None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _read(path: Path, lines: Iterator[list[str]]) -> tuple[int, list[RecordedRow]]:
    if next(lines, None) != HEADER:
        msg = f"{path} is no file of bars: its first line has to be {','.join(HEADER)}."
        raise BarFileError(msg)
    first_ms, due = 0, None
    rows: list[RecordedRow] = []
    for number, line in enumerate(lines, start=2):
        where = f"{path}, line {number}"
        try:
            stamp, *texts = line
            time = datetime.fromisoformat(stamp)
            opened, high, low, closed, volume = map(float, texts)
        except ValueError:
            raise BarFileError(f"{where}: this is no row of a time and five numbers.") from None
        if due is None:
            due = time
            first_ms = int(time.replace(tzinfo=time.tzinfo or UTC).timestamp() * 1000)
        if time != due or first_ms % MINUTE_MS:
            raise BarFileError(f"{where}: rows have to be one minute apart, on full minutes.")
        inside = 0 < low <= opened <= high < math.inf and low <= closed <= high
        if not (inside and 0 <= volume < math.inf):
            raise BarFileError(f"{where}: open and close have to lie between low and high.")
        rows.append(tuple(texts))
        due = time + MINUTE
    return first_ms, rows
