"""What a watch asks of an engine's own way to its store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Written:
    """
    A list of events that the engine has written to its store.

    Parameters
    ----------
    key : str
        Its key in the store.
    what : str
        What it is about, in plain words.
    entries : int
        How many events it must have at least.
    since : str
        With what it began; another list begins with something else and takes its place.

    """

    key: str
    what: str
    entries: int
    since: str = ""


class StoreLine(Protocol):
    """The engine's own way to its store, as a watch uses it; on the engine's thread only."""

    @property
    def mark_key(self) -> str:
        """Where the mark is in the store."""

    def write_mark(self, mark: bytes) -> None:
        """Write a mark, after everything that has been written before."""

    def written(self) -> Sequence[Written]:
        """Return what the store must have of all that is open, or has changed since last asked."""
