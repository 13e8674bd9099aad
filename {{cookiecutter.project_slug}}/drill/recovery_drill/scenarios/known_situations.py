"""Situations that public issues tell of, and that no other scenario has."""

from recovery_drill.faults.fault import Fault
from recovery_drill.faults.other_bot import OtherTrade
from recovery_drill.play.world import World
from recovery_drill.record.model import Ledger
from recovery_drill.scenarios.exchange import EXIT, THIN_QUANTITY, stretch
from recovery_drill.scenarios.steps import (
    BARS_AFTER,
    POSITION,
    flat_before,
    holding,
    holding_before,
    restart_and_trade_on,
    step_into,
    step_until,
    steps,
    trade_on,
    until_protected,
)

BARS_OF_HISTORY = 7 * 24 * 60 + 60
"""Past so many minutes an exchange tells of what was before only to who asks piece by piece."""
OLD = "position older than the exchange's history"
ANOTHERS, FLIPPED, IN_PARTS = "position of another hand", "position flipped", "filled in parts"


async def position_of_another_hand(world: World, fault: Fault) -> None:
    """Be killed holding nothing; a position is opened by hand, and then comes the fault."""
    await flat_before(world)
    await world.until_stored()
    await world.kill_node()
    await world.strike(OtherTrade("BUY"))
    if (await world.market.ledger()).positions:
        world.saw(ANOTHERS)
    await world.strike(fault)
    await world.restart_node()
    await until_protected(world, "after another hand has opened a position")
    await world.recover()
    await stretch(world)


async def flipped_by_hand(world: World, fault: Fault) -> None:
    """Have a position turned round by hand while the node trades; then comes the fault."""
    await holding_before(world)
    await world.until_stored()
    symbol = world.market.symbol
    held = (await world.market.ledger()).position(symbol)
    await world.strike(OtherTrade("SELL" if held > 0 else "BUY", str(2 * abs(held))))
    # A quick node has traded again by now.
    if any(fill.position_after == -held for fill in (await world.market.ledger()).fills):
        world.saw(FLIPPED)
    await until_protected(world, "after its position was turned round")
    await world.recover()
    await world.until_stored()
    await world.begin(fault)
    await restart_and_trade_on(world)


async def filled_in_parts(world: World, fault: Fault) -> None:
    """Hold a position that was filled in parts, all of them stored; the fault comes twice."""
    await flat_before(world)
    thin = await world.market.thin(THIN_QUANTITY)
    await step_until(world, POSITION, holding(world))
    await world.market.release(thin)
    if _parts(await world.market.ledger()):
        world.saw(IN_PARTS)
    await world.until_stored()
    for _ in range(2):
        await world.begin(fault)
        await world.restart_node()
    await trade_on(world)


def _parts(ledger: Ledger) -> bool:
    names = [fill.client_order_id for fill in ledger.fills]
    return len(set(names)) < len(names)


async def held_for_bars(world: World, fault: Fault) -> None:
    """Hold a position for some bars, so that there is something to remember of it."""
    await holding_before(world)
    await steps(world, BARS_AFTER)
    await step_until(world, POSITION, holding(world))
    await world.until_stored()
    await world.begin(fault)
    await restart_and_trade_on(world)


async def with_exit_in_flight(world: World, fault: Fault) -> None:
    """Have an exit that the exchange has filled and not answered, while the stop still rests."""
    await holding_before(world)
    await world.until_stored()
    gate = await step_into(world, {"name": "gate", "match": EXIT, "nth": 1, "phase": "processed"})
    await world.begin(fault)
    await world.market.release(gate)
    await restart_and_trade_on(world)


async def older_than_history(world: World, fault: Fault) -> None:
    """Be killed holding a position; then comes the fault, and more than a week passes."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    await world.strike(fault)
    held = (await world.market.ledger()).positions
    for _ in range(BARS_OF_HISTORY):
        await world.close_bar()
    if held and (await world.market.ledger()).positions == held:
        world.saw(OLD)
    await world.restart_node()
    await until_protected(world, "after a week without its stop")
    await world.recover()
    await stretch(world)
