"""The mutants: which bug shows where, and which check must name it.

The cases are played in the drill's market with seed 23, which within ten bars holds an entry, an
exit, a moved stop and a stop-out.
"""

import asyncio
from dataclasses import dataclass

from drill.nodes.mutants import decisions, ending, orders, protection, start, store
from drill.nodes.mutants.bugs import Bug
from recovery_drill.boundary import Boundary, CrashPoint, Kind
from recovery_drill.play import Subject
from recovery_drill.scenarios.catalogue import find_scenario
from recovery_drill.scenarios.scenario import Play, Scenario
from recovery_drill.world import World, beyond

SEED = 23
BARS_BEFORE = 7
"""Then the node holds its second position and has moved its stop."""
BARS_AFTER = 4
STORE_SECONDS = 5


@dataclass(frozen=True)
class Mutant:
    """A node with one bug.

    Parameters
    ----------
    bug : Callable
        Patches the production package; its docstring says what the node does wrong.
    case : Subject
        Where the bug shows; the sound node holds there.
    check : str
        The check that must name it.

    """

    bug: Bug
    case: Subject
    check: str

    @property
    def name(self) -> str:
        """The name of the bug."""
        return self.bug.__name__

    @property
    def wrong(self) -> str:
        """What the node does wrong, in one sentence."""
        return " ".join((self.bug.__doc__ or "").split())


@dataclass(frozen=True)
class Waiting:
    """A bug that the sound node itself still has: its guard is missing.

    Parameters
    ----------
    name, wrong : str
        What the mutant will be called, and what the node does wrong, in one sentence.
    case : Subject
        Where the bug shows.
    check : str
        The check that names it.
    guard : str
        What is missing in the production package.

    """

    name: str
    wrong: str
    case: Subject
    check: str
    guard: str


def _killed_at(kind: Kind, what: str, phase: str, nth: int = 1) -> Subject:
    point = CrashPoint(Boundary(kind, what, phase), nth)
    return Subject(point.name, WORKLOAD, (point,))


def _played(name: str, purpose: str, play: Play, *, kills: bool = True) -> Subject:
    return Subject(name, Scenario(name, purpose, frozenset(), play, kills=kills))


async def _trade(world: World) -> None:
    await world.first_start()
    # Each stretch ends when the store has caught up, so that what is stored at a kill is the same.
    for _ in range(BARS_BEFORE + BARS_AFTER):
        await world.steps(1)
        if world.has_crashed and world.bars_since_crash >= BARS_AFTER:
            world.end_early()
            break


async def _second_position(world: World) -> None:
    await world.first_start()
    await world.steps(BARS_BEFORE)


async def _killed_at_rest(world: World) -> None:
    await _second_position(world)
    await world.kill_node()
    await world.restart_node()
    await world.steps(BARS_AFTER)


async def _store_lost(world: World) -> None:
    await _second_position(world)
    await world.kill_node()
    await world.lose_store()
    await world.restart_node()
    await world.steps(BARS_AFTER)


async def _stop_fills(world: World) -> None:
    await _second_position(world)
    await world.kill_node()
    await _trigger_stop(world)
    await world.restart_node()
    await world.steps(BARS_AFTER)


async def _stop_fills_and_report_fails(world: World) -> None:
    await _second_position(world)
    await world.kill_node()
    await _trigger_stop(world)
    if world.disturbed:
        await world.exchange.arm({"name": "fail", "match": {"request": "trades.all"}})
    await world.restart_node()
    await world.steps(BARS_AFTER)


async def _cancel_unanswered(world: World) -> None:
    await world.first_start()
    await world.steps(BARS_BEFORE - 1)
    cancel = {"name": "gate", "match": {"request": "conditional.cancel"}, "phase": "processed"}
    gate = await world.step_into(cancel, BARS_AFTER)
    await _until_cancelling_is_stored(world)
    await world.kill_node()
    await world.exchange.release(gate)
    await world.restart_node()
    await world.steps(BARS_AFTER)


async def _until_cancelling_is_stored(world: World) -> None:
    async with asyncio.timeout(STORE_SECONDS):
        while True:
            view = await world.store.view(world.trader_id)
            if any(e[-1]["type"] == "OrderPendingCancel" for e in view.orders.values()):
                return
            await asyncio.sleep(0.01)  # the store does not tell of what is written


