"""What each command of the drill does with its options."""

import asyncio
import re
import shlex
import shutil
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from recovery_drill import options as asked
from recovery_drill.campaign.explore import Exploration, Explorer
from recovery_drill.campaign.init import init
from recovery_drill.campaign.progress import Lines
from recovery_drill.campaign.replay import replay
from recovery_drill.campaign.run import (
    cases_of,
    judge_folder,
    point_latest_at,
    preflight,
    run,
    run_folder,
    schedule_of,
    subject_of,
    write_verdict,
)
from recovery_drill.campaign.stack import run_stack
from recovery_drill.campaign.warm import can_be_warm, started_as_asked
from recovery_drill.choice import choose, extra_of, list_scenarios
from recovery_drill.failures import DrillError, UsageError
from recovery_drill.play.ground import Ground
from recovery_drill.proc.machine import measure
from recovery_drill.record.policy import Policy, read_policy, told
from recovery_drill.record.schedule import RuntimeName, Schedule, market_of, read_schedule
from recovery_drill.record.verdict import EXIT_CODES, Verdict
from recovery_drill.report import write_reports
from recovery_drill.report.table import print_coverage, print_verdict
from recovery_drill.store.server import GivenStore, find_server

Work = Callable[[Ground, Path], Coroutine[Any, Any, Verdict]]


async def interruptible[Answer](work: Coroutine[Any, Any, Answer]) -> Answer:
    """Let SIGTERM and SIGHUP end the drill as Ctrl-C does: with every process that it started."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def carry_out(options: asked.Asked, console: Console) -> int:
    """Do what is asked for and return the exit code."""
    match options:
        case asked.Listing():
            return list_scenarios(console)
        case asked.Init():
            for line in init(options.project.resolve(), options.node):
                console.print(line, markup=False, soft_wrap=True)
            return 0
        case asked.Run():
            return run_scenarios(options, console)
        case asked.Explore():
            return explore(options, console)
        case asked.Replay():
            return play_again(options, console)
        case asked.Check() | asked.Report():
            return judge_again(options, console)
        case asked.Stack():
            return keep_stack(options, console)


def run_scenarios(options: asked.Run, console: Console) -> int:
    """Play scenarios and judge them."""
    extra = extra_of(options)
    cases = cases_of(choose(options, extra), extra)

    async def work(ground: Ground, folder: Path) -> Verdict:
        count = len(cases)
        what = f"{count} scenario{'s' * (count != 1)}, seed {ground.seed}, {options.jobs} at once."
        _tell_first(console, ground, what)
        with Lines(console, count) as lines:
            return await run(ground, schedule_of(ground, cases), folder, options.jobs, lines)

    return play(options, console, _seeded(options), work)


def explore(options: asked.Explore, console: Console) -> int:
    """Find every crash point, and kill the node at each."""
    if min(options.bars, options.each, 1 if options.most is None else options.most) < 1:
        raise UsageError("--bars, --each and --most must be 1 or more.")
    try:
        re.compile(options.only)
    except re.error as error:
        raise UsageError(f"--only is no regular expression: {error}.") from error
    exploration = Exploration(
        bars=options.bars,
        each=options.each,
        second=not options.once,
        only=options.only,
        most=options.most,
    )

    async def work(ground: Ground, folder: Path) -> Verdict:
        explorer = Explorer(ground, exploration, folder)
        what = f"Learning the crash points of {options.bars} bars, seed {ground.seed}."
        _tell_first(console, ground, what)
        await explorer.learn()
        cases = explorer.cases()
        console.print(
            f"{len(explorer.found)} boundaries, and {len(explorer.recovery)} while the node comes "
            f"back from a kill; {len(cases)} cases, {options.jobs} at once.",
            soft_wrap=True,
        )
        with Lines(console, len(cases), brief=True) as lines:
            verdict, coverage = await explorer.kill_everywhere(options.jobs, lines)
        console.print()
        print_coverage(console, coverage)
        return verdict

    return play(options, console, _seeded(options), work)


def play_again(options: asked.Replay, console: Console) -> int:
    """Play what a schedule says once more."""
    if options.times < 1:
        raise UsageError("--times must be 1 or more.")
    try:
        schedule = read_schedule(options.schedule)
        for case in schedule.cases:
            subject_of(case)
    except ValueError as error:
        raise UsageError(str(error)) from error
    _check_market(schedule, options.market)
    policy = schedule.policy
    if options.node_command is not None:
        command = tuple(shlex.split(options.node_command))
        policy = msgspec.structs.replace(policy, node_command=command)
    ground = ground_of(options, schedule.seed, schedule.epoch, schedule.runtime, policy)
    ground = started(ground, schedule.starts == "warm")

    async def work(ground: Ground, folder: Path) -> Verdict:
        count = len(schedule.cases) * options.times
        what = f"Playing {count} case{'s' * (count != 1)} again, seed {ground.seed}."
        _tell_first(console, ground, what)
        with Lines(console, count) as lines:
            return await replay(
                ground, schedule, folder, times=options.times, jobs=options.jobs, tell=lines
            )

    return play(options, console, ground, work)


def _tell_first(console: Console, ground: Ground, what: str) -> None:
    """Print the first line of a run: what is drilled, as far as the policy says, and how."""
    symbols = ", ".join(ground.policy.symbols)
    console.print(f"Drilling {symbols}. {what}", markup=False, soft_wrap=True)


def _check_market(schedule: Schedule, given: Path | None) -> None:
    wanted, found = schedule.market, market_of(given)
    if wanted is not None and (found is None or found.sha256 != wanted.sha256):
        raise UsageError(
            f"It was played on the bars of {wanted.name}: give the same file with --market."
        )
    if wanted is None and found is not None:
        raise UsageError("It was played on the seeded market: leave --market out.")


def _policy(options: asked.Drilled) -> Policy:
    """Return the project's policy, and what the command line says otherwise."""
    policy = read_policy(options.project.resolve(), options.node_command)
    if isinstance(options, asked.Told):
        policy = told(policy, environment=options.env, symbols=options.symbol)
    return policy


