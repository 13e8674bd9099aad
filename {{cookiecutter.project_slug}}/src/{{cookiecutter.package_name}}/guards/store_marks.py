"""
Whether the store has what the engine has written: the decisions of the store's watch, without it.

The engine writes a numbered mark the way it writes everything, and the watch looks for it with a
connection of its own. A mark that is there proves that all before it has been carried out, and then
what the engine wrote until then must be there, too; a list that is shorter has lost a write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..engine.store_line import Written

EVERY_SECONDS = 0.5
"""How often the engine writes a mark."""
AGAIN_SECONDS = 0.1
"""How soon the watch looks again for a mark that was not there."""
LATE_SECONDS = 1.0
LAGS_SECONDS = 3.0
"""The same for a mark at a store that answers and takes writes. It may only be slow, or the way to
it: what is lost shows with the mark that follows."""
LATE_LOOKS = 3
"""A mark is late after so many seconds and so many looks. Both: a machine that lets the node stand
still lets the watch stand still, too."""
MOST_SECONDS = 0.6
"""What the time between two looks counts for at most, for the same reason."""
REST_SECONDS = 8.0
"""How long the watch waits at most, before it lets another mark follow those that never came."""
MOST_TOLD = 3


class Store(Enum):
    """What a look has shown."""

    RIGHT = "right"
    """It has everything."""
    UNSEEN = "unseen"
    """It does not have the mark yet that would show it, and that may well be."""
    WRONG = "wrong"
    """It is out of reach, takes no writes, or lacks something: no risk is added."""
    LOST = "lost"
    """It takes writes and lacks for good what it should have: only a new start helps."""


@dataclass(frozen=True, slots=True)
class Look:
    """
    What the watch has seen in the store.

    Parameters
    ----------
    mark : bytes, optional
        The mark that is there.
    lengths : Mapping[str, int]
        How many entries each list has that was asked for.
    has_format : bool
        Whether the trader's keys say which format they have.
    has_gone_back, is_in_doubt : bool
        What the number of the look before says; see `StoreLooks`.
    trouble : str
        Why nothing could be seen, or nothing can be written, after the store's place; empty when
        the store answers and takes a write.

    """

    mark: bytes | None = None
    lengths: Mapping[str, int] = field(default_factory=dict)
    has_format: bool = False
    has_gone_back: bool = False
    is_in_doubt: bool = False
    trouble: str = ""


class StoreMarks:
    """
    The marks of one process, and what must be in the store with each.

    Parameters
    ----------
    process : str
        The name of this process, which no other one has.

    """

    def __init__(self, process: str) -> None:
        self._process = process
        self._number = 0
        self._wanted: dict[str, Written] = {}
        self._later: dict[str, Written] = {}
        self._lacking: set[str] = set()
        self._had_format = False
        self._was_seen = False
        self._right_from = 0
        self._missed = 0
        self._missed_seconds = 0.0
        self._tries = 0
        self._since_mark = 0.0
        self.sentence = ""
        """What is wrong, after the store's place."""

    @property
    def keys(self) -> Sequence[str]:
        """The lists that must be looked at."""
        return tuple(self._wanted)

    def note(self, written: Iterable[Written]) -> None:
        """Take note of what has been written since the last mark; the next one proves it."""
        self._later |= {each.key: each for each in written}

    def next(self) -> bytes:
        """Return the next mark; with it everything must be in the store that was noted."""
        self._wanted |= self._later
        self._later.clear()
        self._number += 1
        self._since_mark = 0.0
        return f"{self._process} {self._number}".encode()

    def is_there(self, mark: bytes | None) -> bool:
        """Return whether a mark is the last one."""
        return mark == f"{self._process} {self._number}".encode()

    def judge(self, look: Look, seconds: float) -> Store:
        """
        Return what a look has shown.

        Parameters
        ----------
        look : Look
            What the watch has seen.
        seconds : float
            How long ago the look before was.

        """
        self._since_mark += seconds
        if look.has_gone_back:
            self.sentence = (
                "has gone back to an earlier moment: it lacks what it had answered that it has"
            )
            return Store.LOST
        if not self.is_there(look.mark):
            return self._judge_unseen(look, seconds)
        self._missed, self._missed_seconds, self._tries = 0, 0.0, 0
        self._was_seen = True
        lacking = {
            key: each.what
            for key, each in self._wanted.items()
            if look.lengths.get(key, 0) < each.entries
            # Begun anew since the mark, it may be short again: the next mark tells.
            and self._later.get(key, each).since == each.since
        }
        if self._had_format and not look.has_format:
            lacking["format"] = "the mark of its format"
        self._had_format = self._had_format or look.has_format
        if not lacking and look.is_in_doubt:
            return Store.UNSEEN
        if not lacking:
            self._wanted, self._lacking = {}, set()
            # One from before the trouble says nothing of what was written meanwhile.
            return Store.RIGHT if self._number >= self._right_from else Store.UNSEEN
        told = sorted(lacking.values())
        more = f" and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
        self.sentence = f"lacks what the engine has written: {', '.join(told[:MOST_TOLD])}{more}"
        # Twice: a write that was on its way by another connection may come after the mark.
        is_lost = bool(self._lacking & set(lacking))
        self._lacking = set(lacking)
        self._right_from = self._number + 1
        self._wanted = {key: each for key, each in self._wanted.items() if key in lacking}
        return Store.LOST if is_lost else Store.WRONG

    def _judge_unseen(self, look: Look, seconds: float) -> Store:
        self._missed += 1
        self._missed_seconds += min(seconds, MOST_SECONDS)
        is_others = self._was_seen and look.mark is not None and not self._is_own(look.mark)
        late = LATE_SECONDS if look.trouble or is_others else LAGS_SECONDS
        if self._missed < LATE_LOOKS or self._missed_seconds < late:
            return Store.UNSEEN
        self._right_from = self._number + 1
        if look.trouble:
            self.sentence = look.trouble
        elif is_others:
            self.sentence = (
                "is written by another process with the same trader id; is a second node running?"
            )
        else:
            self.sentence = "answers, but what the engine writes does not arrive"
        return Store.WRONG

    def _is_own(self, mark: bytes) -> bool:
        return mark.startswith(f"{self._process} ".encode())

    def may_try_again(self, look: Look) -> bool:
        """
        Return whether another mark should follow one that has not come: it may have been lost.

        Not into a store that takes no writes: all of them would wait in the engine's queue.
        """
        if look.trouble or self._since_mark < min(EVERY_SECONDS * 2**self._tries, REST_SECONDS):
            return False
        self._tries += 1
        return True
