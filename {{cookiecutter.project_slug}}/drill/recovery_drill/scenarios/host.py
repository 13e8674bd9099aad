"""What takes node and store together: the host dies, or its power is cut."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from recovery_drill.scenarios.kills import TRADED_ON, holding_before, trade_on
from recovery_drill.scenarios.scenario import Play, Scenario
from recovery_drill.world import World

DIED = "host died"
WRITES_LOST = "writes of the store lost"

End = Callable[[World], Awaitable[None]]


async def _kill_store(world: World) -> None:
    await world.store.kill()


async def _cut_power(world: World) -> None:
    await world.store.lose_power()


async def _flush_always(world: World) -> None:
    """Let the store flush to disk before each answer: then a kill is all that power can do."""
    client = Redis.from_url(world.store.url)
    try:
        await client.config_set("appendfsync", "always")
    finally:
        await client.aclose()


def _host_dies(end_store: End, *, flush_always: bool = False) -> Play:
    async def play(world: World) -> None:
        if flush_always:
            await _flush_always(world)
        await holding_before(world)
        if world.disturbed:
            async with world.fault("host.down", of_store=True):
                before = await world.store.view(world.trader_id)
                await asyncio.gather(world.kill_node(), end_store(world))
                # Node and store were all that the host ran; the exchange has lost a client.
                await world.exchange.arm({"name": "drop_sockets"})
                await world.store.start()
                world.saw(DIED)
                if await world.store.view(world.trader_id) != before:
                    world.saw(WRITES_LOST)
        await world.restart_node()
        await trade_on(world)

    return play


_NEEDS = frozenset({"position", DIED, TRADED_ON})

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
        _host_dies(_cut_power),
    ),
    Scenario(
        "power-loss-always",
        "Power is cut under a store that flushes before each answer; node and store start again.",
        _NEEDS,
        _host_dies(_kill_store, flush_always=True),
    ),
)
