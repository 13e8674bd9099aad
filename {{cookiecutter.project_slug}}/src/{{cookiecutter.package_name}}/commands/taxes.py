"""``taxes`` and ``keep``: a year of trades for the tax office, and what makes it whole."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..books.account import Books, books_of
from ..books.balance import Span, sentence
from ..books.fills import ZERO, plain, settled_in
from ..books.kept import gaps
from ..books.lots import Method
from ..books.periods import moment, shown
from ..books.taxes import Row, TaxRow, Year, year_of
from ..exit_codes import ExitCode, NodeExit, complain
from ..guards.books.keeping import Report, keep
from ..venue.binance.gentle import GentleRequests
from .account_books import SCHEMA, amounts, csv_text, exit_code, frame, iso, money, table
from .kept_books import KeptBooks
from .run import load

if TYPE_CHECKING:
    from .account_books import Commands

NAMED = (
    "row", "opened", "closed", "opened_local", "closed_local", "symbol", "side", "quantity",
    "entry", "exit", "cost", "proceeds", "whose", "opened_by", "closed_by", "trade_ids", "note",
)  # fmt: skip
AMOUNTS = ("realized", "fees", "funding", "other", "result")
FIELDS = (*NAMED, "asset", *AMOUNTS)
HEAD = ("", "symbol", "rows", *AMOUNTS, "")
DIGITS = 8
FIRST_YEAR, LAST_YEAR = 2017, 2200


def add_to(commands: "Commands") -> None:
    """Add both to the command line."""
    command = commands.add_parser(
        "taxes",
        help="tell every trade that was closed in a year, with proof, for the tax office",
        description="Tell every trade that was closed in a year and all that it has cost, from "
        "what is kept and what the exchange still tells, and whether that is the exchange's "
        "income; change nothing.",
        epilog="Exit codes: 0 the sums are the exchange's income, 70 they are not, 75 the exchange "
        "or the archive is away, 78 a configuration, the year or the zone is wrong.",
    )
    command.add_argument("year", help="for example 2026")
    command.add_argument(
        "--method",
        choices=[each.value for each in Method],
        default=Method.AVERAGE.value,
        help="average cost, as the exchange counts (the default), or fifo, first in, first out",
    )
    command.add_argument(
        "--zone",
        default="UTC",
        metavar="ZONE",
        help="where the year begins and ends, for example Europe/Berlin (default: UTC)",
    )
    command.add_argument(
        "--kept", action="store_true", help="ask nobody: tell what is kept, and nothing else"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print rows of CSV and nothing else")
    command.set_defaults(do=taxes)
    keep_command = commands.add_parser(
        "keep",
        help="keep what the exchange tells of fills and income, before it forgets it",
        description="Bring to the archive what the exchange tells of fills and income. A node that "
        "trades does so once a day; without one, run this at least once a month.",
        epilog="Exit codes: 0 it is kept, 70 the exchange's answers are absurd, 75 the exchange or "
        "the disk is away, 78 a configuration is wrong, or another account's books are kept there.",
    )
    keep_command.set_defaults(do=keep_books)


def keep_books(_options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    try:
        report = asyncio.run(_keep())
    except NodeExit as end:
        complain(end.sentence)
        return end.code
    for line in report.sentences:
        complain(line)
    sys.stdout.write(f"{report.told}\n")
    return ExitCode.STOPPED


async def _keep() -> Report:
    settings, traded = load()
    requests = GentleRequests(settings)
    try:
        return await keep(settings, requests, {each.symbol for each in traded})
    finally:
        await requests.close()


def taxes(options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    try:
        zone = zone_of(options.zone)
        number = year_number(options.year)
        span = span_of(number, zone)
        settings, traded = load()
        source = KeptBooks(settings, traded)
        asyncio.run(source.read(span.until_ms, may_ask=not options.kept))
    except NodeExit as end:
        complain(end.sentence)
        return end.code
    told = source.told()
    span = Span(span.since_ms, min(span.until_ms, max(source.kept_until_ms, span.since_ms + 1)))
    year, books = year_of(told, span, Method(options.method)), books_of(told, span)
    notes = list(_notes(number, zone, year, books, source))
    code = max(exit_code(books.balance), ExitCode.STOPPED if year.is_right else ExitCode.REFUSED)
    if options.json:
        document = {
            "schema": SCHEMA, "trader_id": settings.id, "exit_code": int(code),
            "year": number, "zone": options.zone, "method": year.method.value,
        }  # fmt: skip
        document |= frame(books) | {
            "rows": [_document(row, zone) for row in year.rows],
            "sums": amounts(year.sums),
            "income": amounts(year.income),
            "later": amounts(year.later),
            "difference": amounts(year.off),
            "transfers": amounts(year.moved),
            "notes": notes,
        }
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    elif options.csv:
        rows = [cells for row in year.rows for cells in _cells(row, zone)]
        sys.stdout.write(csv_text(FIELDS, rows))
        for line in (*notes, *_closing(year, books)):
            complain(line)
    else:
        way = "average cost" if year.method is Method.AVERAGE else "first in, first out"
        head = f"{settings.id}, {shown(span.since_ms)} to {shown(span.until_ms)} UTC, {way}"
        lines = [head, "", *_text(year), "", *notes, *_closing(year, books)]
        sys.stdout.write("\n".join(lines) + "\n")
    return code


def zone_of(name: str) -> tzinfo:
    """
    Return a time zone.

    Raises
    ------
    NodeExit
        With code 78 if there is none of that name.

    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NodeExit(
            ExitCode.CONFIGURATION, f"{name} is no time zone: write Europe/Berlin, for example."
        ) from None


