"""The books of an account over a span, out of what the exchange has told. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ..venue.records import IncomeRecord
from .balance import Balance, Span, balance
from .entries import FUNDING, Entry, entries_of
from .fills import ZERO, Fill, held_before, in_order
from .owners import FORGOTTEN
from .periods import shown
from .trades import Trade, add_funding, trades_of


@dataclass(slots=True)
class Told:
    """
    What the exchange has told.

    Parameters
    ----------
    fills : Mapping[str, Sequence[Fill]]
        By symbol: from some moment before the span, without a gap, until now.
    positions : Mapping[str, Decimal]
        By symbol what is held now.
    income : Sequence[IncomeRecord]
        Of the span and some time around it.
    income_since_ms : int
        Since when the income is told.

    """

    fills: Mapping[str, Sequence[Fill]] = field(default_factory=dict)
    positions: Mapping[str, Decimal] = field(default_factory=dict)
    income: Sequence[IncomeRecord] = ()
    income_since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """
    The books of a span.

    Parameters
    ----------
    span : Span
        Of when.
    fills : tuple[Fill, ...]
        Of the span.
    trades : tuple[Trade, ...]
        With a fill in the span, each whole; or still open at its end.
    entries : tuple[Entry, ...]
        Every amount of the span.
    balance : Balance
        Whether they are right.
    notes : tuple[str, ...]
        What the exchange does not tell, in sentences.

    """

    span: Span
    fills: tuple[Fill, ...]
    trades: tuple[Trade, ...]
    entries: tuple[Entry, ...]
    balance: Balance
    notes: tuple[str, ...]


def begins_flat(position: Decimal, fills: Sequence[Fill], since_ms: int) -> bool:
    """Return whether fills reach back to where every trade of the span was opened."""
    held = held_before(position, fills)
    for fill in in_order(fills):
        if not held:
            return True
        if fill.at_ms >= since_ms:
            return False
        after = held + fill.quantity
        if held * after <= 0:  # flat, or turned
            return True
        held = after
    return not held


def books_of(told: Told, span: Span) -> Books:
    """Return the books of a span."""
    trades = {symbol: _trades(symbol, told, span) for symbol in told.fills}
    for symbol, each in trades.items():
        funding = (row for row in told.income if row.kind == FUNDING and row.symbol == symbol)
        add_funding(each, (row for row in funding if row.at_ms < span.until_ms))
    fills = [fill for each in told.fills.values() for fill in each]
    entries = entries_of(fills, told.income, trades)
    compared = Span(max(span.since_ms, told.income_since_ms), span.until_ms)
    mine = tuple(fill for fill in fills if span.has(fill.at_ms))
    shown_trades = sorted(
        (
            trade
            for each in trades.values()
            for trade in each
            if trade.closed_ms is None or trade.closed_ms >= span.since_ms
        ),
        key=lambda trade: (trade.opened_ms or 0, trade.symbol),
    )
    return Books(
        span,
        mine,
        tuple(shown_trades),
        tuple(entry for entry in entries if span.has(entry.at_ms)),
        balance(entries, told.income, compared),
        tuple(_notes(told, span, mine, shown_trades)),
    )


def _trades(symbol: str, told: Told, span: Span) -> list[Trade]:
    fills = told.fills[symbol]
    held = held_before(told.positions.get(symbol, ZERO), fills)
    return trades_of(symbol, [fill for fill in fills if fill.at_ms < span.until_ms], held)


def _notes(told: Told, span: Span, fills: Sequence[Fill], trades: Sequence[Trade]) -> Iterator[str]:
    if told.income_since_ms > span.since_ms:
        yield (
            "The exchange tells income for three months: funding, transfers and the comparison "
            f"begin at {shown(told.income_since_ms)} UTC, and before it fills of symbols that are "
            "not traded here now may be missing."
        )
    forgotten = sum(fill.who == FORGOTTEN for fill in fills)
    s = "s" * (forgotten != 1)
    if forgotten:
        yield (
            f"The exchange no longer tells the order{s} of {forgotten:,} fill{s} (it keeps orders "
            "for 90 days, fills for six months): whose that was is not known."
        )
    for trade in trades:
        if trade.opened_ms is None:
            yield (
                f"A position in {trade.symbol} was opened before all fills that the exchange tells."
            )
        elif trade.opened_ms < told.income_since_ms <= span.since_ms:
            yield (
                f"The funding of the trade in {trade.symbol} that was opened at "
                f"{shown(trade.opened_ms)} UTC is told since {shown(told.income_since_ms)} UTC."
            )
