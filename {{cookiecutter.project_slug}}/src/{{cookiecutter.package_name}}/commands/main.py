"""The command line: ``run``, ``halt``, ``flatten``, ``doctor``, ``state``, ``pnl`` and the like."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..exit_codes import ExitCode
from . import archive, flatten, halt, migrate, notify, pnl, taxes, trades


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    arguments : Sequence[str], optional
        The arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        2 when there is no command; every command ends the process itself, with its code.

    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    code = options.do(options) if "do" in options else _run(options)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by return: threads of the engine's native side may keep the interpreter from ending.
    os._exit(int(code))


def _run(options: argparse.Namespace) -> ExitCode:
    """Run a command; each is imported when it is asked for, for none needs what another does."""
    if options.command == "doctor":
        from .doctor.command import doctor

        return doctor(as_json=options.json)
    if options.command == "state":
        from .state.command import state

        return state(as_json=options.json)
    from .run import run

    return run(stands_by=options.standby)


def _parser() -> argparse.ArgumentParser:
    name = Path(sys.argv[0]).name
    if name == "__main__.py":
        name = f"python -m {__package__.rpartition('.')[0]}"
    codes = ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    parser = argparse.ArgumentParser(prog=name, description="The trading node.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    run_command = commands.add_parser(
        "run",
        help="run the node until it is stopped",
        description="Run the node with the TRADER_ settings of the environment or .env.",
        epilog=f"Exit codes: {codes}.",
    )
    run_command.add_argument(
        "--standby",
        action="store_true",
        help="wait while another node with the same id trades, and take over when it has ended",
    )
    doctor = commands.add_parser(
        "doctor",
        help="look at everything that a start needs, and change nothing",
        description="Look at settings, store, exchange, key, clock, versions and port; change "
        "nothing. What a start would end with is said in the start's own words.",
        epilog="Exit codes: 0 nothing is wrong, 78 a configuration is, 75 something is away, 70 "
        "the exchange's answers are absurd, 1 strategies/ cannot be imported.",
    )
    state = commands.add_parser(
        "state",
        help="tell what node, store and exchange have, side by side",
        description="Tell what node, store and exchange have, side by side, with the node alive or "
        "dead; change nothing.",
        epilog="Exit codes: 0 all that could be compared agrees, 70 it differs, 75 store or "
        "exchange is away, 78 a configuration is wrong.",
    )
    for command in (doctor, state):
        command.add_argument("--json", action="store_true", help="print one JSON document")
    halt.add_to(commands)
    flatten.add_to(commands)
    trades.add_to(commands)
    pnl.add_to(commands)
    taxes.add_to(commands)
    archive.add_to(commands)
    migrate.add_to(commands)
    notify.add_to(commands)
    return parser
