"""``archive``: what has gone to files, by day, or row by row; it asks nobody."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..books.archive import Archive, Kind
from ..books.archive_rows import (
    FIELDS,
    MOMENTS,
    Cells,
    Day,
    by_day,
    chosen,
    kept_sentence,
    ms_of,
    sums,
    told,
)
from ..books.balance import Span
from ..books.kept import Kept
from ..books.periods import read_moment
from ..exit_codes import ExitCode, NodeExit, complain, one_line
from .account_books import SCHEMA, amounts, csv_text, iso, money, table
from .run import load

if TYPE_CHECKING:
    from .account_books import Commands

ALL = "days"
SHOWN = (ALL, Kind.ORDERS.value, Kind.FILLS.value, Kind.INCOME.value)
COUNTED = (Kind.ORDERS, Kind.POSITIONS, Kind.STATES, Kind.FILLS, Kind.INCOME)
DAY_FIELDS = ("day", "orders", "filled", "positions", "accounts", "fills", "income_rows", "income")
TEXT_COLUMNS = {
    Kind.ORDERS: 7,
    Kind.FILLS: 6,
    Kind.INCOME: 4,
}
"""How many columns are to the left, which are words and not numbers."""
WORDS = {
    Kind.ORDERS: ("order", "orders"),
    Kind.FILLS: ("fill", "fills"),
    Kind.INCOME: ("row of income", "rows of income"),
}


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "archive",
        help="tell what has gone to files: by day, or each order, fill and row of income",
        description="Tell what has gone to files, by day, or each order, fill and row of income. "
        "It reads the files and asks nobody: store, node and exchange may be away.",
        epilog="Exit codes: 0 it is told, 75 the files cannot be read, 78 a configuration or a "
        "time is wrong.",
    )
    command.add_argument(
        "what", nargs="?", choices=SHOWN, default=ALL, help="what is told (default: days)"
    )
    command.add_argument("--symbol", default="", help="of one symbol alone")
    command.add_argument(
        "--since", metavar="WHEN", help="2026-11-30, 2026-11-30T12:00 (UTC), or 12h, 7d, 4w ago"
    )
    command.add_argument("--until", metavar="WHEN", help="up to this, which is not in it")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print rows of CSV and nothing else")
    command.set_defaults(do=archive)


def archive(options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    try:
        span = _span(options.since, options.until)
        settings, _ = load()
        files = Archive(settings.archive_folder)
        if not any(files.batches(kind) for kind in Kind):
            return _nothing(options, settings.id, settings.archive_folder)
        if options.what == ALL:
            rows = {kind: list(_rows(files, kind, span, options.symbol)) for kind in COUNTED}
            _tell_days(options, settings.id, by_day(rows), kept_sentence(Kept(files).spans()))
        else:
            kind = Kind(options.what)
            found = list(_rows(files, kind, span, options.symbol))
            _tell_rows(options, settings.id, kind, sorted(found, key=lambda row: ms_of(row, kind)))
    except NodeExit as end:
        complain(end.sentence)
        return end.code
    except OSError as error:
        complain(f"The archive cannot be read: {one_line(error)}.")
        return ExitCode.AWAY
    return ExitCode.STOPPED


def _span(since: str | None, until: str | None) -> Span:
    now_ms = time.time_ns() // 1_000_000
    try:
        found = Span(
            read_moment(since, now_ms) if since else 0,
            read_moment(until, now_ms) if until else 2**62,
        )
    except ValueError as error:
        raise NodeExit(ExitCode.CONFIGURATION, str(error)) from None
    if found.since_ms >= found.until_ms:
        raise NodeExit(
            ExitCode.CONFIGURATION, f"{since} is not before {until}: give an earlier --since."
        )
    return found


def _rows(files: Archive, kind: Kind, span: Span, symbol: str) -> Sequence[Cells]:
    if symbol and kind is Kind.STATES:
        return ()  # an account's state is of no symbol
    columns = None
    if kind in FIELDS:
        columns = [kind.name_column, *(n for n in FIELDS[kind] if n != kind.name_column)]
    elif kind in MOMENTS:
        columns = [kind.name_column, MOMENTS[kind]]
        columns += ["symbol"] if kind is Kind.POSITIONS else []
    return list(chosen(files.rows(kind, columns), kind, span, symbol))


def _nothing(options: argparse.Namespace, trader: str, folder: Any) -> ExitCode:
    if options.json:
        _print({"schema": SCHEMA, "trader_id": trader, "exit_code": 0, options.what: []})
    elif options.csv:
        fields = DAY_FIELDS if options.what == ALL else FIELDS[Kind(options.what)]
        sys.stdout.write(csv_text(fields, []))
    else:
        sys.stdout.write(f"There is no archive yet: nothing has gone to {folder}.\n")
    return ExitCode.STOPPED


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


# -- Days ----------------------------------------------------------------------------------------


def _tell_days(
    options: argparse.Namespace, trader: str, days: Sequence[Day], sentence: str
) -> None:
    everything = sums(days)
    if options.json:
        document = {"schema": SCHEMA, "trader_id": trader, "exit_code": 0}
        _print(document | {"days": [_day(d) for d in days], "all": _day(everything),
                           "kept": sentence})  # fmt: skip
    elif options.csv:
        rows = [
            _day(day) | {"income": "; ".join(f"{v} {a}" for a, v in amounts(day.income).items())}
            for day in days
        ]
        sys.stdout.write(csv_text(DAY_FIELDS, rows))
    else:
        head = ("day", *DAY_FIELDS[1:6], "income rows", "income")
        lines = table(head, [_day_cells(day) for day in (*days, everything)], 1)
        lines.insert(-1, "")
        sys.stdout.write("\n".join([trader, "", *lines, "", sentence]) + "\n")


def _day(day: Day) -> dict[str, Any]:
    counts = day.counts
    numbers = (
        counts[Kind.ORDERS], day.filled, counts[Kind.POSITIONS], counts[Kind.STATES],
        counts[Kind.FILLS], counts[Kind.INCOME],
    )  # fmt: skip
    return dict(zip(DAY_FIELDS, (day.day, *numbers, amounts(day.income)), strict=True))


def _day_cells(day: Day) -> list[str]:
    found = _day(day)
    income = ", ".join(f"{money(each, asset)} {asset}" for asset, each in day.income.items())
    return [day.day, *(f"{found[name]:,}" for name in DAY_FIELDS[1:7]), income]


# -- Rows ----------------------------------------------------------------------------------------


def _tell_rows(options: argparse.Namespace, trader: str, kind: Kind, rows: Sequence[Cells]) -> None:
    found = [told(row, kind) for row in rows]
    if options.json:
        document = {"schema": SCHEMA, "trader_id": trader, "exit_code": 0}
        _print(document | {kind.value: found})
    elif options.csv:
        sys.stdout.write(csv_text(FIELDS[kind], found))
    elif not found:
        sys.stdout.write("The archive has nothing of that.\n")
    else:
        cells = [[_text(value) for value in row.values()] for row in found]
        lines = table(FIELDS[kind], cells, TEXT_COLUMNS[kind])
        first, last = (iso(ms_of(row, kind)) for row in (rows[0], rows[-1]))
        count = f"{len(found):,} {WORDS[kind][len(found) != 1]}"
        sys.stdout.write("\n".join([*lines, "", f"{count}, {first} to {last}."]) + "\n")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
