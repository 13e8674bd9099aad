"""``halt`` and ``resume``: let nothing new be opened, and let it go on."""

import argparse
import getpass
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..config.settings import Settings
from ..exit_codes import ExitCode, NodeExit, complain
from ..guards.halt.places import PATIENT_SECONDS, Halts
from ..guards.halt.record import Change, NoChange, halted, resumed

if TYPE_CHECKING:
    type Commands = argparse._SubParsersAction[argparse.ArgumentParser]

type Makes = Callable[[str | None, str, str], Change]

WRONG_USAGE = 2


def add_to(commands: "Commands") -> None:
    """Add both to the command line."""
    halt_command = commands.add_parser(
        "halt",
        help="open nothing new from now on; what is held stays protected",
        description="Open nothing new until resume, in a node that runs and in every later one.",
    )
    halt_command.set_defaults(do=lambda options: change(options, halted))
    resume_command = commands.add_parser(
        "resume",
        help="end a halt",
        description="End a halt of one symbol, or of everything.",
    )
    resume_command.set_defaults(do=lambda options: change(options, resumed))
    for command in (halt_command, resume_command):
        add_reasons(command)


def add_reasons(command: argparse.ArgumentParser) -> None:
    """Add what is written down with what a person asks for."""
    command.add_argument("--symbol", metavar="S", help="this symbol alone")
    command.add_argument("--why", default="", metavar="TEXT", help="the reason, written down")
    command.add_argument("--who", default="", metavar="NAME", help="you; user@host by default")


def who_of(options: argparse.Namespace) -> str:
    """Return who asks."""
    if options.who:
        return str(options.who)
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a number without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def settings_of(options: argparse.Namespace) -> Settings:
    """
    Return the settings, without those of strategies: a strategy that is broken can be halted.

    Raises
    ------
    NodeExit
        With code 78 if they, or the symbol, are wrong.

    """
    settings = Settings(_env_file=".env")
    symbol = options.symbol
    if symbol is not None and not (symbol.isalnum() and symbol == symbol.upper()):
        raise NodeExit(
            ExitCode.CONFIGURATION, f"{symbol} is no symbol as the exchange writes it: BTCUSDT."
        )
    return settings


def change(options: argparse.Namespace, make: Makes) -> int:
    """Write what is asked for, say what is so now, and return the exit code."""
    try:
        halts = Halts(settings_of(options), PATIENT_SECONDS)
        now = halts.change(make(options.symbol, who_of(options), options.why))
    except NodeExit as error:
        complain(error.sentence)
        return error.code
    except NoChange as error:
        complain(str(error))
        return WRONG_USAGE
    if halts.stands_nowhere:
        complain(f"Not written, so nothing has changed.{halts.lacks()}")
        return ExitCode.AWAY
    sys.stdout.write(f"{now.told()}{halts.lacks()}\n")
    return ExitCode.STOPPED
