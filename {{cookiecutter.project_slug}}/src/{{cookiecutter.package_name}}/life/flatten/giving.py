"""Give the lease to whoever flattens, and stay until that is over."""

import asyncio
import time
from contextlib import suppress

from ...guards.lease.lease import FAILURES, Lease
from ...guards.lease.record import TAKEN, Free
from .taking import LOOK_SECONDS

NOBODY_SECONDS = 3.0
"""How long it is waited for that anybody takes it."""
LAST_WORD_SECONDS = 1.0
"""How long whoever has given it back has for its last lines."""


async def until_given_back(lease: Lease, seconds: float, asked_to_stop: asyncio.Event) -> None:
    """
    Wait until the lease was taken and is free again, or nobody takes it; or until asked to stop.

    Where a node is the first process of a container, all others there end with it: also the command
    that flattens, if it was typed there. And a supervisor need not start it into a lease that is
    held.

    Parameters
    ----------
    lease : Lease
        Given up before.
    seconds : float
        How long at most.
    asked_to_stop : asyncio.Event
        Ends it.

    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _until_given_back(lease, asked_to_stop)


async def _until_given_back(lease: Lease, asked_to_stop: asyncio.Event) -> None:
    began = time.monotonic()
    was_taken = False
    while not asked_to_stop.is_set():
        try:
            free = await asyncio.to_thread(lease.look)
        except FAILURES:
            # Without a store it flattens without the lease: nobody knows how long.
            was_taken, free = True, Free.NOT_YET
        if free not in TAKEN:
            was_taken = True
        elif was_taken:
            await _rest(LAST_WORD_SECONDS, asked_to_stop)
            return
        elif time.monotonic() - began >= NOBODY_SECONDS:
            return
        await _rest(LOOK_SECONDS, asked_to_stop)


async def _rest(seconds: float, asked_to_stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asked_to_stop.wait()
