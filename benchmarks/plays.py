"""What the benchmarks of a trading node share: a bake, plays of the drill, and looks at the node.

A play is one of the drill's, with its store, exchange and node as processes and real sockets
between. Beside it somebody looks at the node's endpoint again and again; what he sees stands in the
play's history.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

TEMPLATE = Path(__file__).resolve().parent.parent
for room in (TEMPLATE / "tests", TEMPLATE / "{{cookiecutter.project_slug}}" / "drill"):
    sys.path.insert(0, str(room))

from baking import bake  # noqa: E402 - found on the path above
from recovery_drill.play.case import Subject, play_case, read_file  # noqa: E402 - as above
from recovery_drill.play.ground import Ground  # noqa: E402 - as above
from recovery_drill.play.scenario import UNEQUAL, Scenario, Situation  # noqa: E402 - as above
from recovery_drill.play.world import World  # noqa: E402 - as above
from recovery_drill.record.agreement import disagreement  # noqa: E402 - as above
from recovery_drill.record.model import NodeState, Record  # noqa: E402 - as above
from recovery_drill.record.policy import Policy, read_policy  # noqa: E402 - as above
from recovery_drill.record.verdict import ScenarioVerdict  # noqa: E402 - as above

__all__ = [
    "UNEQUAL", "Eye", "Ground", "NodeState", "Policy", "Record", "Scenario", "ScenarioVerdict",
    "Situation", "Subject", "World", "baked", "looks_of", "play_case", "read_file", "run_plays",
    "supervise",
]  # fmt: skip

LOOK_SECONDS = 0.05
"""Between two looks: no figure is finer."""
ANSWER_SECONDS = 2.0
LOOK = "look"
"""What a look is called in a history."""


def baked(folder: Path) -> Ground:
    """Generate a project with the default answers, and return it as the ground of plays."""
    project = bake(folder, project_slug="my-trader")
    # Store, exchange and node inherit it.
    os.environ["PYTHONPATH"] = project.environment["PYTHONPATH"]
    return Ground(
        policy=read_policy(project.path),
        project=project.path,
        exchange_command=(sys.executable, "-m", "simulated_exchange"),
    )


def run_plays[Answer](main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run plays; asked to stop (SIGINT, SIGTERM), end their processes first."""

    async def until_asked() -> Answer:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await main

    try:
        return asyncio.run(until_asked())
    except asyncio.CancelledError:
        raise SystemExit("Stopped as asked; nothing is left running.") from None


class Eye:
    """
    Looks at the node that is played now.

    Attributes
    ----------
    health : int
        The status of ``/health``; 0 when nothing answered.
    agrees : bool
        Whether ``/state`` has positions and orders as the exchange has them.
    conditions : list[str]
        The names of what the node says is wrong.
    since : float
        When the last look began, by the monotonic clock.
    bad_since, good_since : float
        When the first look began of those that found it unhealthy, or healthy and agreeing, one
        after the other; 0 when the last did not.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.health = 0
        self.agrees = False
        self.conditions: list[str] = []
        self.since = self.bad_since = self.good_since = 0.0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Look until this block ends."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await self._look(session)
            looking = asyncio.create_task(self._look_on(session))
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def _look_on(self, session: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look(session)

    async def _look(self, session: aiohttp.ClientSession) -> None:
        world, began_ns = self._world, time.monotonic_ns()
        url, seen = world.life.url, {"health": 0, "conditions": [], "agrees": False, "said": ""}
        try:
            async with session.get(f"{url}/health") as answer:
                seen["health"] = answer.status
                seen["said"] = str((await answer.json())["reason"])
            async with session.get(f"{url}/state") as answer:
                told = await answer.read()
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
            pass  # a node that ends or has ended
        else:
            state = msgspec.json.decode(told, type=NodeState)
            ledger = await world.market.ledger()
            seen["agrees"] = disagreement(state, ledger, world.policy.symbols) is None
            conditions = msgspec.json.decode(told).get("conditions", [])
            seen["conditions"] = [each["name"] for each in conditions]
        self._take(seen, began_ns)

    def _take(self, seen: dict[str, Any], began_ns: int) -> None:
        self.since = began_ns / 1e9
        self.health, self.agrees = seen["health"], seen["agrees"]
        self.conditions = seen["conditions"]
        healthy = self.health == 200
        self.bad_since = 0.0 if healthy else self.bad_since or self.since
        self.good_since = (self.good_since or self.since) if healthy and self.agrees else 0.0
        self._world.history.record("drill", LOOK, seen, mono_ns=began_ns)


async def supervise(
    world: World, until: Callable[[], bool], seconds: float, bar_seconds: float = 0.0
) -> bool:
    """
    Wait until something is so; start the node again whenever it ends, and let bars close.

    Parameters
    ----------
    until : Callable[[], bool]
        What is waited for.
    seconds : float
        The bound.
    bar_seconds : float
        Between two bars; 0 lets none close.

    Returns
    -------
    bool
        Whether it came to be so.
    """
    deadline = time.monotonic() + seconds
    next_bar = time.monotonic() + bar_seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        if not world.node_runs:
            await world.start_into_fault()
        if bar_seconds and time.monotonic() >= next_bar:
            await world.endure(1)
            next_bar = time.monotonic() + bar_seconds
        await asyncio.sleep(LOOK_SECONDS)
    return True


def looks_of(records: Sequence[Record]) -> list[Record]:
    """Return what was seen, in order of time."""
    return sorted((r for r in records if r.kind == LOOK), key=lambda record: record.mono_ns)
