"""The cases that mutants are caught in; in all of them the sound node holds.

They are played in the drill's market with seed 23, which within eight bars holds an entry, an exit,
another entry and a moved stop.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from recovery_drill.faults.exchange import (
    ALWAYS,
    Armed,
    ExchangeFault,
    RefusedForBars,
    Settling,
    SignedRefused,
    of_event,
    of_request,
)
from recovery_drill.faults.fault import Fault, NoFault
from recovery_drill.faults.node import NodeKill
from recovery_drill.faults.other_bot import OtherBot
from recovery_drill.faults.store import StoreKill, StoreLoss
from recovery_drill.play.case import Subject
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.record.boundary import Boundary, CrashPoint, Kind
from recovery_drill.scenarios.catalogue import find_scenario
from recovery_drill.scenarios.steps import step_into, steps

SEED = 23
BARS_UNTIL_FLAT = 5
BARS_BEFORE = 7
"""Then the node holds its second position and has moved its stop."""
BARS_AFTER = 4
STORE_SECONDS = 5
UNHEARD_EVENTS = (
    of_event("lose_event", "ORDER_TRADE_UPDATE", "NEW"),
    of_event("lose_event", "ORDER_TRADE_UPDATE", "TRADE"),
)
FATE_UNHEARD_FAULTS = (
    of_request("fail", {"leg": "entry"}, code=-1007, processed=True),
    *UNHEARD_EVENTS,
)
FILL = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"}

MakeFault = Callable[[], Fault]


STOP = {"leg": "stop"}
BARS_WRONG = 8
SAID_SECONDS = 25.0


class Unexcused(ExchangeFault):
    """A fault of the exchange that the node has to bear without ending."""

    excuses = False


def killed_at(kind: Kind, what: str, phase: str, nth: int = 1) -> Subject:
    """Return the case in which the node is killed at a crash point while it trades."""
    point = CrashPoint(Boundary(kind, what, phase), nth)
    return Subject(point.name, TRADING, (point,))


def while_down(
    name: str, purpose: str, fault: MakeFault = NoFault, *, stop_fills: bool = False
) -> Subject:
    """Return the case in which something happens while the node is dead."""

    async def play(world: World, fault: Fault) -> None:
        await world.first_start()
        await steps(world, BARS_BEFORE)
        await world.kill_node()
        await world.begin(fault)
        if stop_fills:
            await trigger_stop(world)
        await world.restart_node()
        await steps(world, BARS_AFTER)

    return Subject(name, Scenario(name, purpose, frozenset(), play, fault))


def while_up(
    name: str,
    purpose: str,
    fault: MakeFault,
    bars: int = BARS_BEFORE,
    *,
    stop_fills: bool = False,
) -> Subject:
    """Return the case in which something happens after so many bars, and nobody is killed."""

    async def play(world: World, fault: Fault) -> None:
        await world.first_start()
        await steps(world, bars)
        await world.begin(fault)
        if stop_fills:
            await trigger_stop(world)
        await world.rest("after that")
        await steps(world, BARS_BEFORE + BARS_AFTER - bars)

    return Subject(name, Scenario(name, purpose, frozenset(), play, fault, kills=False))


def enduring(
    name: str, purpose: str, fault: MakeFault, says: str, bars: int = BARS_UNTIL_FLAT
) -> Subject:
    """Return the case in which something is wrong for some bars, and the node says what."""

    async def play(world: World, fault: Fault) -> None:
        await world.prepare(fault)
        await world.first_start()
        await steps(world, bars)
        async with world.fault(fault):
            await world.endure(BARS_WRONG)
            if says:
                await world.naming.until(says, SAID_SECONDS)
        await world.recover()
        await world.rest("after that")

    waits = {UNEQUAL: "What is refused is not done, and what another bot does is not the node's."}
    intents = {} if says else {"one-order-per-intent": "Another bot's orders are no decisions."}
    needs: frozenset[str] = frozenset()
    scenario = Scenario(name, purpose, needs, play, fault, kills=False, leave_out=waits | intents)
    return Subject(name, scenario)


async def _trade(world: World, fault: Fault) -> None:
    await world.first_start()
    for _ in range(BARS_BEFORE + BARS_AFTER):
        # Its end waits for the store, so that what is stored at a kill is always the same.
        await steps(world, 1)
        if world.crashes.are_over and world.crashes.bars_since >= BARS_AFTER:
            world.end_early()
            break


TRADING = Scenario(
    "trading", "The node trades, and is killed at a crash point.", frozenset(), _trade, kills=False
)


def armed(name: str, **options: object) -> MakeFault:
    """Return what makes one of the exchange's faults."""
    fault: Armed = {"name": name, **options}
    return partial(Unexcused, name, fault)


