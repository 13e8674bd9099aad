"""What an engine, a restart policy and a network do to the containers of the project."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from recovery_drill.failures import Unsettled, Unsupported
from recovery_drill.play.scenario import UNEQUAL, Play, Scenario
from recovery_drill.play.world import World
from recovery_drill.runtimes.containers.runtime import Containers
from recovery_drill.scenarios.kills import TRADED_ON, holding_before, trade_on

BY_ITSELF = "started again by its restart policy"
STARTED_AGAIN_SECONDS = 30.0
"""How long a restart policy may take after one crash; its first pause is a tenth of a second."""
AWAY_BARS = 3
SPARE_SECONDS = 1.0
"""How much longer than the node may take to notice it a network is cut."""
CUT = "network cut"
KILLED_ALL = "everything killed"
BARS_LOST = {UNEQUAL: "Bars close while the node is cut off, and their decisions are gone."}

Deed = Callable[[World, Containers], Awaitable[None]]


def containers_of(world: World) -> Containers:
    """Return the containers of a world.

    Raises
    ------
    Unsupported
        If it has none.

    """
    if not isinstance(world.runtime, Containers):
        raise Unsupported("It is about containers, and there are some only with --runtime compose.")
    return world.runtime


def _holding(deed: Deed) -> Play:
    """Do something while a protected position is held; then let the node trade on."""

    async def play(world: World) -> None:
        containers = containers_of(world)
        await holding_before(world)
        # Closely, so that of what is known of closed orders nothing may be missing afterwards.
        await world.rest("just before")
        if world.disturbed:
            await containers.store.until_written()
            await deed(world, containers)
        await trade_on(world)

    return play


async def _process_killed(world: World, containers: Containers) -> None:
    await _by_policy(world, lambda pid: containers.kill_inside("node", pid))


async def _out_of_memory(world: World, containers: Containers) -> None:
    await _by_policy(world, containers.exhaust_memory)
    world.saw("out of memory")


async def _by_policy(world: World, kill: Callable[[int], Awaitable[None]]) -> None:
    """Kill the node's process, and wait for the life that nobody starts by hand."""
    life = world.lives.node
    state = await life.state()
    if state is None:
        raise Unsettled("the node's endpoint did not tell its process id")
    await kill(state.pid)
    await world.lives.prove_killed(life)
    await world.until_back(life, STARTED_AGAIN_SECONDS)
    world.saw(BY_ITSELF)


async def _killed(world: World, _: Containers) -> None:
    await world.kill_node()
    await world.restart_node()


async def _store_killed(world: World, containers: Containers) -> None:
    # Nothing is written meanwhile, so nothing of what it held may be missing afterwards.
    async with world.fault("store.kill"):
        run = containers.store.child
        await containers.kill_store_inside()
        await containers.store_is_back(run, STARTED_AGAIN_SECONDS)
        world.saw(BY_ITSELF)
    await _killed_after(world, containers)


async def _store_cut(world: World, containers: Containers) -> None:
    async with world.fault("store.cut", must_notice=True, of_store=True):
        await containers.cut("store")
        world.saw(CUT)
        await _last(world)
        await containers.mend("store")
    await _killed_after(world, containers)


async def _exchange_cut(world: World, containers: Containers) -> None:
    async with world.fault("exchange.cut"):
        await containers.cut("exchange")
        await _last(world)
        state = await world.lives.node.state()
        if state is None or state.decided_bar.get(world.symbol, 0) < world.bar:
            world.saw(CUT)
        await containers.mend("exchange")
        # A bar that can be heard again: only by it can a node tell that it missed one.
        await world.endure(1)
    await _killed_after(world, containers)


async def _last(world: World) -> None:
    """Let bars pass, and the cut last for longer than the node may take to notice a loss."""
    until = time.monotonic() + world.policy.budgets.notice_seconds + SPARE_SECONDS
    await world.endure(AWAY_BARS)
    # Not waiting for anything: so long the network is cut.
    await asyncio.sleep(max(0.0, until - time.monotonic()))


async def _killed_after(world: World, containers: Containers) -> None:
    """Kill the node once it has come to rest, so that what a fault has left is recovered, too."""
    await world.recover()
    await world.until_stored()
    await _killed(world, containers)


async def _down_and_up(world: World, containers: Containers) -> None:
    life = world.lives.node
    async with world.fault("host.down"):
        await containers.down()
        await life.child.wait()
        world.lives.note_end(life, "stopped")
        await containers.up()
    await world.until_back(life, STARTED_AGAIN_SECONDS)
    world.saw("volumes kept")


async def _all_killed(world: World, containers: Containers) -> None:
    life = world.lives.node
    async with world.fault("host.down"):
        await containers.kill_all()
        await world.lives.prove_killed(life)
        world.saw(KILLED_ALL)
        await containers.up()
    await world.until_back(life, STARTED_AGAIN_SECONDS)


async def _restored(world: World, containers: Containers) -> None:
    life, kept = world.lives.node, world.folder / "backup"
    await containers.store.backup(kept)
    async with world.fault("host.lost"):
        await containers.kill_all()
        await world.lives.prove_killed(life)
        world.saw(KILLED_ALL)
        await containers.store.lose_volume()
        await containers.store.put_back(kept)
        await containers.up()
    await world.until_back(life, STARTED_AGAIN_SECONDS)
    world.saw("backup put back")


_NEEDS = frozenset({"position", TRADED_ON})

CONTAINERS: tuple[Scenario, ...] = (
    Scenario(
        "container-process-kill",
        "The node's process is killed in its container; its restart policy brings it back.",
        _NEEDS | {BY_ITSELF},
        _holding(_process_killed),
        default=True,
    ),
    Scenario(
        "container-kill",
        "The node's container is killed (docker kill), and started by hand.",
        _NEEDS,
        _holding(_killed),
        default=True,
    ),
    Scenario(
        "container-out-of-memory",
        "The node's container runs out of memory; the node is killed for it, and comes back.",
        _NEEDS | {BY_ITSELF, "out of memory"},
        _holding(_out_of_memory),
        default=True,
    ),
    Scenario(
        "container-store-kill",
        "The store's process is killed under a node that trades; its restart policy acts.",
        _NEEDS | {BY_ITSELF},
        _holding(_store_killed),
        default=True,
    ),
    Scenario(
        "container-store-cut",
        "The network between node and store is cut, and mended some bars later.",
        _NEEDS | {CUT},
        _holding(_store_cut),
        leave_out=BARS_LOST,
    ),
    Scenario(
        "container-exchange-cut",
        "The network between node and exchange is cut, and mended some bars later.",
        _NEEDS | {CUT},
        _holding(_exchange_cut),
        leave_out=BARS_LOST,
        default=True,
    ),
    Scenario(
        "container-down-up",
        "Everything is taken down (docker compose down) and up again; the volumes remain.",
        _NEEDS | {"volumes kept"},
        _holding(_down_and_up),
        kills=False,
        default=True,
    ),
    Scenario(
        "container-all-killed",
        "All containers are killed at once, and started again.",
        _NEEDS | {KILLED_ALL},
        _holding(_all_killed),
        default=True,
    ),
    Scenario(
        "container-restore",
        "All containers are killed and the store's volume is lost; a backup is put in its place.",
        _NEEDS | {KILLED_ALL, "backup put back"},
        _holding(_restored),
        default=True,
    ),
)
"""What only containers can show; `run` with ``--runtime compose`` plays the default ones."""
