"""What is done to the node besides kills at rest: stops, pauses, a second node, a wrong clock."""

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.node import (
    ClockDrift,
    ClockStep,
    KillWhileStopping,
    NodeKill,
    NodePause,
    NodeStop,
    SecondNode,
)
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.kills import ENTRY_PROCESSED
from recovery_drill.scenarios.steps import (
    BARS_AFTER,
    IN_FLIGHT,
    POSITION,
    STOPPED_OUT,
    TRADED_ON,
    flat_before,
    holding_before,
    outlast,
    restart_and_trade_on,
    step_into,
    steps,
    through_stop,
    trade_on,
    until_protected,
)

PAUSE_SECONDS = 2.0
PAUSED_BARS = 3
CLOCK, CLOCK_SECONDS = "clock", 20.0
"""What has to be named, and how soon: a clock drifts slowly, and is not measured all the time."""
DRIFT_BAR_SECONDS = 0.5


async def stopped_holding(world: World, fault: Fault) -> None:
    """Hold a position, and be started again after the fault."""
    await holding_before(world)
    await world.strike(fault)
    await restart_and_trade_on(world)


async def stored_holding(world: World, fault: Fault) -> None:
    """Hold a position that the store knows of, and be started again after the fault."""
    await holding_before(world)
    await world.until_stored()
    await world.strike(fault)
    await restart_and_trade_on(world)


async def within_bar(world: World, fault: Fault) -> None:
    """Have an entry in flight when the fault begins, and once more a stop that fills meanwhile."""
    await flat_before(world)
    gate_id = await step_into(world, ENTRY_PROCESSED)
    async with world.fault(fault):
        await world.market.release(gate_id)
        await world.last(PAUSE_SECONDS)
    await world.rest("after the first pause", whole=False)
    async with world.fault(fault):
        await through_stop(world)
        await world.last(PAUSE_SECONDS)
    await world.rest("after the second pause", whole=False)
    await trade_on(world)


async def for_bars(world: World, fault: Fault) -> None:
    """Hold a position, and find afterwards that bars have passed."""
    await holding_before(world)
    async with world.fault(fault):
        await world.endure(PAUSED_BARS)
    await world.recover()
    await trade_on(world)


async def beside_another(world: World, fault: Fault) -> None:
    """Hold a position while the fault lasts, and trade on without it."""
    await holding_before(world)
    await world.begin(fault)
    await steps(world, BARS_AFTER)
    await world.end(fault)
    await world.rest("without the rival")
    await trade_on(world)


async def twice_at_once(world: World, fault: Fault) -> None:
    """Hold a position; nothing happens between the first start and the second fault."""
    await holding_before(world)
    await world.until_stored()
    for _ in range(2):
        await world.begin(fault)
        await world.restart_node()
    await trade_on(world)


async def killed_and_stored(world: World, fault: Fault) -> None:
    """Be killed holding a position that the store knows of; then comes the fault."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    await world.strike(fault)
    await restart_and_trade_on(world)


async def while_clock_drifts(world: World, fault: Fault) -> None:
    """Hold a position while the clock goes wrong, and trade on when it is right."""
    await world.prepare(fault)
    await holding_before(world)
    async with world.fault(fault):
        while not await world.market.has_met(fault):
            await world.endure(1)
            await world.last(DRIFT_BAR_SECONDS)
        await world.naming.until(CLOCK, CLOCK_SECONDS)
        await outlast(world, PAUSED_BARS)
    await world.recover()
    await until_protected(world, "after its clock was right again")
    await trade_on(world)


NODE: tuple[Scenario, ...] = (
    Scenario(
        "stop-holding-position",
        "The node is asked to stop holding a position, and started again.",
        frozenset({POSITION, NodeStop.shows, TRADED_ON}),
        stopped_holding,
        NodeStop,
        kills=False,
    ),
    Scenario(
        "kill-while-stopping",
        "The node is asked to stop holding a position, and killed while it does.",
        frozenset({POSITION, KillWhileStopping.shows, TRADED_ON}),
        stored_holding,
        KillWhileStopping,
    ),
    Scenario(
        "pause-within-bar",
        "The node stands still while its entry is in flight, and while its stop fills.",
        frozenset({IN_FLIGHT, STOPPED_OUT, TRADED_ON}),
        within_bar,
        NodePause,
        kills=False,
    ),
    Scenario(
        "pause-for-bars",
        f"The node stands still for {PAUSED_BARS} bars holding a position, and goes on.",
        frozenset({POSITION, TRADED_ON}),
        for_bars,
        NodePause,
        kills=False,
        leave_out={
            UNEQUAL: "Bars close while the node stands still, and their decisions are gone."
        },
    ),
    Scenario(
        "two-nodes",
        "A second node with the same name is started while the first one trades.",
        frozenset({POSITION, SecondNode.shows, TRADED_ON}),
        beside_another,
        SecondNode,
        kills=False,
    ),
    Scenario(
        "kill-twice-at-once",
        "The node is killed, and again as soon as it is back: the second restart changes nothing.",
        frozenset({POSITION, TRADED_ON}),
        twice_at_once,
        NodeKill,
    ),
    Scenario(
        "clock-step",
        "The node is killed, and comes back with a wall clock that was set back by one second.",
        frozenset({POSITION, ClockStep.shows, TRADED_ON}),
        killed_and_stored,
        ClockStep,
    ),
    Scenario(
        "clock-drift",
        "The node's wall clock runs too fast while it holds a position, until it is set right.",
        frozenset({POSITION, ClockDrift.shows, TRADED_ON}),
        while_clock_drifts,
        ClockDrift,
        kills=False,
        leave_out={UNEQUAL: "What a wrong clock signs is refused, and bars close meanwhile."},
    ),
)