def year_number(year: str) -> int:
    """
    Return a year that was typed in.

    Raises
    ------
    NodeExit
        With code 78 if it is none, or one that has no trades.

    """
    number = int(year) if year.isdecimal() else 0
    if not FIRST_YEAR <= number <= LAST_YEAR:
        raise NodeExit(ExitCode.CONFIGURATION, f"{year} is no year of trades: write 2026, say.")
    return number


def span_of(year: int, zone: tzinfo) -> Span:
    """Return a year, as it begins and ends in a zone."""
    begin, end = (int(datetime(y, 1, 1, tzinfo=zone).timestamp() * 1000) for y in (year, year + 1))
    return Span(begin, end)


# -- How it is told ------------------------------------------------------------------------------


def _notes(number: int, zone: tzinfo, year: Year, books: Books, source: KeptBooks) -> Iterator[str]:
    whole_year, spans = span_of(number, zone), source.whole
    if not spans:
        yield "Nothing is kept, and nothing was asked."
        return
    for gap in gaps(spans, Span(whole_year.since_ms, books.span.until_ms)):
        if gap.since_ms == whole_year.since_ms:
            yield (
                f"What was done before {shown(gap.until_ms)} UTC is neither kept nor told as a "
                "whole: if there was anything, the year is not whole."
            )
        else:
            yield (
                f"THE YEAR IS NOT WHOLE: of {shown(gap.since_ms)} to {shown(gap.until_ms)} UTC not "
                "all is kept, and the exchange tells it no more."
            )
    if books.span.until_ms < whole_year.until_ms:
        yield f"The year is told until {shown(books.span.until_ms)} UTC."
    forgotten = sum(not fill.client_order_id for fill in books.fills)
    if forgotten:
        yield (
            f"Of {forgotten:,} fill{'s' * (forgotten != 1)} the exchange no longer tells the order "
            "(it keeps orders for 90 days): their numbers are the proof."
        )
    for symbol in year.unknown:
        yield (
            f"A position in {symbol} was opened before all that is known: when is not told, and "
            "what it has cost is taken from the exchange's own result."
        )


