"""
From the store to the archive: what is due, brought to the disk first, and then removed.

A step that was killed is finished by doing it again: what a file has already is not written a
second time, and what the store has no more is not due. Keys are watched from before they are read
until they are removed: what changes meanwhile stays. The plain client; call it in a thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.exceptions

from ...books.archive import Archive, Kind
from ...books.archive_plan import (
    openings,
    order_may_leave,
    parts,
    position_may_leave,
    states_due,
)
from ...books.archived import ArchivedOrder, ArchivedPosition, ArchivedState
from ...engine.archive_format import ArchiveFormat
from ...engine.stored import Plan, Writes
from ...plan.order_ids import parse
from ..mend.reading import MOST_ENTRIES, NAMES
from ..mend.writing import write

ANSWER_SECONDS = 10.0
ATTEMPTS = 3
"""How often states are cut off between whose look and cut another one has come."""
CHUNK = 1_000
"""Keys a pipeline."""
NS_PER_SECOND = 1_000_000_000
MOST_NAMES = 1_000_000
"""Of more orders than this, the rest waits for the next time."""
STATES = 5_000
"""States of an account a file."""


@dataclass(slots=True)
class Moved:
    """How much has gone to the archive, and whether there is more."""

    orders: int = 0
    positions: int = 0
    states: int = 0
    was_cut_short: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether nothing has."""
        return not (self.orders or self.positions or self.states)


