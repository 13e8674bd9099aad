"""What an exchange does to a node that trades: late, failed and lost answers and events.

Most are rows of a table: one sentence, and faults as the contract names them. All of them end with
a kill, so that what a fault left behind is recovered as well.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from recovery_drill.faults.exchange import (
    ALWAYS,
    MET,
    Armed,
    ExchangeFault,
    of_event,
    of_request,
)
from recovery_drill.faults.fault import Fault
from recovery_drill.faults.node import NodeKill
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.steps import (
    IN_FLIGHT,
    POSITION,
    TRADED_ON,
    flat_before,
    restart_and_trade_on,
    step_into,
    supervised_steps,
)

STRETCH_BARS = 40
"""Enough for entries, exits, stops that are placed and stops that are cancelled."""
THIN_QUANTITY = "0.002"
MET_HOLDING = frozenset({POSITION, MET, TRADED_ON})
MET_IN_FLIGHT = frozenset({IN_FLIGHT, MET, TRADED_ON})
SENT_AGAIN = {UNEQUAL: "What was refused is sent again under the id of its next attempt."}


class Trouble(NamedTuple):
    """What the exchange does.

    Parameters
    ----------
    name : str
        What the scenario is called, less its prefix.
    purpose : str
        One sentence.
    armed : tuple[Armed, ...]
        As the exchange takes them.
    leave_out : Mapping[str, str]
        Checks that it makes no promise about, each with the reason.

    """

    name: str
    purpose: str
    armed: tuple[Armed, ...]
    leave_out: Mapping[str, str] = {}

    def scenario(
        self,
        situation: Situation,
        needs: frozenset[str],
        fault: type[ExchangeFault] = ExchangeFault,
    ) -> Scenario:
        """Return it as a scenario."""
        return Scenario(
            f"exchange-{self.name}",
            self.purpose,
            needs,
            situation,
            partial(fault, self.name, *self.armed),
            leave_out=self.leave_out,
        )


ENTRY, EXIT, STOP = {"leg": "entry"}, {"leg": "exit"}, {"leg": "stop"}
NEW, CANCEL = {"request": "order.new"}, {"request": "conditional.cancel"}
ORDER, ACCOUNT, ALGO = "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE"

TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        "late-answers",
        "Orders are carried out, and answers and events come a second later, five times.",
        (of_request("delay", NEW, times=5, phase="processed", seconds=1),),
    ),
    Trouble(
        "late-events",
        "Orders are answered, and their events come a second later, five times.",
        (of_request("delay", NEW, times=5, phase="answered", seconds=1),),
    ),
    Trouble(
        "fail-entry",
        "An entry is answered with an unknown outcome (503), and was not carried out.",
        (of_request("fail", ENTRY),),
    ),
    Trouble(
        "fail-entry-processed",
        "An entry is answered with an unknown outcome (503), and was carried out.",
        (of_request("fail", ENTRY, processed=True),),
    ),
    Trouble(
        "fail-entry-unheard",
        "An entry is answered with an unknown outcome (503), was carried out, and nobody is told.",
        (
            of_request("fail", ENTRY, processed=True),
            of_event("lose_event", ORDER, "NEW"),
            of_event("lose_event", ORDER, "TRADE"),
        ),
    ),
    Trouble(
        "fail-entry-page",
        "An entry is answered with a gateway's page (502), and was not carried out.",
        (of_request("fail", ENTRY, status=502, code=None),),
    ),
    Trouble(
        "fail-entry-limited",
        "An entry is refused because there were too many requests (429).",
        (of_request("fail", ENTRY, status=429, code=-1003),),
        SENT_AGAIN,
    ),
    Trouble(
        "fail-exit",
        "An exit is answered with an unknown outcome (503), and was not carried out.",
        (of_request("fail", EXIT),),
    ),
    Trouble(
        "fail-stop",
        "A protective stop is answered with an unknown outcome (503), and was not placed.",
        (of_request("fail", STOP),),
    ),
    Trouble(
        "fail-stop-processed",
        "A protective stop is answered with an unknown outcome (503), and was placed.",
        (of_request("fail", STOP, processed=True),),
    ),
    Trouble(
        "fail-cancel",
        "The cancel of a stop is answered with an unknown outcome (503), and was not carried out.",
        (of_request("fail", CANCEL),),
    ),
    Trouble(
        "lose-ack-entry",
        "An entry is carried out, and the connection breaks without an answer.",
        (of_request("lose_ack", ENTRY),),
    ),
    Trouble(
        "lose-ack-entry-unheard",
        "An entry is carried out, the connection breaks without an answer, and no event says so.",
        (
            of_request("lose_ack", ENTRY),
            of_event("lose_event", ORDER, "NEW"),
            of_event("lose_event", ORDER, "TRADE"),
        ),
    ),
    Trouble(
        "lose-ack-exit",
        "An exit is carried out, and the connection breaks without an answer.",
        (of_request("lose_ack", EXIT),),
    ),
    Trouble(
        "lose-ack-stop",
        "A protective stop is placed, and the connection breaks without an answer.",
        (of_request("lose_ack", STOP),),
    ),
    Trouble(
        "lose-ack-cancel",
        "A stop is cancelled, and the connection breaks without an answer.",
        (of_request("lose_ack", CANCEL),),
    ),
    Trouble(
        "lose-event-accepted",
        "Nobody is told that an order was accepted.",
        (of_event("lose_event", ORDER, "NEW"),),
    ),
    Trouble(
        "lose-event-fill",
        "Nobody is told that an order has filled.",
        (of_event("lose_event", ORDER, "TRADE"),),
    ),
    Trouble(
        "lose-event-stop",
        "Nobody is told what became of a protective stop.",
        (of_event("lose_event", ALGO),),
    ),
    Trouble(
        "lose-event-account",
        "Nobody is told of a change of position and wallet.",
        (of_event("lose_event", ACCOUNT),),
    ),
    Trouble(
        "duplicate-event",
        "Every event is told twice.",
        ({"name": "duplicate_event", "times": ALWAYS},),
    ),
    Trouble(
        "reorder-event",
        "That an order was accepted is told after what happened to it then, five times.",
        (of_event("reorder_event", ORDER, "NEW", times=5),),
    ),
    Trouble(
        "reorder-event-fill",
        "That an order has filled is told after what came next, five times.",
        (of_event("reorder_event", ORDER, "TRADE", times=5),),
    ),
    Trouble(
        "odd-bar",
        "Five bars are told ten times too high on the stream, and right to who asks for them.",
        ({"name": "odd_bar", "times": 5, "factor": 10},),
    ),
)


async def while_trading(world: World, fault: Fault) -> None:
    """Trade with the fault armed, and be killed after it."""
    await flat_before(world)
    await world.begin(fault)
    await stretch(world, fault)


async def stretch(world: World, fault: Fault | None = None) -> None:
    """Let the node trade for some bars, with a fault or after one; then kill it."""
    await supervised_steps(world, STRETCH_BARS)
    if fault is not None:
        await world.end(fault)
    await world.until_stored()
    await world.kill_node()
    await restart_and_trade_on(world)


async def between_parts(world: World, fault: Fault) -> None:
    """Have an entry that fills in parts, and one of them told; the next have not come."""
    await flat_before(world)
    await world.until_stored()
    thin_id = await world.market.thin(THIN_QUANTITY)
    match = {"event": ORDER, "execution": "TRADE", "status": "PARTIALLY_FILLED"}
    gate_id = await step_into(world, {"name": "gate", "match": match, "nth": 1, "phase": "after"})
    # The part was told just now: killed while it is being stored, another promise would be tried.
    await world.until_stored()
    await world.begin(fault)
    await world.market.release(gate_id)
    await world.market.release(thin_id)
    world.saw(MET)
    await restart_and_trade_on(world)


EXCHANGE: tuple[Scenario, ...] = (
    *(t.scenario(while_trading, frozenset({MET, TRADED_ON})) for t in TROUBLES),
    Scenario(
        "exchange-thin",
        "An entry fills in parts, and the node is killed between two of them.",
        MET_IN_FLIGHT,
        between_parts,
        NodeKill,
    ),
)
