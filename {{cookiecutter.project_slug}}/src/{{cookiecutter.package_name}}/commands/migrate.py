"""``migrate``: tell the store's keys in the words of the engine that this project has now."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config.settings import Settings
from ..engine.chosen import store_format
from ..engine.mending.formats import FORMATS
from ..engine.mending.store_format import KeysFormat
from ..engine.mending.translated import translated
from ..engine.stored import Owner, RawKey
from ..exit_codes import ExitCode, NodeExit, complain
from ..guards.halt.places import PATIENT_SECONDS, Halts
from ..guards.lease.lease import FAILURES as STORE_FAILURES
from ..guards.lease.lease import Lease
from ..guards.lease.record import TAKEN, Free
from ..guards.mend.marker import foreign
from ..guards.mend.store import StoreMend
from ..guards.store import place_of
from ..plan.traded import Traded
from ..venue.binance.history import exchange_record
from ..venue.binance.requests import Requests
from .run import load

if TYPE_CHECKING:
    from .account_books import Commands

WRONG_USAGE = 2
TAKE_SECONDS = 15.0
"""How long a lease is waited for that its holder does not renew any more."""
LOOK_SECONDS = 0.1


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "migrate",
        help="after a change of the engine: tell the store's keys in the words of the new one",
        description=(
            "Tell what the store has of orders, positions and accounts in the words of the engine "
            "that this project has now. The node must be halted and stopped; first the store is "
            "brought to what the exchange says. The old keys are put aside, all in one transaction."
        ),
        epilog="Exit codes: 0 it is done or there was nothing to do, 70 the exchange contradicts "
        "the store, 75 something is away or a node runs, 78 the node is not halted, or the keys "
        "are another trader's.",
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be done, alone")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(do=migrate)


def say(line: str) -> None:
    """Write a line of progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def migrate(options: argparse.Namespace) -> int:
    """Do it, and return the exit code."""
    born = time.monotonic()
    try:
        settings, traded = load()
        if not options.dry_run and not options.yes and not sys.stdin.isatty():
            complain("Nobody can be asked here: add --yes, or --dry-run to see what it would do.")
            return WRONG_USAGE
        way = Migration(settings, traded, born)
        is_asked = options.dry_run or not options.yes
        if is_asked and not asyncio.run(way.would_do()):
            return ExitCode.STOPPED
        if options.dry_run:
            return ExitCode.STOPPED
        if not options.yes and input("Do it? Write yes: ").strip() != "yes":
            say("Nothing was done.")
            return WRONG_USAGE
        asyncio.run(way.do())
    except NodeExit as error:
        complain(error.sentence)
        return error.code
    return ExitCode.STOPPED


@dataclass(frozen=True, slots=True)
class Migration:
    """
    One trader's way from one engine's keys to another's.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is traded.
    born : float
        When this process began, by the monotonic clock.

    """

    settings: Settings
    traded: Sequence[Traded]
    born: float

    @property
    def _new(self) -> KeysFormat:
        return store_format(self.settings.id)

    def _mend(self, form: KeysFormat) -> StoreMend:
        url = self.settings.store_url.get_secret_value()
        return StoreMend(url, self.settings.id, form, say)

    async def would_do(self) -> bool:
        """Say what would be done; return whether there is anything to do."""
        old = await self._old()
        if old is None:
            return False
        await self._check_halted()
        found: list[str] = []

        def look(keys: dict[str, RawKey]) -> None:
            plan = translated(keys, old, self._new)
            found.extend([f"It would put aside {len(plan.put_aside):,} keys.", *plan.mended])

        await self._mend(old).look(look)
        say("It would bring the store to what the exchange says, in its old words.")
        for sentence in found:
            say(sentence)
        return True

    async def do(self) -> None:
        """Do it, or find that it is done."""
        old = await self._old()
        if old is None:
            return
        await self._check_halted()
        lease, requests = Lease(self.settings, self.born), Requests(self.settings)
        requests.clock.allowed = lease.left
        try:
            await self._take(lease)
            # What the node before has signed expires; then nothing of it is on its way any more.
            await asyncio.sleep(max(0.0, lease.quiet_from - time.monotonic()))
            await self._bring_up_to_date(old, requests)
            new = self._new
            await self._mend(new).rewrite(lambda keys: translated(keys, old, new))
        finally:
            await requests.close()
            await asyncio.to_thread(lease.release)
        say(
            f"The keys are of the format {self._new.name} now; the old ones stand under "
            f"quarantine:{self.settings.id}:*. Start the node, look at it, and resume."
        )

    async def _old(self) -> KeysFormat | None:
        """Return in whose words the keys are; ``None`` (and a line) when nothing is to be done."""
        new = self._new
        sentences: dict[str, str] = {}
        keys: dict[str, RawKey] = {}
        await self._mend(new).look(keys.update)
        if not keys:
            say(f"The store has nothing of {self.settings.id}: there is nothing to do.")
            return None
        trader = self.settings.id
        for form in (each(trader) for each in FORMATS.values()):
            sentences[form.name] = foreign(keys, form, trader)
        if not sentences[new.name]:
            say(f"The keys are of the format {new.name} already: there is nothing to do.")
            return None
        for form in (each(trader) for each in FORMATS.values()):
            if not sentences[form.name]:
                return form
        raise NodeExit(ExitCode.CONFIGURATION, f"{sentences[new.name]}. Nothing was changed.")

    async def _check_halted(self) -> None:
        halts = Halts(self.settings, PATIENT_SECONDS)
        await asyncio.to_thread(halts.look)
        if not all(halts.now.holds(each.symbol) for each in self.traded):
            raise NodeExit(
                ExitCode.CONFIGURATION,
                "The node is not halted: halt it, stop it, and run this again. Nothing was "
                "changed.",
            )

    async def _take(self, lease: Lease) -> None:
        """Take the lease: only a node that has ended may be migrated."""
        deadline = time.monotonic() + TAKE_SECONDS
        while True:
            try:
                free = await asyncio.to_thread(lease.try_to_take)
            except STORE_FAILURES as error:
                raise NodeExit(
                    ExitCode.AWAY, f"{place_of(self.settings)} does not answer: {error}."
                ) from None
            if free in TAKEN:
                await asyncio.sleep(max(0.0, lease.until_in_force()))
                return
            if time.monotonic() > deadline:
                who = f" by {lease.holder.told()}" if lease.holder else ""
                raise NodeExit(
                    ExitCode.AWAY,
                    f"The lease is held{who}: stop that node, and run this again. Nothing was "
                    "changed.",
                )
            await asyncio.sleep(LOOK_SECONDS if free is not Free.HELD else 5 * LOOK_SECONDS)

    async def _bring_up_to_date(self, old: KeysFormat, requests: Requests) -> None:
        """Let the mend of the old words write what has happened since."""
        symbols = [each.symbol for each in self.traded]
        owners = [Owner(each.symbol, each.tag) for each in self.traded]
        record = await exchange_record(self.settings, requests, symbols)
        report = await self._mend(old).mend(record, owners)
        if report.unexplained:
            raise NodeExit(ExitCode.REFUSED, f"{report.unexplained[0]} Nothing was translated.")