def ground_of(
    options: asked.Played,
    seed: int,
    epoch: int | None,
    runtime: RuntimeName,
    policy: Policy | None = None,
) -> Ground:
    """Return where and against what is played, by what was asked."""
    if options.jobs < 1:
        raise UsageError("--jobs must be 1 or more.")
    if options.market is not None and not options.market.is_file():
        raise UsageError(f"There is no market file {options.market}.")
    if runtime == "compose":
        given = {"--store": options.store, "--node-command": options.node_command}
        if named := [name for name, value in given.items() if value is not None]:
            raise UsageError(f"{named[0]} is of processes; what runs in containers, images say.")
    project = options.project.resolve()
    policy = policy or _policy(options)
    if epoch is None and options.market is None:
        epoch = policy.epoch_ms()
    return Ground(
        policy=policy,
        project=project,
        exchange_command=tuple(shlex.split(options.exchange_command)),
        seed=seed,
        epoch=epoch,
        market=options.market,
        store_url=options.store,
        runtime=runtime,
    )


def _seeded(options: asked.Run | asked.Explore) -> Ground:
    ground = ground_of(options, options.seed, options.epoch, options.runtime)
    return started(ground, options.warm)


def started(ground: Ground, is_warm: bool) -> Ground:
    """Return a ground whose processes are forked from warm ones, where that is asked and can be."""
    return replace(ground, starts="warm") if is_warm and can_be_warm(ground) else ground


def play(options: asked.Played, console: Console, ground: Ground, work: Work) -> int:
    """Do some work in the folder of a new run, and tell its verdict."""
    asyncio.run(_check_store(ground))
    folder = run_folder(options.folder.resolve(), ground.seed)

    async def all_of_it() -> Verdict:
        async with started_as_asked(await prepared(ground, console)) as begun:
            return await work(begun, folder)

    try:
        verdict = asyncio.run(interruptible(all_of_it()))
    except DrillError:
        # What was refused before anything was played leaves nothing.
        if not any(path.is_dir() for path in folder.iterdir()):
            shutil.rmtree(folder)
        raise
    point_latest_at(folder)
    return finish(folder, verdict, console)


async def prepared(ground: Ground, console: Console) -> Ground:
    """Find out what cannot be drilled, when the market begins, and what the machine can do."""
    epoch = await preflight(ground, console.print)
    machine = await measure()
    if machine.factor > 1.0:
        console.print(machine.sentence, markup=False, soft_wrap=True)
    # Written into the schedule, so that what was played can be played again.
    return replace(ground, machine=machine, epoch=ground.epoch if ground.market else epoch)


async def _check_store(ground: Ground) -> None:
    """Find out before anything is started whether there is a store to drill with."""
    if ground.runtime == "compose":
        return
    url = ground.store_url
    if url is None:
        find_server()
        return
    store = GivenStore(url)
    try:
        await store.start()
    finally:
        await store.stop()


def finish(folder: Path, verdict: Verdict, console: Console) -> int:
    """Write the reports of a run, tell its verdict, and return the exit code."""
    report = write_reports(folder, verdict)
    console.print()
    print_verdict(console, verdict, folder)
    drilled = f" Drilled: {verdict.drilled.name}." if verdict.drilled else ""
    said = f"\nVerdict: {verdict.outcome}.{drilled} Report: {report}"
    console.print(said, markup=False, soft_wrap=True)
    return EXIT_CODES[verdict.outcome]


def judge_again(options: asked.Check | asked.Report, console: Console) -> int:
    """Judge an old folder again; ``report`` does all but write the verdict."""
    try:
        verdict = judge_folder(options.folder)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if isinstance(options, asked.Check):
        write_verdict(options.folder, verdict)
    return finish(options.folder, verdict, console)


def keep_stack(options: asked.Stack, console: Console) -> int:
    """Run store, exchange and node until Ctrl-C."""
    project = options.project.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(
        run_stack(
            policy=_policy(options),
            project=project,
            folder=options.folder.resolve(),
            exchange_command=shlex.split(options.exchange_command),
            seed=options.seed,
            speed=options.speed,
            say=lambda line: console.print(line, markup=False, soft_wrap=True),
        )
    )
