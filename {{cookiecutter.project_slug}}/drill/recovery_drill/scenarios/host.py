"""What takes node and store together: the host dies, or its power is cut."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from recovery_drill.failures import Unsupported
from recovery_drill.play.scenario import Play, Scenario
from recovery_drill.play.world import World, beyond
from recovery_drill.scenarios.kills import TRADED_ON, holding_before, trade_on
from recovery_drill.store.server import EmbeddedStore

DIED = "host died"
STOPPED_OUT = "stop filled"
WRITES_LOST = "the stop's fill lost in the store"
# After so long a store that flushes once a second has flushed what it wrote; nobody tells when.
FLUSHED_SECONDS = 1.5

End = Callable[[World], Awaitable[None]]


async def _kill_store(world: World) -> None:
    await world.store.kill()


async def _cut_power(world: World) -> None:
    await world.store.lose_power()


async def _flush_always(world: World) -> None:
    """Let the store flush to disk before each answer: then a kill is all that power can do.

    Raises
    ------
    Unsupported
        If the store is not the drill's own.

    """
    if not isinstance(world.store, EmbeddedStore):
        raise Unsupported("How this store flushes is not the drill's to change.")
    client = Redis.from_url(world.store.url)
    try:
        await client.config_set("appendfsync", "always")
    finally:
        await client.aclose()


async def eventful_bar(world: World) -> str:
    """Let the protective stop fill and the bar close: much to write, in little time.

    Returns
    -------
    str
        The client order id of the stop.

    """
    stop = await world.stop_of_position()
    await world.exchange.wick(world.symbol, beyond(stop))
    ledger = await world.exchange.ledger()
    if any(fill.client_order_id == stop.client_order_id for fill in ledger.fills):
        world.saw(STOPPED_OUT)
    await world.rest("after the stop", whole=False)
    await world.step()
    return stop.client_order_id


def _host_dies(end_store: End, *, flush_always: bool = False, within_flush: bool = False) -> Play:
    async def play(world: World) -> None:
        if flush_always:
            await _flush_always(world)
        await holding_before(world)
        await world.until_stored()
        if within_flush:
            await asyncio.sleep(FLUSHED_SECONDS)
        stop = await eventful_bar(world)
        if not within_flush:
            await world.until_stored()
        if world.disturbed:
            async with world.fault("host.down", of_store=True):
                await asyncio.gather(world.kill_node(), end_store(world))
                # Node and store were all that the host ran; the exchange has lost a client.
                await world.exchange.arm({"name": "drop_sockets"})
                await world.store.start()
                world.saw(DIED)
                if not (await world.store.view(world.trader_id)).trade_ids(stop):
                    world.saw(WRITES_LOST)
        await world.restart_node()
        await trade_on(world)

    return play


_NEEDS = frozenset({"position", STOPPED_OUT, DIED, TRADED_ON})

HOST: tuple[Scenario, ...] = (
    Scenario(
        "host-kill",
        "Node and store are killed at once, and both start again before the next bar closes.",
        _NEEDS,
        _host_dies(_kill_store),
    ),
    Scenario(
        "power-loss-everysec",
        "Power is cut, and with it goes what the store had not flushed in its last second.",
        _NEEDS | {WRITES_LOST},
        _host_dies(_cut_power, within_flush=True),
    ),
    Scenario(
        "power-loss-always",
        "Power is cut under a store that flushes before each answer; node and store start again.",
        _NEEDS,
        _host_dies(_kill_store, flush_always=True),
    ),
)
