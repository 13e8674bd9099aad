"""A second node stands by: what happens when the one that trades is lost, or only seems to be."""

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.standby import KilledBesideStandby, PausedBesideStandby
from recovery_drill.play.scenario import Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import (
    BARS_AFTER,
    IN_FLIGHT,
    POSITION,
    TRADED_ON,
    flat_before,
    holding_before,
    step_into,
    steps,
    trade_on,
)

LATE = "late entry arrived"
ENTRY_ON_ITS_WAY = {
    **{"name": "gate", "match": {"leg": "entry"}, "nth": 1, "phase": "received"},
    "late": True,
}
ARRIVED = "after the entry on its way has arrived"
TAKEN_OVER = "after the one that stood by has taken over"


async def replaced_holding(world: World, fault: Fault) -> None:
    """Hold a position when another one takes over, and trades on until after the end."""
    await holding_before(world)
    await world.until_stored()
    await world.prepare(fault)
    await world.begin(fault)
    await world.rest(TAKEN_OVER)
    await trade_on(world)
    # One that goes on now knows another position than there is, and orders that have ended.
    await world.end(fault)
    await steps(world, BARS_AFTER)


async def replaced_in_flight(world: World, fault: Fault) -> None:
    """Have an entry on its way that arrives only when another one has taken over."""
    await flat_before(world)
    await world.until_stored()
    await world.prepare(fault)
    gate = await step_into(world, ENTRY_ON_ITS_WAY)
    await world.begin(fault)
    if world.disturbed:
        await world.rest(TAKEN_OVER)
    await world.market.release(gate)
    # What it opens is protected before the next bar closes, with and without the fault alike.
    await world.rest(ARRIVED)
    await steps(world, BARS_AFTER)
    if world.market.has_asked_twice("entry"):
        world.saw(LATE)
    await world.end(fault)
    await trade_on(world)


STANDBY: tuple[Scenario, ...] = (
    Scenario(
        "kill-beside-standby",
        "The node is killed holding a position; the one that stands by takes over, unasked.",
        frozenset({POSITION, KilledBesideStandby.shows, TRADED_ON}),
        replaced_holding,
        KilledBesideStandby,
    ),
    Scenario(
        "pause-beside-standby",
        "The node stands still holding a position, is replaced, and ends when it goes on.",
        frozenset({POSITION, PausedBesideStandby.shows, TRADED_ON}),
        replaced_holding,
        PausedBesideStandby,
        kills=False,
    ),
    Scenario(
        "pause-in-flight-beside-standby",
        "The node stands still, is replaced, and only then its entry arrives at the exchange.",
        frozenset({IN_FLIGHT, LATE, PausedBesideStandby.shows, TRADED_ON}),
        replaced_in_flight,
        PausedBesideStandby,
        kills=False,
    ),
)