async def _end_before_fill(world: World) -> None:
    await _second_position(world)
    fill = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"}
    await world.exchange.arm({"name": "reorder_event", "match": fill})
    await _trigger_stop(world)
    await world.rest("after the stop")
    await world.steps(BARS_AFTER)


async def _history_lags(world: World) -> None:
    await world.first_start()
    await world.steps(BARS_BEFORE - 2)
    if world.disturbed:
        await world.exchange.arm({"name": "stale", "match": {"request": "orders.all"}})
    await world.steps(2 + BARS_AFTER)


async def _fill_lost(world: World) -> None:
    await _second_position(world)
    if world.disturbed:
        fill = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"}
        await world.exchange.arm({"name": "lose_event", "match": fill})
    await _trigger_stop(world)
    await world.rest("after the stop")
    await world.steps(BARS_AFTER)


async def _fate_unknown(world: World) -> None:
    await world.first_start()
    if world.disturbed:
        unknown = {"name": "fail", "code": -1007, "processed": True}
        await world.exchange.arm({**unknown, "match": {"request": "order.new", "leg": "entry"}})
    await world.steps(BARS_BEFORE + BARS_AFTER)


async def _store_gone(world: World) -> None:
    await _second_position(world)
    if world.disturbed:
        await world.store.kill()
        async with world.fault("store.kill", must_notice=True, of_store=True):
            # Longer than a loss may go unnoticed.
            await asyncio.sleep(2 * world.policy.budgets.notice_seconds)
        await world.store.start()
        await world.recover()
    await world.steps(BARS_AFTER)


async def _trigger_stop(world: World) -> None:
    stop = await world.stop_of_position()
    await world.exchange.wick(world.symbol, beyond(stop))


WORKLOAD = Scenario(
    "trading",
    "The node trades, and is killed at a crash point.",
    frozenset(),
    _trade,
    kills=False,
)
AT_REST = _played(
    "killed at rest",
    "The node is killed in its second position, and nothing is on its way.",
    _killed_at_rest,
)
STORE_LOST = _played(
    "killed at rest, store lost",
    "The node is killed in its second position, and the store's files are gone.",
    _store_lost,
)
STOP_FILLS = _played(
    "stop fills while dead",
    "The node is killed in its second position, whose stop fills before it is back.",
    _stop_fills,
)
CANCEL_UNANSWERED = _played(
    "conditional.cancel, processed, and stored that it was sent",
    "The node is killed when the exchange has cancelled its old stop and said nothing yet.",
    _cancel_unanswered,
)
REPORT_FAILS = _played(
    "stop fills while dead, trades.all fails once",
    "The same, and the first answer about trades is an error.",
    _stop_fills_and_report_fails,
)
FATE_UNKNOWN = _played(
    "an entry's answer is -1007, unknown",
    "The exchange carries out an entry, and answers that nobody knows whether it did.",
    _fate_unknown,
    kills=False,
)
END_BEFORE_FILL = _played(
    "stop finished before its fill",
    "The exchange tells of a stop's end before it tells of its fill.",
    _end_before_fill,
    kills=False,
)
FILL_LOST = _played(
    "a stop's fill is not told",
    "The exchange tells of a stop's end, and the event about its fill is lost.",
    _fill_lost,
    kills=False,
)
BAR_CLOSED = _killed_at("bar", "bar", "closed")
ENTRY_RECEIVED = _killed_at("request", "order.new entry", "received")
ENTRY_PROCESSED = _killed_at("request", "order.new entry", "processed")
EXIT_PROCESSED = _killed_at("request", "order.new exit", "processed")
ENTRY_FILLED = _killed_at("event", "ORDER_TRADE_UPDATE TRADE FILLED", "before")

TWO_NODES = Subject("two-nodes", find_scenario("two-nodes"))
STORE_GONE = _played(
    "store killed while trading",
    "The store is killed while the node trades, and is back when the loss should be noticed.",
    _store_gone,
    kills=False,
)
POSITION_UNWRITTEN = _killed_at("store", "RPUSH positions", "before", nth=2)
HISTORY_LAGS = Subject(
    "order.new entry, processed (2), while past orders lag",
    Scenario(
        "past orders lag",
        "One answer about past orders tells what was before the entry.",
        frozenset(),
        _history_lags,
    ),
    (CrashPoint(Boundary("request", "order.new entry", "processed"), 2),),
)

