"""What can be asked of the drill: a class for each command, a field for each of its options.

The command line is made of these classes (`cli`), and the commands are given objects of them
(`commands`): what is not said has the value that stands here.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from recovery_drill.record.schedule import RuntimeName
from recovery_drill.scenarios import workload
from recovery_drill.scenarios.catalogue import BARS, KILL_COUNT

EXCHANGE = f"{shlex.quote(sys.executable)} -m simulated_exchange"


def whole(text: str) -> int:
    """Read a whole number, or say in plain words that it is none."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number.") from None


def real(text: str) -> float:
    """Read a number, or say in plain words that it is none."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number.") from None


@dataclass(frozen=True, kw_only=True)
class Drilled:
    """Which project is drilled, and with what."""

    project: Annotated[
        Path, Option(metavar="FOLDER", help="The folder of the project that is drilled.")
    ] = Path()
    node_command: Annotated[
        str | None,
        Option(
            metavar="COMMAND",
            help="Starts the node, instead of the command in the project's pyproject.toml.",
        ),
    ] = None
    exchange_command: Annotated[
        str,
        Option(
            metavar="COMMAND",
            help="Starts the exchange, instead of the simulated one that comes with the drill.",
            show_default=False,
        ),
    ] = EXCHANGE


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the project's policy says, and may be said otherwise for one run."""

    env: Annotated[
        list[str],
        Option(
            metavar="NAME=VALUE",
            help="A variable of the node's environment, beside those of the project's "
            "pyproject.toml; may be given again.",
            default_factory=list,
            show_default=False,
        ),
    ]
    symbol: Annotated[
        list[str],
        Option(
            metavar="SYMBOL",
            help="A symbol that the node owns, instead of those of the project's pyproject.toml; "
            "may be given again.",
            default_factory=list,
            show_default=False,
        ),
    ]


Epoch = Annotated[
    int | None,
    Option(
        metavar="MS",
        parser=whole,
        help="When market time begins, in milliseconds since 1970.",
        show_default="what the project's policy says, else the start of 2024",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """The market, which follows from a number."""

    seed: Annotated[
        int,
        Option(metavar="NUMBER", parser=whole, help="The same number makes the same market again."),
    ] = 7
    epoch: Epoch = None


@dataclass(frozen=True, kw_only=True)
class Played(Drilled):
    """How something is played."""

    market: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Play on recorded 1-minute bars instead (CSV, may end in .gz)."
        ),
    ] = None
    store: Annotated[
        str | None,
        Option(metavar="URL", help="Use this Redis or Valkey instead of starting one."),
    ] = None
    jobs: Annotated[
        int,
        Option(
            metavar="NUMBER", parser=whole, help="How many scenarios are played at the same time."
        ),
    ] = 2
    folder: Annotated[Path, Option(metavar="FOLDER", help="Where the runs are kept.")] = Path(
        "runs"
    )


Warm = Annotated[
    bool,
    Option(
        "--warm/--cold",
        help="Fork each node from a process that has imported what the policy's warm_imports "
        "name, or start it anew.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Somewhere:
    """Where the node, the store and the exchange run."""

    runtime: Annotated[
        RuntimeName,
        Option(
            help="As processes of this machine, or in the containers of the project's compose.yaml."
        ),
    ] = "process"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """``list``: name the scenarios."""


@dataclass(frozen=True, kw_only=True)
class Init:
    """``init``: write the policy and the test of a project that has none."""

    project: Annotated[
        Path, Option(metavar="FOLDER", help="The folder of the project that is to be drilled.")
    ] = Path()
    node: Annotated[
        Path | None,
        Option(metavar="FILE", help="Its node's file; else one that makes a TradingNode."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Run(Somewhere, Seeded, Told, Played):
    """``run``: play scenarios and judge them."""

    scenarios: Annotated[
        list[str],
        Argument(
            metavar="SCENARIO",
            help="Which to play; when none is named, those that `list` names first.",
            default_factory=list,
            show_default=False,
        ),
    ]
    warm: Warm = False
    all: Annotated[bool, Option("--all", help="Play every scenario.")] = False
    bars: Annotated[
        int | None,
        Option(
            metavar="NUMBER",
            parser=whole,
            help=f"How many bars trade-through goes on for, if not {BARS}.",
        ),
    ] = None
    kills: Annotated[
        int | None,
        Option(
            metavar="NUMBER",
            parser=whole,
            help=f"How often trade-through kills the node, if not {KILL_COUNT} times.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Explore(Somewhere, Seeded, Told, Played):
    """``explore``: find every crash point, and kill the node at each."""

    # Hundreds of starts, of which most of the time would go into the same imports.
    warm: Warm = True

    bars: Annotated[
        int,
        Option(
            metavar="NUMBER",
            parser=whole,
            help="How many bars are played to find the crash points.",
        ),
    ] = workload.BARS
    each: Annotated[
        int,
        Option(
            metavar="NUMBER",
            parser=whole,
            help="At how many occurrences of each boundary the node is killed.",
        ),
    ] = 1
    only: Annotated[
        str,
        Option(
            metavar="PATTERN",
            help="Only at crash points whose name matches this regular expression.",
            show_default=False,
        ),
    ] = ""
    most: Annotated[
        int | None,
        Option(
            metavar="NUMBER",
            parser=whole,
            help="At most so many kills, evenly spread over the crash points.",
        ),
    ] = None
    once: Annotated[
        bool, Option("--once", help="Do not kill a second time while the node comes back.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Replay(Played):
    """``replay``: play what a schedule says once more."""

    schedule: Annotated[
        Path, Argument(metavar="SCHEDULE", help="A schedule.json, or the folder that it lies in.")
    ]
    times: Annotated[
        int, Option(metavar="NUMBER", parser=whole, help="How often each case is played.")
    ] = 1


@dataclass(frozen=True, kw_only=True)
class Old:
    """A run that was played before."""

    folder: Annotated[Path, Argument(metavar="FOLDER", help="The folder of the run.")]


@dataclass(frozen=True, kw_only=True)
class Check(Old):
    """``check``: judge an old run again."""


@dataclass(frozen=True, kw_only=True)
class Report(Old):
    """``report``: write an old run's report again, and leave its verdict as it is."""


@dataclass(frozen=True, kw_only=True)
class Stack(Seeded, Told, Drilled):
    """``stack``: run store, exchange and node until Ctrl-C."""

    speed: Annotated[
        float,
        Option(
            metavar="NUMBER", parser=real, help="How many seconds of the market pass in a second."
        ),
    ] = 60.0
    folder: Annotated[
        Path,
        Option(metavar="FOLDER", help="Where the store, the exchange and the node keep files."),
    ] = Path("runs/stack")


type Asked = Listing | Init | Run | Explore | Replay | Check | Report | Stack
