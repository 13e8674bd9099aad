"""Take the lease from whoever trades, so that nobody opens anew what is being closed."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ...exit_codes import ExitCode, NodeExit
from ...guards.lease.lease import FAILURES, Lease
from ...guards.lease.record import LEASE_SECONDS, TAKEN, Free

LOOK_SECONDS = 0.05
ASK_SECONDS = 3.0
"""How often a holder is asked anew: one that has just come up knows the last asking already."""
MOST_SECONDS = 30.0
"""How long a holder is waited for that does not give way."""


async def take(lease: Lease, ask_again: Callable[[], Awaitable[None]]) -> bool:
    """
    Return whether the lease is held and in force; it is not when the store is away.

    That the store has not answered for as long as a lease lasts is told by ``False``. Whoever held
    the lease has not renewed it meanwhile in a store that is away, or has paused, or has lost its
    keys: then it may send nothing more, for it checks that before each request, and the exchange
    refuses what it had on its way, whose window was cut to what was left. What remains is a store
    that is away from here alone: a holder elsewhere that still reaches it renews, and sees no halt
    before this machine's file is written back to the store. Nobody here can tell the two apart.

    Parameters
    ----------
    lease : Lease
        Not taken yet.
    ask_again : Callable[[], Awaitable[None]]
        Asks whoever holds it to give way.

    Raises
    ------
    NodeExit
        With code 75 when another process holds it and does not give way.

    """
    began = asked = time.monotonic()
    away_since: float | None = None
    while True:
        look = time.monotonic()
        try:
            free = await asyncio.to_thread(lease.try_to_take)
        except FAILURES:
            # What is no record counts as well: whoever wrote the lease cannot renew it there.
            away_since = look if away_since is None else away_since
            if time.monotonic() - away_since >= LEASE_SECONDS:
                return False
            free = Free.NOT_YET
        else:
            away_since = None
        if free in TAKEN:
            await asyncio.sleep(max(0.0, lease.until_in_force()))
            return True
        now = time.monotonic()
        if now - began > MOST_SECONDS:
            who = f" by {lease.holder.told()}" if lease.holder else ""
            raise NodeExit(
                ExitCode.AWAY,
                f"The lease is held{who} and is not given up within {MOST_SECONDS:.0f} s; nothing "
                "is closed. Stop that process, and run it again.",
            )
        if free is Free.HELD and now - asked > ASK_SECONDS:
            asked = now
            await ask_again()
        await asyncio.sleep(LOOK_SECONDS)
