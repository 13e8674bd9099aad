"""``flatten``: close everything at the exchange, whether a node runs or not, and stay halted."""

import argparse
import asyncio
import sys
import time
import uuid
from typing import TYPE_CHECKING

from ..config.settings import Settings
from ..exit_codes import ExitCode, NodeExit, complain, one_line
from ..guards.clock import wrong_clock
from ..guards.halt.places import PATIENT_SECONDS, Halts
from ..guards.halt.record import halted
from ..guards.lease.lease import Lease
from ..guards.lease.record import LEASE_SECONDS
from ..life.flatten.flatten import HEDGED, SECONDS, Flattening
from ..life.flatten.steps import Step, steps
from ..life.flatten.taking import take
from ..venue.binance.closing import Standing, is_hedged, rules_of, standing_of_all
from ..venue.binance.requests import FAILURES, LATE_SECONDS, Requests, failure_words
from .halt import WRONG_USAGE, add_reasons, settings_of, who_of

if TYPE_CHECKING:
    from .halt import Commands

UNFENCED = (
    "The store has not answered for {seconds:.0f} s, so a node that used it may send nothing any "
    "more, and it is flattened without the lease. A node on another machine that still reaches the "
    "store would trade on: stop it by hand."
)


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "flatten",
        help="halt, then cancel and close everything at the exchange",
        description=(
            "Halt, take the lease from whoever trades, cancel every order and close every position "
            "of the account, whoever made it, or of one symbol. Killed, run it again."
        ),
        epilog="Exit codes: 0 flat and halted, 70 not flat in time, 75 something is away.",
    )
    add_reasons(command)
    command.add_argument("--dry-run", action="store_true", help="say what would be done, alone")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(do=flatten)


def say(line: str) -> None:
    """Write a line of progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def flatten(options: argparse.Namespace) -> int:
    """Do it, and return the exit code."""
    born = time.monotonic()
    try:
        settings = settings_of(options)
        if not options.dry_run and not options.yes and not sys.stdin.isatty():
            complain("Nobody can be asked here: add --yes, or --dry-run to see what it would do.")
            return WRONG_USAGE
        if options.dry_run or not options.yes:
            asyncio.run(_tell_what_would_be_done(settings, options))
        if options.dry_run:
            return ExitCode.STOPPED
        if not options.yes and input("Do it? Write yes: ").strip() != "yes":
            say("Nothing was done.")
            return WRONG_USAGE
        return asyncio.run(_flatten(settings, options, born))
    except NodeExit as error:
        complain(error.sentence)
        return error.code


async def _tell_what_would_be_done(settings: Settings, options: argparse.Namespace) -> None:
    requests = Requests(settings)
    try:
        await wrong_clock(requests)
        if await is_hedged(requests):
            raise NodeExit(ExitCode.CONFIGURATION, HEDGED)
        standing = await standing_of_all(requests, options.symbol)
        held = tuple(each.position.symbol for each in standing.positions)
        found = steps(standing, await rules_of(requests, held) if held else {}, ())
    except FAILURES as error:
        raise NodeExit(
            ExitCode.AWAY, f"The exchange does not tell what stands: {failure_words(error)}."
        ) from None
    finally:
        await requests.close()
    say(f"It would halt {options.symbol or 'everything'}, and take the lease from whoever trades.")
    for line in _told(standing, found):
        say(line)


def _told(standing: Standing, found: list[Step]) -> list[str]:
    lines = [f"It would {step.told()}." for step in found]
    lines += [f"  {order.words} ({order.name})" for order in standing.orders]
    return lines or ["Nothing is held and nothing waits: it would change nothing at the exchange."]


async def _flatten(settings: Settings, options: argparse.Namespace, born: float) -> int:
    halts = Halts(settings, PATIENT_SECONDS)

    async def halt() -> None:
        change = halted(options.symbol, who_of(options), options.why, str(uuid.uuid4()))
        await asyncio.to_thread(halts.change, change)

    await halt()
    # As long as neither place has taken it, closing is all the same what was asked for.
    say(f"{halts.now.told()}{halts.lacks()}")
    lease, requests = Lease(settings, born), Requests(settings)
    try:
        is_fenced = await take(lease, halt)
        unfenced_from = time.monotonic()
        if is_fenced:
            requests.clock.allowed = lease.left
            say(f"The lease is held in epoch {lease.epoch}.")
        else:
            say(UNFENCED.format(seconds=LEASE_SECONDS))
        if wrong := await wrong_clock(requests):
            say(f"{wrong}. Requests carry the exchange's own time.")
        quiet_from = lease.quiet_from if is_fenced else unfenced_from + LATE_SECONDS
        await Flattening(requests, options.symbol, lambda: quiet_from, say).run(SECONDS)
        # With the lease in hand: a node that has given way ends soon after it is free, and a
        # container with it, this process included.
        return await _end(halts, options.symbol, is_fenced=is_fenced)
    finally:
        await requests.close()
        await asyncio.to_thread(lease.release)


async def _end(halts: Halts, symbol: str | None, *, is_fenced: bool) -> int:
    """Say that it is flat, and what else is left to do."""
    await asyncio.to_thread(halts.look)  # the store may be back, and is given the halt
    flat = f"Flat: the exchange has nothing left of {symbol or 'any symbol'}."
    left = []
    if halts.store_trouble is not None:
        left.append(
            f"the store is away ({one_line(halts.store_trouble)}), so the halt stands in "
            f"{halts.path} alone"
        )
    if not is_fenced:
        left.append("a node on another machine that reaches the store would trade on")
    if halts.file_trouble:
        left.append(f"{halts.path} cannot be written ({halts.file_trouble})")
    if not left:
        say(f"{flat} {halts.now.told()}")
        return ExitCode.STOPPED
    complain(f"{flat} What is left: {'; '.join(left)}. Run it again when that is mended.")
    return ExitCode.AWAY
