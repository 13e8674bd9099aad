"""What happens when the primary of a store with replicas is lost under a node that trades."""

import random
from functools import partial

from recovery_drill.faults.failover import (
    PrimaryCut,
    PrimaryKilled,
    PrimaryKilledAtIntent,
    PrimaryPaused,
)
from recovery_drill.faults.fault import Fault
from recovery_drill.faults.store import GONE
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import POSITION, TRADED_ON, holding_before, steps, trade_on
from recovery_drill.scenarios.store import ITS_CHOICE, under_a_trader

FAILOVERS = 4
BARS_MEANWHILE = 12
BARS_BETWEEN = 8
LATEST_SECONDS = 1.5
"""Within so many seconds after bars begin to run, the primary is lost."""


async def again_and_again(world: World, fault: Fault) -> None:
    """Lose the primary some times, at moments drawn by chance, while bars run and orders fly."""
    await holding_before(world)
    chance = random.Random(world.market.bar)  # noqa: S311 - no secret, and the same each time
    for _ in range(FAILOVERS):
        await steps(world, chance.randrange(BARS_BETWEEN))
        kind = chance.choice((PrimaryKilled, PrimaryPaused))
        async with world.fault(kind(chance.uniform(0.01, LATEST_SECONDS))):
            await world.endure(BARS_MEANWHILE)
        await world.recover()
        await world.until_stored()
    await trade_on(world)


async def at_an_intent(world: World, fault: Fault) -> None:
    """Trade until an order is written, lose the primary at that moment, and trade on."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await world.endure(BARS_MEANWHILE)
    await world.recover()
    await world.until_stored()
    await trade_on(world)


_NEEDS = frozenset({POSITION, GONE, TRADED_ON})

FAILOVER: tuple[Scenario, ...] = (
    Scenario(
        "store-failover",
        "The primary of a store with replicas is killed under a node that trades, and a replica "
        "takes its place.",
        _NEEDS,
        under_a_trader,
        PrimaryKilled,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    Scenario(
        "store-failover-split",
        "The primary stands still until a replica has taken its place, and then goes on as if "
        "nothing had happened.",
        _NEEDS,
        under_a_trader,
        PrimaryPaused,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    Scenario(
        "store-failover-cut",
        "The primary loses replicas and sentinels, but not the node: what it still takes is lost "
        "with it.",
        _NEEDS,
        under_a_trader,
        PrimaryCut,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
    *(
        Scenario(
            f"store-failover-{phase}-intent",
            f"The primary is killed just {phase} it has an order that is on its way to the "
            "exchange.",
            _NEEDS,
            at_an_intent,
            partial(PrimaryKilledAtIntent, phase),
            kills=False,
            leave_out={UNEQUAL: ITS_CHOICE},
        )
        for phase in ("before", "after")
    ),
    Scenario(
        "store-failovers",
        f"The primary is killed, or stands still, {FAILOVERS} times at moments drawn by chance "
        "while bars run.",
        _NEEDS,
        again_and_again,
        PrimaryKilled,
        kills=False,
        leave_out={UNEQUAL: ITS_CHOICE},
    ),
)
