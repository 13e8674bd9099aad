"""What an exchange does to a node that comes back: questions fail, or the history lags."""

from recovery_drill.failures import Unsettled
from recovery_drill.play.scenario import Play, Scenario
from recovery_drill.play.world import World, beyond
from recovery_drill.scenarios.exchange import ALWAYS, MET, MET_HOLDING, Trouble, request_fault
from recovery_drill.scenarios.kills import holding_before, trade_on

QUESTIONS = (
    "orders.all",
    "orders.open",
    "trades.all",
    "conditionals.all",
    "conditionals.open",
    "positions.read",
    "account.read",
    "klines.read",
    "listen_key.new",
)
"""What a node may ask for at its start; one that does not ask has nothing to show here."""


def _failing(request: str) -> Trouble:
    return Trouble(
        f"fail-{request.replace('.', '-').replace('_', '-')}",
        f"The stop fills while the node is down, and {request} fails until it gives up or trades.",
        (request_fault("fail", {"request": request}, times=ALWAYS),),
    )


LAGGING = Trouble(
    "stale",
    "The stop fills while the node is down, and the history of orders lags behind at its start.",
    (request_fault("stale", {"request": "orders.all"}, times=ALWAYS),),
)


async def start_into_fault(world: World) -> None:
    """Start the node while something is broken: it trades, or ends within its time.

    Raises
    ------
    Unsettled
        If it does neither.

    """
    node = await world.lives.begin()
    try:
        await node.until_trading(world.policy.budgets.start_seconds)
    except Unsettled:
        if world.lives.running:
            raise


def _at_restart(trouble: Trouble) -> Play:
    (fault,) = trouble.faults

    async def play(world: World) -> None:
        await holding_before(world)
        await world.until_stored()
        await world.kill_node()
        stop = await world.stop_of_position()
        if world.disturbed:
            async with world.fault(f"exchange.{trouble.name}"):
                fault_id = await world.exchange.arm(fault)
                await world.exchange.wick(world.symbol, beyond(stop))
                await start_into_fault(world)
                if await world.exchange.fired(fault_id):
                    world.saw(MET)
                await world.exchange.release(fault_id)
            await world.recover()
        else:
            await world.exchange.wick(world.symbol, beyond(stop))
            await world.rest("after the stop")
        await trade_on(world)

    return play


RESTART: tuple[Scenario, ...] = tuple(
    trouble.scenario(_at_restart(trouble), MET_HOLDING)
    for trouble in (*map(_failing, QUESTIONS), LAGGING)
)
