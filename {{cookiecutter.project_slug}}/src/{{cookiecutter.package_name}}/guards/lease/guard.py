"""Take the lease on the way up, and see that it is kept while the node trades."""

import asyncio

from ...exit_codes import ExitCode, NodeExit, one_line
from ..clock import check_clock
from ..guard import Start
from ..watch import Trading
from .lease import FAILURES
from .record import LEASE_SECONDS, RENEW_SECONDS, TAKEN, Free, Holder, key_of

LOOK_SECONDS = 0.1
STANDING_BY_SECONDS = 0.05
AWAY_SECONDS = 10.0
"""How long a start looks for a store that does not answer any more."""
ALIVE_SECONDS = 5.0
"""How long the lease of a node is renewed whose event loop stands still."""
CONDITION = "lease"
WAITING = b"waits for the lease"
DOING = "Nothing at all is sent until it is renewed; stops work at the exchange."


async def check_lease(start: Start) -> str:
    """
    Take the lease; one that stands by waits for it.

    Raises
    ------
    NodeExit
        With code 75 when another node holds it, or the store does not answer; 78 when the record
        in the store is none.

    """
    lease = start.lease
    trouble_since: float | None = None
    loop = asyncio.get_running_loop()
    while True:
        try:
            free = await asyncio.to_thread(lease.try_to_take)
            trouble_since = None
        except ValueError as error:
            raise no_record(start.settings.id, error) from None
        except FAILURES as error:
            now = loop.time()
            trouble_since = now if trouble_since is None else trouble_since
            if now - trouble_since >= AWAY_SECONDS and not start.stands_by:
                raise NodeExit(
                    ExitCode.AWAY,
                    f"The store does not tell who holds the lease of {start.settings.id}: "
                    f"{one_line(error)}.",
                ) from None
            free = Free.NOT_YET
        if free in TAKEN:
            if start.stands_by:
                await check_clock(start.requests)  # long after the preflight
            return f"The lease is held in epoch {lease.epoch}."
        if free is Free.HELD and not start.stands_by:
            assert lease.holder is not None
            raise another_trades(start.settings.id, lease.holder)
        await asyncio.sleep(STANDING_BY_SECONDS if start.stands_by else LOOK_SECONDS)


def no_record(trader: str, error: ValueError) -> NodeExit:
    """Return how a start ends when what stands in the store is no lease."""
    return NodeExit(
        ExitCode.CONFIGURATION,
        f"The store has at {key_of(trader)} {error}; delete that key when no node with this id "
        "runs.",
    )


def another_trades(trader: str, holder: Holder) -> NodeExit:
    """Return how a start ends when another node renews the lease."""
    return NodeExit(
        ExitCode.AWAY,
        f"Another node with the id {trader} trades: {holder.told()}. Stop it first, or start this "
        "one with --standby.",
    )


async def check_lease_in_force(start: Start) -> str | None:
    """
    Wait until nobody else can hold a lease any more.

    Raises
    ------
    NodeExit
        With code 75 when the lease was lost meanwhile.

    """
    lease = start.lease
    seconds = lease.until_in_force()
    while (left := lease.until_in_force()) > 0:
        # Some stores close a connection that says nothing, and its next write would be lost.
        start.engine.store_line.write_mark(WAITING)
        await asyncio.sleep(min(left, RENEW_SECONDS))
    # A start may have kept the renewing thread from running.
    await asyncio.to_thread(lease.renew)
    if lease.lost:
        raise NodeExit(ExitCode.AWAY, f"{lease.lost} The node ends.")
    if seconds > 0:
        return (
            f"Nobody has told who traded before; the node has waited {LEASE_SECONDS:.0f} s, after "
            "which no other one may send."
        )
    return None


async def watch_lease(trading: Trading) -> None:
    """
    Look until cancelled.

    Raises
    ------
    NodeExit
        With code 75 when the lease is lost; at once, for this node may send nothing any more, and
        the one that holds the lease now protects what is held.

    """
    lease = trading.lease
    while True:
        lease.needed(ALIVE_SECONDS)
        if lease.lost:
            raise NodeExit(ExitCode.AWAY, f"{lease.lost} The node ends.", at_once=True)
        if lease.left() > 0:
            trading.conditions.end(CONDITION)
        else:
            why = f" ({lease.trouble})" if lease.trouble else ""
            trading.conditions.begin(
                CONDITION, f"The lease has run out: the store does not renew it{why}.", DOING
            )
        await asyncio.sleep(LOOK_SECONDS)
