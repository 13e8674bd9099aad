"""What is done to the node besides kills at rest: stops, pauses, a second node, a wrong clock."""

import asyncio
import signal
from pathlib import Path

from recovery_drill.failures import Unsettled, Unsupported
from recovery_drill.play.nemesis import Nemesis
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World, beyond
from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.scenarios.kills import (
    BARS_AFTER,
    PATIENCE_BARS,
    TRADED_ON,
    flat_before,
    holding_before,
    trade_on,
)

PAUSE = "node.pause"
PAUSE_SECONDS = 2.0
PAUSED_BARS = 3
STOP_HEARD_SECONDS = 10.0
STOPPING = CrashPoint(Boundary("stage", "stopping", "reached"))
CLOCK_STEP_SECONDS = -3
"""Less than the age at which an exchange refuses a request's signature."""
FAKETIME_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
FAKETIME = "libfaketimeMT.so.1"
RIVAL_ANSWERED = "rival traded, or ended with 75"
AWAY = 75


async def stop_holding_position(world: World) -> None:
    """Ask a node that holds a position to stop, and start it again."""
    await holding_before(world)
    if world.disturbed:
        await world.stop_node()
        ledger = await world.exchange.ledger()
        if ledger.positions:
            world.saw("stopped holding")
    await world.restart_node()
    await trade_on(world)


async def kill_while_stopping(world: World) -> None:
    """Ask the node to stop, and kill it while it does."""
    await holding_before(world)
    await world.until_stored()
    if world.disturbed:
        own, world.nemesis = world.nemesis, Nemesis([STOPPING], world.exchange)
        await world.nemesis.arm()
        await world.lives.node.child.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_HEARD_SECONDS):
                await world.nemesis.reached()
        except TimeoutError as error:
            raise Unsettled(
                f"the node did not begin to stop within {STOP_HEARD_SECONDS:g} s of being asked to"
            ) from error
        finally:
            world.nemesis = own
        await world.kill_node()
        world.saw("killed while stopping")
    await world.restart_node()
    await trade_on(world)


async def pause_within_bar(world: World) -> None:
    """Pause the node while its entry is in flight, and again while its stop fills."""
    await flat_before(world)
    gate = {"name": "gate", "match": {"leg": "entry"}, "nth": 1, "phase": "processed"}
    gate_id = await world.step_into(gate, PATIENCE_BARS)
    if world.disturbed:
        await world.lives.pause()
    await world.exchange.release(gate_id)
    await _pause_ends(world)
    await world.rest("after the first pause", whole=False)
    stop = await world.stop_of_position()
    if world.disturbed:
        await world.lives.pause()
    await world.exchange.wick(world.symbol, beyond(stop))
    ledger = await world.exchange.ledger()
    if any(fill.client_order_id == stop.client_order_id for fill in ledger.fills):
        world.saw("stop filled")
    await _pause_ends(world)
    await world.rest("after the second pause", whole=False)
    await trade_on(world)


async def _pause_ends(world: World) -> None:
    """Let a pause last, and end."""
    if world.disturbed:
        async with world.fault(PAUSE):
            # Not waiting for anything: so long the node is not there.
            await asyncio.sleep(PAUSE_SECONDS)
            await world.lives.resume()


async def pause_for_bars(world: World) -> None:
    """Pause the node for some bars; what it finds then is not what it left."""
    await holding_before(world)
    async with world.fault(PAUSE):
        await world.lives.pause()
        await world.endure(PAUSED_BARS)
        await world.lives.resume()
    await world.recover()
    await trade_on(world)


async def two_nodes(world: World) -> None:
    """Start a second node with the same name while the first one trades; then kill it."""
    await holding_before(world)
    if world.disturbed:
        rival = await world.lives.begin(rival=True)
        try:
            await rival.until_trading(world.policy.budgets.start_seconds)
        except Unsettled:
            if rival.child.exit_code == AWAY:
                world.saw(RIVAL_ANSWERED)
            world.lives.note_ends("by itself")
        else:
            world.saw(RIVAL_ANSWERED)
    await world.steps(BARS_AFTER)
    if world.disturbed and rival.child.running:
        await world.lives.kill(rival)
    await world.rest("without the rival")
    await trade_on(world)


async def kill_twice_at_once(world: World) -> None:
    """Kill the node, and again as soon as it is back; nothing has happened between."""
    await holding_before(world)
    await world.until_stored()
    for _ in range(2):
        await world.kill_node()
        await world.restart_node()
    await trade_on(world)


async def clock_step(world: World) -> None:
    """Kill the node, and start it with a wall clock that has been set back."""
    library = find_faketime() if world.disturbed else None
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    if library is not None:
        # Only the wall clock: the monotonic one cannot be set, and orders what happened.
        world.runtime.set_environment(
            {
                "LD_PRELOAD": str(library),
                "FAKETIME": f"{CLOCK_STEP_SECONDS}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )
        world.saw("clock set back")
    await world.restart_node()
    await trade_on(world)


def find_faketime() -> Path:
    """Return the library that gives one process a wall clock of its own.

    Raises
    ------
    Unsupported
        If it is not installed.

    """
    for place in FAKETIME_PLACES:
        for folder in Path("/").glob(place.lstrip("/")):
            if (folder / FAKETIME).exists():
                return folder / FAKETIME
    raise Unsupported(
        f"libfaketime is not installed ({FAKETIME}; the package libfaketime of Debian and Ubuntu), "
        "and without it one process cannot have a clock of its own."
    )


NODE: tuple[Scenario, ...] = (
    Scenario(
        "stop-holding-position",
        "The node is asked to stop holding a protected position, and started again.",
        frozenset({"position", "stopped holding", TRADED_ON}),
        stop_holding_position,
        kills=False,
    ),
    Scenario(
        "kill-while-stopping",
        "The node is asked to stop holding a protected position, and killed while it does.",
        frozenset({"position", "killed while stopping", TRADED_ON}),
        kill_while_stopping,
    ),
    Scenario(
        "pause-within-bar",
        "The node stands still while its entry is in flight, and while its stop fills.",
        frozenset({"order in flight", "stop filled", TRADED_ON}),
        pause_within_bar,
        kills=False,
    ),
    Scenario(
        "pause-for-bars",
        f"The node stands still for {PAUSED_BARS} bars holding a protected position, and goes on.",
        frozenset({"position", TRADED_ON}),
        pause_for_bars,
        kills=False,
        leave_out={
            UNEQUAL: "Bars close while the node stands still, and their decisions are gone."
        },
    ),
    Scenario(
        "two-nodes",
        "A second node with the same name is started while the first one trades.",
        frozenset({"position", RIVAL_ANSWERED, TRADED_ON}),
        two_nodes,
        kills=False,
    ),
    Scenario(
        "kill-twice-at-once",
        "The node is killed, and again as soon as it is back: the second restart changes nothing.",
        frozenset({"position", TRADED_ON}),
        kill_twice_at_once,
    ),
    Scenario(
        "clock-step",
        "The node is killed, and comes back with a wall clock that was set back by three seconds.",
        frozenset({"position", "clock set back", TRADED_ON}),
        clock_step,
    ),
)
