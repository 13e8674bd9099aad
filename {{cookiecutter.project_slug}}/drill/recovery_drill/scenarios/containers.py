"""What an engine, a restart policy and a network do to the containers of the project."""

from collections.abc import Awaitable, Callable

from recovery_drill.faults.containers import (
    BY_ITSELF,
    CUT,
    KILLED_ALL,
    OUT_OF_MEMORY,
    PUT_BACK,
    STARTED_AGAIN_SECONDS,
    VOLUMES_KEPT,
    AllKilled,
    ContainerKill,
    ExchangeCut,
    MemoryLoss,
    ProcessKill,
    StackDown,
    StoreCut,
    StoreProcessKill,
    VolumeLost,
)
from recovery_drill.faults.fault import Fault
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import POSITION, TRADED_ON, holding_before, outlast, trade_on

AWAY_BARS = 3
BARS_LOST = {UNEQUAL: "Bars close while the node is cut off, and their decisions are gone."}

Then = Callable[[World, Fault], Awaitable[None]]


def _holding(then: Then) -> Situation:
    """Hold a position when the fault comes; and let the node trade on afterwards."""

    async def play(world: World, fault: Fault) -> None:
        await holding_before(world)
        # A whole snapshot, so that of what is known of closed orders nothing may be missing later.
        await world.rest("just before")
        if world.disturbed:
            await world.until_written()
            await world.prepare(fault)
            await then(world, fault)
        await trade_on(world)

    return play


async def brought_back(world: World, fault: Fault) -> None:
    """Wait for the life that nobody starts by hand."""
    life = world.life
    await world.strike(fault)
    await world.until_back(life, STARTED_AGAIN_SECONDS)
    world.saw(BY_ITSELF)


async def made_anew(world: World, fault: Fault) -> None:
    """Wait for the life that comes with new containers."""
    life = world.life
    await world.strike(fault)
    await world.until_back(life, STARTED_AGAIN_SECONDS)


async def started_by_hand(world: World, fault: Fault) -> None:
    """Start the node again."""
    await world.begin(fault)
    await world.restart_node()


async def and_killed_after(world: World, fault: Fault) -> None:
    """Kill the node once it has come to rest, so that what a fault has left is recovered, too."""
    await world.strike(fault)
    await _killed_at_rest(world)


async def outlasted(world: World, fault: Fault) -> None:
    """Let the fault last for longer than the node may take to notice it, and kill it after."""
    async with world.fault(fault):
        await outlast(world, AWAY_BARS)
    await _killed_at_rest(world)


async def cut_off_from_exchange(world: World, fault: Fault) -> None:
    """Let the fault last as long, and see whether the node has missed a bar."""
    async with world.fault(fault):
        await outlast(world, AWAY_BARS)
        state, bar = await world.life.state(), world.market.bar
        if state is None or not all(state.has_decided(s, bar) for s in world.policy.symbols):
            world.saw(CUT)
    await _killed_at_rest(world)


async def _killed_at_rest(world: World) -> None:
    await world.recover()
    await world.until_stored()
    await world.kill_node()
    await world.restart_node()


_NEEDS = frozenset({POSITION, TRADED_ON})

CONTAINERS: tuple[Scenario, ...] = (
    Scenario(
        "container-process-kill",
        "The node's process is killed in its container; its restart policy brings it back.",
        _NEEDS | {BY_ITSELF},
        _holding(brought_back),
        ProcessKill,
        default=True,
    ),
    Scenario(
        "container-kill",
        "The node's container is killed (docker kill), and started by hand.",
        _NEEDS,
        _holding(started_by_hand),
        ContainerKill,
        default=True,
    ),
    Scenario(
        "container-out-of-memory",
        "The node's container runs out of memory; the node is killed for it, and comes back.",
        _NEEDS | {BY_ITSELF, OUT_OF_MEMORY},
        _holding(brought_back),
        MemoryLoss,
        default=True,
    ),
    Scenario(
        "container-store-kill",
        "The store's process is killed under a node that trades; its restart policy acts.",
        _NEEDS | {BY_ITSELF},
        _holding(and_killed_after),
        StoreProcessKill,
        default=True,
    ),
    Scenario(
        "container-store-cut",
        "The network between node and store is cut, and mended some bars later.",
        _NEEDS | {CUT},
        _holding(outlasted),
        StoreCut,
        leave_out=BARS_LOST,
        default=True,
    ),
    Scenario(
        "container-exchange-cut",
        "The network between node and exchange is cut, and mended some bars later.",
        _NEEDS | {CUT},
        _holding(cut_off_from_exchange),
        ExchangeCut,
        leave_out=BARS_LOST,
        default=True,
    ),
    Scenario(
        "container-down-up",
        "Everything is taken down (docker compose down) and up again; the volumes remain.",
        _NEEDS | {VOLUMES_KEPT},
        _holding(made_anew),
        StackDown,
        kills=False,
        default=True,
    ),
    Scenario(
        "container-all-killed",
        "All containers are killed at once, and started again.",
        _NEEDS | {KILLED_ALL},
        _holding(made_anew),
        AllKilled,
        default=True,
    ),
    Scenario(
        "container-restore",
        "All containers are killed and the store's volume is lost; a backup is put in its place.",
        _NEEDS | {KILLED_ALL, PUT_BACK},
        _holding(made_anew),
        VolumeLost,
        default=True,
    ),
)
"""What only containers can show; `run` with ``--runtime compose`` plays the default ones."""
