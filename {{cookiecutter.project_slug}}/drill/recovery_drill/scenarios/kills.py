"""Kills at five moments that matter, and kills spread over a long trade."""

from itertools import pairwise
from random import Random

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.node import NodeKill
from recovery_drill.faults.store import StoreLoss
from recovery_drill.play.scenario import Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import (
    FLAT,
    IN_FLIGHT,
    POSITION,
    STOPPED_OUT,
    TRADED_ON,
    flat_before,
    holding,
    holding_before,
    restart_and_trade_on,
    step_into,
    step_until,
    steps,
    through_stop,
)

LONG_HAUL = "trade-through"
FILLED_UNANSWERED = "filled, unanswered"
ENTRY_PROCESSED = {"name": "gate", "match": {"leg": "entry"}, "nth": 1, "phase": "processed"}
FILL_UNTOLD = {
    "name": "gate",
    "match": {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"},
    "nth": 1,
    "phase": "before",
}


async def while_flat(world: World, fault: Fault) -> None:
    """Hold nothing."""
    await flat_before(world)
    await world.until_stored()
    await world.begin(fault)
    await restart_and_trade_on(world)


async def twice_while_holding(world: World, fault: Fault) -> None:
    """Hold a position, once the first one ever and once with a past.

    Recovery works on the exchange's reports of both, and takes other ways through them.
    """
    await world.first_start()
    for _ in range(2):
        await step_until(world, POSITION, holding(world))
        await world.until_stored()
        await world.begin(fault)
        await restart_and_trade_on(world)


async def before_stop_fills(world: World, fault: Fault) -> None:
    """Hold a protected position, whose stop fills while the node is down."""
    await holding_before(world)
    await world.until_stored()
    await world.begin(fault)
    await through_stop(world)
    await restart_and_trade_on(world)


async def with_order_in_flight(world: World, fault: Fault) -> None:
    """Have an entry that the exchange has filled, and said nothing of yet."""
    await flat_before(world)
    # Bars pass faster here than anywhere: what the last position left must be in the store.
    await world.until_stored()
    gate = await step_into(world, ENTRY_PROCESSED)
    if not (await world.market.ledger()).positions:
        # It rests: what is told of it when it fills is kept back instead.
        await world.market.release(gate)
        await world.rest("with a resting entry", whole=False)
        gate = await step_into(world, FILL_UNTOLD)
    await world.begin(fault)
    if (await world.market.ledger()).positions:
        world.saw(FILLED_UNANSWERED)
    await world.market.release(gate)
    await restart_and_trade_on(world)


async def killed_holding(world: World, fault: Fault) -> None:
    """Be killed holding a position; then comes the fault, before the next start."""
    await holding_before(world)
    await world.kill_node()
    await world.strike(fault)
    await restart_and_trade_on(world)


def kill_places(bars: int, kills: int) -> list[int]:
    """Return after how many bars a node is killed: somewhere, the same each time."""
    chosen = Random(f"{kills} of {bars}")  # noqa: S311 - places of kills are no secret
    return sorted(chosen.sample(range(1, bars), min(kills, bars - 1)))


def kill_somewhere(bars: int, kills: int) -> Situation:
    """Return a situation that trades through `bars` bars, with `kills` faults between."""
    places = kill_places(bars, kills)

    async def play(world: World, fault: Fault) -> None:
        await world.first_start()
        for before, place in pairwise((0, *places)):
            await steps(world, place - before)
            await world.until_stored()
            await world.begin(fault)
            await world.restart_node()
        await steps(world, bars - (places[-1] if places else 0))
        if (await world.market.ledger()).fills:
            world.saw("fills")

    return play


KILLS: tuple[Scenario, ...] = (
    Scenario(
        "kill-while-flat",
        "The node is killed holding nothing; it comes back, and trades on.",
        frozenset({FLAT, TRADED_ON}),
        while_flat,
        NodeKill,
        default=True,
    ),
    Scenario(
        "kill-holding-position",
        "The node is killed twice holding a position; it comes back holding just that.",
        frozenset({POSITION, TRADED_ON}),
        twice_while_holding,
        NodeKill,
        default=True,
    ),
    Scenario(
        "kill-then-stop-fills",
        "The protective stop fills while the node is dead; it comes back flat.",
        frozenset({POSITION, STOPPED_OUT, TRADED_ON}),
        before_stop_fills,
        NodeKill,
        default=True,
    ),
    Scenario(
        "kill-with-order-in-flight",
        "The exchange has filled the entry and said nothing; the node is killed, and learns of it.",
        frozenset({IN_FLIGHT, FILLED_UNANSWERED, TRADED_ON}),
        with_order_in_flight,
        NodeKill,
        default=True,
    ),
    Scenario(
        "kill-and-lose-store",
        "The node is killed and the store's files are gone; the exchange alone is enough.",
        frozenset({POSITION, StoreLoss.shows, TRADED_ON}),
        killed_holding,
        StoreLoss,
        default=True,
    ),
)


def long_haul(bars: int, kills: int) -> Scenario:
    """Return the scenario that trades through many bars with kills between."""
    return Scenario(
        LONG_HAUL,
        f"The node trades through {bars} bars and is killed {kills} times, somewhere between.",
        frozenset({"fills"}),
        kill_somewhere(bars, kills),
        NodeKill,
        seconds=900.0 + 3 * bars + 60 * kills,
    )
