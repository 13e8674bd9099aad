"""The cases in which a node must notice, while it trades, that something is wrong.

As those of `mutant_cases`, they are played with seed 23, and the sound node holds in all of them.
"""

import asyncio
from functools import partial
from pathlib import Path

from drill.mutant_cases import (
    BARS_AFTER,
    BARS_BEFORE,
    BARS_UNTIL_FLAT,
    FATE_UNHEARD_FAULTS,
    UNHEARD_EVENTS,
    MakeFault,
    Unexcused,
    armed,
    trigger_stop,
    while_up,
)
from recovery_drill.failures import Disagreement, Unsettled
from recovery_drill.faults.exchange import Armed, ExchangeFault, of_request
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.faults.node import ClockStep, find_faketime
from recovery_drill.faults.store import StoreIdle, StoreKill, StoreSnapshotFails
from recovery_drill.play.case import Subject
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation
from recovery_drill.play.world import World
from recovery_drill.scenarios.sockets import lose_key_in_flight
from recovery_drill.scenarios.steps import steps

SYMBOL = "BTCUSDT"
DEAF: Armed = {"name": "half_open", "stream": "user"}
LOOKS = 2
"""For so many times the time to settle the node may find out what it was not told, or end."""
CLOCK_STEP = "+0.9s"
"""So near to the second at which the exchange refuses each request."""
NO_KEY_SECONDS = 12
"""How long no listen key is given: longer than the sound node goes on without one."""
BAR_SECONDS = 4
"""How long a bar may stay away before the node must have decided it, in its time to settle."""
IDLE_SECONDS = 4
"""Longer than the store leaves an idle connection open."""
LONG_SECONDS = 16
"""Longer than the sound node goes without a look at its clock, or on with a silent exchange."""
ITS_CHOICE = {UNEQUAL: "What a node does while something is wrong is its own choice."}
OTHER_HAND = {
    UNEQUAL: "What another hand does changes what happens at the exchange.",
    "one-order-per-intent": "An order of another hand stands for no decision of the node.",
}


def watched(
    name: str,
    purpose: str,
    situation: Situation,
    fault: MakeFault,
    leave_out: dict[str, str] | None = None,
) -> Subject:
    """Return the case in which nobody is killed, and the node may end to be started again."""
    played = Scenario(
        name, purpose, frozenset(), situation, fault, kills=False, leave_out=leave_out or {}
    )
    return Subject(name, played)


async def _unheard(world: World, fault: Fault) -> None:
    await world.first_start()
    await steps(world, BARS_BEFORE)
    await world.begin(fault)
    await _find_out(world)
    await steps(world, BARS_AFTER)


async def _deaf_for_bars(world: World, fault: Fault) -> None:
    """Enter while the user stream is deaf, and some bars later a stop fills."""
    await world.first_start()
    await steps(world, BARS_UNTIL_FLAT)
    await world.begin(fault)
    await steps(world, BARS_BEFORE - BARS_UNTIL_FLAT)
    await trigger_stop(world)
    await _find_out(world)
    await steps(world, BARS_AFTER)


async def _find_out(world: World) -> None:
    """Give the node time to find out, or to end; then it must be right."""
    for _ in range(LOOKS):
        try:
            await world.rest("after something that it was not told", whole=False, judged=False)
            break
        except (Unsettled, Disagreement):
            continue
    await world.recover()


async def _no_key(world: World, fault: Fault) -> None:
    """Lose the user stream for good, and then a stop fills."""
    await world.first_start()
    await steps(world, BARS_BEFORE)
    async with world.fault(fault):
        await _while_it_runs(world, NO_KEY_SECONDS)
    await trigger_stop(world)
    await _find_out(world)
    await steps(world, BARS_AFTER)


async def _no_key_in_flight(world: World, fault: Fault) -> None:
    """Lose the user stream for good while an entry is on its way."""
    await world.first_start()
    await lose_key_in_flight(world, fault)
    await steps(world, BARS_AFTER)


async def _while_it_runs(world: World, seconds: float) -> None:
    """Let something last until the node ends, but not for longer than so many seconds."""
    until = asyncio.get_running_loop().time() + seconds
    while world.disturbed and world.node_runs and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110  # it must be asked
        await asyncio.sleep(0.02)


async def _bar_missed(world: World, fault: Fault) -> None:
    await world.first_start()
    await steps(world, BARS_BEFORE)
    await world.begin(fault)
    await world.endure(1)
    await world.last(BAR_SECONDS)
    await world.rest("after a bar that it was not told")
    await world.end(fault)
    await steps(world, BARS_AFTER)


async def _store_away_for_bars(world: World, fault: Fault) -> None:
    await world.first_start()
    await steps(world, BARS_UNTIL_FLAT)
    async with world.fault(fault):
        await world.last(max(IDLE_SECONDS, world.policy.budgets.notice_seconds))
        await world.endure(BARS_BEFORE - BARS_UNTIL_FLAT)
    await world.recover()
    await steps(world, BARS_AFTER)


async def _wrong_for_long(world: World, fault: Fault) -> None:
    await world.prepare(fault)
    await world.first_start()
    await steps(world, BARS_BEFORE)
    await world.begin(fault)
    await world.last(LONG_SECONDS)
    async with world.fault(Still(fault)):
        await world.last(2 * world.policy.budgets.notice_seconds)
    await world.recover()
    await steps(world, BARS_AFTER)


