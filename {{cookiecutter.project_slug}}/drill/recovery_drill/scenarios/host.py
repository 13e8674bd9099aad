"""What takes node and store together: the host dies, or its power is cut."""

import asyncio

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.host import DIED, HostKill, PowerCut, PowerCutWhenFlushed
from recovery_drill.play.scenario import Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import (
    POSITION,
    STOPPED_OUT,
    TRADED_ON,
    eventful_bar,
    holding_before,
    restart_and_trade_on,
)

WRITES_LOST = "the stop's fill lost in the store"
# After so long a store that flushes once a second has flushed what it wrote; nobody tells when.
FLUSHED_SECONDS = 1.5


def after_a_stop(*, within_flush: bool = False) -> Situation:
    """Return a situation in which a stop has just filled and the bar has closed.

    Parameters
    ----------
    within_flush : bool
        Whether the store has flushed what was before, and not yet what it has to write of that.

    """

    async def play(world: World, fault: Fault) -> None:
        await world.prepare(fault)
        await holding_before(world)
        await world.until_stored()
        if within_flush:
            await asyncio.sleep(FLUSHED_SECONDS)
        stop = await eventful_bar(world)
        if not within_flush:
            await world.until_stored()
        async with world.fault(fault):
            if world.disturbed and not (await world.stored()).trade_ids(stop):
                world.saw(WRITES_LOST)
        await restart_and_trade_on(world)

    return play


_NEEDS = frozenset({POSITION, STOPPED_OUT, DIED, TRADED_ON})

HOST: tuple[Scenario, ...] = (
    Scenario(
        "host-kill",
        "Node and store are killed at once, and both start again before the next bar closes.",
        _NEEDS,
        after_a_stop(),
        HostKill,
    ),
    Scenario(
        "power-loss-everysec",
        "Power is cut, and with it goes what the store had not flushed in its last second.",
        _NEEDS | {WRITES_LOST},
        after_a_stop(within_flush=True),
        PowerCut,
    ),
    Scenario(
        "power-loss-always",
        "Power is cut under a store that flushes before each answer; node and store start again.",
        _NEEDS,
        after_a_stop(),
        PowerCutWhenFlushed,
    ),
)
