"""
Read the fields of an answer strictly: what is absurd is an `NonsenseError` with a sentence.

The exchange writes amounts as text and numbers, times and switches as JSON has them. Nothing here
guesses: text where a number should be, NaN, 1e308 or a negative quantity is not read at all.
"""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from .requests import NonsenseError

MOST_TEXT = 64
"""The longest name or word of an answer; ids have 36 characters at most."""
LATEST_MS = 4_133_980_800_000
"""The first moment of 2101: a later stamp is none."""
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?")


class Row:
    """
    One row of an answer.

    Parameters
    ----------
    what : str
        What it tells, for messages: ``an order``.
    values : Any
        The JSON of it.

    Raises
    ------
    NonsenseError
        If it is no object; and by every method, if a field is not what it should be.

    """

    __slots__ = ("_values", "what")

    def __init__(self, what: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise NonsenseError(f"The exchange told {what} that is no object: {_short(values)}.")
        self.what = what
        self._values: dict[str, Any] = values

    def has(self, name: str) -> bool:
        """Return whether there is such a field with something in it."""
        return self._values.get(name) not in (None, "")

    def text(self, name: str, *, empty: bool = False) -> str:
        """Return a word or a name; ids may come as whole numbers."""
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
            value = str(value)
        if empty and value is None:
            return ""
        # Not ASCII alone: there are symbols in other letters.
        right = isinstance(value, str) and len(value) <= MOST_TEXT and value.isprintable()
        if not right or not (value or empty):
            raise self.wrong(name, "no name")
        return str(value)

    def amount(self, name: str, *, signed: bool = False) -> Decimal:
        """Return an amount, which is text; without `signed` it is not negative."""
        value = self._values.get(name)
        if not isinstance(value, str) or len(value) > MOST_TEXT or not _AMOUNT.fullmatch(value):
            raise self.wrong(name, "no amount")
        if value.startswith("-") and not signed:
            raise self.wrong(name, "negative")
        return Decimal(value)

    def whole(self, name: str) -> int:
        """Return a whole number that is not negative."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**18:
            raise self.wrong(name, "no whole number")
        return value

    def stamp(self, name: str) -> int:
        """Return a time in milliseconds."""
        value = self.whole(name)
        if value >= LATEST_MS:
            raise self.wrong(name, "no time")
        return value

    def switch(self, name: str) -> bool:
        """Return what is on or off."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "neither true nor false")
        return value

    def rows(self, name: str, what: str, most: int) -> Iterator["Row"]:
        """Return the rows of a list within this one."""
        return rows(self._values.get(name), what, most)

    def wrong(self, name: str, why: str) -> NonsenseError:
        """Return the error that says that a field is not what it should be."""
        return NonsenseError(
            f"The exchange told {self.what} whose {name} is {why}: "
            f"{_short(self._values.get(name))}."
        )


def rows(answer: Any, what: str, most: int) -> Iterator[Row]:
    """
    Return the rows of an answer that is a list.

    Raises
    ------
    NonsenseError
        If it is no list, or has more than `most` rows.

    """
    if not isinstance(answer, list):
        raise NonsenseError(
            f"The exchange told no list, where each row is {what}: {_short(answer)}."
        )
    if len(answer) > most:
        raise NonsenseError(
            f"The exchange told {len(answer):,} rows, each {what}; "
            f"more than {most:,} are not believed."
        )
    return (Row(what, values) for values in answer)


def one_of(row: Row, name: str, allowed: Collection[str]) -> str:
    """Return a word of a list."""
    value = row.text(name)
    if value not in allowed:
        raise row.wrong(name, f"none of {', '.join(sorted(allowed))}")
    return value


def _short(value: Any) -> str:
    text = (
        " ".join(repr(value).split())
        if not isinstance(value, (list, dict))
        else type(value).__name__
    )
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
