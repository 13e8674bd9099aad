"""
How often a node says that something is wrong when nothing is.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with ``--plays N`` and ``--load``. Each play is an undisturbed one in a market of its own: entries,
exits, moved stops, one stop-out, and time enough for every watch to look several times. Two run at
a time; with ``--load`` every core is kept busy beside them. Whatever the node raises is a false
alarm, and is printed with the play's seed. Bars pass far faster here than in a real market, and
what the engine writes at each may pile up under load: a longer ``--pause`` tells pace from load.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from plays import (
    UNEQUAL,
    Eye,
    Ground,
    Record,
    Scenario,
    Subject,
    World,
    baked,
    looks_of,
    play_case,
    read_file,
    run_plays,
)
from processes import Process, all_ended
from recovery_drill.faults.fault import Fault
from recovery_drill.scenarios.steps import POSITION, holding, step_until, through_stop

JOBS = 2
FIRST_SEED = 1000
BARS = 40
PAUSE_SECONDS = 0.4
"""After each bar: a play takes so long that a watch which looks every 15 seconds does it twice."""
BUSY = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:  # whoever started it may have been killed
    for _ in range(1_000_000):
        pass
"""
QUESTIONS = ("order.query", "conditional.query")


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep each core busy until this block ends, or this process does."""
    with all_ended():
        for _ in range(os.cpu_count() or 1):
            Process([sys.executable, "-c", BUSY, str(os.getpid())])
        yield


def undisturbed(pause: float) -> Scenario:
    """Return a scenario of trading for a while, with one stop-out, and a pause after each bar."""

    async def play(world: World, _: Fault) -> None:
        await world.first_start()
        async with Eye(world).open():
            for number in range(BARS):
                await world.step()
                await world.last(pause)
                if number == BARS // 2:
                    await step_until(world, POSITION, holding(world))
                    await through_stop(world)
                    await world.rest("after the stop")
            await world.until_stored()
            await world.rest("at the end")

    return Scenario(
        "undisturbed",
        "Nothing goes wrong while the node trades.",
        frozenset({POSITION}),
        play,
        kills=False,
        leave_out={UNEQUAL: "There is nothing to compare with: it is undisturbed itself."},
    )


@dataclass(frozen=True)
class Heard:
    """
    What one play has raised.

    Parameters
    ----------
    seed : int
        Of its market.
    alarms : tuple[str, ...]
        What the node said was wrong, in its own words, each time anew.
    restarts : int
        How often it ended by itself.
    differences : tuple[str, ...]
        What the drill's checks found.
    asked : int
        How many orders the node asked for by name while it traded.
    longest : float
        The most seconds between two looks of this benchmark, which the load delays as well.
    failure : str
        Why nothing could be said.
    """

    seed: int
    alarms: tuple[str, ...] = ()
    restarts: int = 0
    differences: tuple[str, ...] = ()
    asked: int = 0
    longest: float = 0.0
    failure: str = ""


def alarms_of(history: list[Record]) -> tuple[str, ...]:
    """Return what the node said whenever it stopped being healthy, or entered `degraded`."""
    told: list[str] = []
    healthy = True
    for look in looks_of(history):
        healthy, before = look.data["health"] == 200, healthy
        if before and not healthy:
            told.append(look.data["said"] or "The endpoint did not answer.")
    degraded = [r for r in history if r.kind == "node.stage" and r.data["stage"] == "degraded"]
    # Between two looks a condition may begin and end.
    unseen = len(degraded) - len(told)
    return (*told, *["The stage was degraded for less than a look."] * max(unseen, 0))


async def listen(ground: Ground, scenario: Scenario, seed: int, folder: Path) -> Heard:
    """Play once, and return what was raised."""
    subject = Subject(scenario.name, scenario)
    verdict = await play_case(replace(ground, seed=seed), subject, folder)
    if verdict.outcome == "inconclusive":
        return Heard(seed, failure=verdict.reason)
    history, journal = read_file(folder / "history.jsonl"), read_file(folder / "exchange.jsonl")
    trading = next(
        r.mono_ns for r in history if r.kind == "node.stage" and r.data["stage"] == "trading"
    )
    ends = [r for r in history if r.kind == "node.ended" and r.data["how"] == "by itself"]
    asked = [
        r
        for r in journal
        if r.kind == "request" and r.data["request"] in QUESTIONS and r.mono_ns > trading
    ]
    at = [look.mono_ns / 1e9 for look in looks_of(history)]
    longest = max(after - before for before, after in pairwise(at))
    return Heard(seed, alarms_of(history), len(ends), tuple(verdict.broken), len(asked), longest)


async def run(ground: Ground, scenario: Scenario, plays: int, folder: Path) -> list[Heard]:
    """Play all, two at a time."""
    places = asyncio.Semaphore(JOBS)

    async def one(seed: int) -> Heard:
        async with places:
            return await listen(ground, scenario, seed, folder / str(seed))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(FIRST_SEED + number)) for number in range(plays)]
    return [task.result() for task in tasks]


def tell(heard: list[Heard], seconds: float) -> None:
    """Print the sums, and each false alarm with its seed."""
    judged = [each for each in heard if not each.failure]
    with_alarm = [each for each in judged if each.alarms or each.restarts or each.differences]
    rows = {
        "plays judged": len(judged),
        "plays in which anything was raised": len(with_alarm),
        "alarms (503, a condition or `degraded`)": sum(len(each.alarms) for each in judged),
        "restarts": sum(each.restarts for each in judged),
        "differences that the checks found": sum(len(each.differences) for each in judged),
        "orders asked for by name": sum(each.asked for each in judged),
    }
    for name, value in rows.items():
        print(f"{name:42} {value:5}")
    longest = max((each.longest for each in judged), default=0.0)
    print(f"{'longest between two looks, seconds':42} {longest:5.2f}")
    print(f"{len(heard)} plays in {seconds:.0f} s, {JOBS} at a time")
    for each in heard:
        sentences = Counter((*each.alarms, *each.differences))
        if each.restarts and not sentences:
            sentences["It ended by itself."] += each.restarts
        if each.failure:
            sentences[f"Not judged: {each.failure}"] += 1
        for sentence, times in sentences.items():
            print(f"seed {each.seed}{f', {times} times' if times > 1 else ''}: {sentence}")


def main() -> None:
    """Play, count and print."""
    parser = argparse.ArgumentParser(description="How often a node raises a false alarm.")
    parser.add_argument("--plays", type=int, default=200)
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS, help="seconds after each bar")
    parser.add_argument("--load", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the plays there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = asked.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        ground = baked(Path(place))
        began = time.monotonic()
        with busy_cores() if asked.load else contextlib.nullcontext():
            heard = run_plays(run(ground, undisturbed(asked.pause), asked.plays, folder))
        tell(heard, time.monotonic() - began)


if __name__ == "__main__":
    main()
