"""What an exchange does to a node that comes back: questions fail, or the history lags."""

from recovery_drill.faults.exchange import ALWAYS, of_request
from recovery_drill.faults.fault import Fault
from recovery_drill.play.scenario import Scenario
from recovery_drill.play.world import World
from recovery_drill.scenarios.exchange import MET_HOLDING, Trouble
from recovery_drill.scenarios.steps import holding_before, trade_on

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
        (of_request("fail", {"request": request}, times=ALWAYS),),
    )


LAGGING = Trouble(
    "stale",
    "The stop fills while the node is down, and the history of orders lags behind at its start.",
    (of_request("stale", {"request": "orders.all"}, times=ALWAYS),),
)


async def at_restart(world: World, fault: Fault) -> None:
    """Have a stop that fills while the node is down, start into the fault, and once more after."""
    await holding_before(world)
    await world.until_stored()
    await world.kill_node()
    stop = await world.market.stop_of_position()
    if world.disturbed:
        async with world.fault(fault):
            await world.market.through_stop(stop)
            await world.start_into_fault()
        await world.recover()
    else:
        await world.market.through_stop(stop)
        await world.rest("after the stop")
    await trade_on(world)


RESTART: tuple[Scenario, ...] = tuple(
    trouble.scenario(at_restart, MET_HOLDING) for trouble in (*map(_failing, QUESTIONS), LAGGING)
)
