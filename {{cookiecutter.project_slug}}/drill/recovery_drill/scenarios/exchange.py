"""What an exchange does to a node that trades: late, failed and lost answers and events.

Most are rows of a table: one sentence, and faults as the contract names them. All of them end with
a kill, so that what a fault left behind is recovered as well.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from recovery_drill.failures import Unsettled
from recovery_drill.play.scenario import UNEQUAL, Play, Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.kills import (
    PATIENCE_BARS,
    TRADED_ON,
    flat_before,
    trade_on,
)

STRETCH_BARS = 40
"""Enough for entries, exits, stops that are placed and stops that are cancelled."""
MOST_RESTARTS = 3
ALWAYS = 1000
"""As many times as a fault can be met."""
MET = "fault met"
MET_HOLDING = frozenset({"position", MET, TRADED_ON})
MET_IN_FLIGHT = frozenset({"order in flight", MET, TRADED_ON})
SENT_AGAIN = {UNEQUAL: "What was refused is sent again under the id of its next attempt."}

type Fault = dict[str, Any]


class Trouble(NamedTuple):
    """What the exchange does.

    Parameters
    ----------
    name : str
        What the scenario is called, less its prefix.
    purpose : str
        One sentence.
    faults : tuple[Fault, ...]
        As the exchange takes them.
    leave_out : Mapping[str, str]
        Checks that it makes no promise about, each with the reason.

    """

    name: str
    purpose: str
    faults: tuple[Fault, ...]
    leave_out: Mapping[str, str] = {}

    def scenario(self, play: Play, needs: frozenset[str]) -> Scenario:
        """Return it as a scenario."""
        return Scenario(
            f"exchange-{self.name}", self.purpose, needs, play, leave_out=self.leave_out
        )


def request_fault(name: str, match: Mapping[str, str], **more: Any) -> Fault:
    """Return a fault that a request meets."""
    return {"name": name, "match": dict(match), **more}


def _event(name: str, event: str, execution: str = "", **more: Any) -> Fault:
    match = {"event": event, "execution": execution} if execution else {"event": event}
    return {"name": name, "match": match, **more}


ENTRY, EXIT, STOP = {"leg": "entry"}, {"leg": "exit"}, {"leg": "stop"}
NEW, CANCEL = {"request": "order.new"}, {"request": "conditional.cancel"}
ORDER, ACCOUNT, ALGO = "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE"

WHILE_TRADING: tuple[Trouble, ...] = (
    Trouble(
        "late-answers",
        "Orders are carried out, and answers and events come a second later, five times.",
        (request_fault("delay", NEW, times=5, phase="processed", seconds=1),),
    ),
    Trouble(
        "late-events",
        "Orders are answered, and their events come a second later, five times.",
        (request_fault("delay", NEW, times=5, phase="answered", seconds=1),),
    ),
    Trouble(
        "fail-entry",
        "An entry is answered with an unknown outcome (503), and was not carried out.",
        (request_fault("fail", ENTRY),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-entry-processed",
        "An entry is answered with an unknown outcome (503), and was carried out.",
        (request_fault("fail", ENTRY, processed=True),),
    ),
    Trouble(
        "fail-entry-unheard",
        "An entry is answered with an unknown outcome (503), was carried out, and nobody is told.",
        (
            request_fault("fail", ENTRY, processed=True),
            _event("lose_event", ORDER, "NEW"),
            _event("lose_event", ORDER, "TRADE"),
        ),
    ),
    Trouble(
        "fail-entry-page",
        "An entry is answered with a gateway's page (502), and was not carried out.",
        (request_fault("fail", ENTRY, status=502, code=None),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-entry-limited",
        "An entry is refused because there were too many requests (429).",
        (request_fault("fail", ENTRY, status=429, code=-1003),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-exit",
        "An exit is answered with an unknown outcome (503), and was not carried out.",
        (request_fault("fail", EXIT),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-stop",
        "A protective stop is answered with an unknown outcome (503), and was not placed.",
        (request_fault("fail", STOP),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-stop-processed",
        "A protective stop is answered with an unknown outcome (503), and was placed.",
        (request_fault("fail", STOP, processed=True),),
    ),
    Trouble(
        "fail-cancel",
        "The cancel of a stop is answered with an unknown outcome (503), and was not carried out.",
        (request_fault("fail", CANCEL),),
    ),
    Trouble(
        "lose-ack-entry",
        "An entry is carried out, and the connection breaks without an answer.",
        (request_fault("lose_ack", ENTRY),),
    ),
    Trouble(
        "lose-ack-entry-unheard",
        "An entry is carried out, the connection breaks without an answer, and no event says so.",
        (
            request_fault("lose_ack", ENTRY),
            _event("lose_event", ORDER, "NEW"),
            _event("lose_event", ORDER, "TRADE"),
        ),
    ),
    Trouble(
        "lose-ack-exit",
        "An exit is carried out, and the connection breaks without an answer.",
        (request_fault("lose_ack", EXIT),),
    ),
    Trouble(
        "lose-ack-stop",
        "A protective stop is placed, and the connection breaks without an answer.",
        (request_fault("lose_ack", STOP),),
    ),
    Trouble(
        "lose-ack-cancel",
        "A stop is cancelled, and the connection breaks without an answer.",
        (request_fault("lose_ack", CANCEL),),
    ),
    Trouble(
        "lose-event-accepted",
        "Nobody is told that an order was accepted.",
        (_event("lose_event", ORDER, "NEW"),),
    ),
    Trouble(
        "lose-event-fill",
        "Nobody is told that an order has filled.",
        (_event("lose_event", ORDER, "TRADE"),),
    ),
    Trouble(
        "lose-event-stop",
        "Nobody is told what became of a protective stop.",
        (_event("lose_event", ALGO),),
    ),
    Trouble(
        "lose-event-account",
        "Nobody is told of a change of position and wallet.",
        (_event("lose_event", ACCOUNT),),
    ),
    Trouble(
        "duplicate-event",
        "Every event is told twice.",
        ({"name": "duplicate_event", "times": ALWAYS},),
    ),
    Trouble(
        "reorder-event",
        "That an order was accepted is told after what happened to it then, five times.",
        (_event("reorder_event", ORDER, "NEW", times=5),),
    ),
    Trouble(
        "reorder-event-fill",
        "That an order has filled is told after what came next, five times.",
        (_event("reorder_event", ORDER, "TRADE", times=5),),
    ),
)


async def arm(world: World, trouble: Trouble) -> list[str]:
    """Arm the faults, except in the undisturbed play; a node that ends over them is excused."""
    if not world.disturbed:
        return []
    async with world.fault(f"exchange.{trouble.name}"):
        return [await world.exchange.arm(fault) for fault in trouble.faults]


async def stretch(world: World, fault_ids: list[str]) -> None:
    """Let the node trade with armed faults; then kill it, and let it trade on."""
    await _bars(world, STRETCH_BARS)
    if fault_ids:
        if all([await world.exchange.fired(fault_id) for fault_id in fault_ids]):
            world.saw(MET)
        for fault_id in fault_ids:
            await world.exchange.release(fault_id)
    await world.until_stored()
    await world.kill_node()
    await world.restart_node()
    await trade_on(world)


async def _bars(world: World, bars: int) -> None:
    """Let bars pass, and start the node again when it ends by itself, as a supervisor does."""
    for _ in range(bars):
        last = world.bar
        for _ in range(MOST_RESTARTS):
            try:
                await world.step()
            except Unsettled:
                if world.lives.running:
                    raise
                await world.recover()
            if world.bar > last:
                break


def _while_trading(trouble: Trouble) -> Play:
    async def play(world: World) -> None:
        await flat_before(world)
        await stretch(world, await arm(world, trouble))

    return play


async def fill_in_parts(world: World) -> None:
    """Let an entry fill in parts, and kill the node between two of them."""
    await flat_before(world)
    await world.until_stored()
    thin = {"name": "thin", "symbol": world.symbol, "quantity": "0.002"}
    thin_id = await world.exchange.arm(thin)
    match = {"event": ORDER, "execution": "TRADE", "status": "PARTIALLY_FILLED"}
    gate = {"name": "gate", "match": match, "nth": 1, "phase": "after"}
    gate_id = await world.step_into(gate, PATIENCE_BARS)
    # The part was told just now: killed while it is being stored, another promise would be tried.
    await world.until_stored()
    await world.kill_node()
    await world.exchange.release(gate_id)
    await world.exchange.release(thin_id)
    world.saw(MET)
    await world.restart_node()
    await trade_on(world)


EXCHANGE: tuple[Scenario, ...] = (
    *(t.scenario(_while_trading(t), frozenset({MET, TRADED_ON})) for t in WHILE_TRADING),
    Scenario(
        "exchange-thin",
        "An entry fills in parts, and the node is killed between two of them.",
        MET_IN_FLIGHT,
        fill_in_parts,
    ),
)
