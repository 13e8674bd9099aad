"""The engine's own way to its store: a mark written along it, and what it must have brought."""

from collections.abc import Callable, Iterator

from ..mending.store_format import WATCH_MARK
from ..store_line import Written
from .heard import Seen
from .mirror import Mirror


class StoreLineV2:
    """
    What the engine writes, as far as a watch needs to know of it.

    Parameters
    ----------
    mirror : Mirror
        What the engine has.
    prefix : str
        What all keys of the trader begin with.
    mark : Callable[[bytes], None]
        Lets the engine write a mark, after everything that it has written before.

    """

    def __init__(self, mirror: Mirror, prefix: str, mark: Callable[[bytes], None]) -> None:
        self._mirror = mirror
        self._prefix = prefix
        self._mark = mark
        self._orders: set[str] = set()
        self._told: set[str] = set()
        self._closed: dict[str, tuple[int, str]] = {}

    @property
    def mark_key(self) -> str:
        """Where the mark is in the store."""
        return f"{self._prefix}general:{WATCH_MARK}"

    def write_mark(self, mark: bytes) -> None:
        """Write a mark, after everything that has been written before."""
        self._mark(mark)

    def note(self, seen: Seen) -> None:
        """Take note of what has changed."""
        self._orders.update(seen.orders)
        self._closed.update(seen.closed_positions)

    def written(self) -> list[Written]:
        """
        Return what the store must have by now of all that is open, or has changed since last asked.

        Both are few, however long the past is.
        """
        standing = {row.client_order_id for row in self._mirror.standing()}
        names = standing | self._orders | self._told
        self._orders.clear()
        self._told = standing
        return [*self._of_orders(sorted(names)), *self._of_positions()]

    def _of_orders(self, names: list[str]) -> Iterator[Written]:
        for name in names:
            found = self._mirror.orders.get(name)
            # One that is handed over has nothing in the store yet.
            if found is not None:
                key = f"{self._prefix}orders:{name}"
                # Sent again under its name, its list begins anew.
                yield Written(key, f"order {name}", found.events, found.begun)

    def _of_positions(self) -> Iterator[Written]:
        closed, self._closed = self._closed, {}
        held = {each.name: (each.events, each.since) for each in self._mirror.positions.values()}
        for name, (events, since) in {**closed, **held}.items():
            key = f"{self._prefix}positions:{name}"
            # Opened anew, a position's list is, too.
            yield Written(key, f"position {name}", events, since)
