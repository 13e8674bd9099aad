"""What chance can draw: faults by name, how each is played, and what is promised meanwhile.

Safety is promised throughout, as the checks have it: nothing is done twice, nothing that was
protected is left naked. Liveness is promised after each fault: the node is back, at rest and of one
mind with the exchange within its budgets, before the next one comes. Equality with the undisturbed
play is promised where each fault of a schedule promises it by itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from recovery_drill.failures import Unsettled
from recovery_drill.faults.exchange import ExchangeFault, OtherHand, SocketFault
from recovery_drill.faults.fault import Fault
from recovery_drill.faults.host import HostKill, PowerCut
from recovery_drill.faults.node import (
    ClockStep,
    KillWhileStopping,
    NodeKill,
    NodePause,
    NodeStop,
    SecondNode,
)
from recovery_drill.faults.store import OldBackup, StoreFlush, StoreLoss, StoreSlow
from recovery_drill.play.scenario import UNEQUAL, Scenario
from recovery_drill.play.world import World
from recovery_drill.record.drawn import Drawn, Strike
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.scenarios.exchange import TROUBLES
from recovery_drill.scenarios.node import PAUSE_SECONDS
from recovery_drill.scenarios.owner import BY_HAND
from recovery_drill.scenarios.sockets import BARS_LOST, LISTENING, until_sockets_are_open
from recovery_drill.scenarios.steps import (
    BARS_AFTER,
    MOST_RESTARTS,
    supervised_steps,
    until_protected,
)
from recovery_drill.scenarios.store import ITS_CHOICE, LOSSES

NAME = "random"
LEAD_BARS = 20
"""Within so many bars the node has traded for the first time, or the market is to blame."""
PATIENCE_BARS = 30
"""For so many bars a node may not come to where it is to be killed, as it trades now and then."""
MOST_STRIKES, MOST_AFTER, MOST_BARS = 4, 5, 3
ARMED_BARS = (5, 20)
"""For so long the exchange may do wrong to whoever sends an order."""

Play = Callable[[World, Strike, Fault], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """One fault that can be drawn.

    Parameters
    ----------
    name : str
        What a schedule calls it.
    group : str
        What it belongs to: what is alike is drawn together.
    play : Callable
        Lets it happen, and lets the node be well again.
    fault : Callable
        Makes it, for one play.
    bars : tuple[int, int]
        How many bars it may last.
    kills : tuple[bool, ...]
        Whether the node may be killed as well, or is each time.
    leave_out : Mapping[str, str]
        Checks that it makes no promise about, each with the reason.

    """

    name: str
    group: str
    play: Play
    fault: Callable[[], Fault]
    bars: tuple[int, int] = (0, 0)
    kills: tuple[bool, ...] = (False,)
    leave_out: Mapping[str, str] = field(default_factory=dict)


async def until_well(world: World) -> None:
    """Wait until the node is back and at rest; a supervisor starts it again, but not for ever."""
    for left in reversed(range(MOST_RESTARTS)):
        try:
            await world.recover()
            return
        except Unsettled:
            # What a fault has done may show only when it is over, and end the node for a new start.
            if world.node_runs or not left:
                raise


async def _killed(world: World, strike: Strike, fault: Fault) -> None:
    if strike.at is None:
        await world.begin(fault)
        await world.restart_node()
        return
    await world.crashes.wait_at(strike.at)
    for _ in range(PATIENCE_BARS):
        await supervised_steps(world, 1)
        if world.crashes.are_over:
            return
    await world.crashes.wait_no_more()


async def _started_again(world: World, strike: Strike, fault: Fault) -> None:
    await world.strike(fault)
    await world.restart_node()


async def _while_down(world: World, strike: Strike, fault: Fault) -> None:
    await world.prepare(fault)
    await supervised_steps(world, strike.bars)
    await world.until_stored()
    if strike.kill:
        await world.kill_node()
    await world.strike(fault)
    await world.restart_node()


async def _for_bars(world: World, strike: Strike, fault: Fault) -> None:
    async with world.fault(fault):
        if strike.bars == 0:
            await world.last(PAUSE_SECONDS)
        await world.endure(strike.bars)
        if strike.kill and world.node_runs:
            await world.kill_node()
    await until_well(world)


async def _armed(world: World, strike: Strike, fault: Fault) -> None:
    await world.begin(fault)
    await supervised_steps(world, strike.bars)
    await world.end(fault)
    if strike.kill:
        await world.until_stored()
        await world.kill_node()
        await world.restart_node()


async def _unheard(world: World, strike: Strike, fault: Fault) -> None:
    opened, closed = world.market.sockets("opened"), world.market.sockets("closed")
    await world.begin(fault)
    await until_sockets_are_open(world, opened, closed)
    await supervised_steps(world, strike.bars)
    await world.end(fault)


async def _beside(world: World, strike: Strike, fault: Fault) -> None:
    await world.begin(fault)
    await supervised_steps(world, strike.bars)
    await world.end(fault)
    await world.rest("without the second node")


async def _by_hand(world: World, strike: Strike, fault: Fault) -> None:
    ledger = await world.market.ledger()
    if not any(o.protects for s in world.policy.symbols for o in ledger.working(s)):
        return  # nothing is held that a hand could be laid on
    if strike.kill:
        await world.kill_node()
    await world.strike(fault)
    if strike.kill:
        await world.restart_node()
    await until_protected(world, "after it may have lost its stop")
    await until_well(world)


CHANGED = {UNEQUAL: "What another hand does changes what happens at the exchange."}
PAUSED = {UNEQUAL: "Bars close while the node stands still, and their decisions are gone."}
CHOICE = {UNEQUAL: ITS_CHOICE}
SHORT, EITHER = (1, MOST_BARS), (False, True)

# The simplest come first: what is shrunk goes towards them.
ROWS: tuple[Row, ...] = (
    Row("node.kill", "kill", _killed, NodeKill),
    Row("node.stop", "node", _started_again, NodeStop),
    Row("node.kill_while_stopping", "node", _started_again, KillWhileStopping),
    Row("node.pause", "node", _for_bars, NodePause, (0, MOST_BARS), (False,), PAUSED),
    Row("node.second", "node", _beside, SecondNode, SHORT),
    Row("node.clock_step", "node", _while_down, ClockStep, kills=(True,)),
    Row("store.lost", "store", _while_down, StoreLoss, kills=(True,)),
    Row("store.backup", "store", _while_down, OldBackup, SHORT, (True,)),
    *(
        Row(f"store.{each.name}", "store", _for_bars, each.fault, SHORT, EITHER, CHOICE)
        for each in LOSSES
    ),
    Row("store.slow", "store", _for_bars, StoreSlow, SHORT, EITHER, CHOICE),
    Row("store.flush", "store", _for_bars, StoreFlush, SHORT, (True,), CHOICE),
    Row("host.kill", "host", _while_down, HostKill),
    Row("host.power", "host", _while_down, PowerCut),
    *(
        Row(
            f"exchange.{each.name}",
            "exchange",
            _armed,
            partial(ExchangeFault, each.name, *each.armed),
            ARMED_BARS,
            EITHER,
            each.leave_out,
        )
        for each in TROUBLES
    ),
    *(
        Row(
            f"exchange.{each.name}",
            "sockets",
            _unheard,
            partial(SocketFault, each.name, *each.armed),
            (0, MOST_BARS),
            leave_out=BARS_LOST,
        )
        for each in LISTENING
    ),
    *(
        Row(
            f"account.{each.name}",
            "account",
            _by_hand,
            partial(OtherHand, each.name),
            kills=EITHER,
            leave_out={**CHANGED, **each.leave_out},
        )
        for each in BY_HAND
    ),
)
BY_NAME = {row.name: row for row in ROWS}


@dataclass(frozen=True)
class DrawnScenario(Scenario):
    """A scenario of which each fault must be possible where it is played."""

    faults: tuple[Callable[[], Fault], ...] = ()

    def unavailable(self, runtime: Runtime) -> str:
        """Return why one of its faults cannot happen here; empty when all can."""
        return next(filter(None, (fault().unavailable(runtime) for fault in self.faults)), "")


def drawn_scenario(drawn: Drawn) -> Scenario:
    """Return what plays a drawn schedule; without any fault it is what others are compared with.

    Raises
    ------
    ValueError
        If there is no fault of such a name.

    """
    if unknown := {strike.fault for strike in drawn.strikes} - BY_NAME.keys():
        raise ValueError(f"There is no fault {', '.join(sorted(unknown))} to be drawn.")
    rows = [BY_NAME[strike.fault] for strike in drawn.strikes]

    async def play(world: World, nothing: Fault) -> None:
        await world.first_start()
        if not world.disturbed:
            await supervised_steps(world, longest())
            return
        for _ in range(LEAD_BARS):
            await supervised_steps(world, 1)
            if (await world.market.ledger()).fills:
                break
        for strike, row in zip(drawn.strikes, rows, strict=True):
            await supervised_steps(world, strike.after)
            # Bars pass in milliseconds here, and a store must not lag behind by several of them.
            await world.until_stored()
            await row.play(world, strike, row.fault())
            await until_well(world)
        await supervised_steps(world, BARS_AFTER)
        await world.rest("at the end")
        world.end_early()

    return DrawnScenario(
        NAME,
        f"Chance has drawn: {drawn.words}." if drawn.strikes else "Nothing happens to the node.",
        frozenset(),
        play,
        kills=False,
        leave_out={name: why for row in rows for name, why in row.leave_out.items()},
        faults=tuple(row.fault for row in rows),
    )


def longest() -> int:
    """Return how many bars the longest play can take."""
    lasts = max(PATIENCE_BARS, *(row.bars[1] for row in ROWS))
    return LEAD_BARS + MOST_STRIKES * (MOST_AFTER + lasts) + BARS_AFTER
