"""How an engine's stored events are told in the archive."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from ..books.archived import ArchivedOrder, ArchivedPosition, ArchivedState
from .stored import Writes


class ArchiveFormat(Protocol):
    """How one engine version's stored events are told as rows of the archive."""

    @property
    def prefix(self) -> str:
        """What all keys of the trader begin with."""

    def last_ns(self, rows: Sequence[bytes]) -> int | None:
        """Return when the last of some events of an order happened; ``None`` if nobody can read."""

    def order(self, name: str, rows: Sequence[bytes]) -> ArchivedOrder | None:
        """Return an order that has ended; ``None`` for any other, and for what cannot be read."""

    def position(self, name: str, rows: Sequence[bytes]) -> ArchivedPosition | None:
        """Return a position; ``None`` when it cannot be read."""

    def state(self, account: str, row: bytes) -> ArchivedState | None:
        """Return a state of an account; ``None`` when it cannot be read."""

    def without(self, orders: Iterable[str], positions: Iterable[str]) -> Writes:
        """Return what removes orders and positions, and what the engine's index says of them."""
