"""What the account's owner does by hand elsewhere, and what the exchange does to him."""

import asyncio
import time
from typing import NamedTuple

from recovery_drill.failures import Unsettled
from recovery_drill.play.scenario import UNEQUAL, Play, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import MET, MET_HOLDING, Fault, stretch
from recovery_drill.scenarios.kills import holding_before

LOOK_INTERVAL_SECONDS = 0.02
MORE_QUANTITY = "0.003"
INTENTS, STOPS = "one-order-per-intent", "one-protective-stop"
NO_DECISION = "An order of another hand stands for no decision of the node."


class Deed(NamedTuple):
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


DEEDS: tuple[Deed, ...] = (
    Deed(
        "cancel",
        "The protective stop is cancelled by hand {}; the position is protected again.",
        {STOPS: "The owner takes the stop away; that it comes back is waited for."},
    ),
    Deed(
        "close",
        "The position is closed by hand {}; nothing is left over of it.",
        {INTENTS: NO_DECISION},
    ),
    Deed(
        "order",
        "An order is placed by hand {}; the node holds what the exchange holds.",
        {INTENTS: NO_DECISION},
    ),
    Deed(
        "liquidate",
        "The exchange liquidates the position {}; nothing is left over of it.",
        {INTENTS: NO_DECISION, STOPS: "The exchange ends the stop before it ends the position."},
    ),
)


def _fault(world: World, deed: str, stop: str) -> Fault:
    match deed:
        case "cancel":
            return {"name": deed, "client_order_id": stop}
        case "order":
            more = {"side": "BUY", "quantity": MORE_QUANTITY}
            return {"name": deed, "symbol": world.symbol, **more}
        case _:
            return {"name": deed, "symbol": world.symbol}


def _done(deed: str, *, down: bool) -> Play:
    async def play(world: World) -> None:
        await holding_before(world)
        await world.until_stored()
        stop = await world.stop_of_position()
        if down:
            await world.kill_node()
        async with world.fault(f"exchange.{deed}"):
            await world.exchange.arm(_fault(world, deed, stop.client_order_id))
        world.saw(MET)
        if down:
            await world.restart_node()
        await _protected(world)
        await stretch(world, [])

    return play


async def _protected(world: World) -> None:
    """Wait until what is held is protected, if anything is.

    Raises
    ------
    Unsettled
        If it is not within the budget.

    """
    seconds = world.policy.budgets.settle_seconds
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ledger = await world.exchange.ledger()
        if not ledger.positions or any(o.protects for o in ledger.working(world.symbol)):
            return
        await asyncio.sleep(LOOK_INTERVAL_SECONDS)
    raise Unsettled(f"a position was not protected again within {seconds:g} s of losing its stop")


def _scenario(deed: Deed, *, down: bool) -> Scenario:
    return Scenario(
        f"exchange-{deed.name}" if down else f"exchange-{deed.name}-while-trading",
        deed.purpose.format("while the node is down" if down else "while the node trades"),
        MET_HOLDING,
        _done(deed.name, down=down),
        leave_out={
            UNEQUAL: "Deeds of another hand change what happens at the exchange.",
            **deed.leave_out,
        },
    )


OWNER: tuple[Scenario, ...] = tuple(
    _scenario(deed, down=down) for deed in DEEDS for down in (True, False)
)
