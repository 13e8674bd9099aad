"""
What a node costs that trades and has nothing to do, with its watches and without.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with ``--minutes N`` and ``--rounds N``. A node holds a position, and one bar closes each minute, as
it would in a real market. Counted are its processor time and what it asks: each request by its name
in the exchange's journal, and the weight by the exchange's own header. The two kinds of node take
turns, so that a change of the machine meets both.
"""

import argparse
import asyncio
import re
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from plays import UNEQUAL, Ground, Scenario, Subject, World, baked, play_case, read_file, run_plays
from processes import cpu_seconds
from recovery_drill.faults.fault import Fault
from recovery_drill.scenarios.steps import POSITION, holding, step_until
from simulated_exchange.protocol.endpoints import ENDPOINTS
from simulated_exchange.protocol.parameters import Parameters

MINUTE = 60.0
MEASURED = "idle.measured"
USED = "X-MBX-USED-WEIGHT-1M"
PING_SECONDS = 0.05
WATCHES = re.compile(r"(?<=\nWATCHES: tuple\[Watch, \.\.\.\] = )\(\n.*?\n\)", re.DOTALL)


@dataclass(frozen=True)
class Cost:
    """
    What a minute of a node costs.

    Parameters
    ----------
    cpu_seconds, weight : float
        Processor time, and request weight as the exchange counts it.
    requests : Counter[str]
        How many requests of each name, less those that the exchange does not write down.
    weights : Counter[str]
        Their weights.
    """

    cpu_seconds: float
    weight: float
    requests: Counter[str]
    weights: Counter[str]


def without_watches(ground: Ground, folder: Path) -> Ground:
    """Return a ground on which the node has no watches: a changed copy of its package."""
    copy = folder / "without-watches"
    shutil.copytree(ground.project / "src", copy)
    (guards,) = copy.glob("*/guards/__init__.py")
    text, changed = WATCHES.subn("()", guards.read_text(encoding="utf-8"))
    if changed != 1:
        raise SystemExit(f"The list of watches was not found in {guards.relative_to(copy)}.")
    guards.write_text(text, encoding="utf-8")
    environment = {**ground.policy.environment, "PYTHONPATH": str(copy)}
    return replace(ground, policy=msgspec.structs.replace(ground.policy, environment=environment))


async def weigh(url: str, seconds: float) -> int:
    """Return the weight that all others use in so many seconds; each minute counts from zero."""
    end = time.monotonic() + seconds
    total = 0
    async with aiohttp.ClientSession(url) as session:

        async def used() -> int:
            async with session.get("/fapi/v1/ping") as answer:
                return int(answer.headers[USED])

        before = await used()
        while (left := end - time.monotonic()) > 0:
            to_minute = MINUTE - time.time() % MINUTE
            await asyncio.sleep(min(left, max(to_minute - PING_SECONDS, 0)))
            total += await used() - before - 1  # less this question's own
            if to_minute < left:
                # What is asked just here is not counted.
                await asyncio.sleep(2 * PING_SECONDS)
            before = await used()
    return total


def idle(minutes: int) -> Scenario:
    """Return a scenario in which a position is held, and nothing happens but a bar each minute."""

    async def bars(world: World) -> None:
        for _ in range(minutes):
            await asyncio.sleep(MINUTE / 2)
            await world.step()
            await asyncio.sleep(MINUTE / 2)

    async def play(world: World, _: Fault) -> None:
        await world.first_start()
        await step_until(world, POSITION, holding(world))
        await world.until_stored()
        pid, from_ns, before = (
            world.life.child.pid,
            time.monotonic_ns(),
            cpu_seconds(world.life.child.pid),
        )
        closing = asyncio.create_task(bars(world))
        try:
            weight = await weigh(world.market.url, minutes * MINUTE)
            used = cpu_seconds(pid) - before
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
        data = {"cpu_seconds": used, "weight": weight, "from_ns": from_ns}
        world.history.record("drill", MEASURED, data)

    return Scenario(
        "idle",
        "The node holds a position, and a bar closes each minute.",
        frozenset({POSITION}),
        play,
        kills=False,
        leave_out={UNEQUAL: "There is nothing to compare with: it is undisturbed itself."},
    )


