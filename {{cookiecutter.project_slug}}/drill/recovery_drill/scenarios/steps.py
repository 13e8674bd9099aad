"""How a situation comes about: bars pass until node and exchange are as it needs them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from recovery_drill.checks.fit import denials, never_traded
from recovery_drill.failures import Inconclusive, Unsettled, Unsupported, UsageError
from recovery_drill.play.world import World
from recovery_drill.record.evidence import Snapshot
from recovery_drill.record.model import Fill, Ledger, NodeState

# How many bars of the seeded market may pass before the situation that a scenario needs must have
# come.
PATIENCE_BARS = 300
# So that the node has a past when it is killed: orders that are closed, positions that are gone.
BARS_BEFORE = 30
BARS_AFTER = 3
STORED_BARS = 10
"""After so many bars the store catches up: they pass in milliseconds here, and a node with many
orders would be a minute ahead of it."""
MOST_RESTARTS = 3
"""So often a supervisor starts a node again, not for ever."""
QUIET_BARS = 120
"""After so many bars without any order the node is taken for one that does not trade."""
GATE_SECONDS = 0.2
ASK_AGAIN_SECONDS = 0.02
SPARE_SECONDS = 1.0
"""How much longer than the node may take to notice it something is out of order."""
POSITION, FLAT = "position", "flat"
IN_FLIGHT = "order in flight"
TRADED_ON = "position closed and another opened after the kill"
STOPPED_OUT = "stop filled"

Wanted = Callable[[NodeState, Ledger], bool]


def flat(state: NodeState, ledger: Ledger) -> bool:
    """Tell whether nothing is held."""
    return not state.positions and not ledger.positions


def holding(world: World) -> Wanted:
    """Return what tells whether a position is held, and protected if the policy promises a stop.

    It has to be one in the node's first symbol: faults strike there, and there prices are moved.
    """
    symbol, promised = world.market.symbol, world.policy.protective_stop

    def wanted(state: NodeState, ledger: Ledger) -> bool:
        held = bool(state.position(symbol)) and bool(ledger.position(symbol))
        return held and not (promised and ledger.unprotected((symbol,)))

    return wanted


async def steps(world: World, bars: int) -> Snapshot:
    """Let a number of bars pass, and take a whole snapshot at the end."""
    for _ in range(bars):
        await world.step()
    return await world.rest(f"{bars} bars later")


async def supervised_steps(world: World, bars: int) -> None:
    """Let bars pass, and start the node again when it ends by itself, as a supervisor does."""
    for _ in range(bars):
        last = world.market.bar
        for _ in range(MOST_RESTARTS):
            try:
                await world.step()
            except Unsettled:
                if world.node_runs:
                    raise
                await world.recover()
            if world.market.bar > last:
                break


async def step_until(world: World, what: str, wanted: Wanted) -> Snapshot:
    """Let bars pass until node and exchange are as wanted.

    Raises
    ------
    Inconclusive
        If they do not come to be: the market, not the node, is to blame.
    Unsupported
        If it trades and is never flat, as one that reverses.
    UsageError
        If the node has never sent an order: then no scenario can show anything.

    """
    snapshot = await world.rest(f"at bar {world.market.bar}", whole=False)
    for number in range(PATIENCE_BARS):
        if number >= QUIET_BARS and not snapshot.ledger.orders:
            raise UsageError(never_traded(world.policy, snapshot.state, number))
        if number % STORED_BARS == STORED_BARS - 1:
            await world.until_stored()
        if snapshot.state is not None and wanted(snapshot.state, snapshot.ledger):
            world.saw(what)
            return snapshot
        snapshot = await world.step()
    fills = len(snapshot.ledger.fills)
    if what == FLAT and fills:
        raise Unsupported(
            f"It is about a node that holds nothing, and this one held something at the end of "
            f"each of {PATIENCE_BARS} bars ({fills} fills)."
        )
    stop = ", and does its stop lie on the right side of the market" * world.policy.protective_stop
    denied = denials(snapshot.state)
    raise Inconclusive(
        f"Market and node led to no {what} within {PATIENCE_BARS} bars ({fills} fills); does the "
        f"node trade{stop}?{denied and f' {denied}'}"
    )


async def step_into(world: World, gate: dict[str, Any]) -> str:
    """Let bars pass until a gate holds what it was armed for; return the gate's id.

    Raises
    ------
    Inconclusive
        If nothing comes to it.

    """
    gate_id = await world.market.gate(gate)
    for _ in range(PATIENCE_BARS):
        while await world.market.walk():
            if await _held(world, gate_id, f"inside the bar after {world.market.bar}"):
                world.market.note_held(gate_id, gate)
                return gate_id
        await world.close_bar()
        if await _held(world, gate_id, f"at bar {world.market.bar}"):
            world.market.note_held(gate_id, gate)
            return gate_id
    raise Inconclusive(
        f"Nothing reached the gate {gate} within {PATIENCE_BARS} bars; use another seed."
    )


async def _held(world: World, gate_id: str, when: str) -> bool:
    """Wait until a gate holds something, or the node is at rest; return whether it holds."""
    resting = asyncio.ensure_future(world.rest(when, whole=False))
    try:
        while not resting.done():
            if await world.market.holds(gate_id, GATE_SECONDS):
                world.saw(IN_FLIGHT)
                return True
        await resting
    finally:
        resting.cancel()
        await asyncio.gather(resting, return_exceptions=True)
    return False


async def flat_before(world: World) -> None:
    """Let the node trade for a while, and until it holds nothing."""
    await world.first_start()
    await steps(world, BARS_BEFORE)
    await step_until(world, FLAT, flat)


async def holding_before(world: World) -> None:
    """Let the node trade for a while, and until it holds a position."""
    await world.first_start()
    await steps(world, BARS_BEFORE)
    await step_until(world, POSITION, holding(world))


def has_traded_on(fills: Sequence[Fill], symbol: str) -> bool:
    """Return whether some fills closed what was held of a symbol, and opened it anew."""
    flat = [fill.position_after == 0 for fill in fills if fill.symbol == symbol]
    return True in flat and False in flat[flat.index(True) :]


async def trade_on(world: World) -> None:
    """Let the node close what it holds and open anew, so that what it recovered is used."""
    symbol, holds = world.market.symbol, holding(world)
    before = len((await world.market.ledger()).fills)

    def traded_on(state: NodeState, ledger: Ledger) -> bool:
        return has_traded_on(ledger.fills[before:], symbol) and holds(state, ledger)

    await step_until(world, TRADED_ON, traded_on)
    await steps(world, BARS_AFTER)


async def restart_and_trade_on(world: World) -> None:
    """Start the node again, and let it use what it has recovered."""
    await world.restart_node()
    await trade_on(world)


async def outlast(world: World, bars: int) -> None:
    """Let bars pass, and more time than the node may take to notice that something is wrong."""
    until = time.monotonic() + world.policy.budgets.notice_seconds + SPARE_SECONDS
    await world.endure(bars)
    await world.last(until - time.monotonic())


async def until_protected(world: World, after: str) -> None:
    """Wait until what is held is protected, if anything is, in each of the node's symbols.

    What is not within the budget is shown to the checks, whatever excuses the node.

    Raises
    ------
    Unsettled
        If it is not.

    """
    if not world.policy.protective_stop:
        return
    seconds = world.policy.budgets.settle_seconds
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        naked = (await world.market.ledger()).unprotected(world.policy.symbols)
        if not naked:
            return
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    await world.show(f"{seconds:g} s {after}")
    raise Unsettled(
        f"a position in {', '.join(naked)} was not protected within {seconds:g} s {after}"
    )


async def touch(world: World, price: Decimal) -> None:
    """Let the price touch a level and come back, and wait for the node at each change."""
    for level in (price, await world.market.price()):
        while await world.market.reach(level):
            await world.rest(f"inside the bar after {world.market.bar}", whole=False)


async def through_stop(world: World) -> str:
    """Let the price run through the protective stop and come back; return the stop's order id."""
    stop = await world.market.stop_of_position()
    if await world.market.through_stop(stop):
        world.saw(STOPPED_OUT)
    return stop.client_order_id


async def eventful_bar(world: World) -> str:
    """Let the stop fill and the bar close: much to write, in little time; return its order id."""
    stop = await through_stop(world)
    await world.rest("after the stop", whole=False)
    await world.step()
    return stop
