"""
One pass: bring what is due to the archive, batch by batch, and nothing of it to the event loop.

The order of each batch is the whole of its safety: on the disk, out of the engine's memory, out of
the store. Killed between any two, the next pass finds it due again, and its file already there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ...books.archive_plan import parts
from .store import Moved, StoreArchive

type Forget = Callable[[Sequence[str]], Sequence[str]]
"""Lets the engine forget ended things by name; returns those that it does not have any more."""


async def move(
    store: StoreArchive,
    before_ns: int,
    size: int,
    *,
    forget_orders: Forget = lambda names: names,
    forget_positions: Forget = lambda names: names,
    rest: Callable[[], Awaitable[bool]] | None = None,
) -> Moved:
    """
    Bring to the archive what ended before a moment; return how much that was.

    Parameters
    ----------
    store : StoreArchive
        The store and the archive.
    before_ns : int
        The moment.
    size : int
        Orders a batch.
    forget_orders, forget_positions : Forget
        Called on the event loop, before something leaves the store.
    rest : Callable[[], Awaitable[bool]], optional
        Awaited before each batch; false when this is no moment to go on.

    Raises
    ------
    OSError, redis.exceptions.RedisError
        If the disk or the store does not take it; then all of it is still somewhere.

    """
    moved = Moved()
    await asyncio.to_thread(store.clean)
    moved.states = await asyncio.to_thread(store.move_states)
    due = await asyncio.to_thread(store.due, before_ns)
    for names in parts(due, size):
        if rest is not None and not await rest():
            moved.was_cut_short = True
            return moved
        orders = await asyncio.to_thread(store.put_orders, names, before_ns)
        gone = set(forget_orders([order.name for order in orders]))
        out = [order for order in orders if order.name in gone]
        moved.orders += await asyncio.to_thread(store.remove_orders, out)
    positions = await asyncio.to_thread(store.put_positions, before_ns)
    gone = set(forget_positions([each.name for each in positions]))
    closed = [each for each in positions if each.name in gone]
    moved.positions = await asyncio.to_thread(store.remove_positions, closed)
    return moved
