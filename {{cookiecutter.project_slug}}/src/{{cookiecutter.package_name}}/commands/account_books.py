"""What ``pnl`` and ``trades`` share: their options, how they ask, and how they end."""

import argparse
import asyncio
import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..books.account import Books
from ..books.balance import Balance, Span, sentence
from ..books.fills import plain
from ..books.owners import Owners
from ..books.periods import moment, read_moment, shown
from ..exit_codes import ExitCode, NodeExit, complain
from ..guards.clock import wrong_clock
from ..guards.exchange import check_hosts
from ..guards.questions import check_there
from ..venue.binance.gentle import GentleRequests
from ..venue.binance.income import DOLLARS
from ..venue.binance.pages import ExchangeClock
from ..venue.binance.past import Past
from .asked_books import AskedBooks
from .doctor.patient import Quiet, quiet_start
from .run import load

if TYPE_CHECKING:
    type Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SCHEMA = 1
SINCE = "30d"
CENTS, ALL_DECIMALS = Decimal("0.01"), Decimal("0.00000001")
EXIT_CODES = (
    "Exit codes: 0 the books balance, 70 they do not or the exchange's answers are absurd, 75 the "
    "exchange is away, 78 a configuration or a time is wrong."
)

type Row = Mapping[str, Any]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what both take."""
    command.add_argument(
        "--since",
        default=SINCE,
        metavar="WHEN",
        help="2026-11-30, 2026-11-30T12:00 (UTC), or how long ago: 12h, 7d, 4w (default 30d)",
    )
    command.add_argument(
        "--until", metavar="WHEN", help="up to this, which is not in it (default: now)"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print rows of CSV and nothing else")


def tell(
    options: argparse.Namespace,
    document: Callable[[Books], dict[str, Any]],
    text: Callable[[Books], Sequence[str]],
    fields: Sequence[str],
    rows: Callable[[Books], Sequence[Row]],
) -> ExitCode:
    """
    Ask for the books, print them as the options say, and return the exit code.

    Parameters
    ----------
    options : argparse.Namespace
        As `add_options` makes them.
    document : Callable[[Books], dict[str, Any]]
        Returns what ``--json`` prints of them, without what both commands print.
    text : Callable[[Books], Sequence[str]]
        Returns the lines for people.
    fields : Sequence[str]
        The columns of ``--csv``.
    rows : Callable[[Books], Sequence[Row]]
        Returns its rows.

    """
    try:
        trader, books = asyncio.run(_ask(options.since, options.until))
    except NodeExit as end:
        complain(end.sentence)
        return end.code
    code = exit_code(books.balance)
    if options.json:
        told = {"schema": SCHEMA, "trader_id": trader, "exit_code": int(code)}
        told |= frame(books) | document(books)
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    elif options.csv:
        sys.stdout.write(csv_text(fields, rows(books)))
        for line in _closing(books):
            complain(line)
    else:
        head = f"{trader}, {shown(books.span.since_ms)} to {shown(books.span.until_ms)} UTC"
        sys.stdout.write("\n".join([head, "", *text(books), "", *_closing(books)]) + "\n")
    return code


def exit_code(balance: Balance) -> ExitCode:
    """Return 0 when the books balance."""
    return ExitCode.STOPPED if balance.is_right else ExitCode.REFUSED


async def _ask(since: str, until: str | None) -> tuple[str, Books]:
    settings, traded = load()
    requests = GentleRequests(settings)
    try:
        start = quiet_start(settings, traded, requests)
        await check_hosts(start)
        await check_there(start)
        # So that requests carry the exchange's time, whatever this machine's clock says.
        if wrong := await wrong_clock(requests):
            complain(f"{wrong}.")
        return settings.id, await _books(start, since, until)
    finally:
        await requests.close()


async def _books(start: Quiet, since: str, until: str | None) -> Books:
    past = Past(start.requests, ExchangeClock(start.settings, start.requests))
    now_ms = await past.look_at_the_clock()
    owners = Owners.of(start.settings.id, ((each.tag, each.symbol) for each in start.traded))
    span = span_of(since, until, now_ms)
    return await AskedBooks(past, owners, frozenset(start.symbols), span, complain).books()


def span_of(since: str, until: str | None, now_ms: int) -> Span:
    """
    Return the span that a person has named.

    Raises
    ------
    NodeExit
        With code 78 if it is none.

    """
    try:
        start_ms = read_moment(since, now_ms)
        end_ms = now_ms + 1 if until is None else min(read_moment(until, now_ms), now_ms + 1)
    except ValueError as error:
        raise NodeExit(ExitCode.CONFIGURATION, str(error)) from None
    if start_ms >= end_ms:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{shown(start_ms)} is not before {shown(end_ms)} UTC: give an earlier --since.",
        )
    return Span(max(start_ms, 0), end_ms)


# -- How it is told ------------------------------------------------------------------------------


def _closing(books: Books) -> list[str]:
    return [*books.notes, sentence(books.balance)]


def frame(books: Books) -> dict[str, Any]:
    """Return what every document tells of books."""
    found = books.balance
    return {
        "since": iso(books.span.since_ms),
        "until": iso(books.span.until_ms),
        "balance": {
            "is_right": found.is_right,
            "since": iso(found.span.since_ms),
            "rows": found.rows,
            "books": amounts(found.books),
            "income": amounts(found.income),
            "difference": amounts(found.off),
            "differences": [each.sentence for each in found.differences],
            "sentence": sentence(found),
        },
        "notes": list(books.notes),
    }


def iso(at_ms: int) -> str:
    """Return a time as machines read it."""
    return moment(at_ms).isoformat(timespec="milliseconds")


def amounts(found: Mapping[str, Decimal]) -> dict[str, str]:
    """Return amounts by asset as text."""
    return {asset: plain(amount) for asset, amount in sorted(found.items())}


def money(amount: Decimal, asset: str) -> str:
    """Return an amount for people: to the cent where it is about a dollar each, else exact."""
    rounded = amount.quantize(CENTS if asset in DOLLARS else ALL_DECIMALS)
    return f"{rounded + 0:,f}"  # no zero with a sign


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return rows in columns, the first `left` ones to the left, all others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def csv_text(fields: Sequence[str], rows: Sequence[Row]) -> str:
    """Return rows of CSV, with their head."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
