"""The command line of the drill.

Exit codes: 0 held · 1 a check was broken · 2 wrong usage, or a given store that does not answer ·
3 inconclusive.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

from rich.console import Console
from typer import Context, Exit, Option, Typer, TyperException, echo
from typer.main import get_command

from recovery_drill import __version__, options, options_random
from recovery_drill.commands import carry_out
from recovery_drill.commands_random import search
from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.record.verdict import EXIT_CODES

type Anything = options.Asked | options_random.AskedOfChance

PROGRAM = "recovery-drill"
USAGE_ERROR = 2

ABOUT = """Kill a trading node, restart it, and judge what comes back.

Start with `recovery-drill run` in the folder of a project: it plays a few scenarios and says for
each whether the node kept its promises.

Exit codes: 0 everything held, 1 a promise was broken, 2 wrong usage, 3 nothing can be said."""

app = Typer(
    add_completion=False,
    # Plain lines, for people and for logs; and no values of variables in a traceback.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _example(*lines: str) -> str:
    """Return what stands below a command's help; the first line keeps the breaks as they are."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *lines])


def _add(name: str, asked: Callable[..., Anything], text: str, *examples: str) -> None:
    """Add a command whose options are the fields of a class."""
    lines = (f"  {PROGRAM} {example}" for example in examples)
    app.command(name, help=text, epilog=_example(*lines))(asked)


_add("list", options.Listing, "Name the scenarios, each with what it shows.", "list")
_add(
    "init",
    options.Init,
    "Look for a node in a repository, and write its policy and its test.",
    "init",
    "init --node bot/live.py",
)
_add(
    "run",
    options.Run,
    "Play scenarios and judge them.",
    "run",
    "run store-kill two-nodes",
    "run trade-through --bars 1000 --kills 8",
    "run --runtime compose",
)
_add(
    "explore",
    options.Explore,
    "Find every crash point of a few bars, and kill the node at each.",
    "explore",
    "explore --only '^order.new' --each 3",
)
_add(
    "random",
    options_random.Random,
    "Let chance draw several faults at random moments, play them, and shrink what fails.",
    "random --runs 20",
    "random --minutes 30 --seed 5",
)
_add(
    "soak",
    options_random.Soak,
    "Play at random for hours, in one market after the other, until something breaks.",
    "soak --hours 8",
)
_add(
    "replay",
    options.Replay,
    "Play once more what a schedule.json says, in the same market.",
    "replay runs/latest/kill-while-flat --times 10",
)
_add(
    "check",
    options.Check,
    "Judge an old run again from its folder; nothing is started.",
    "check runs/latest",
)
_add(
    "report",
    options.Report,
    "Write the report of an old run again; its verdict.json stays as it is.",
    "report runs/latest",
)
_add(
    "stack",
    options.Stack,
    "Run a store, the exchange and the node until Ctrl-C.",
    "stack --speed 10",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        echo(__version__)
        raise Exit


@app.callback(
    help=ABOUT,
    epilog=_example(f"  {PROGRAM} run", f"  {PROGRAM} COMMAND --help"),
    invoke_without_command=True,
)
def _drill(
    context: Context,
    version: Annotated[
        bool,
        Option("--version", callback=_tell_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        echo(context.get_help(), err=True)
        raise Exit(USAGE_ERROR)


def parse(arguments: Sequence[str] | None = None) -> Anything | int:
    """Return what is asked for, or an exit code when nothing is: help has been given, say."""
    asked: Anything | int = get_command(app).main(
        args=arguments, prog_name=PROGRAM, standalone_mode=False
    )
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what one command line asks for and return the exit code."""
    try:
        asked = parse(arguments)
        console = Console(highlight=False)
        match asked:
            case int():
                return asked
            case options_random.Random() | options_random.Soak():
                return search(asked, console)
            case _:
                return carry_out(asked, console)
    except TyperException as error:
        return _refuse(error)
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"{PROGRAM}: interrupted; every process it started has been ended.", file=sys.stderr)
        return EXIT_CODES["inconclusive"]
    except (Inconclusive, OSError) as error:
        print(f"{PROGRAM}: nothing could be judged: {error}", file=sys.stderr)
        return EXIT_CODES["inconclusive"]


def _refuse(error: TyperException) -> int:
    """Say in one line what is wrong with the command line, and of which command."""
    program = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
    sentence = " ".join(error.format_message().replace("Value error, ", "").split())
    print(f"{program}: {sentence}", file=sys.stderr)
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
