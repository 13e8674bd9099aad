"""Kills at five moments that matter, and kills spread over a long trade."""

from recovery_drill.play.scenario import Play, Scenario
from recovery_drill.play.world import World, beyond
from recovery_drill.record.model import Ledger, NodeState

# How many bars of the seeded market may pass before the situation that a scenario needs must have
# come.
PATIENCE_BARS = 300
# So that the node has a past when it is killed: orders that are closed, positions that are gone.
BARS_BEFORE = 30
BARS_AFTER = 3
LONG_HAUL = "trade-through"
TRADED_ON = "position closed and another opened after the kill"


def flat(state: NodeState, ledger: Ledger) -> bool:
    """Tell whether nothing is held."""
    return not state.positions and not ledger.positions


def holding(state: NodeState, ledger: Ledger) -> bool:
    """Tell whether a position is held, and protected."""
    stops = [o for o in ledger.orders if o.working and o.protects]
    return bool(state.positions) and bool(ledger.positions) and bool(stops)


async def flat_before(world: World) -> None:
    """Let the node trade for a while, and until it holds nothing."""
    await world.first_start()
    await world.steps(BARS_BEFORE)
    await world.step_until("flat", flat, PATIENCE_BARS)


async def holding_before(world: World) -> None:
    """Let the node trade for a while, and until it holds a protected position."""
    await world.first_start()
    await world.steps(BARS_BEFORE)
    await world.step_until("position", holding, PATIENCE_BARS)


async def trade_on(world: World) -> None:
    """Let the node close what it holds and open anew, so that what it recovered is used."""
    before = len((await world.exchange.ledger()).fills)

    def traded_on(state: NodeState, ledger: Ledger) -> bool:
        flat = [fill.position_after == 0 for fill in ledger.fills[before:]]
        return True in flat and False in flat[flat.index(True) :] and holding(state, ledger)

    await world.step_until(TRADED_ON, traded_on, PATIENCE_BARS)
    await world.steps(BARS_AFTER)


async def kill_while_flat(world: World) -> None:
    """Kill a node that holds nothing; it must come back, hold nothing, and trade on."""
    await flat_before(world)
    await world.until_stored()
    await world.kill_node()
    await world.restart_node()
    await trade_on(world)


async def kill_holding_position(world: World) -> None:
    """Kill a node that holds a protected position; it must come back holding just that.

    Once in its first position ever and once with a past: recovery works on the exchange's reports
    of both, and takes other ways through them.
    """
    await world.first_start()
    for _ in range(2):
        await world.step_until("position", holding, PATIENCE_BARS)
        await world.until_stored()
        await world.kill_node()
        await world.restart_node()
        await trade_on(world)


async def kill_then_stop_fills(world: World) -> None:
    """Kill the node, then let the price go through its stop; it must come back flat."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    stop = await world.stop_of_position()
    await world.exchange.wick(world.symbol, beyond(stop))
    ledger = await world.exchange.ledger()
    if any(f.client_order_id == stop.client_order_id for f in ledger.fills):
        world.saw("stop filled")
    await world.restart_node()
    await trade_on(world)


async def kill_with_order_in_flight(world: World) -> None:
    """Kill the node when the exchange has filled its entry and said nothing yet."""
    await flat_before(world)
    # Bars pass faster here than anywhere: what the last position left must be in the store.
    await world.until_stored()
    entry = {"name": "gate", "match": {"leg": "entry"}, "nth": 1, "phase": "processed"}
    gate = await world.step_into(entry, PATIENCE_BARS)
    await world.kill_node()
    ledger = await world.exchange.ledger()
    if ledger.positions:
        world.saw("filled, unanswered")
    await world.exchange.release(gate)
    await world.restart_node()
    await trade_on(world)


async def kill_and_lose_store(world: World) -> None:
    """Kill the node and lose the store's files; the exchange alone must be enough."""
    await holding_before(world)
    await world.kill_node()
    await world.lose_store()
    world.saw("store lost")
    await world.restart_node()
    await trade_on(world)


def kill_every(bars: int, kills: int) -> Play:
    """Return an exercise that trades through `bars` bars with `kills` kills spread between."""

    async def play(world: World) -> None:
        await world.first_start()
        stretch = bars // (kills + 1)
        for _ in range(kills):
            await world.steps(stretch)
            await world.until_stored()
            await world.kill_node()
            await world.restart_node()
        await world.steps(bars - kills * stretch)
        ledger = await world.exchange.ledger()
        if ledger.fills:
            world.saw("fills")

    return play


KILLS: tuple[Scenario, ...] = (
    Scenario(
        "kill-while-flat",
        "The node is killed holding nothing; it comes back, and trades on.",
        frozenset({"flat", TRADED_ON}),
        kill_while_flat,
        default=True,
    ),
    Scenario(
        "kill-holding-position",
        "The node is killed twice holding a protected position; it comes back holding just that.",
        frozenset({"position", TRADED_ON}),
        kill_holding_position,
        default=True,
    ),
    Scenario(
        "kill-then-stop-fills",
        "The protective stop fills while the node is dead; it comes back flat.",
        frozenset({"position", "stop filled", TRADED_ON}),
        kill_then_stop_fills,
        default=True,
    ),
    Scenario(
        "kill-with-order-in-flight",
        "The exchange has filled the entry and said nothing; the node is killed, and learns of it.",
        frozenset({"order in flight", "filled, unanswered", TRADED_ON}),
        kill_with_order_in_flight,
        default=True,
    ),
    Scenario(
        "kill-and-lose-store",
        "The node is killed and the store's files are gone; the exchange alone is enough.",
        frozenset({"position", "store lost", TRADED_ON}),
        kill_and_lose_store,
        default=True,
    ),
)


def long_haul(bars: int, kills: int) -> Scenario:
    """Return the scenario that trades through many bars with kills between."""
    return Scenario(
        LONG_HAUL,
        f"The node trades through {bars} bars and is killed {kills} times between.",
        frozenset({"fills"}),
        kill_every(bars, kills),
    )