MUTANTS: tuple[Mutant, ...] = (
    Mutant(store.no_database, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.buffered_writes, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.keys_of_each_life, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.positions_not_stored, AT_REST, "position-is-sum-of-fills"),
    Mutant(store.flush_on_start, AT_REST, "store-keeps-what-it-has"),
    Mutant(store.store_not_loaded, AT_REST, "restart-changes-nothing"),
    Mutant(store.state_only_on_stop, AT_REST, "one-protective-stop"),
    Mutant(start.no_reconciliation, STOP_FILLS, "position-equals-exchange"),
    Mutant(start.stock_adapter, BAR_CLOSED, "position-equals-exchange"),
    Mutant(start.failed_report_believed, REPORT_FAILS, "fills-exactly-once"),
    Mutant(start.nothing_claimed, STORE_LOST, "position-has-one-owner"),
    Mutant(start.renamed_strategy, AT_REST, "one-protective-stop"),
    Mutant(start.trades_before_it_says_so, AT_REST, "no-decision-before-warm-up"),
    Mutant(start.short_warm_up, AT_REST, "no-decision-before-warm-up"),
    Mutant(start.bars_ignored, AT_REST, "equals-undisturbed"),
    Mutant(orders.random_order_ids, AT_REST, "equals-undisturbed"),
    Mutant(orders.ids_used_again, STORE_LOST, "client-order-ids-unique"),
    Mutant(orders.unsent_never_forgotten, ENTRY_RECEIVED, "no-order-in-limbo"),
    Mutant(orders.cancelled_never_learned, CANCEL_UNANSWERED, "no-order-in-limbo"),
    Mutant(orders.sent_again_unasked, FATE_UNKNOWN, "client-order-ids-unique"),
    Mutant(orders.end_believed_before_fill, END_BEFORE_FILL, "fills-exactly-once"),
    Mutant(orders.lost_fill_not_asked_for, FILL_LOST, "position-equals-exchange"),
    Mutant(decisions.doubles_after_restart, AT_REST, "equals-undisturbed"),
    Mutant(decisions.flattens_after_restart, AT_REST, "equals-undisturbed"),
    Mutant(decisions.decision_repeated, ENTRY_PROCESSED, "one-order-per-intent"),
    Mutant(decisions.decision_forgotten, ENTRY_RECEIVED, "equals-undisturbed"),
    Mutant(decisions.stop_out_forgotten, STOP_FILLS, "equals-undisturbed"),
    Mutant(protection.missing_stop_not_placed, ENTRY_FILLED, "one-protective-stop"),
    Mutant(protection.stop_placed_twice, AT_REST, "one-protective-stop"),
    Mutant(protection.old_stop_cancelled_first, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_of_wrong_size, AT_REST, "one-protective-stop"),
    Mutant(protection.orders_cancelled_at_start, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_cancelled_on_sigterm, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_left_behind, EXIT_PROCESSED, "no-exit-without-position"),
    Mutant(ending.busy_after_restart, AT_REST, "no-zombie"),
    Mutant(ending.never_trades_again, AT_REST, "no-zombie"),
    Mutant(ending.ends_with_a_traceback, AT_REST, "failure-is-told"),
    Mutant(ending.ignores_sigterm, AT_REST, "no-zombie"),
)

AUDIT = "an audit that compares node and exchange after reconciliation"
WAITING: tuple[Waiting, ...] = (
    Waiting(
        "torn_write_believed",
        "Believes a store whose last writes a kill has torn.",
        POSITION_UNWRITTEN,
        "position-is-sum-of-fills",
        AUDIT,
    ),
    Waiting(
        "lagging_history_believed",
        "Believes a history that does not tell yet what has happened.",
        HISTORY_LAGS,
        "fills-exactly-once",
        AUDIT,
    ),
    Waiting(
        "rival_not_noticed",
        "Trades while another node with the same name trades.",
        TWO_NODES,
        "one-node-trades",
        "a lease with a fencing epoch",
    ),
    Waiting(
        "store_loss_not_noticed",
        "Goes on trading when its store is gone.",
        STORE_GONE,
        "loss-is-noticed",
        "a watch over the store",
    ),
)
