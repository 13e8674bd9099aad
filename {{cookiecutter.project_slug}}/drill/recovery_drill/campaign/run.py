"""A run: cases side by side, each in a folder of its own, and the verdict on all of them."""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from recovery_drill import __version__
from recovery_drill.failures import UsageError
from recovery_drill.play.case import UNDISTURBED, Subject, play_case, read_ending, read_evidence
from recovery_drill.play.ground import Ground
from recovery_drill.play.scenario import Scenario
from recovery_drill.proc.child import find_program
from recovery_drill.proc.exchange import Exchange, exchange_process
from recovery_drill.record.drilled import Drilled, look_at_run
from recovery_drill.record.policy import fill_in
from recovery_drill.record.schedule import Case, Schedule, market_of, read_schedule, write_json
from recovery_drill.record.verdict import ScenarioVerdict, Verdict
from recovery_drill.runtimes.containers.engine import check_engine
from recovery_drill.runtimes.containers.overlay import environment_of, own_images
from recovery_drill.runtimes.containers.stack import FILE, build
from recovery_drill.scenarios.catalogue import find_scenario
from recovery_drill.scenarios.drawn import drawn_scenario
from recovery_drill.scenarios.kills import LONG_HAUL


class Progress(Protocol):
    """Who is told how a run goes on."""

    def began(self, case: Case) -> None:
        """Hear that a case has begun."""

    def ended(self, verdict: ScenarioVerdict) -> None:
        """Hear how it was judged."""


class Silence:
    """Tells nobody."""

    def began(self, case: Case) -> None:
        """Say nothing."""

    def ended(self, verdict: ScenarioVerdict) -> None:
        """Say nothing."""


def cases_of(scenarios: Sequence[Scenario], options: dict[str, int] | None = None) -> list[Case]:
    """Return a case for each scenario, compared with a reference of its own."""
    return [
        Case(
            name=scenario.name,
            scenario=scenario.name,
            options=options if options and scenario.name == LONG_HAUL else {},
            crash_points=scenario.crash_points,
            folder=scenario.name,
            reference=f"{scenario.name}/{UNDISTURBED}" if scenario.is_compared else "",
        )
        for scenario in scenarios
    ]


def schedule_of(ground: Ground, cases: Sequence[Case], *, exploration: bool = False) -> Schedule:
    """Return the schedule of a run."""
    return Schedule(
        seed=ground.seed,
        epoch=ground.epoch,
        market=market_of(ground.market),
        history_bars=ground.policy.history,
        policy=ground.policy,
        runtime=ground.runtime,
        starts=ground.starts,
        machine=ground.machine,
        cases=tuple(cases),
        exploration=exploration,
    )


def subject_of(case: Case) -> Subject:
    """Return what is played in a case.

    Raises
    ------
    ValueError
        If this drill does not know its scenario.

    """
    if case.drawn is not None:
        return Subject(case.name, drawn_scenario(case.drawn))
    return Subject(case.name, find_scenario(case.scenario, case.options), case.crash_points)


async def run(
    ground: Ground, schedule: Schedule, folder: Path, jobs: int, tell: Progress | None = None
) -> Verdict:
    """Play every case of a schedule and judge it.

    Parameters
    ----------
    ground : Ground
        Where and against what.
    schedule : Schedule
        What to do.
    folder : Path
        A folder for everything that is recorded; references that are not a case's own are there.
    jobs : int
        How many cases are played at once.
    tell : Progress, optional
        Hears of each case.

    """
    schedule.write(folder)
    places = asyncio.Semaphore(min(jobs, ground.most_jobs or jobs))
    tell = tell or Silence()

    async def one(case: Case) -> ScenarioVerdict:
        own = case.reference in ("", f"{case.folder}/{UNDISTURBED}")
        async with places:
            tell.began(case)
            place = folder / case.folder
            reference = None if own else folder / case.reference
            verdict = await play_case(ground, subject_of(case), place, reference)
        schedule.alone(case).write(place)
        tell.ended(verdict)
        return verdict

    try:
        # A group, so that when one case is refused, the others end their processes first.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(case)) for case in schedule.cases]
    except* UsageError as refused:
        raise refused.exceptions[0] from None
    verdict = Verdict(
        seed=ground.seed,
        scenarios=tuple(task.result() for task in tasks),
        drilled=await asyncio.to_thread(what_was_drilled, ground, schedule, folder),
        machine=ground.machine,
    )
    write_verdict(folder, verdict)
    return verdict