def weight_of(request: str, symbol: str | None, rows: int | None) -> int:
    """Return what a request weighs, as far as its record in the journal tells."""
    cost = next(each.cost for each in ENDPOINTS.values() if each.request == request)
    if isinstance(cost.weight, int):
        return cost.weight
    named = {"symbol": symbol or "", "limit": "" if rows is None else str(rows)}
    return cost.weight(Parameters(named))


async def measure(ground: Ground, minutes: int, folder: Path) -> Cost:
    """Play once, and return what a minute has cost."""
    verdict = await play_case(ground, Subject("idle", idle(minutes)), folder)
    if verdict.outcome != "held":
        raise SystemExit("; ".join([*verdict.broken, verdict.reason]))
    measured = next(r for r in read_file(folder / "history.jsonl") if r.kind == MEASURED)
    within = range(measured.data["from_ns"], measured.mono_ns)
    requests: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for record in read_file(folder / "exchange.jsonl"):
        row = record.data
        if record.kind == "request" and record.mono_ns in within:
            requests[row["request"]] += 1
            weights[row["request"]] += weight_of(row["request"], row["symbol"], row.get("rows"))
    return Cost(measured.data["cpu_seconds"], measured.data["weight"], requests, weights)


def requests_of(cost: Cost, name: str) -> float:
    """Return how many requests of one name there were."""
    return cost.requests[name]


def weights_of(cost: Cost, name: str) -> float:
    """Return what the requests of one name weighed."""
    return cost.weights[name]


def tell(kinds: dict[str, list[Cost]], minutes: int) -> None:
    """Print what a minute costs, of each kind of node."""
    print(f"{'a minute of an idle node':34}" + "".join(f"{kind:>18}" for kind in kinds))

    def row(name: str, value: Callable[[Cost], float]) -> None:
        told = [statistics.median(map(value, costs)) / minutes for costs in kinds.values()]
        print(f"{name:34}" + "".join(f"{each:18.2f}" for each in told))

    row("processor time, seconds", lambda cost: cost.cpu_seconds)
    row("weight, of 2400 allowed", lambda cost: cost.weight)
    row("requests", lambda cost: cost.requests.total())
    names = sorted({name for costs in kinds.values() for cost in costs for name in cost.requests})
    for name in names:
        row(f"  {name}: requests", partial(requests_of, name=name))
        row(f"  {name}: weight", partial(weights_of, name=name))
    row("  time, ping (not in the journal)", lambda cost: cost.weight - cost.weights.total())
    spread = {
        kind: f"{min(c.cpu_seconds for c in costs) / minutes:.2f} to "
        f"{max(c.cpu_seconds for c in costs) / minutes:.2f}"
        for kind, costs in kinds.items()
    }
    print("processor time was " + ", ".join(f"{s} {kind}" for kind, s in spread.items()))


async def run(ground: Ground, rounds: int, minutes: int, folder: Path) -> None:
    """Let the kinds of node take turns."""
    grounds = {"with watches": ground, "without watches": without_watches(ground, folder)}
    kinds: dict[str, list[Cost]] = {kind: [] for kind in grounds}
    for number in range(rounds):
        for kind, each in grounds.items():
            place = folder / f"{kind.replace(' ', '-')}-{number}"
            kinds[kind].append(await measure(each, minutes, place))
    tell(kinds, minutes)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="What a node costs that has nothing to do.")
    parser.add_argument("--minutes", type=int, default=2, help="how long each node is watched")
    parser.add_argument("--rounds", type=int, default=3, help="how often each kind is played")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run_plays(run(baked(Path(place)), asked.rounds, asked.minutes, Path(place)))


if __name__ == "__main__":
    main()
