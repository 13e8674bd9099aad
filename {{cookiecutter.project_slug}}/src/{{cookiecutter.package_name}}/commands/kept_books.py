"""The books of a time: what is kept of it, and what the exchange still tells of the rest."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..books import account
from ..books.archive import Archive
from ..books.balance import Span
from ..books.fills import Fill
from ..books.kept import Kept, KeptFill, KeptIncome, KeptSpan, better, whole
from ..books.owners import Owners
from ..config.settings import Settings
from ..exit_codes import ExitCode, NodeExit, complain, one_line
from ..guards.books.keeping import OVERLAP_MS
from ..guards.books.told import EDGE_MS, Wanted, compared, weeks
from ..guards.clock import wrong_clock
from ..guards.exchange import check_hosts
from ..guards.questions import check_there
from ..plan.traded import Traded
from ..venue.binance.gentle import GentleRequests
from ..venue.binance.pages import ExchangeClock
from ..venue.binance.past import Past
from .asked_books import (
    AGREE_SECONDS,
    FIRST_PAUSE_SECONDS,
    LAGS_MS,
    LONGEST_PAUSE_SECONDS,
)
from .doctor.patient import quiet_start


@dataclass(slots=True)
class KeptBooks:
    """
    Fills and income of an account, as far as they are kept or told.

    Parameters
    ----------
    settings : Settings
        Whose archive, and which exchange.
    traded : Sequence[Traded]
        What is traded.

    """

    settings: Settings
    traded: Sequence[Traded]
    _fills: dict[str, KeptFill] = field(default_factory=dict)
    _income: dict[str, KeptIncome] = field(default_factory=dict)
    _spans: list[KeptSpan] = field(default_factory=list)
    now_ms: int = 0
    """The exchange's now when it was asked; 0 when it was not."""

    async def read(self, until_ms: int, *, may_ask: bool) -> None:
        """
        Read what is kept, and ask for the rest up to a moment where that is more.

        Raises
        ------
        NodeExit
            With code 75 when the exchange or the archive does not answer, 70 when answers are
            absurd, 78 when it refuses for good.

        """
        kept = Kept(Archive(self.settings.archive_folder))
        try:
            self._spans = kept.spans()
            self._fills = {each.name: each for each in kept.fills()}
            self._income = {each.name: each for each in kept.income()}
        except OSError as error:
            sentence = f"What is kept cannot be read: {one_line(error)}."
            raise NodeExit(ExitCode.AWAY, sentence) from None
        if may_ask and self.kept_until_ms < until_ms:
            await self._ask()

    @property
    def kept_until_ms(self) -> int:
        """Up to when everything is here, and what was held then is known; 0 for never."""
        return max((span.until_ms for span in self._spans if span.held is not None), default=0)

    @property
    def whole(self) -> list[Span]:
        """From when to when everything is here."""
        return whole(self._spans)

    def told(self) -> account.Told:
        """Return all of it as books need it."""
        owners = Owners.of(self.settings.id, ((each.tag, each.symbol) for each in self.traded))
        until_ms = self.kept_until_ms
        fills: dict[str, list[Fill]] = {}
        for each in self._fills.values():
            if each.at_ms < until_ms:
                fills.setdefault(each.symbol, []).append(each.booked(owners))
        last = max((s for s in self._spans if s.held is not None), key=lambda s: s.until_ms,
                   default=None)  # fmt: skip
        rows = (row.told for row in self._income.values() if row.at_ms < until_ms)
        return account.Told(
            fills=fills,
            positions={each.symbol: each.quantity for each in (last and last.held) or ()},
            income=sorted(rows, key=lambda row: row.at_ms),
            income_since_ms=self.whole[-1].since_ms if self._spans else 0,
        )

    # -- What is not kept ----------------------------------------------------------------------

    async def _ask(self) -> None:
        requests = GentleRequests(self.settings)
        try:
            start = quiet_start(self.settings, self.traded, requests)
            await check_hosts(start)
            await check_there(start)
            # So that requests carry the exchange's time, whatever this machine's clock says.
            if wrong := await wrong_clock(requests):
                complain(f"{wrong}.")
            await self._ask_until_it_agrees(
                Past(requests, ExchangeClock(self.settings, requests)), frozenset(start.symbols)
            )
        finally:
            await requests.close()

    async def _ask_until_it_agrees(self, past: Past, symbols: frozenset[str]) -> None:
        since_ms = max(0, self.kept_until_ms - OVERLAP_MS)
        symbols |= {each.symbol for span in self._spans for each in span.held or ()}
        deadline, pause = time.monotonic() + AGREE_SECONDS, FIRST_PAUSE_SECONDS
        while True:
            self.now_ms = await past.look_at_the_clock()
            async for told in weeks(past, Wanted(since_ms, self.now_ms + 1, symbols)):
                for fill in told.fills:
                    self._fills[fill.name] = better(self._fills.get(fill.name), fill)
                self._income.update((row.name, row) for row in told.income)
                self._spans += told.spans
            young_ms = self.now_ms - LAGS_MS
            span = Span(young_ms, self.now_ms + 1)
            found = compared(self._fills.values(), self._income.values(), span)
            if not found.differences or time.monotonic() + pause > deadline:
                return
            complain(f"The exchange is asked again: {found.differences[0].sentence}")
            since_ms = young_ms - EDGE_MS
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
