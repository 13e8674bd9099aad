"""``notify --test``: send one message to every service, and say which of them took it."""

import argparse
import sys
import time
import uuid
from typing import TYPE_CHECKING

from ..config.notify import URLS_FILE, read_urls
from ..exit_codes import ExitCode, NodeExit, complain

if TYPE_CHECKING:
    from .account_books import Commands


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "notify",
        help="send one message to every service that notifications go to",
        description="Send one message to every service, and say which of them took it.",
        epilog="Exit codes: 0 all took it, 75 one did not, 78 a configuration is wrong.",
    )
    command.add_argument(
        "--test", action="store_true", required=True, help="send a message that says it is a test"
    )
    command.set_defaults(do=notify)


def notify(options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    # Imported late: `--help` needs none of it.
    from ..notify.outbox import Letter
    from ..notify.services import open_services
    from .run import load

    try:
        settings, _ = load()
    except NodeExit as end:
        complain(end.sentence)
        return end.code
    if settings.notify_urls_file is None:
        complain(f"{URLS_FILE} is not set, so nobody is told anything (docs/notifications.md).")
        return ExitCode.CONFIGURATION
    name = f"test {uuid.uuid4().hex[:8]}"
    text = f"This is a test: notifications arrive.\n[{settings.id} {name}]"
    letter = Letter((name,), f"{settings.id}: a test", text, is_loud=True)
    code = ExitCode.STOPPED
    for service in open_services(read_urls(settings.notify_urls_file)):
        if service.loud is None:
            code = ExitCode.CONFIGURATION
            said = "is not understood: no service has such an address"
        elif service.send(letter, time.monotonic):
            said = "took it"
        else:
            code = max(code, ExitCode.AWAY)
            said = "did not take it: look at its address, and whether it can be reached from here"
        sys.stdout.write(f"{service.called[0].upper()}{service.called[1:]} {said}.\n")
    return code
