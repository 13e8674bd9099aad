"""Public issues of NautilusTrader, each as a scenario that brings about what its reporter saw.

A number is that of the engine's public issue list. A scenario holds when the drilled node does not
do what the issue tells of; whether the engine alone still does, docs/track-record.md of the
template tells. What no scenario can bring about is listed with the reason.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from recovery_drill.faults.exchange import (
    ALWAYS,
    MET,
    ExchangeFault,
    OtherHand,
    of_event,
    of_request,
)
from recovery_drill.faults.fault import Fault, NoFault
from recovery_drill.faults.node import NodeKill
from recovery_drill.faults.store import StoreLoss
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.scenarios.exchange import CANCEL, ENTRY, MET_HOLDING, ORDER, while_trading
from recovery_drill.scenarios.kills import killed_holding, twice_while_holding
from recovery_drill.scenarios.known_situations import (
    ANOTHERS,
    FLIPPED,
    IN_PARTS,
    OLD,
    filled_in_parts,
    flipped_by_hand,
    held_for_bars,
    older_than_history,
    position_of_another_hand,
    with_exit_in_flight,
)
from recovery_drill.scenarios.node import twice_at_once
from recovery_drill.scenarios.owner import INTENTS, NO_DECISION, STOPS, holding_when
from recovery_drill.scenarios.steps import FLAT, IN_FLIGHT, POSITION, TRADED_ON
from recovery_drill.scenarios.store import at_start
from recovery_drill.scenarios.workload import BARS, workload

ANOTHER_HAND = {
    UNEQUAL: "What another hand does changes what happens at the exchange.",
    INTENTS: NO_DECISION,
}
TORN = CrashPoint(Boundary("store", "RPUSH positions", "before"), 2)
"""The second fill of a position: its order has it in the store, and the position has not."""


class Known(NamedTuple):
    """A symptom that public issues tell of.

    Parameters
    ----------
    name : str
        The symptom, as the scenario is called, less its prefix.
    issues : tuple[int, ...]
        Their numbers.
    purpose : str
        What happens, and what a node that holds does; one sentence without its end.
    needs : frozenset[str]
        What must have been seen.
    situation : Situation
        What the node is doing.
    fault : Callable
        What goes wrong.
    leave_out : Mapping[str, str]
        Checks that it makes no promise about, each with the reason.
    crash_points : tuple[CrashPoint, ...]
        Where the node is killed besides.

    """

    name: str
    issues: tuple[int, ...]
    purpose: str
    needs: frozenset[str]
    situation: Situation
    fault: Callable[[], Fault] = NodeKill
    leave_out: Mapping[str, str] = {}
    crash_points: tuple[CrashPoint, ...] = ()

    def scenario(self) -> Scenario:
        """Return it as a scenario."""
        numbers = ", ".join(f"#{number}" for number in self.issues)
        return Scenario(
            f"known-{self.name}",
            f"{self.purpose} (NautilusTrader {numbers}).",
            self.needs,
            self.situation,
            self.fault,
            leave_out=self.leave_out,
            crash_points=self.crash_points,
        )


def _fails(request: str) -> Callable[[], Fault]:
    fault = of_request("fail", {"request": request}, times=ALWAYS)
    return partial(ExchangeFault, f"fail-{request.replace('.', '-').replace('_', '-')}", fault)


_HELD = frozenset({POSITION, TRADED_ON})

ISSUES: tuple[Known, ...] = (
    Known(
        "position-flattened-at-restart",
        (4736,),
        "The node is killed holding a position that its store knows, and does not come back flat",
        _HELD,
        twice_while_holding,
    ),
    Known(
        "torn-fill-never-repaired",
        (4619,),
        "The node is killed when its store has an order's fill and the position has not, and what "
        "is torn is repaired",
        frozenset({"fills"}),
        workload(BARS),
        NoFault,
        crash_points=(TORN,),
    ),
    Known(
        "failed-question-taken-for-flat",
        (4617, 4729),
        "The question for positions fails when the node starts, and is not taken for an answer "
        "that nothing is held",
        MET_HOLDING,
        at_start,
        _fails("positions.read"),
    ),
    Known(
        "failed-start-stays-up",
        (4405,),
        "The node cannot connect when it starts, and ends for its supervisor instead of staying up "
        "without trading",
        MET_HOLDING,
        at_start,
        _fails("listen_key.new"),
    ),
    Known(
        "two-contrary-positions",
        (3054, 3023, 3622),
        "The position is closed at the exchange while the node is down, which reports no position "
        "then, and no pair of contrary ones comes of it",
        MET_HOLDING,
        holding_when(down=True),
        partial(OtherHand, "close"),
        ANOTHER_HAND,
    ),
    Known(
        "strange-position-never-closed",
        (4454, 4975, 1060),
        "A position is opened by hand while the node is down and its store is lost, and the node "
        "can close it",
        frozenset({FLAT, ANOTHERS, StoreLoss.shows, TRADED_ON}),
        position_of_another_hand,
        StoreLoss,
        ANOTHER_HAND,
    ),
    Known(
        "orders-doubled-at-restart",
        (3176, 3878),
        "The node is killed, and again as soon as it is back, and neither start adds or changes an "
        "order",
        _HELD,
        twice_at_once,
    ),
    Known(
        "fill-counted-twice-at-restart",
        (3046,),
        "The node is killed twice after an entry that filled in parts, and each part counts once",
        _HELD | {IN_PARTS},
        filled_in_parts,
    ),
    Known(
        "flip-makes-store-unloadable",
        (3081,),
        "The position is turned round by hand, the node is killed, and its store can be loaded",
        _HELD | {FLIPPED},
        flipped_by_hand,
        leave_out=ANOTHER_HAND,
    ),
    Known(
        "memory-saved-at-stop-only",
        (4634,),
        "The node is killed after some bars in a position, with nothing saved by a graceful stop, "
        "and goes on as if it had not been",
        _HELD,
        held_for_bars,
    ),
    Known(
        "unknown-outcome-taken-for-refusal",
        (4152,),
        "An entry is carried out, its answer is an unknown outcome and no event tells of it; it is "
        "neither given up nor sent again",
        frozenset({MET, TRADED_ON}),
        while_trading,
        partial(
            ExchangeFault,
            "outcome-unknown",
            of_request("fail", ENTRY, processed=True, code=-1007),
            of_event("lose_event", ORDER, "NEW"),
            of_event("lose_event", ORDER, "TRADE"),
        ),
    ),
    Known(
        "lost-cancel-never-learned",
        (4730,),
        "A stop is cancelled, its answer is lost and no event tells of it, and the node learns "
        "that it is gone",
        frozenset({MET, TRADED_ON}),
        while_trading,
        partial(
            ExchangeFault,
            "cancel-unheard",
            of_request("lose_ack", CANCEL),
            {"name": "lose_event", "match": {"event": "ALGO_UPDATE", "status": "CANCELED"}},
        ),
    ),
    Known(
        "exit-order-left-behind",
        (4043,),
        "The node is killed between the exit that has filled and the cancel of the stop that rests "
        "beside it, and no order is left without a position",
        frozenset({POSITION, IN_FLIGHT, TRADED_ON}),
        with_exit_in_flight,
    ),
    Known(
        "found-orders-cannot-be-cancelled",
        (5057,),
        "The node is killed and its store is lost, and it can move and cancel the stop that it "
        "finds",
        frozenset({POSITION, StoreLoss.shows, TRADED_ON}),
        killed_holding,
        StoreLoss,
    ),
    Known(
        "position-older-than-history",
        (3104,),
        "The node is down for more than a week, its stop is cancelled by hand meanwhile, and it "
        "knows and protects the position that its exchange's history does not explain any more",
        MET_HOLDING | {OLD},
        older_than_history,
        partial(OtherHand, "cancel"),
        {**ANOTHER_HAND, STOPS: "The owner takes the stop away; that it comes back is waited for."},
    ),
)

KNOWN: tuple[Scenario, ...] = tuple(each.scenario() for each in ISSUES)

UNPLAYED: Mapping[int, str] = {
    5000: "needs a stop that rests for longer than the exchange's history goes back",
    4533: "is memory that grows over days; a kill frees it",
    4663: "is a store that grows over months; benchmarks/growth.py measures what that costs",
    1063: "is a store that grows over months, likewise",
    3550: "comes of flush_on_start alone, a setting of the node; the mutant flush_on_start has it",
    4356: "comes of a message bus in the store alone, a setting of the node",
    3713: "is the engine's want of a database number, a setting of the node",
    4013: "needs two accounts at one exchange, and there is one",
    4739: "is engine 2's, and comes of generate_missing_orders=False, a setting of the node",
    4737: "is engine 2's adapter's, and comes of a stop without a quantity",
    4346: "is engine 2's adapter's, and comes of limit orders that another hand has placed",
    5039: "is engine 2's; a node that hides what it raised is found by the check no-zombie",
}
"""Public issues that apply, by number, and why no scenario brings them about."""
