"""What an exchange refuses for some bars, and then takes again."""

from recovery_drill.failures import Inconclusive
from recovery_drill.faults.exchange import MET, RefusedForBars, of_request
from recovery_drill.faults.fault import Fault
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import ALWAYS, ENTRY, MET_HOLDING, STOP, Trouble, stretch
from recovery_drill.scenarios.steps import (
    FLAT,
    TRADED_ON,
    flat_before,
    holding_before,
    until_protected,
)

PATIENCE_BARS = 60
"""Within so many bars what is refused has been tried once, or the market is to blame."""
REFUSED_BARS = 6
"""How many bars it is refused after that: enough to be tried again."""
MAX_STOPS, NO_MARGIN = -4045, -2019
WAITS = {UNEQUAL: "What is refused is not done, and how long a node waits then is its own choice."}

REFUSED: tuple[Trouble, ...] = (
    Trouble(
        "refuse-stops",
        "Every stop is refused (-4045) for some bars; no entry stays naked, and it trades on.",
        (of_request("fail", STOP, times=ALWAYS, status=400, code=MAX_STOPS),),
        WAITS,
    ),
    Trouble(
        "refuse-entries",
        "Every entry is refused (-2019) for some bars, and then the node trades on.",
        (of_request("fail", ENTRY, times=ALWAYS, status=400, code=NO_MARGIN),),
        WAITS,
    ),
)


MOVED = Trouble(
    "refuse-stops-moved",
    "A position is held, and for some bars its stop cannot be moved (-4045); it stays protected.",
    REFUSED[0].armed,
    WAITS,
)


async def flat_while_refused(world: World, fault: Fault) -> None:
    """Hold nothing when orders begin to be refused."""
    await flat_before(world)
    await while_refused(world, fault)


async def holding_while_refused(world: World, fault: Fault) -> None:
    """Hold a protected position when orders begin to be refused."""
    await holding_before(world)
    await while_refused(world, fault)


async def while_refused(world: World, fault: Fault) -> None:
    """Try in vain, and trade on some bars after it has ended."""
    async with world.fault(fault):
        bars = 0
        while not await world.market.has_met(fault):
            await _naked_no_bar(world)
            bars += 1
            if bars > PATIENCE_BARS:
                raise Inconclusive(f"Nothing was refused within {PATIENCE_BARS} bars.")
        for _ in range(REFUSED_BARS):
            await _naked_no_bar(world)
    await world.recover()
    await until_protected(world, "after the last refusal")
    await stretch(world)


async def _naked_no_bar(world: World) -> None:
    await world.endure(1)
    await until_protected(world, "into a bar in which orders are refused")


REFUSALS: tuple[Scenario, ...] = (
    *(
        t.scenario(flat_while_refused, frozenset({FLAT, MET, TRADED_ON}), RefusedForBars)
        for t in REFUSED
    ),
    MOVED.scenario(holding_while_refused, MET_HOLDING, RefusedForBars),
)
