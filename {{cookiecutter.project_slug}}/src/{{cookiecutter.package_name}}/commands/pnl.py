"""``pnl``: profit and loss per strategy and symbol, by day, week or month."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..books.account import Books
from ..books.entries import What
from ..books.fills import plain
from ..books.periods import By
from ..books.statement import Line, statement, sums
from ..exit_codes import ExitCode
from .account_books import EXIT_CODES, add_options, amounts, money, table, tell

if TYPE_CHECKING:
    from .account_books import Commands

HEAD = ("", "whose", "symbol", "trades", "fills", *(each.value for each in What), "result", "")
NAMES = 3
FIELDS = ("period", "whose", "symbol", "asset", "trades", "fills", *(each.value for each in What),
          "result")  # fmt: skip


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "pnl",
        help="tell what each strategy has won and paid, by day, week or month",
        description="Tell what each strategy has won and paid, from the exchange's own fills, "
        "commissions and funding, and whether that is the exchange's income; change nothing.",
        epilog=EXIT_CODES,
    )
    command.add_argument(
        "--by",
        choices=[each.value for each in By],
        default=By.DAY.value,
        help="periods of UTC (default: day)",
    )
    add_options(command)
    command.set_defaults(do=pnl)


def pnl(options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    by = By(options.by)
    return tell(
        options,
        lambda books: document(books, by),
        lambda books: text(books, by),
        FIELDS,
        lambda books: [_row(line) for line in lines_of(books, by)],
    )


def lines_of(books: Books, by: By | None) -> list[Line]:
    """Return the lines of a statement; without `by` those of the whole span."""
    return statement(books.entries, books.fills, books.trades, books.span, by)


def document(books: Books, by: By) -> dict[str, Any]:
    """Return what ``--json`` prints of it."""
    totals = lines_of(books, None)
    return {
        "by": by.value,
        "lines": [_row(line) for line in lines_of(books, by)],
        "totals": [_row(line) for line in totals],
        "result": amounts(sums(totals)),
    }


def text(books: Books, by: By) -> Sequence[str]:
    """Return the same for people."""
    lines, totals = lines_of(books, by), lines_of(books, None)
    if not lines:
        return ["Nothing was won or paid."]
    if len({line.period for line in lines}) == 1:
        totals = []  # they would be the same lines again
    rows = [_cells(line) for line in (*lines, *totals)]
    rows += [
        ["all", *[""] * (len(HEAD) - 3), money(amount, asset), asset]
        for asset, amount in sorted(sums(lines).items())
    ]
    found = table((by.value, *HEAD[1:]), rows, NAMES)
    return [*found[: 1 + len(lines)], "", *found[1 + len(lines) :]]


def _cells(line: Line) -> list[str]:
    return [
        line.period, line.who, line.symbol, str(line.trades), str(line.fills),
        *(money(line.amounts[what], line.asset) for what in What),
        money(line.result, line.asset), line.asset,
    ]  # fmt: skip


def _row(line: Line) -> dict[str, Any]:
    return {
        "period": line.period, "whose": line.who, "symbol": line.symbol, "asset": line.asset,
        "trades": line.trades, "fills": line.fills,
        **{what.value: plain(line.amounts[what]) for what in What},
        "result": plain(line.result),
    }  # fmt: skip