def _closing(year: Year, books: Books) -> list[str]:
    found = [sentence(books.balance)]
    off = ", ".join(f"{plain(each)} {asset}" for asset, each in year.off.items() if each)
    income = ", ".join(f"{plain(each)} {asset}" for asset, each in sorted(year.income.items()))
    if not year.is_right:
        return [*found, f"The rows are NOT the exchange's income of {income}: {off} too much."]
    said = f"The rows sum up to the exchange's income of the year: {income or 'none'}."
    if year.method is Method.FIFO and any(year.later.values()):
        more = ", ".join(f"{money(each, asset)} {asset}" for asset, each in year.later.items())
        said = (
            f"The rows sum up to the exchange's income of the year, {income}, and {more} more: the "
            "exchange counts by average cost, and that much more is in the cost of what is held."
        )
    return [*found, said]


def _text(year: Year) -> list[str]:
    found: dict[tuple[Row, str, str], dict[str, Decimal]] = {}
    counts: dict[tuple[Row, str], int] = {}
    for row in year.rows:
        counts[row.row, row.symbol] = counts.get((row.row, row.symbol), 0) + 1
        for asset in row.result:
            line = found.setdefault((row.row, row.symbol, asset), dict.fromkeys(AMOUNTS, ZERO))
            for name, amount in _amounts(row, asset).items():
                line[name] += amount
    if not found:
        return ["There was no trade."]
    lines = [
        [
            kind.value + "s" * (kind is Row.TRADE), symbol, f"{counts[kind, symbol]:,}",
            *(money(amount, asset) for amount in line.values()), asset,
        ]
        for (kind, symbol, asset), line in found.items()
    ]  # fmt: skip
    totals = [
        ["all", *[""] * (len(HEAD) - 3), money(amount, asset), asset]
        for asset, amount in sorted(year.sums.items())
    ]
    shown_lines = table(HEAD, [*lines, *totals], 2)
    return [*shown_lines[: 1 + len(lines)], "", *shown_lines[1 + len(lines) :]]


def _amounts(row: TaxRow, asset: str) -> dict[str, Decimal]:
    realized = row.realized if row.symbol and asset == settled_in(row.symbol) else ZERO
    others = (each.get(asset, ZERO) for each in (row.fees, row.funding, row.other, row.result))
    return dict(zip(AMOUNTS, (realized, *others), strict=True))


def _cells(row: TaxRow, zone: tzinfo) -> list[dict[str, str]]:
    """Return a row of CSV for each asset, what the symbol is settled in first."""
    first = settled_in(row.symbol) if row.symbol else ""
    assets = sorted(row.result, key=lambda asset: (asset != first, asset))
    shared = _shared(row, zone)
    return [
        shared | {"asset": asset} | {n: plain(v) for n, v in _amounts(row, asset).items()}
        for asset in assets
    ]


def _document(row: TaxRow, zone: tzinfo) -> dict[str, Any]:
    found: dict[str, Any] = {name: cell or None for name, cell in _shared(row, zone).items()}
    found["asset"] = settled_in(row.symbol) if row.symbol else None
    found["realized"] = plain(row.realized)
    for name in ("fees", "funding", "other", "result"):
        found[name] = amounts(getattr(row, name))
    return found


def _shared(row: TaxRow, zone: tzinfo) -> dict[str, str]:
    paid, got = row.bought_and_sold
    more = [f"and {row.unnamed:,} more"] * bool(row.unnamed)
    cells = (
        row.row.value, _utc(row.opened_ms), _utc(row.closed_ms), _local(row.opened_ms, zone),
        _local(row.closed_ms, zone), row.symbol, row.side, plain(row.quantity) if row.side else "",
        _price(row.entry), _price(row.exit), _price(paid), _price(got), row.whose,
        "; ".join([*filter(None, row.opened_by), *more]), "; ".join(filter(None, row.closed_by)),
        "; ".join(row.trades), row.note,
    )  # fmt: skip
    return dict(zip(NAMED, cells, strict=True))


def _utc(at_ms: int | None) -> str:
    return "" if at_ms is None else iso(at_ms)


def _local(at_ms: int | None, zone: tzinfo) -> str:
    if at_ms is None:
        return ""
    return moment(at_ms).astimezone(zone).isoformat(timespec="milliseconds")


def _price(amount: Decimal | None) -> str:
    return "" if amount is None else plain(round(amount, DIGITS))
