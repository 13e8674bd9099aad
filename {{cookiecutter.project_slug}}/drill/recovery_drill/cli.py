"""The command line of the drill.

Exit codes: 0 held · 1 a check was broken · 2 wrong usage, or a given store that does not answer ·
3 inconclusive.
"""

import argparse
import asyncio
import shlex
import shutil
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from recovery_drill import __version__
from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.policy import read_policy
from recovery_drill.report import write_reports
from recovery_drill.report.table import print_verdict
from recovery_drill.run import Plan, judge_folder, point_latest_at, run, run_folder, write_verdict
from recovery_drill.scenarios.kills import SCENARIOS, Scenario, long_haul
from recovery_drill.stack import run_stack
from recovery_drill.store.server import GivenStore, find_server
from recovery_drill.verdict import EXIT_CODES, ScenarioVerdict, Verdict

USAGE_ERROR = 2
BARS, KILLS = 500, 4
"""What trade-through plays unless it is told otherwise."""

DEFAULT_EXCHANGE = f"{shlex.quote(sys.executable)} -m simulated_exchange"


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, with exit code 2."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as the base class does
        """Say what is wrong in one line."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    root = Parser(
        prog="recovery-drill", description="Kill a trading node, restart it, and judge it."
    )
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="name the scenarios")
    play = commands.add_parser("run", help="play scenarios and judge them")
    play.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: the first five")
    _common(play)
    play.add_argument("--market", type=Path, help="recorded 1-minute bars (CSV, may be .gz)")
    play.add_argument("--epoch", type=int, help="where market time begins, in ms")
    play.add_argument("--store", metavar="URL", help="a store to use instead of an embedded one")
    play.add_argument("--jobs", type=int, default=2, help="scenarios at once (default 2)")
    play.add_argument("--folder", type=Path, default=Path("runs"), help="where runs are kept")
    play.add_argument("--bars", type=int, help=f"bars of trade-through (default {BARS})")
    play.add_argument("--kills", type=int, help=f"kills in trade-through (default {KILLS})")
    for name, text in (
        ("check", "judge an old run again from its folder"),
        ("report", "write an old run's report again"),
    ):
        old = commands.add_parser(name, help=text)
        old.add_argument("folder", type=Path, metavar="FOLDER")
    stack = commands.add_parser("stack", help="run store, exchange and node until Ctrl-C")
    _common(stack)
    stack.add_argument(
        "--speed", type=float, default=60.0, help="market seconds a second (default 60)"
    )
    stack.add_argument(
        "--folder", type=Path, default=Path("runs/stack"), help="where it keeps its files"
    )
    return root


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--project", type=Path, default=Path(), help="the drilled project's folder"
    )
    command.add_argument("--seed", type=int, default=7, help="of the market (default 7)")
    command.add_argument("--node-command", help="starts the node instead of the policy's command")
    command.add_argument("--exchange-command", default=DEFAULT_EXCHANGE, help="starts the exchange")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        match options.command:
            case "list":
                return _list(console)
            case "run":
                return _run(options, console)
            case "stack":
                return _stack(options, console)
            case _:
                return _again(options, console)
    except UsageError as error:
        print(f"recovery-drill: {error}", file=sys.stderr)
        return USAGE_ERROR
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(
            "recovery-drill: interrupted; every process it started has been ended.", file=sys.stderr
        )
        return EXIT_CODES["inconclusive"]
    except (Inconclusive, OSError) as error:
        print(f"recovery-drill: nothing could be judged: {error}", file=sys.stderr)
        return EXIT_CODES["inconclusive"]


async def _interruptible[Answer](work: Coroutine[Any, Any, Answer]) -> Answer:
    """Let SIGTERM and SIGHUP end the drill as Ctrl-C does: with every process that it started."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _list(console: Console) -> int:
    for scenario in (*SCENARIOS, long_haul(BARS, KILLS)):
        mark = "" if scenario.default else " (only when named)"
        console.print(f"{scenario.name:28} {scenario.purpose}{mark}", markup=False, soft_wrap=True)
    return 0


def _chosen(names: Sequence[str], known: Sequence[Scenario]) -> tuple[Scenario, ...]:
    by_name = {scenario.name: scenario for scenario in known}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise UsageError(
            f"There is no scenario {', '.join(unknown)}; `recovery-drill list` names them."
        )
    if not names:
        return tuple(scenario for scenario in known if scenario.default)
    return tuple(by_name[name] for name in dict.fromkeys(names))


def _plan(options: argparse.Namespace) -> Plan:
    for name in ("bars", "kills"):
        if getattr(options, name) is not None and "trade-through" not in options.scenarios:
            raise UsageError(f"--{name} belongs to trade-through: name that scenario with it.")
    bars = BARS if options.bars is None else options.bars
    kills = KILLS if options.kills is None else options.kills
    if options.jobs < 1 or bars < 1 or kills < 1:
        raise UsageError("--jobs, --bars and --kills must be 1 or more.")
    if bars <= kills:
        raise UsageError("trade-through needs more --bars than --kills.")
    if options.market is not None and not options.market.is_file():
        raise UsageError(f"There is no market file {options.market}.")
    project = options.project.resolve()
    known = (*SCENARIOS, long_haul(bars, kills))
    return Plan(
        scenarios=_chosen(options.scenarios, known),
        policy=read_policy(project, options.node_command),
        project=project,
        exchange_command=tuple(shlex.split(options.exchange_command)),
        seed=options.seed,
        epoch=options.epoch,
        market=options.market,
        store_url=options.store,
        jobs=options.jobs,
    )


def _run(options: argparse.Namespace, console: Console) -> int:
    plan = _plan(options)
    asyncio.run(_check_store(plan.store_url))
    folder = run_folder(options.folder.resolve(), plan.seed)
    count = len(plan.scenarios)
    console.print(
        f"Drilling {count} scenario{'s' * (count != 1)}, seed {plan.seed}, {plan.jobs} at once."
    )

    def tell(scenario: ScenarioVerdict) -> None:
        console.print(f"  {scenario.name}: {scenario.outcome}", markup=False)

    try:
        verdict = asyncio.run(_interruptible(run(plan, folder, tell)))
    except (UsageError, Inconclusive):
        shutil.rmtree(folder)
        raise
    point_latest_at(folder)
    return _finish(folder, verdict, console)


async def _check_store(url: str | None) -> None:
    """Find out before anything is started whether there is a store to drill with."""
    if url is None:
        find_server()
        return
    store = GivenStore(url)
    try:
        await store.start()
    finally:
        await store.stop()


def _finish(folder: Path, verdict: Verdict, console: Console) -> int:
    report = write_reports(folder, verdict)
    console.print()
    print_verdict(console, verdict)
    console.print(f"\nVerdict: {verdict.outcome}. Report: {report}", markup=False, soft_wrap=True)
    return EXIT_CODES[verdict.outcome]


def _again(options: argparse.Namespace, console: Console) -> int:
    known = (*SCENARIOS, long_haul(500, 4))
    try:
        verdict = judge_folder(options.folder, known)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if options.command == "check":
        write_verdict(options.folder, verdict)
    return _finish(options.folder, verdict, console)


def _stack(options: argparse.Namespace, console: Console) -> int:
    project = options.project.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(
        run_stack(
            policy=read_policy(project, options.node_command),
            project=project,
            folder=options.folder.resolve(),
            exchange_command=shlex.split(options.exchange_command),
            seed=options.seed,
            speed=options.speed,
            say=lambda line: console.print(line, markup=False, soft_wrap=True),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
