"""
What stands written about a halt, and which record counts. Pure.

There is one record a trader, in the store and in a file: whether it is halted, all of it or some
symbols, who has said so, why and when. Going on is a record, too, so that the newer one of two
places tells what a person has said last.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

VERSION = 1
ALL = "all"


@dataclass(frozen=True, slots=True)
class Halt:
    """
    What a person has said last.

    Parameters
    ----------
    is_halted : bool
        Whether anything is halted.
    symbols : tuple[str, ...]
        Which symbols alone; none for all of them.
    who, why : str
        Whoever has said so, and the reason.
    at_ms : int
        When, in milliseconds of wall time; each record is later than the one that it replaces.
    flatten : str
        A name for the flattening that was asked for with it: a node that sees a new one gives way.

    """

    is_halted: bool
    symbols: tuple[str, ...] = ()
    who: str = ""
    why: str = ""
    at_ms: int = 0
    flatten: str = ""

    def holds(self, symbol: str) -> bool:
        """Return whether nothing new may be opened in a symbol."""
        return self.is_halted and (not self.symbols or symbol in self.symbols)

    def told(self) -> str:
        """Return what it says, in a sentence."""
        if not self.is_halted:
            return f"Nothing is halted: resumed {_by(self)}" if self.at_ms else "Nothing is halted."
        return f"Halted {_what(self.symbols)} {_by(self)}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """
    Something that cannot be read stands where the record should be: that counts as a halt of all.

    Parameters
    ----------
    where : str
        In which place, in words.
    reason : str
        What is wrong with it.

    """

    where: str
    reason: str

    @property
    def flatten(self) -> str:
        """No flattening was asked for by it."""
        return ""

    def holds(self, symbol: str) -> bool:
        """Return whether nothing new may be opened in a symbol."""
        return True

    def told(self) -> str:
        """Return what it means, in a sentence."""
        return (
            f"What {self.where} says of a halt cannot be read ({self.reason}), and that counts as "
            "a halt of everything until the command halt or resume writes it anew."
        )


type Found = Halt | Unreadable | None
"""What one place holds; ``None`` when there is nothing."""
type Counting = Halt | Unreadable
"""What counts."""

NEVER = Halt(is_halted=False)
"""Nobody has ever said anything."""
type Change = Callable[[Counting, int], Halt]
"""Makes the next record of the one that counts and of the time, in milliseconds."""


class NoChange(Exception):
    """What was asked for cannot be done, and why, in a sentence."""


def key_of(trader: str) -> str:
    """Return the key of a trader's record: outside the engine's own, beginning with "trader-"."""
    return f"halt:{trader}"


def counting(*found: Found) -> Counting:
    """Return which of the records counts: the newest, and one that cannot be read before all."""
    counts = NEVER
    for each in found:
        if isinstance(each, Unreadable):
            return each
        if each is not None and is_newer(each, counts):
            counts = each
    return counts


def is_newer(one: Halt, other: Found) -> bool:
    """Return whether a record takes the place of another; of two of one moment, the halt does."""
    if isinstance(other, Unreadable):
        return False  # nobody knows how new it is
    if other is None:
        return one.at_ms > 0
    return (one.at_ms, one.is_halted) > (other.at_ms, other.is_halted)


def halted(symbol: str | None, who: str, why: str, flatten: str = "") -> Change:
    """Return the change that halts one symbol, besides those that are, or all of them."""

    def change(now: Counting, at_ms: int) -> Halt:
        symbols: tuple[str, ...] = ()
        if symbol is not None and not _is_all(now):
            before = now.symbols if isinstance(now, Halt) and now.is_halted else ()
            symbols = tuple(sorted({*before, symbol}))
        return Halt(True, symbols, who, why, _after(now, at_ms), flatten)

    return change


def resumed(symbol: str | None, who: str, why: str) -> Change:
    """
    Return the change that lets one symbol, or all of them, go on.

    The change raises `NoChange` for one symbol of all that are halted.
    """

    def change(now: Counting, at_ms: int) -> Halt:
        left: tuple[str, ...] = ()
        if symbol is not None:
            if _is_all(now):
                raise NoChange(
                    f"Everything is halted, not {symbol} alone: resume everything, and halt the "
                    "symbols that are to stay halted."
                )
            before = now.symbols if isinstance(now, Halt) and now.is_halted else ()
            left = tuple(each for each in before if each != symbol)
        return Halt(bool(left), left, who, why, _after(now, at_ms))

    return change


def _is_all(now: Counting) -> bool:
    return isinstance(now, Unreadable) or (now.is_halted and not now.symbols)


def _after(now: Counting, at_ms: int) -> int:
    """Return a time that is later than the record before, whatever the clock says."""
    return max(at_ms, now.at_ms + 1) if isinstance(now, Halt) else at_ms


def _what(symbols: tuple[str, ...]) -> str:
    return " and ".join(symbols) if symbols else "everything"


def _by(halt: Halt) -> str:
    when = datetime.fromtimestamp(halt.at_ms / 1000, UTC)
    why = f": {halt.why.rstrip('.')}." if halt.why else ", without a reason."
    return f"by {halt.who} at {when:%Y-%m-%d %H:%M:%S} UTC{why}"


# -- As it is written ------------------------------------------------------------------------------


def encode(halt: Halt) -> bytes:
    """Return a record as it is written in both places."""
    values = {
        "version": VERSION,
        "halted": halt.is_halted,
        "symbols": list(halt.symbols) or ALL,
        "who": halt.who,
        "why": halt.why,
        "at_ms": halt.at_ms,
        "flatten": halt.flatten,
    }
    return json.dumps(values).encode()


def decode(value: bytes | None, where: str) -> Found:
    """Return what is written in a place."""
    if value is None:
        return None
    try:
        return _read(json.loads(value))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Unreadable(where, _reason(error))


def _read(values: dict[str, object]) -> Halt:
    if (version := values["version"]) != VERSION:
        raise ValueError(f"it is of version {version}, and this node reads {VERSION}")
    is_halted, symbols, at_ms = values["halted"], values["symbols"], values["at_ms"]
    names = () if symbols == ALL else symbols
    words = (values["who"], values["why"], values.get("flatten", ""))
    are_words = all(isinstance(each, str) for each in words)
    is_time = isinstance(at_ms, int) and not isinstance(at_ms, bool) and 0 < at_ms < 10**14
    if not isinstance(is_halted, bool) or not are_words or not is_time:
        raise ValueError("a field is not what it should be")
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
        raise ValueError("its symbols are none")
    if names == []:
        raise ValueError("it names no symbol")
    who, why, flatten = map(str, words)
    assert isinstance(at_ms, int)
    return Halt(is_halted, tuple(names), who, why, at_ms, flatten)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if type(error) is ValueError:
        return str(error)
    return "it is no record"