def _lagging(times: int, *requests: str) -> MakeFault:
    faults = [of_request("stale", {"request": request}, times=times) for request in requests]
    return partial(Unexcused, "lag", *faults)


async def trigger_stop(world: World) -> None:
    """Let the price run through the stop of the position and come back."""
    await world.market.through_stop(await world.market.stop_of_position())


async def _cancel_unanswered(world: World, fault: Fault) -> None:
    await world.first_start()
    await steps(world, BARS_BEFORE - 1)
    await _killed_at_a_gate(
        world, fault, {"request": "conditional.cancel"}, "processed", "OrderPendingCancel"
    )


async def _entry_unanswered(world: World, fault: Fault) -> None:
    await world.first_start()
    await _killed_at_a_gate(
        world, fault, {"request": "order.new", "leg": "entry"}, "received", "OrderSubmitted"
    )


async def _killed_at_a_gate(
    world: World, fault: Fault, match: dict[str, str], phase: str, event: str
) -> None:
    """Kill the node while a request waits at the exchange, once the store has what it is about."""
    gate = await step_into(world, {"name": "gate", "match": match, "phase": phase})
    async with asyncio.timeout(STORE_SECONDS):
        while not await _is_stored(world, event):  # noqa: ASYNC110  # nobody tells of a write
            await asyncio.sleep(0.01)
    await world.begin(fault)
    await world.market.release(gate)
    await world.restart_node()
    await steps(world, BARS_AFTER)


async def _is_stored(world: World, event: str) -> bool:
    orders = (await world.stored()).orders
    return any(events[-1]["type"] == event for events in orders.values())


async def _store_away(world: World, fault: Fault) -> None:
    await world.first_start()
    await steps(world, BARS_BEFORE)
    async with world.fault(fault):
        # Time itself is what is waited for: longer than a loss may go unnoticed.
        await world.last(2 * world.policy.budgets.notice_seconds)
    if world.disturbed:
        await world.recover()
    await world.rest("after that")
    await steps(world, BARS_AFTER)


