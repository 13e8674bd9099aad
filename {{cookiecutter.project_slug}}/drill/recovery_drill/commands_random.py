"""What ``random`` and ``soak`` do with their options."""

import asyncio
import time
from pathlib import Path

from rich.console import Console

from recovery_drill.campaign.progress import Lines
from recovery_drill.campaign.random_search import RandomSearch, Search
from recovery_drill.campaign.run import Silence, point_latest_at, run_folder
from recovery_drill.campaign.soak import Soak
from recovery_drill.campaign.warm import started_as_asked
from recovery_drill.commands import finish, ground_of, interruptible, play, prepared, started
from recovery_drill.failures import UsageError
from recovery_drill.options_random import AskedOfChance, Random
from recovery_drill.options_random import Soak as AskedToSoak
from recovery_drill.play.ground import Ground
from recovery_drill.record.contract import DrillCode
from recovery_drill.record.verdict import Verdict

MOST_SEED = 10**6


def search(options: AskedOfChance, console: Console) -> int:
    """Do what is asked of chance, and return the exit code."""
    if options.shrink < 0:
        raise UsageError("--shrink must be 0 or more.")
    match options:
        case Random():
            return play_at_random(options, console)
        case AskedToSoak():
            return soak(options, console)


def play_at_random(options: Random, console: Console) -> int:
    """Play schedules that chance has drawn in one market, until one breaks a promise."""
    if options.runs < 1 or (options.minutes is not None and options.minutes <= 0):
        raise UsageError("--runs must be 1 or more, and --minutes more than 0.")
    seconds = None if options.minutes is None else options.minutes * 60

    async def work(ground: Ground, folder: Path) -> Verdict:
        console.print(
            f"Playing {options.runs} random schedules, seed {ground.seed}, {options.jobs} at once; "
            "first the market undisturbed.",
            soft_wrap=True,
        )
        found = RandomSearch(ground, Search(options.runs, seconds, options.shrink), folder)
        with Lines(console, options.runs) as lines:
            verdict = await found.run(options.jobs, lines)
        if found.found is not None:
            console.print(f"\n{found.found.words}", markup=False, soft_wrap=True)
        return verdict

    ground = _ground(options)
    return play(options, console, ground, work)


def soak(options: AskedToSoak, console: Console) -> int:
    """Play at random for hours; what held leaves a line, and what did not is kept."""
    if options.hours <= 0:
        raise UsageError("--hours must be more than 0.")
    ground = _ground(options)
    folder = run_folder(options.folder.resolve(), ground.seed)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    async def work() -> Soak:
        async with started_as_asked(await prepared(ground, console)) as here:
            say(f"Soaking for {options.hours:g} h, seed {here.seed}, {options.jobs} at once.")
            soaking = Soak(here, options.hours * 3600, options.shrink, folder)
            await soaking.run(options.jobs, Silence(), say)
            return soaking

    soaked = asyncio.run(interruptible(work()))
    point_latest_at(folder)
    say(f"Soaked {soaked.tally.words(time.monotonic())} Each run has a line in {folder}.")
    if soaked.broken is not None:
        place, verdict = soaked.broken
        if soaked.search is not None and soaked.search.found is not None:
            say(soaked.search.found.words)
        return finish(place, verdict, console)
    return DrillCode.HELD if soaked.tally.held else DrillCode.INCONCLUSIVE


def _ground(options: AskedOfChance) -> Ground:
    ground = ground_of(options, _seed(options), options.epoch, options.runtime)
    return started(ground, options.warm)


def _seed(options: AskedOfChance) -> int:
    """Return the seed, or another one each time."""
    return time.time_ns() // 1000 % MOST_SEED if options.seed is None else options.seed
