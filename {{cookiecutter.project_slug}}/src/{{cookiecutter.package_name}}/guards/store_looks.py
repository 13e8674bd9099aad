"""
Whether a store still has what it has answered: looks of one process, each leaving a number. Pure.

A store can go back to an earlier moment: a replica that takes its primary's place has not heard of
the last writes, a machine that lost its power has not kept them. What it has is what it had then,
whole: when it has the number of a look, it has all that look has seen.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What the number that a look has found says of the looks before it.

    Parameters
    ----------
    has_gone_back : bool
        Whether the store lacks the number of a look that it has answered.
    is_in_doubt : bool
        Whether looks before this one were not answered. Their numbers may still arrive, so that
        this one's would be overwritten: what it has seen must be seen once more.

    """

    has_gone_back: bool
    is_in_doubt: bool


class StoreLooks:
    """
    The numbers of one process's looks.

    Parameters
    ----------
    process : str
        The name of this process, which no other one has.

    """

    def __init__(self, process: str) -> None:
        self._process = process
        self._number = 0
        self._tried_from = 1
        self._least = 0

    def next(self) -> bytes:
        """Return what the next look leaves in the store, behind all that it reads."""
        self._number += 1
        return f"{self._process} {self._number}".encode()

    def judge(self, found: bytes | None) -> Kept:
        """Return what is to be thought of a look that was answered, and has taken its number."""
        has_gone_back = self._number_of(found) < self._least
        is_in_doubt = self._tried_from < self._number
        self._least, self._tried_from = self._tried_from, self._number + 1
        return Kept(has_gone_back, is_in_doubt)

    def _number_of(self, found: bytes | None) -> int:
        """Return whose number it is, 0 when it is none of this process."""
        process, _, number = (found or b"").decode(errors="replace").rpartition(" ")
        return int(number) if process == self._process and number.isdecimal() else 0
