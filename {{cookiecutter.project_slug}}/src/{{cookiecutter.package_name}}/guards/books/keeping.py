"""
One pass of keeping: what the exchange has told since the last one goes to the archive.

It ends some minutes before now, for what has just happened may be told later, and begins some time
before the last one ended, for the same reason. A pass that was killed is done by the next one.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ...books.archive import Archive
from ...books.balance import Span, sentence
from ...books.kept import AnotherAccount, Kept, KeptSpan, Told
from ...books.periods import shown
from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit, one_line
from ...venue.binance.contradictions import DAY_MS
from ...venue.binance.gentle import GentleRequests
from ...venue.binance.pages import ExchangeClock
from ...venue.binance.past import Past
from ...venue.binance.symbol_history import TRADE_DAYS
from ..clock import wrong_clock
from .told import EDGE_MS, Wanted, compared, weeks

SETTLED_MS = 600_000
"""What is younger may still be told later, or otherwise."""
OVERLAP_MS = 3_600_000
"""So much before the end of what is kept is asked for once more."""
LATE_MS = DAY_MS
"""Fills and income that differ for so long are kept as they are."""


@dataclass(slots=True)
class Report:
    """
    What a pass has done.

    Parameters
    ----------
    fills, income : int
        How many rows were not kept yet.
    until_ms : int
        Up to when everything is kept now; 0 for never.
    sentences : list[str]
        What a person should know.

    """

    fills: int = 0
    income: int = 0
    until_ms: int = 0
    sentences: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """What it has done, in a sentence."""
        if not self.until_ms:
            return "Nothing is kept yet: what is younger than ten minutes may still change."
        return (
            f"{self.fills:,} fill{'s' * (self.fills != 1)} and {self.income:,} "
            f"row{'s' * (self.income != 1)} of income are new; all is kept up to "
            f"{shown(self.until_ms)} UTC."
        )


async def keep(settings: Settings, requests: GentleRequests, symbols: Collection[str]) -> Report:
    """
    Bring to the archive what the exchange has told since the last time; return what that was.

    Raises
    ------
    NodeExit
        With code 75 when the exchange or the disk is away, 70 when answers are absurd, 78 when it
        refuses for good, or what is kept is of another account.

    """
    kept = Kept(Archive(settings.archive_folder))
    past = Past(requests, ExchangeClock(settings, requests))
    report = Report()
    try:
        await _keep(kept, requests, past, symbols, report)
    except AnotherAccount as error:
        raise NodeExit(ExitCode.CONFIGURATION, f"{error}.") from None
    except OSError as error:
        raise NodeExit(ExitCode.AWAY, f"Books cannot be kept: {one_line(error)}.") from None
    return report


async def _keep(
    kept: Kept, requests: GentleRequests, past: Past, symbols: Collection[str], report: Report
) -> None:
    await wrong_clock(requests)  # so that requests carry the exchange's time
    now_ms = await past.look_at_the_clock()
    spans = kept.spans(now_ms - TRADE_DAYS * DAY_MS)
    report.until_ms = max((span.until_ms for span in spans), default=0)
    if report.until_ms > now_ms + EDGE_MS:
        raise AnotherAccount(
            f"Books are kept up to {shown(report.until_ms)} UTC, which has not come yet at this "
            "exchange: these are the books of another account. Move them away, or give this node "
            "another TRADER_ID"
        )
    held = {each.symbol for span in spans for each in span.held or ()}
    since_ms = max(0, report.until_ms - OVERLAP_MS)
    wanted = Wanted(since_ms, now_ms - SETTLED_MS, frozenset(symbols) | held)
    quiet: KeptSpan | None = None
    async for told in weeks(past, wanted):
        settled, said = _settled(_since(quiet, told), now_ms)
        is_last = any(span.held is not None for span in settled.spans)
        if not (settled.fills or settled.income or is_last or said):
            # Weeks without anything are no files of their own.
            quiet = settled.spans[0] if settled.spans else None
            continue
        quiet = None
        fills, income = kept.add(settled)
        report.fills, report.income = report.fills + fills, report.income + income
        report.sentences += said
        if said and not settled.spans:
            return
        report.until_ms = max((span.until_ms for span in settled.spans), default=report.until_ms)


def _since(quiet: KeptSpan | None, told: Told) -> Told:
    """Return what was told, with a quiet time before it in its span."""
    if quiet is None or not told.spans:
        return told
    [span] = told.spans
    return replace(told, spans=[replace(span, since_ms=quiet.since_ms)])


def _settled(told: Told, now_ms: int) -> tuple[Told, list[str]]:
    """Return what may be kept: without its span while fills and income may still come together."""
    if not told.spans:
        return told, []
    [span] = told.spans
    found = compared(told.fills, told.income, Span(span.since_ms, span.until_ms - EDGE_MS))
    if found.is_right:
        return told, []
    if found.differences and found.differences[0].at_ms < now_ms - LATE_MS:
        return told, [sentence(found)]
    return Told(told.fills, told.income, ()), [f"{sentence(found)} It is asked for again later."]