AT_REST = while_down(
    "killed at rest", "The node is killed in its second position, and nothing is on its way."
)
STORE_LOST = while_down(
    "killed at rest, store lost",
    "The node is killed in its second position, and the store's files are gone.",
    StoreLoss,
)
STOP_FILLS = while_down(
    "stop fills while dead",
    "The node is killed in its second position, whose stop fills before it is back.",
    stop_fills=True,
)
REPORT_FAILS = while_down(
    "stop fills while dead, `trades.all` fails once",
    "The same, and the first answer about trades is an error.",
    armed("fail", match={"request": "trades.all"}),
    stop_fills=True,
)
FATE_UNKNOWN = while_up(
    "the answer to an entry is -1007, unknown",
    "The exchange carries out an entry, and answers that nobody knows whether it did.",
    armed("fail", match={"request": "order.new", "leg": "entry"}, code=-1007, processed=True),
    BARS_UNTIL_FLAT,
)
FATE_UNHEARD = while_up(
    "the answer to an entry is -1007, unknown, and no event tells of it",
    "The exchange carries out an entry, answers that nobody knows whether it did, and is silent.",
    partial(Unexcused, "silence", *FATE_UNHEARD_FAULTS),
    BARS_UNTIL_FLAT,
)
END_BEFORE_FILL = while_up(
    "the end of a stop is told before its fill",
    "The exchange tells that a stop is finished before it tells of its fill.",
    armed("reorder_event", match=FILL),
    stop_fills=True,
)
FILL_LOST = while_up(
    "the fill of a stop is not told",
    "The exchange tells that a stop is finished, and the event about its fill is lost.",
    armed("lose_event", match=FILL),
    stop_fills=True,
)
CANCEL_UNANSWERED = Subject(
    "`conditional.cancel, processed`, and stored as sent",
    Scenario(
        "cancel unanswered",
        "The node is killed when the exchange has cancelled its old stop and said nothing yet.",
        frozenset(),
        _cancel_unanswered,
        NodeKill,
    ),
)
ENTRY_UNANSWERED = Subject(
    "`order.new entry, received`, and stored as sent",
    Scenario(
        "entry unanswered",
        "The node is killed when its entry is stored, and before the exchange has begun with it.",
        frozenset(),
        _entry_unanswered,
        NodeKill,
    ),
)
BAR_CLOSED = killed_at("bar", "bar", "closed")
ENTRY_RECEIVED = killed_at("request", "order.new entry", "received")
ENTRY_PROCESSED = killed_at("request", "order.new entry", "processed")
EXIT_PROCESSED = killed_at("request", "order.new exit", "processed")
ENTRY_FILLED = killed_at("event", "ORDER_TRADE_UPDATE TRADE FILLED", "before")
POSITION_UNWRITTEN = killed_at("store", "RPUSH positions", "before", nth=2)
ENGINE_LIED_TO = Subject(
    "`order.new entry, processed`, and the engine is told that nothing is held",
    replace(
        while_up(
            "the engine is lied to",
            "The node is killed when its entry has filled, and its engine alone is told the past.",
            # Positions are asked for by the preflight, the mend and the adapter; the next four
            # times by the engine, and then by the audit.
            armed("stale", match={"request": "positions.read"}, nth=4, times=4),
            BARS_UNTIL_FLAT,
        ).scenario,
        leave_out={"store-keeps-what-it-has": "The audit puts aside what the engine has stored."},
    ),
    (CrashPoint(Boundary("request", "order.new entry", "processed"), 2),),
)
HISTORY_LAGS = Subject(
    "`order.new entry, processed`, while all answers but one lag",
    while_up(
        "the past lags",
        "The node is killed when its entry has filled, and for a while only the account tells it.",
        _lagging(4, "order.query", "orders.all", "trades.all", "positions.read"),
        BARS_UNTIL_FLAT,
    ).scenario,
    (CrashPoint(Boundary("request", "order.new entry", "processed"), 2),),
)

STORE_AWAY = Subject(
    "store killed while trading",
    Scenario(
        "store killed while trading",
        "The store is killed while the node trades, and is back when the loss should be noticed.",
        frozenset(),
        _store_away,
        StoreKill,
        kills=False,
    ),
)

STOPS_REFUSED = enduring(
    "stops refused",
    "Every stop is refused (-4045) for some bars.",
    partial(
        RefusedForBars, "stops", of_request("fail", STOP, times=ALWAYS, status=400, code=-4045)
    ),
    "orders of",
)
LOCKED_OUT = enduring(
    "key revoked",
    "The key is revoked (-2015) for some bars, in the node's second position.",
    partial(SignedRefused, "key", 401, -2015),
    "exchange",
    BARS_BEFORE,
)
SYMBOL_SETTLES = enduring("symbol settles", "The symbol settles for some bars.", Settling, "symbol")
OTHER_BOT = enduring(
    "another bot",
    "Another bot has orders in the symbol, in the node's second position.",
    OtherBot,
    "",
    BARS_BEFORE,
)


def named(name: str) -> Subject:
    """Return a scenario that is played as it is for everybody."""
    return Subject(name, find_scenario(name))


TWO_NODES = named("two-nodes")
KILLED_BESIDE = named("kill-beside-standby")
PAUSED_BESIDE = named("pause-beside-standby")
PAUSED_IN_FLIGHT = named("pause-in-flight-beside-standby")
