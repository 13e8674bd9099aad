"""What the account's owner does by hand elsewhere, and what the exchange does to him."""

import asyncio
import contextlib
from functools import partial
from typing import NamedTuple

from recovery_drill.failures import Disagreement, Unsettled
from recovery_drill.faults.exchange import OtherHand
from recovery_drill.faults.fault import Fault
from recovery_drill.faults.other_bot import OtherBot, OtherTrade, others_working
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import ENDURE_SECONDS, World
from recovery_drill.scenarios.exchange import MET_HOLDING, stretch
from recovery_drill.scenarios.steps import holding_before, until_protected

INTENTS, STOPS = "one-order-per-intent", "one-protective-stop"
BOT_TRADES, BOT_BARS = ("BUY", "SELL", "BUY", "SELL"), 2
"""What another bot trades, in the end flat, and how many bars lie between."""
NO_DECISION = "An order of another hand stands for no decision of the node."


class ByHand(NamedTuple):
    """One thing that is done to the account without the node.

    Parameters
    ----------
    name : str
        The fault of the exchange that does it.
    purpose : str
        One sentence, with a place for when it happens.
    leave_out : dict[str, str]
        Checks that it breaks by itself, each with the reason.

    """

    name: str
    purpose: str
    leave_out: dict[str, str]


BY_HAND: tuple[ByHand, ...] = (
    ByHand(
        "cancel",
        "The protective stop is cancelled by hand {}; the position is protected again.",
        {STOPS: "The owner takes the stop away; that it comes back is waited for."},
    ),
    ByHand(
        "close",
        "The position is closed by hand {}; nothing is left over of it.",
        {INTENTS: NO_DECISION},
    ),
    ByHand(
        "order",
        "An order is placed by hand {}; the node holds what the exchange holds.",
        {INTENTS: NO_DECISION},
    ),
    ByHand(
        "liquidate",
        "The exchange liquidates the position {}; nothing is left over of it.",
        {INTENTS: NO_DECISION, STOPS: "The exchange ends the stop before it ends the position."},
    ),
    ByHand(
        "reduce",
        "The exchange takes a part of the position {} (auto-deleveraging); its stop fits again.",
        {INTENTS: NO_DECISION},
    ),
)


def holding_when(*, down: bool) -> Situation:
    """Return a situation in which a protected position is held, and the node trades or is down."""

    async def play(world: World, fault: Fault) -> None:
        await holding_before(world)
        await world.until_stored()
        if down:
            await world.kill_node()
        await world.strike(fault)
        if down:
            await world.restart_node()
        await until_protected(world, "after it may have lost its stop")
        # What it has learned has to fit before the market moves on.
        await world.recover()
        await stretch(world)

    return play


async def reduced_twice(world: World, fault: Fault) -> None:
    """Hold a position of which the exchange takes a part, and another; be killed after it."""
    await holding_before(world)
    for time in ("a first", "a second"):
        await world.until_stored()
        await world.strike(fault)
        await until_protected(world, f"after {time} part of it was taken")
        await world.recover()
    await world.until_stored()
    await world.kill_node()
    await world.restart_node()
    await world.recover()
    await stretch(world)


async def beside_another_bot(world: World, fault: Fault) -> None:
    """Hold a protected position while another bot has orders and trades; be killed meanwhile."""
    await holding_before(world)
    await world.until_stored()
    async with world.fault(fault):
        for order in others_working(await world.market.ledger(), world.market.symbol):
            await world.naming.until(order.client_order_id, where="notes")
        await _while_it_trades(world)
        await world.until_stored()
        await world.kill_node()
        await world.restart_node()
        await _while_it_trades(world)
    await until_protected(world, "after another bot has gone")
    await world.recover()
    await stretch(world)


async def _while_it_trades(world: World) -> None:
    for side in BOT_TRADES:
        await world.strike(OtherTrade(side))
        await until_protected(world, "after another bot has traded")
        # A bar that closes while stops follow the size of the position would try another promise.
        with contextlib.suppress(TimeoutError, Unsettled, Disagreement):
            async with asyncio.timeout(ENDURE_SECONDS):
                await world.rest("after another bot has traded", whole=False, judged=False)
        await world.endure(BOT_BARS)


def _scenario(done: ByHand, *, down: bool) -> Scenario:
    return Scenario(
        f"exchange-{done.name}" if down else f"exchange-{done.name}-while-trading",
        done.purpose.format("while the node is down" if down else "while the node trades"),
        MET_HOLDING,
        holding_when(down=down),
        partial(OtherHand, done.name),
        leave_out={
            UNEQUAL: "What another hand does changes what happens at the exchange.",
            **done.leave_out,
        },
    )


OWNER: tuple[Scenario, ...] = (
    *(_scenario(done, down=down) for done in BY_HAND for down in (True, False)),
    Scenario(
        "exchange-reduce-again",
        "The exchange takes a part of the position twice, under one and the same order id.",
        MET_HOLDING,
        reduced_twice,
        partial(OtherHand, "reduce"),
        leave_out={
            UNEQUAL: "What another hand does changes what happens at the exchange.",
            INTENTS: NO_DECISION,
        },
    ),
    Scenario(
        "exchange-second-bot",
        "Another bot trades the symbol beside the node; its orders are left alone, and are named.",
        MET_HOLDING,
        beside_another_bot,
        OtherBot,
        leave_out={
            UNEQUAL: "What another bot does changes what happens at the exchange.",
            INTENTS: NO_DECISION,
        },
    ),
)