def what_was_drilled(ground: Ground, schedule: Schedule, folder: Path) -> Drilled:
    """Return what a run drilled, once its cases are in its folder."""
    policy, in_containers = schedule.policy, schedule.runtime == "compose"
    return look_at_run(
        folder,
        [Path(case.folder) for case in schedule.cases],
        project=ground.project,
        symbols=policy.symbols,
        node=f"containers of {FILE}" if in_containers else " ".join(policy.node_command),
        drill=__version__,
    )


async def preflight(ground: Ground, say: Callable[[str], None]) -> int:
    """Find out with one exchange, and before anything else runs, what cannot be drilled at all.

    Parameters
    ----------
    ground : Ground
        Where and against what.
    say : Callable
        Tells what takes a while.

    Returns
    -------
    int
        Where the market begins (ms), which makes the run one that can be done again.

    Raises
    ------
    UsageError
        If there is no such node command, or the exchange refuses its arguments.

    """
    if ground.runtime == "compose":
        return await _preflight_in_containers(ground, say)
    with tempfile.TemporaryDirectory() as place:
        node = ground.policy.node_command[0]
        find_program("node", fill_in(node, {}), ground.project, os.environ)
        exchange = Exchange(exchange_process(ground.exchange_arguments(), Path(place)))
        try:
            await exchange.start()
            return int((await exchange.hello())["market_epoch"])
        finally:
            await exchange.stop()


async def _preflight_in_containers(ground: Ground, say: Callable[[str], None]) -> int:
    """Build the images, and find out with one stack what cannot be drilled at all."""
    if not (ground.project / FILE).is_file():
        raise UsageError(f"There is no {FILE} in {ground.project}, so no containers to drill.")
    await check_engine()
    if images := own_images(os.environ, ground.project):
        say("Building the images.")
        environment = environment_of(os.environ, ground.policy, images)
        await build(ground.project, environment, images)
    with tempfile.TemporaryDirectory() as place:
        runtime = ground.runtime_in(Path(place))
        try:
            await runtime.open(lambda *_: None)
            return int((await runtime.exchange.hello())["market_epoch"])
        finally:
            await runtime.close()


def judge_folder(folder: Path) -> Verdict:
    """Judge an old run again, from what it left; nothing is started.

    Raises
    ------
    ValueError
        If the folder is no run of this drill, or names a scenario that it does not know.

    """
    schedule = read_schedule(folder)
    verdicts = []
    for case in schedule.cases:
        place = folder / case.folder
        reference = folder / case.reference if case.reference else None
        ending = read_ending(place)
        evidence = read_evidence(place, schedule.judged_by, reference)
        verdicts.append(
            subject_of(case).verdict(evidence, failure=ending.failure, skipped=ending.skipped)
        )
    return Verdict(schedule.seed, tuple(verdicts), drilled=_noted(folder), machine=schedule.machine)


def _noted(folder: Path) -> Drilled | None:
    """Return what the run noted of what it drilled: to judge again does not change it."""
    try:
        value = msgspec.json.decode((folder / "verdict.json").read_bytes())
        return msgspec.convert(value["drilled"], type=Drilled)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Write ``verdict.json``."""
    value = msgspec.to_builtins(verdict)
    write_json(folder / "verdict.json", {**value, "outcome": verdict.outcome})


def run_folder(root: Path, seed: int) -> Path:
    """Make the folder of a new run."""
    root.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    taken = [p.name for p in root.iterdir() if re.match(rf"{stamp}-seed{seed}", p.name)]
    folder = root / (f"{stamp}-seed{seed}" + (f"-{len(taken) + 1}" if taken else ""))
    folder.mkdir()
    return folder


def point_latest_at(folder: Path) -> None:
    """Let ``latest`` beside a run's folder lead to it, once the run has its verdict."""
    latest = folder.with_name("latest")
    latest.unlink(missing_ok=True)
    latest.symlink_to(folder.name)
