"""The command line: ``run``, ``--version``, ``--help``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..exit_codes import ExitCode
from .run import run


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
        The exit code. ``run`` ends the process itself once the engine has been started.

    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 2
    code = run(stands_by=options.standby)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by return: threads of the engine's native side may keep the interpreter from ending.
    os._exit(int(code))


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
    return parser
