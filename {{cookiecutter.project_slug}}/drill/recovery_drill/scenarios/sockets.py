"""What happens to the sockets on which a node listens: they break, go deaf, or lose their key."""

import asyncio
import time

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.play.scenario import UNEQUAL, Play, Scenario
from recovery_drill.play.world import World
from recovery_drill.record.model import read_records
from recovery_drill.scenarios.exchange import (
    ENTRY,
    MET,
    MET_HOLDING,
    MET_IN_FLIGHT,
    Fault,
    Trouble,
    arm,
    stretch,
)
from recovery_drill.scenarios.kills import PATIENCE_BARS, flat_before, holding_before

LOOK_INTERVAL_SECONDS = 0.02
# A new socket is subscribed to its streams a moment after it was opened, which nobody records.
SUBSCRIBED_SECONDS = 0.5
BARS_LOST = {UNEQUAL: "Bars close while the node hears nothing, and their decisions are gone."}

LISTENING: tuple[Trouble, ...] = (
    Trouble(
        "drop-sockets",
        "All sockets break while a position is held, and are opened again before the bar closes.",
        ({"name": "drop_sockets"},),
    ),
    Trouble(
        "expire-listen-key",
        "The listen key ends while a position is held: its socket hears nothing more.",
        ({"name": "expire_listen_key"},),
    ),
)
DEAF = Trouble(
    "half-open-user",
    "The user stream goes deaf without breaking while an entry fills, inside the bar.",
    ({"name": "half_open", "stream": "user"},),
)


def _sockets(world: World, kind: str) -> int:
    """Count what the exchange has recorded of sockets.

    Raises
    ------
    Unsupported
        If it keeps its records elsewhere as long as it runs.

    """
    journal = world.folder / "exchange.jsonl"
    if not journal.exists():
        raise Unsupported("The exchange's journal cannot be read here while it runs.")
    lines = journal.read_text(encoding="utf-8").splitlines()
    return sum(record.kind == f"socket.{kind}" for record in read_records(lines))


def _listening(trouble: Trouble) -> Play:
    async def play(world: World) -> None:
        await holding_before(world)
        opened, closed = _sockets(world, "opened"), _sockets(world, "closed")
        fault_ids = await arm(world, trouble)
        if fault_ids:
            # Until it listens as before. If it never does, what it misses will tell.
            deadline = time.monotonic() + world.policy.budgets.settle_seconds
            while time.monotonic() < deadline:
                lost = max(1, _sockets(world, "closed") - closed)
                if _sockets(world, "opened") - opened >= lost:
                    break
                await asyncio.sleep(LOOK_INTERVAL_SECONDS)
            await asyncio.sleep(SUBSCRIBED_SECONDS)
        await stretch(world, fault_ids)

    return play


async def half_open_user(world: World) -> None:
    """Let the user stream go deaf while an entry fills, inside the bar."""
    await flat_before(world)
    gate = {"name": "gate", "match": ENTRY, "nth": 1}
    told = await world.exchange.arm({**gate, "phase": "answered"})
    sent = await world.step_into({**gate, "phase": "received"}, PATIENCE_BARS)
    deaf = await arm(world, DEAF)
    await world.exchange.release(sent)
    if not await world.exchange.fired(told, world.policy.budgets.settle_seconds):
        raise Inconclusive("The exchange did not answer the entry.")
    await world.exchange.release(told)
    for fault_id in deaf:
        await world.exchange.release(fault_id)
        world.saw(MET)
    await world.rest("after the silence", whole=False)
    await stretch(world, [])


def _deaf_for_bars(fault: Fault, bars: int) -> Play:
    async def play(world: World) -> None:
        await holding_before(world)
        async with world.fault(f"exchange.{fault['name']}"):
            fault_id = await world.exchange.arm(fault)
            await world.endure(bars)
            await world.exchange.release(fault_id)
            world.saw(MET)
            # A bar that can be heard again: only by it can a node tell that it missed one.
            await world.endure(1)
        await world.recover()
        await stretch(world, [])

    return play


SOCKETS: tuple[Scenario, ...] = (
    *(t.scenario(_listening(t), MET_HOLDING) for t in LISTENING),
    Scenario(
        "exchange-drop-sockets-at-bar",
        "All sockets break just before a bar closes, and the node finds its way back.",
        MET_HOLDING,
        _deaf_for_bars({"name": "drop_sockets"}, 1),
        leave_out=BARS_LOST,
    ),
    DEAF.scenario(half_open_user, MET_IN_FLIGHT),
    Scenario(
        "exchange-half-open-market",
        "The market streams go deaf without breaking for two bars while a position is held.",
        MET_HOLDING,
        _deaf_for_bars({"name": "half_open", "stream": "market"}, 2),
        leave_out=BARS_LOST,
    ),
)
