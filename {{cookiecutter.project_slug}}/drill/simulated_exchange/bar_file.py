"""Read recorded one-minute bars from a CSV file.

The header is ``timestamp,open,high,low,close,volume``. The timestamp is the open time of the bar in
UTC, and each row is one minute after the one before. The volume is taken as quote volume, in USDT:
divided by the close it becomes the volume of the base asset.
"""

import csv
import gzip
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from .market import MINUTE_MS, Bar
from .symbols import SymbolRules

MOST = Decimal(10) ** 15
"""Numbers from here on are no prices and no volumes."""

HEADER = ["timestamp", "open", "high", "low", "close", "volume"]


class BarFileError(Exception):
    """The file holds no bars that can be traded on; the message says which promise is broken."""


def read_bars(path: Path, rules: SymbolRules) -> tuple[int, list[Bar]]:
    """Read a file of bars.

    Parameters
    ----------
    path : Path
        A CSV file, compressed when its name ends in ``.gz``.
    rules : SymbolRules
        The symbol that the bars belong to: prices have to be multiples of its tick.

    Returns
    -------
    tuple[int, list[Bar]]
        The open time of the first bar in milliseconds since 1970, and the bars.

    Raises
    ------
    BarFileError
        When the file is no bar file, or a row does not fit.
    """
    try:
        with closing(_open(path)) as file:
            return _read(path, csv.reader(file), rules)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} cannot be read as a file of bars: {error}."
        raise BarFileError(msg) from None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _read(path: Path, rows: Iterator[list[str]], rules: SymbolRules) -> tuple[int, list[Bar]]:
    if next(rows, None) != HEADER:
        msg = f"{path} is no file of bars: its first line has to be {','.join(HEADER)}."
        raise BarFileError(msg)
    first_ms = 0
    bars: list[Bar] = []
    for number, row in enumerate(rows, start=2):
        try:
            stamp, *numbers = row
            opened_ms = _milliseconds(stamp)
            opened, high, low, closed, quote = map(Decimal, numbers)
            sound = 0 < low <= min(opened, closed) <= max(opened, closed) <= high < MOST
            sound = sound and 0 <= quote < MOST
        except (ValueError, InvalidOperation):
            msg = f"{path}, line {number}: this is no row of a time and five numbers."
            raise BarFileError(msg) from None
        first_ms = first_ms or opened_ms
        if opened_ms != first_ms + len(bars) * MINUTE_MS:
            msg = f"{path}, line {number}: rows have to be one minute apart, on full minutes."
            raise BarFileError(msg)
        if not sound:
            msg = f"{path}, line {number}: open and close have to lie between low and high."
            raise BarFileError(msg)
        if opened % rules.tick or high % rules.tick or low % rules.tick or closed % rules.tick:
            msg = f"{path}, line {number}: prices of {rules.name} are multiples of {rules.tick}."
            raise BarFileError(msg)
        volume = (quote / closed).quantize(rules.step)
        bars.append(Bar(opened, high, low, closed, volume))
    if first_ms % MINUTE_MS:
        msg = f"{path}, line 2: rows have to be one minute apart, on full minutes."
        raise BarFileError(msg)
    return first_ms, bars


def _milliseconds(stamp: str) -> int:
    time = datetime.fromisoformat(stamp)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return int(time.timestamp()) * 1000
