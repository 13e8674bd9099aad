"""What an exchange does to prices and money: bars corrected and late, a far mark price, funding."""

from recovery_drill.faults.exchange import ALWAYS, MET, FarMark, of_bar, of_request
from recovery_drill.faults.fault import Fault
from recovery_drill.faults.node import NodeKill
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import MET_HOLDING, Trouble, stretch, while_trading
from recovery_drill.scenarios.refusals import WAITS, while_refused
from recovery_drill.scenarios.steps import (
    POSITION,
    TRADED_ON,
    holding_before,
    restart_and_trade_on,
    until_protected,
)

STOPS = "one-protective-stop"
BY_EXCHANGE = "The exchange itself rejects the stop; that another one comes is waited for."
RATE_PAID, RATE_GOT = "0.001", "-0.0005"
LATE_SECONDS = 2.0
"""Longer than a node takes to decide, shorter than until it takes a stream for silent."""

BARS: tuple[Trouble, ...] = (
    Trouble(
        "correct-bar",
        "Five bars are told on the stream with a close 2 % too high, and corrected at once.",
        (of_bar("correct_bar", times=5, factor="1.02"),),
        {UNEQUAL: "What is decided on the first word of a bar may be undone on the second."},
    ),
    Trouble(
        "late-bar",
        "Five bars are told on the stream two seconds after they have closed.",
        (of_bar("late_bar", times=5, seconds=LATE_SECONDS),),
    ),
)
LATE_KLINES = Trouble(
    "late-klines",
    "A node that is killed holding a position is told of too few bars when it asks for them.",
    (of_request("stale", {"request": "klines.read"}, times=ALWAYS),),
    {UNEQUAL: "What the newest bar would have led to is decided a bar later."},
)


async def warm_up_on_lagging_bars(world: World, fault: Fault) -> None:
    """Be started anew while the newest bars are not told yet; a bar later, all are."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        await world.close_bar()
        await world.kill_node()
        await world.start_into_fault()
        await world.endure(1)
    await world.recover()
    await stretch(world)


async def fund(world: World, rate: str) -> None:
    """Let a funding be due, in the undisturbed play, too."""
    symbol = world.market.symbol
    await world.market.gate({"name": "funding", "symbol": symbol, "rate": rate})


async def while_funded(world: World, fault: Fault) -> None:
    """Pay for a position, be killed, and get something back while nobody is there."""
    await holding_before(world)
    await fund(world, RATE_PAID)
    await world.rest("after a funding")
    await world.until_stored()
    await world.begin(fault)
    await fund(world, RATE_GOT)
    await restart_and_trade_on(world)


async def holding_while_far(world: World, fault: Fault) -> None:
    """Hold a protected position when the mark price goes away, so that no exit is taken."""
    await holding_before(world)
    await while_refused(world, fault, naked=True)


async def stopped_while_far(world: World, fault: Fault) -> None:
    """Have a stop that triggers while nothing is taken, and is rejected: what is left is naked."""
    await holding_before(world)
    if world.disturbed:
        stop = await world.market.stop_of_position()
        async with world.fault(fault):
            await world.market.through_stop(stop)
    await world.recover()
    await until_protected(world, "after the stop was rejected")
    await stretch(world)


PRICES: tuple[Scenario, ...] = (
    *(each.scenario(while_trading, frozenset({MET, TRADED_ON})) for each in BARS),
    LATE_KLINES.scenario(warm_up_on_lagging_bars, MET_HOLDING),
    Scenario(
        "exchange-funding",
        "Funding is paid for a position, and the node is killed when the next one is due.",
        frozenset({POSITION, TRADED_ON}),
        while_funded,
        NodeKill,
    ),
    Scenario(
        "exchange-band-exits",
        "The mark price is far from the last one: exits are refused (-4131) for some bars.",
        MET_HOLDING,
        holding_while_far,
        FarMark,
        leave_out={**WAITS, STOPS: BY_EXCHANGE},
    ),
    Scenario(
        "exchange-band-stop",
        "The mark price is far from the last one when a stop triggers: it is rejected.",
        MET_HOLDING,
        stopped_while_far,
        FarMark,
        leave_out={UNEQUAL: "The stop that would have filled is rejected.", STOPS: BY_EXCHANGE},
    ),
)
