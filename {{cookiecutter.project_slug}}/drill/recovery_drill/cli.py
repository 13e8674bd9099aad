"""The command line of the drill.

Exit codes: 0 held · 1 a check was broken · 2 wrong usage, or a given store that does not answer ·
3 inconclusive.
"""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from recovery_drill import __version__, commands
from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.scenarios import catalogue, workload
from recovery_drill.verdict import EXIT_CODES

USAGE_ERROR = 2

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
    verbs = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    verbs.add_parser("list", help="name the scenarios")
    _run(verbs.add_parser("run", help="play scenarios and judge them"))
    _explore(verbs.add_parser("explore", help="kill at every crash point that there is"))
    _replay(verbs.add_parser("replay", help="play what a schedule.json says once more"))
    for name, text in (
        ("check", "judge an old run again from its folder"),
        ("report", "write an old run's report again"),
    ):
        old = verbs.add_parser(name, help=text)
        old.add_argument("folder", type=Path, metavar="FOLDER")
    stack = verbs.add_parser("stack", help="run store, exchange and node until Ctrl-C")
    _common(stack)
    _seed(stack)
    stack.add_argument(
        "--speed", type=float, default=60.0, help="market seconds a second (default 60)"
    )
    stack.add_argument(
        "--folder", type=Path, default=Path("runs/stack"), help="where it keeps its files"
    )
    return root


def _run(play: argparse.ArgumentParser) -> None:
    default = "default: those that `list` names first"
    play.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=default)
    _common(play)
    _seed(play)
    _playing(play)
    _runtime(play)
    play.add_argument("--all", action="store_true", help="every scenario")
    play.add_argument("--bars", type=int, help=f"bars of trade-through (default {catalogue.BARS})")
    play.add_argument(
        "--kills", type=int, help=f"kills in trade-through (default {catalogue.KILL_COUNT})"
    )


def _explore(explore: argparse.ArgumentParser) -> None:
    _common(explore)
    _seed(explore)
    _playing(explore)
    _runtime(explore)
    explore.add_argument(
        "--bars",
        type=int,
        default=workload.BARS,
        help=f"bars that are played to find crash points (default {workload.BARS})",
    )
    explore.add_argument(
        "--each", type=int, default=1, help="kills at each boundary, at several of its occurrences"
    )
    explore.add_argument(
        "--only", default="", metavar="PATTERN", help="crash points whose name matches"
    )
    explore.add_argument("--most", type=int, help="at most so many kills, evenly spread")
    explore.add_argument(
        "--once", action="store_true", help="no second kill while the node comes back"
    )


def _replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("schedule", type=Path, metavar="SCHEDULE", help="the file, or its folder")
    _common(replay)
    _playing(replay)
    replay.add_argument("--times", type=int, default=1, help="how often (default 1)")


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--project", type=Path, default=Path(), help="the drilled project's folder"
    )
    command.add_argument("--node-command", help="starts the node instead of the policy's command")
    command.add_argument("--exchange-command", default=DEFAULT_EXCHANGE, help="starts the exchange")


def _seed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=7, help="of the market (default 7)")
    command.add_argument("--epoch", type=int, help="where market time begins, in ms")


def _runtime(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--runtime",
        choices=("process", "compose"),
        default="process",
        help="processes of this machine (default), or the containers of the project's compose.yaml",
    )


def _playing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--market", type=Path, help="recorded 1-minute bars (CSV, may be .gz)")
    command.add_argument("--store", metavar="URL", help="a store to use instead of an embedded one")
    command.add_argument("--jobs", type=int, default=2, help="plays at once (default 2)")
    command.add_argument("--folder", type=Path, default=Path("runs"), help="where runs are kept")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        return commands.COMMANDS[options.command](options, console)
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


if __name__ == "__main__":
    sys.exit(main())