class Still(Fault):
    """What has begun is still wrong, when the node should have noticed it long ago.

    Parameters
    ----------
    fault : Fault
        What has begun.

    """

    must_notice = True

    def __init__(self, fault: Fault) -> None:
        self.name = f"{fault.name}, {LONG_SECONDS} s after its beginning"
        self._fault = fault

    async def end(self, site: Site) -> None:
        """Undo it."""
        await self._fault.end(site)


class ClockMoves(ClockStep):
    """The wall clock of the node goes wrong while it runs."""

    name = "node.clock_moves"

    async def prepare(self, site: Site) -> None:
        """Give the node a clock that can be set while it runs."""
        _set_clock(site, "+0s")
        site.runtime.set_environment(
            {
                "LD_PRELOAD": str(find_faketime()),
                "FAKETIME_TIMESTAMP_FILE": str(_clock(site)),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )

    async def begin(self, site: Site) -> None:
        """Set it forward."""
        _set_clock(site, CLOCK_STEP)

    async def end(self, site: Site) -> None:
        """Set it right."""
        _set_clock(site, "+0s")


def _clock(site: Site) -> Path:
    return site.folder / "clock"


def _set_clock(site: Site, offset: str) -> None:
    # It is read all the time: never when it is half written.
    written = site.folder / "clock.new"
    written.write_text(f"{offset}\n", encoding="utf-8")
    written.replace(_clock(site))


CLOSED_UNHEARD = watched(
    "closed by hand, and the user stream is deaf",
    "The owner of the account closes the position, while the node's user stream says nothing.",
    _unheard,
    partial(ExchangeFault, "deaf", DEAF, {"name": "close", "symbol": SYMBOL}),
    OTHER_HAND,
)
DEAF_FOR_BARS = watched(
    "the user stream is deaf when an entry fills, and later a stop",
    "The user stream is open and says nothing more; an entry fills, and some bars later a stop.",
    _deaf_for_bars,
    partial(ExchangeFault, "deaf", DEAF),
)
NO_KEY = watched(
    "the user stream is lost for good, and a stop fills",
    "All sockets break and no listen key is given for some seconds; then a stop fills.",
    _no_key,
    partial(
        ExchangeFault,
        "no key",
        of_request("fail", {"request": "listen_key.new"}, times=1000),
        {"name": "drop_sockets"},
    ),
)
NO_KEY_IN_FLIGHT = watched(
    "the user stream is lost for good while an entry is on its way",
    "All sockets break and no listen key is given, and the entry arrives when the node ends.",
    _no_key_in_flight,
    partial(
        ExchangeFault,
        "no key",
        of_request("fail", {"request": "listen_key.new"}, times=1000),
        {"name": "drop_sockets"},
    ),
)
BAR_MISSED = watched(
    "the market streams are deaf for a bar",
    "The market streams are open and say nothing when a bar closes.",
    _bar_missed,
    partial(Unexcused, "deaf", {"name": "half_open", "stream": "market"}),
)
ODD_BARS = while_up(
    "five bars are told ten times too high",
    "Five bars are told ten times too high on the stream, and right to who asks for them.",
    armed("odd_bar", times=5, factor=10),
    BARS_UNTIL_FLAT,
)
CANCEL_REFUSED = while_up(
    "a cancel is refused once",
    "A request to cancel the old stop is refused, and the old stop works on.",
    armed("fail", match={"request": "conditional.cancel"}, status=400, code=-1020),
    BARS_UNTIL_FLAT,
)
DENIED = while_up(
    "an entry is carried out, nobody is told, and it is denied for a while",
    "The exchange carries out an entry, is silent, and first says that there is no such order.",
    partial(
        Unexcused,
        "denial",
        *FATE_UNHEARD_FAULTS,
        of_request("stale", {"request": "order.query"}, times=3),
    ),
    BARS_UNTIL_FLAT,
)
NOTHING_TO_WRITE = watched(
    "store closes idle connections",
    "The store closes connections that have said nothing for a second, and then bars close.",
    _store_away_for_bars,
    StoreIdle,
    ITS_CHOICE,
)
SNAPSHOT_FAILS = watched(
    "a snapshot of the store fails",
    "A snapshot of the store fails, and the store answers and takes no writes.",
    _store_away_for_bars,
    StoreSnapshotFails,
    ITS_CHOICE,
)
STORE_AWAY_FOR_BARS = watched(
    "store killed for bars",
    "The store is killed while nothing is held, and bars close before it is back.",
    _store_away_for_bars,
    StoreKill,
    ITS_CHOICE,
)
CLOCK_WRONG = watched(
    "the clock goes wrong",
    "The node's wall clock is set forward by 0.9 s while it trades.",
    _wrong_for_long,
    ClockMoves,
)
EXCHANGE_SILENT = watched(
    "the exchange does not tell what stands there",
    "Nobody learns from the exchange what is held there: each question is answered with an error.",
    _wrong_for_long,
    partial(Unexcused, "silence", of_request("fail", {"request": "positions.read"}, times=1000)),
)
ENTRY_UNHEARD = while_up(
    "no event tells of an entry",
    "The exchange takes an entry and fills it, and is silent.",
    partial(Unexcused, "silence", *UNHEARD_EVENTS),
    BARS_UNTIL_FLAT,
)
