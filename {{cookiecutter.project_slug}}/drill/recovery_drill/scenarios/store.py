"""What happens to the store: under a node that trades, while it is down, and before it starts."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from recovery_drill.failures import Unsupported
from recovery_drill.play.scenario import UNEQUAL, Play, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.host import STOPPED_OUT, eventful_bar
from recovery_drill.scenarios.kills import TRADED_ON, holding_before, trade_on
from recovery_drill.scenarios.restart import start_into_fault

AWAY_BARS = 3
SLOW_SECONDS = 0.05
SPARE_SECONDS = 1.0
"""How much longer than the node may take to notice it a loss lasts."""
GONE = "store out of order"
ITS_CHOICE = "Whether a node goes on or halts while its store is out of order is its own choice."

Deed = Callable[[World], Awaitable[None]]


class Loss(NamedTuple):
    """One way in which a store is out of order for a while.

    Parameters
    ----------
    name : str
        What the scenario is called, less its prefix.
    purpose : str
        One sentence.
    begin, end : Callable
        Do it, and undo it.

    """

    name: str
    purpose: str
    begin: Deed
    end: Deed


LOSSES: tuple[Loss, ...] = (
    Loss(
        "kill",
        "The store is killed under a node that trades, and comes back with its files.",
        lambda world: world.store.kill(),
        lambda world: world.store.start(),
    ),
    Loss(
        "pause",
        "The store stands still under a node that trades, and goes on.",
        lambda world: world.store.pause(),
        lambda world: world.store.resume(),
    ),
    Loss(
        "full",
        "The store's memory is full under a node that trades, and is not any more.",
        lambda world: world.store.fill(),
        lambda world: world.store.empty(),
    ),
    Loss(
        "read-only",
        "The store takes no writes under a node that trades, as after a failover, and then does.",
        lambda world: world.store.make_read_only(),
        lambda world: world.store.make_writable(),
    ),
)


async def _last(world: World) -> None:
    """Let bars pass, and the loss last for longer than the node may take to notice it."""
    world.saw(GONE)
    until = time.monotonic() + world.policy.budgets.notice_seconds + SPARE_SECONDS
    await world.endure(AWAY_BARS)
    # Not waiting for anything: so long the store is out of order.
    await asyncio.sleep(max(0.0, until - time.monotonic()))


def _loss(loss: Loss) -> Play:
    async def play(world: World) -> None:
        await holding_before(world)
        await world.until_stored()
        async with world.fault(f"store.{loss.name}", must_notice=True, of_store=True):
            await loss.begin(world)
            await _last(world)
            await loss.end(world)
        await world.recover()
        await world.until_stored()
        await world.kill_node()
        await world.restart_node()
        await trade_on(world)

    return play


async def flush(world: World) -> None:
    """Empty the store under a node that trades, and kill the node some bars later."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault("store.flush", must_notice=True, of_store=True):
        await world.store.flush(world.trader_id)
        await _last(world)
        if world.lives.running:
            await world.kill_node()
    await world.recover()
    await trade_on(world)


async def slow(world: World) -> None:
    """Kill a node whose store answers late and lags behind, and start it at the same store."""
    await holding_before(world)
    await world.until_stored()
    if world.proxy is None:
        raise Unsupported("Nothing stands between node and this store that could make it slow.")
    async with world.fault("store.slow", of_store=True):
        if world.disturbed:
            world.proxy.delay_seconds = SLOW_SECONDS
            world.saw(GONE)
        await eventful_bar(world)
        await world.kill_node()
        await world.restart_node()
        world.proxy.delay_seconds = 0.0
    await trade_on(world)


async def away_at_start(world: World) -> None:
    """Start a node whose store is away: it says so, and trades when it is started again."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    if world.disturbed:
        async with world.fault("store.away", of_store=True):
            await world.store.kill()
            world.saw(GONE)
            await start_into_fault(world)
            await world.store.start()
        await world.recover()
    else:
        await world.restart_node()
    await trade_on(world)


async def old_backup(world: World) -> None:
    """Put an old backup back while the node is down: what it did since is in no store."""
    await holding_before(world)
    await world.until_stored()
    folder = world.folder / "backup"
    if world.disturbed:
        await world.store.backup(folder)
    await trade_on(world)
    await world.kill_node()
    if world.disturbed:
        async with world.fault("store.backup", of_store=True):
            await world.store.restore(folder)
        world.saw(GONE)
    await world.restart_node()
    await trade_on(world)


_NEEDS = frozenset({"position", GONE, TRADED_ON})

STORE: tuple[Scenario, ...] = (
    *(
        Scenario(f"store-{s.name}", s.purpose, _NEEDS, _loss(s), leave_out={UNEQUAL: ITS_CHOICE})
        for s in LOSSES
    ),
    Scenario(
        "store-flush",
        "The store is emptied under a node that trades; some bars later the node is killed.",
        _NEEDS,
        flush,
        kills=False,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    Scenario(
        "store-slow",
        "Each command to the store takes 50 ms longer, and the node is killed while it lags.",
        _NEEDS | {STOPPED_OUT},
        slow,
    ),
    Scenario(
        "store-away-at-start",
        "The node is killed, and its store is away when it starts again.",
        _NEEDS,
        away_at_start,
    ),
    Scenario(
        "store-old-backup",
        "The node is killed, and an old backup of its store is put back before it starts again.",
        _NEEDS,
        old_backup,
    ),
)
