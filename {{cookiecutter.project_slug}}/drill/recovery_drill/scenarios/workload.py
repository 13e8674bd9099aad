"""What a node does while its crash points are explored: a little of everything, in few bars."""

from recovery_drill.failures import Inconclusive
from recovery_drill.faults.fault import Fault
from recovery_drill.play.market import beyond
from recovery_drill.play.scenario import Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import THIN_QUANTITY
from recovery_drill.scenarios.steps import holding, touch

NAME = "workload"
BARS = 24
BARS_AFTER_KILL = 4
"""How many bars are played after the last kill: enough to act upon what was recovered."""


def workload(bars: int) -> Situation:
    """Return one of so many bars: entries, exits, moved stops, one stop-out, fills in parts."""
    stop_out_after, thin_after = bars // 4, bars // 2

    async def play(world: World, fault: Fault) -> None:
        await world.first_start()
        stopped_out = not world.policy.protective_stop
        is_held, has_traded = holding(world), False
        for number in range(bars):
            # After a kill before the first fill it is played on until one comes.
            is_over = world.crashes.are_over and world.crashes.bars_since >= BARS_AFTER_KILL
            if is_over and has_traded:
                world.end_early()
                break
            if number == thin_after:
                await world.market.thin(THIN_QUANTITY)
            snapshot = await world.step()
            has_traded = bool(snapshot.ledger.fills)
            # Bars pass in milliseconds here. The store must not lag behind by several of them, or a
            # kill at one place would show what was lost at another.
            await world.until_stored()
            state = snapshot.state
            if not stopped_out and number >= stop_out_after and state is not None:
                stopped_out = is_held(state, snapshot.ledger)
                if stopped_out:
                    await _stop_out(world)
        if (await world.market.ledger()).fills:
            world.saw("fills")
        await world.rest("at the end")

    return play


async def _stop_out(world: World) -> None:
    """Let the price run through the stop and come back, inside the bar."""
    try:
        stop = await world.market.stop_of_position()
    except Inconclusive:
        return  # a node without protective stops is explored as well
    await touch(world, beyond(stop))
    await world.rest("after the stop")


def workload_scenario(bars: int) -> Scenario:
    """Return the scenario that is explored."""
    return Scenario(
        NAME,
        f"The node trades through {bars} bars: entries, exits, moved stops, a stop-out, and fills "
        "in parts.",
        frozenset({"fills"}),
        workload(bars),
        kills=False,
    )