class StoreArchive:
    """
    One trader's keys, and one trader's archive.

    Parameters
    ----------
    url : str
        The store, with user name and password.
    form : ArchiveFormat
        How the engine has stored its events.
    archive : Archive
        Where they go.

    """

    def __init__(self, url: str, form: ArchiveFormat, archive: Archive) -> None:
        self._form = form
        self._archive = archive
        self._client: Any = redis.Redis.from_url(
            url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            protocol=2,
            encoding_errors=NAMES,
        )
        self._pipe: Any = self._client.pipeline(transaction=True)

    def close(self) -> None:
        """Close the connections."""
        self._pipe.reset()
        self._client.close()

    def clean(self) -> None:
        """Remove what a process that was killed has left half written."""
        self._archive.clean()

    # -- Orders --------------------------------------------------------------------------------

    def count_orders(self) -> int:
        """Return how many orders the store has."""
        return len(self._names("orders:"))

    def due(self, before_ns: int) -> list[str]:
        """Return the orders that may be due, about in the order in which they ended."""
        found: list[tuple[int, str]] = []
        others = []
        for name in self._names("orders:"):
            # Its own names say when the decision was: that is before the end, and asks nobody.
            parsed = parse(name)
            if parsed is None:
                others.append(name)
            else:
                found.append((parsed.close_seconds * NS_PER_SECOND, name))
        for chunk in parts(others, CHUNK):
            rows = self._asked("LINDEX", "orders:", chunk, -1)
            for name, row in zip(chunk, rows, strict=True):
                at_ns = self._form.last_ns([row]) if isinstance(row, bytes) else None
                if at_ns is not None:
                    found.append((at_ns, name))
        return [name for at_ns, name in sorted(found) if at_ns < before_ns]

    def put_orders(self, names: Sequence[str], before_ns: int) -> list[ArchivedOrder]:
        """Bring to the disk those of some orders that may leave, and return them."""
        positions = self._positions()
        if positions is None:
            return []  # nobody knows what the open position needs; the mend puts it right first
        held_since = openings(positions)
        self._watch("orders:", names)
        rows = self._lists("orders:", names)
        orders = [self._form.order(name, events) for name, events in rows]
        found = [o for o in orders if o is not None and order_may_leave(o, held_since, before_ns)]
        self._archive.add(Kind.ORDERS, found)
        return found

    def remove_orders(self, orders: Sequence[ArchivedOrder]) -> int:
        """Remove from the store what was put last, or some of it; return how many have gone."""
        return self._remove(self._form.without([each.name for each in orders], ()), len(orders))

    # -- Positions -----------------------------------------------------------------------------

    def put_positions(self, before_ns: int) -> list[ArchivedPosition]:
        """Bring to the disk the positions that are closed and may leave, and return them."""
        self._watch("positions:", self._names("positions:"))
        found = [p for p in self._positions() or () if position_may_leave(p, before_ns)]
        self._archive.add(Kind.POSITIONS, found)
        return found

    def remove_positions(self, positions: Sequence[ArchivedPosition]) -> int:
        """Remove from the store what was put last, or some of it; return how many have gone."""
        names = [each.name for each in positions]
        return self._remove(self._form.without((), names), len(positions))

    def _positions(self) -> list[ArchivedPosition] | None:
        """Return all positions; ``None`` when one of them cannot be read."""
        found = []
        for name, rows in self._lists("positions:", self._names("positions:")):
            position = self._form.position(name, rows)
            if position is None:
                return None
            found.append(position)
        return found

    # -- Accounts ------------------------------------------------------------------------------

    def move_states(self) -> int:
        """Bring the oldest states of each account to the disk and cut them off; return how many."""
        moved = 0
        for account in self._names("accounts:"):
            key = f"{self._form.prefix}accounts:{account}"
            due = states_due(int(self._client.llen(key)))
            while due > 0:
                done = self._move_some_states(account, key, min(due, STATES))
                if not done:
                    break
                moved, due = moved + done, due - done
        return moved

    def _move_some_states(self, account: str, key: str, count: int) -> int:
        rows = self._client.lrange(key, 0, count - 1)
        states: list[ArchivedState] = []
        for row in rows:
            state = self._form.state(account, row)
            if state is None:
                break  # the mend puts it aside
            states.append(state)
        if not states:
            return 0
        self._archive.add(Kind.STATES, states)
        for _ in range(ATTEMPTS):
            pipe = self._client.pipeline(transaction=True)
            try:
                pipe.watch(key)
                ends = (pipe.lindex(key, 0), pipe.lindex(key, len(states) - 1))
                if ends != (rows[0], rows[len(states) - 1]):
                    return 0
                pipe.multi()
                pipe.ltrim(key, len(states), -1)
                pipe.execute()
                return len(states)
            except redis.exceptions.WatchError:
                continue  # the engine has written another one
            finally:
                pipe.reset()
        return 0

    # -- In the store --------------------------------------------------------------------------

    def _names(self, kind: str) -> list[str]:
        prefix = (self._form.prefix + kind).encode()
        found: set[bytes] = set()
        # No character of a trader's id stands for others in a pattern.
        for key in self._client.scan_iter(match=prefix + b"*", count=CHUNK, _type="LIST"):
            found.add(key)
            if len(found) >= MOST_NAMES:
                break
        return sorted(key.removeprefix(prefix).decode("utf-8", NAMES) for key in found)

    def _asked(self, command: str, kind: str, names: Iterable[str], *arguments: int) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        for name in names:
            pipe.execute_command(command, f"{self._form.prefix}{kind}{name}", *arguments)
        answers: list[Any] = pipe.execute()
        return answers

    def _lists(self, kind: str, names: Sequence[str]) -> list[tuple[str, list[bytes]]]:
        return [
            pair
            for chunk in parts(names, CHUNK)
            for pair in zip(
                chunk, self._asked("LRANGE", kind, chunk, 0, MOST_ENTRIES - 1), strict=True
            )
        ]

    def _watch(self, kind: str, names: Sequence[str]) -> None:
        """Begin to watch keys, until they are removed or others are watched."""
        self._pipe.reset()
        if names:
            self._pipe.watch(*(f"{self._form.prefix}{kind}{name}" for name in names))

    def _remove(self, writes: Writes, count: int) -> int:
        """Remove what has been watched since it was read, all at once, or nothing of it."""
        if not count:
            self._pipe.reset()
            return 0
        try:
            self._pipe.multi()
            write(self._pipe, self._form.prefix, Plan(writes=writes))
            self._pipe.execute()
            return count
        except redis.exceptions.WatchError:
            return 0  # another time
        finally:
            self._pipe.reset()
