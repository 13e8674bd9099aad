"""``trades``: every trade, from the fill that opened it to the one that left it flat."""

import argparse
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..books.account import Books
from ..books.fills import ZERO, plain, settled_in
from ..books.periods import shown
from ..books.trades import Trade
from ..exit_codes import ExitCode
from .account_books import EXIT_CODES, add_options, amounts, iso, money, table, tell

if TYPE_CHECKING:
    from .account_books import Commands

HEAD = ("opened", "closed", "whose", "symbol", "side", "quantity", "entry", "exit", "realized",
        "commission", "funding", "result", "")  # fmt: skip
NAMES = 5
PRICE_DIGITS = 8
NAMED = ("opened", "closed", "whose", "hands", "symbol", "side", "quantity", "entry", "exit",
         "fills")  # fmt: skip
"""Of a trade in JSON, what its row of CSV has as well."""
AMOUNTS = ("realized", "commission", "funding", "result")


def add_to(commands: "Commands") -> None:
    """Add it to the command line."""
    command = commands.add_parser(
        "trades",
        help="list the trades, each from its opening until it was flat",
        description="List the trades with a fill in the span and what each has brought, from the "
        "exchange's own fills, commissions and funding; change nothing.",
        epilog=EXIT_CODES,
    )
    add_options(command)
    command.set_defaults(do=trades)


def trades(options: argparse.Namespace) -> ExitCode:
    """Do it, and return the exit code."""
    return tell(
        options,
        lambda books: {"trades": [_document(trade) for trade in books.trades]},
        text,
        (*NAMED, "asset", *AMOUNTS),
        lambda books: [row for trade in books.trades for row in _rows(trade)],
    )


def text(books: Books) -> Sequence[str]:
    """Return the trades for people."""
    if not books.trades:
        return ["There was no trade."]
    rows = [cells for trade in books.trades for cells in _cells(trade)]
    found = table(HEAD, rows, NAMES)
    closed = sum(trade.closed_ms is not None for trade in books.trades)
    count = len(books.trades)
    return [*found, "", f"{count:,} trade{'s' * (count != 1)}, {closed:,} of them closed."]


def _cells(trade: Trade) -> list[list[str]]:
    """Return a line for each asset, what it is settled in first."""
    names = [_when(trade.opened_ms, "before"), _when(trade.closed_ms, "open"), _whose(trade),
             trade.symbol, "long" if trade.is_long else "short", plain(trade.quantity),
             _price(trade.entry), _price(trade.exit)]  # fmt: skip
    found = []
    for asset in _assets(trade):
        parts = [money(part, asset) for part in _amounts(trade, asset).values()]
        found.append([*names, *parts, asset])
        names = [""] * len(names)
    return found


def _when(at_ms: int | None, otherwise: str) -> str:
    return otherwise if at_ms is None else shown(at_ms)


def _whose(trade: Trade) -> str:
    others = [who for who in trade.hands if who != trade.who]
    return f"{trade.who} (and {', '.join(others)})" if others else trade.who


def _price(price: Decimal | None) -> str:
    return "" if price is None else plain(round(price, PRICE_DIGITS))


def _assets(trade: Trade) -> list[str]:
    first = settled_in(trade.symbol)
    return [first, *sorted(set(trade.result) - {first})]


def _amounts(trade: Trade, asset: str) -> dict[str, Decimal]:
    found = (
        trade.realized if asset == settled_in(trade.symbol) else ZERO,
        *(each.get(asset, ZERO) for each in (trade.commission, trade.funding, trade.result)),
    )
    return dict(zip(AMOUNTS, found, strict=True))


def _rows(trade: Trade) -> list[dict[str, Any]]:
    """Return a row of CSV for each asset."""
    told = _document(trade)
    shared = {name: told[name] for name in NAMED}
    shared["hands"] = "; ".join(trade.hands)
    return [
        shared | {"asset": asset} | {n: plain(v) for n, v in _amounts(trade, asset).items()}
        for asset in _assets(trade)
    ]


def _document(trade: Trade) -> Mapping[str, Any]:
    return {
        "opened": None if trade.opened_ms is None else iso(trade.opened_ms),
        "closed": None if trade.closed_ms is None else iso(trade.closed_ms),
        "whose": trade.who,
        "hands": trade.hands,
        "symbol": trade.symbol,
        "side": "long" if trade.is_long else "short",
        "quantity": plain(trade.quantity),
        "entry": _price(trade.entry) or None,
        "exit": _price(trade.exit) or None,
        "fills": trade.fills,
        "asset": settled_in(trade.symbol),
        "realized": plain(trade.realized),
        "commission": amounts(trade.commission),
        "funding": amounts(trade.funding),
        "result": amounts(trade.result),
    }
