"""What happens to the sockets on which a node listens: they break, go deaf, or lose their key."""

import asyncio
import time
from functools import partial

from recovery_drill.failures import Inconclusive
from recovery_drill.faults.exchange import ALWAYS, Armed, DeafForBars, SocketFault, of_request
from recovery_drill.faults.fault import Fault
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.record.contract import Stage
from recovery_drill.scenarios.exchange import (
    ENTRY,
    MET_HOLDING,
    MET_IN_FLIGHT,
    Trouble,
    stretch,
)
from recovery_drill.scenarios.steps import flat_before, holding_before, step_into

ASK_AGAIN_SECONDS = 0.02
# A new socket is subscribed to its streams a moment after it was opened, which nobody records.
SUBSCRIBED_SECONDS = 0.5
BARS_LOST = {UNEQUAL: "Bars close while the node hears nothing, and their decisions are gone."}
BROKEN: Armed = {"name": "drop_sockets"}
NO_KEY = {"request": "listen_key.new"}
MARKET_DEAF: Armed = {"name": "half_open", "stream": "market"}

LISTENING: tuple[Trouble, ...] = (
    Trouble(
        "drop-sockets",
        "All sockets break while a position is held, and are opened again before the bar closes.",
        (BROKEN,),
    ),
    Trouble(
        "expire-listen-key",
        "The listen key ends while a position is held: its socket hears nothing more.",
        ({"name": "expire_listen_key"},),
    ),
    Trouble(
        "refuse-listen-key",
        "All sockets break while a position is held, and a listen key is refused once (503).",
        (of_request("fail", NO_KEY), BROKEN),
    ),
)
REFUSED = Trouble(
    "refuse-listen-key-on-and-on",
    "All sockets break while a position is held, and no listen key is given (503) until the node "
    "has ended, or should have settled.",
    (of_request("fail", NO_KEY, times=ALWAYS), BROKEN),
)
REFUSED_IN_FLIGHT = Trouble(
    "refuse-listen-key-in-flight",
    "An entry is on its way when all sockets break and no listen key is given (503); the node that "
    "ends for it leaves no position without its stop.",
    REFUSED.armed,
    {UNEQUAL: "A node that hears nothing takes back what rests, and places it again later."},
)
DEAF = Trouble(
    "half-open-user",
    "The user stream goes deaf without breaking while an entry fills, inside the bar.",
    ({"name": "half_open", "stream": "user"},),
)


async def until_it_listens(world: World, fault: Fault) -> None:
    """Hold a position when the fault comes, and trade on once the node listens as before."""
    await holding_before(world)
    opened, closed = world.market.sockets("opened"), world.market.sockets("closed")
    await world.begin(fault)
    if world.disturbed:
        await until_sockets_are_open(world, opened, closed)
    await stretch(world, fault)


async def until_sockets_are_open(world: World, opened: int, closed: int) -> None:
    """Wait until as many sockets were opened since there were so many as have been closed."""
    # If it never listens again, what it misses will tell.
    deadline = time.monotonic() + world.policy.budgets.settle_seconds
    while time.monotonic() < deadline:
        lost = max(1, world.market.sockets("closed") - closed)
        if world.market.sockets("opened") - opened >= lost:
            break
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    await asyncio.sleep(SUBSCRIBED_SECONDS)


async def without_a_key(world: World, fault: Fault) -> None:
    """Hold a position while there is no listen key to be had, until the node ends or its budget."""
    await holding_before(world)
    async with world.fault(fault):
        deadline = time.monotonic() + world.policy.budgets.settle_seconds
        while world.disturbed and world.node_runs and time.monotonic() < deadline:  # noqa: ASYNC110 it must be asked
            await asyncio.sleep(ASK_AGAIN_SECONDS)
    await world.recover()
    await stretch(world)


async def without_a_key_in_flight(world: World, fault: Fault) -> None:
    """Trade for a while, lose the listen key while an entry is on its way, and trade on."""
    await flat_before(world)
    await lose_key_in_flight(world, fault)
    await stretch(world)


async def lose_key_in_flight(world: World, fault: Fault) -> None:
    """Have an entry arrive once the node ends, or says why it will; look at what it has left."""
    sent = await step_into(world, {"name": "gate", "match": ENTRY, "nth": 1, "phase": "received"})
    async with world.fault(fault):
        if world.disturbed:
            await _said_or_ended(world)
        await world.market.release(sent)
        if world.disturbed:
            await _until_filled_and_ended(world)
    await world.recover()


async def _said_or_ended(world: World) -> None:
    """Wait until the node says that something is wrong or that it ends; its budget is the bound."""
    seconds = world.policy.budgets.settle_seconds
    waits = {
        asyncio.ensure_future(world.life.reaches(Stage.DEGRADED, seconds)),
        asyncio.ensure_future(world.life.reaches(Stage.STOPPING, seconds)),
        asyncio.ensure_future(world.life.child.ended()),
    }
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _until_filled_and_ended(world: World) -> None:
    """Wait until the entry has filled and the node has ended; show what is held then.

    Raises
    ------
    Inconclusive
        If the entry does not fill.

    """
    deadline = time.monotonic() + world.policy.budgets.settle_seconds
    is_held = False
    while time.monotonic() < deadline and not (is_held and not world.node_runs):
        is_held = is_held or bool((await world.market.ledger()).positions)
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    if not is_held:
        raise Inconclusive("The exchange did not fill the entry.")
    if not world.node_runs:
        await world.show_left("after the node has ended by itself")


async def while_entry_fills(world: World, fault: Fault) -> None:
    """Have an entry that fills while the fault lasts, inside the bar."""
    await flat_before(world)
    gate = {"name": "gate", "match": ENTRY, "nth": 1}
    told = await world.market.gate({**gate, "phase": "answered"})
    sent = await step_into(world, {**gate, "phase": "received"})
    await world.begin(fault)
    await world.market.release(sent)
    if not await world.market.holds(told, world.policy.budgets.settle_seconds):
        raise Inconclusive("The exchange did not answer the entry.")
    await world.market.release(told)
    await world.end(fault)
    await world.rest("after the silence", whole=False)
    await stretch(world)


def while_bars_close(bars: int) -> Situation:
    """Return a situation in which a position is held, and so many bars close meanwhile."""

    async def play(world: World, fault: Fault) -> None:
        await holding_before(world)
        async with world.fault(fault):
            await world.endure(bars)
        await world.recover()
        await stretch(world)

    return play


SOCKETS: tuple[Scenario, ...] = (
    *(t.scenario(until_it_listens, MET_HOLDING, SocketFault) for t in LISTENING),
    Scenario(
        "exchange-drop-sockets-at-bar",
        "All sockets break just before a bar closes, and the node finds its way back.",
        MET_HOLDING,
        while_bars_close(1),
        partial(DeafForBars, "drop_sockets", BROKEN),
        leave_out=BARS_LOST,
    ),
    REFUSED.scenario(without_a_key, MET_HOLDING),
    REFUSED_IN_FLIGHT.scenario(without_a_key_in_flight, MET_IN_FLIGHT),
    DEAF.scenario(while_entry_fills, MET_IN_FLIGHT),
    Scenario(
        "exchange-half-open-market",
        "The market streams go deaf without breaking for two bars while a position is held.",
        MET_HOLDING,
        while_bars_close(2),
        partial(DeafForBars, "half_open", MARKET_DEAF),
        leave_out=BARS_LOST,
    ),
)
