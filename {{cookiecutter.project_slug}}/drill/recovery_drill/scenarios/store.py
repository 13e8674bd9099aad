"""What happens to the store: under a node that trades, while it is down, and before it starts."""

from collections.abc import Callable
from typing import NamedTuple

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.store import (
    GONE,
    OldBackup,
    StoreAway,
    StoreFlush,
    StoreFull,
    StoreIdle,
    StoreKill,
    StorePause,
    StoreReadOnly,
    StoreSlow,
    StoreSnapshotFails,
)
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import (
    POSITION,
    STOPPED_OUT,
    TRADED_ON,
    eventful_bar,
    holding_before,
    outlast,
    restart_and_trade_on,
    trade_on,
)

AWAY_BARS = 3
IDLE_SECONDS = 4.0
"""Nothing is to be written for so long, and a connection that says nothing is closed."""
ITS_CHOICE = "Whether a node goes on or halts while its store is out of order is its own choice."


async def under_a_trader(world: World, fault: Fault) -> None:
    """Trade while the fault lasts, and be killed some time after it has ended."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await outlast(world, AWAY_BARS)
    await world.recover()
    await world.until_stored()
    await world.kill_node()
    await restart_and_trade_on(world)


async def after_a_silence(world: World, fault: Fault) -> None:
    """Have nothing to write for a while, then much, and be killed once it is stored."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await world.last(IDLE_SECONDS)
        await world.endure(AWAY_BARS)
    await world.recover()
    await world.until_stored()
    await world.kill_node()
    await restart_and_trade_on(world)


async def under_a_trader_that_is_killed(world: World, fault: Fault) -> None:
    """Trade while the fault lasts, and be killed before it ends."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await outlast(world, AWAY_BARS)
        if world.node_runs:
            await world.kill_node()
    await world.recover()
    await trade_on(world)


async def killed_meanwhile(world: World, fault: Fault) -> None:
    """Have much to write while the fault lasts, be killed, and start into it."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await eventful_bar(world)
        await world.kill_node()
        await world.restart_node()
    await trade_on(world)


async def at_start(world: World, fault: Fault) -> None:
    """Start into the fault, and once more when it is over."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    if world.disturbed:
        async with world.fault(fault):
            await world.start_into_fault()
        await world.recover()
    else:
        await world.restart_node()
    await trade_on(world)


async def after_more_trades(world: World, fault: Fault) -> None:
    """Trade between what the fault takes and the fault, which comes while the node is down."""
    await holding_before(world)
    await world.until_stored()
    await world.prepare(fault)
    await trade_on(world)
    await world.kill_node()
    await world.strike(fault)
    await restart_and_trade_on(world)


class Loss(NamedTuple):
    """One way in which a store is out of order for a while, under a node that trades."""

    name: str
    purpose: str
    fault: Callable[[], Fault]


LOSSES: tuple[Loss, ...] = (
    Loss(
        "kill",
        "The store is killed under a node that trades, and comes back with its files.",
        StoreKill,
    ),
    Loss("pause", "The store stands still under a node that trades, and goes on.", StorePause),
    Loss(
        "full",
        "The store's memory is full under a node that trades, and is not any more.",
        StoreFull,
    ),
    Loss(
        "read-only",
        "The store takes no writes under a node that trades, as after a failover, and then does.",
        StoreReadOnly,
    ),
    Loss(
        "snapshot-fails",
        "A snapshot of the store fails under a node that trades, and the store takes no writes "
        "until one succeeds.",
        StoreSnapshotFails,
    ),
)
_NEEDS = frozenset({POSITION, GONE, TRADED_ON})

STORE: tuple[Scenario, ...] = (
    *(
        Scenario(
            f"store-{loss.name}",
            loss.purpose,
            _NEEDS,
            under_a_trader,
            loss.fault,
            leave_out={UNEQUAL: ITS_CHOICE},
        )
        for loss in LOSSES
    ),
    Scenario(
        "store-idle-connections",
        "The store closes connections on which nothing was said for a second, and then bars close.",
        _NEEDS,
        after_a_silence,
        StoreIdle,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    Scenario(
        "store-flush",
        "The store is emptied under a node that trades; some bars later the node is killed.",
        _NEEDS,
        under_a_trader_that_is_killed,
        StoreFlush,
        kills=False,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    Scenario(
        "store-slow",
        "Each command to the store takes 50 ms longer, and the node is killed while it lags.",
        _NEEDS | {STOPPED_OUT},
        killed_meanwhile,
        StoreSlow,
    ),
    Scenario(
        "store-away-at-start",
        "The node is killed, and its store is away when it starts again.",
        _NEEDS,
        at_start,
        StoreAway,
    ),
    Scenario(
        "store-old-backup",
        "The node is killed, and an old backup of its store is put back before it starts again.",
        _NEEDS,
        after_more_trades,
        OldBackup,
    ),
)
