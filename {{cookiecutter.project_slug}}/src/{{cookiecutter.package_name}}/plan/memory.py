"""
What a strategy remembers across a kill, beyond bars and orders. Pure.

It is one JSON value with a version. The store holds what was remembered before a bar and after it:
a look at that bar sees what was before, however often it is repeated, and the next bar sees what
came after.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol, runtime_checkable

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""What can be remembered; numbers with decimals are best kept as text."""

MOST_BYTES = 65_536
"""How long the record may be in the store. It is written anew at each change."""
FIELDS = {"version", "close_ms", "before", "after"}


class UnusableMemoryError(ValueError):
    """What stands in the store cannot be taken up; its text ends a sentence about it."""


class NewerMemoryError(UnusableMemoryError):
    """It was written by a newer version of the strategy."""


class BrokenMemoryError(UnusableMemoryError):
    """It is none, or no way leads from its version to the strategy's."""


@runtime_checkable
class Remembering(Protocol):
    """
    What a strategy that remembers something has besides.

    It may have a method ``upgraded(version, value)``, too, which returns what a value of an earlier
    version is in the present one.
    """

    @property
    def memory_version(self) -> int:
        """The version of the value's form; a new one for each new form."""

    @property
    def first_memory(self) -> Json:
        """What it remembers before it has remembered anything."""


@dataclass(frozen=True, slots=True)
class MemoryForm:
    """
    What a strategy says of its memory.

    Parameters
    ----------
    version : int
        The version of the value's form.
    first : Json
        What is remembered before anything is.
    upgraded : Callable[[int, Json], Json], optional
        Makes a value of an earlier version one of this version.

    """

    version: int
    first: Json = None
    upgraded: Callable[[int, Json], Json] | None = None


def form_of(strategy: object) -> MemoryForm | None:
    """Return what a strategy says of its memory; ``None`` when it remembers nothing."""
    if not isinstance(strategy, Remembering):
        return None
    upgraded = getattr(strategy, "upgraded", None)
    return MemoryForm(strategy.memory_version, strategy.first_memory, upgraded)


@dataclass(frozen=True, slots=True)
class Remembered:
    """
    What is remembered.

    Parameters
    ----------
    version : int
        The version of its form.
    close_ms : int
        The close time of the bar at which it has changed last, in milliseconds of market time; 0
        when no bar has to do with it.
    before : Json
        What was remembered before that bar, and what each look at that bar sees.
    after : Json
        What the next bar sees.

    """

    version: int
    close_ms: int
    before: Json
    after: Json

    def seen_at(self, close_ms: int) -> Json:
        """Return what a look at the bar that closes then sees: a copy of its own."""
        return copy_of(self.after if close_ms > self.close_ms else self.before)

    def then(self, close_ms: int, after: Json) -> "Remembered":
        """
        Return what is remembered once the bar that closes then has answered `after`.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """
        after = copy_of(after)
        # By their texts: to Python, 1 and true are the same.
        if json.dumps(after) == json.dumps(self.after):
            return self  # the next bar sees the same in either case
        changed = replace(self, close_ms=close_ms, before=self.seen_at(close_ms), after=after)
        encode(changed)
        return changed


def first(form: MemoryForm) -> Remembered:
    """
    Return what is remembered when nothing stands in the store.

    Raises
    ------
    ValueError
        If it is no JSON value, or a very long one.

    """
    value = copy_of(form.first)
    found = Remembered(form.version, 0, value, value)
    encode(found)
    return found


def copy_of(value: Json) -> Json:
    """
    Return a value as it comes back from the store, which nobody else holds.

    Raises
    ------
    ValueError
        If it is no JSON value: a set, a `Decimal`, a number that is none.

    """
    try:
        found: Json = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"what is to be remembered is no JSON value: {error}") from None
    return found


def encode(remembered: Remembered) -> bytes:
    """
    Return it as it stands in the store.

    Raises
    ------
    ValueError
        If it is no JSON value, or a very long one.

    """
    text = _text(remembered)
    if len(text) > MOST_BYTES:
        raise ValueError(
            f"what is to be remembered takes {len(text):,} bytes, before and after a bar together, "
            f"and {MOST_BYTES:,} are allowed"
        )
    return text.encode()


def length(remembered: Remembered) -> int:
    """Return how many bytes it takes in the store."""
    return len(_text(remembered))


def _text(remembered: Remembered) -> str:
    return json.dumps(asdict(remembered), separators=(",", ":"), allow_nan=False)


def decode(value: bytes, form: MemoryForm) -> Remembered:
    """
    Return what stands in the store, in the strategy's own form.

    Raises
    ------
    NewerMemoryError
        If a newer version of the strategy has written it.
    BrokenMemoryError
        If it cannot be read, or be made one of the strategy's version.

    """
    found = read(value)
    if found.version > form.version:
        raise NewerMemoryError(
            f"has version {found.version}, and the strategy knows {form.version} at most"
        )
    if found.version == form.version:
        return found
    if form.upgraded is None:
        raise BrokenMemoryError(
            f"has version {found.version}, and the strategy, at {form.version}, has no method "
            "`upgraded` that takes it"
        )
    try:
        before, after = (
            copy_of(form.upgraded(found.version, copy_of(each)))
            for each in (found.before, found.after)
        )
        upgraded = Remembered(form.version, found.close_ms, before, after)
        encode(upgraded)
    except Exception as error:
        raise BrokenMemoryError(
            f"has version {found.version}, and the strategy's `upgraded` fails with it: "
            f"{type(error).__name__}: {error}"
        ) from error
    return upgraded


def read(value: bytes) -> Remembered:
    """
    Return what stands in the store, in whatever version.

    Raises
    ------
    BrokenMemoryError
        If it cannot be read.

    """
    if len(value) > MOST_BYTES:
        raise BrokenMemoryError(f"is {len(value):,} bytes long, and {MOST_BYTES:,} are allowed")
    try:
        fields = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BrokenMemoryError("is no JSON text") from None
    if not isinstance(fields, dict) or set(fields) != FIELDS:
        raise BrokenMemoryError("is JSON, and not what a node remembers")
    whole = [fields["version"], fields["close_ms"]]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in whole):
        raise BrokenMemoryError("has a version or a time that is no whole number")
    if fields["version"] < 1 or fields["close_ms"] < 0:
        raise BrokenMemoryError("has a version or a time that cannot be")
    return Remembered(**fields)


def _no_number(text: str) -> None:
    raise ValueError(text)
