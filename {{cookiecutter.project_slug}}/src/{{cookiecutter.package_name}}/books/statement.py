"""Profit and loss by period, owner, symbol and asset. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .balance import Span
from .entries import OTHER_INCOME, TRANSFERS, Entry, What
from .fills import ZERO, Fill, settled_in
from .owners import STRANGERS
from .periods import By, period_of
from .trades import Trade

TOTAL = "total"


@dataclass(slots=True)
class Line:
    """
    What one owner has won and paid on one symbol, in one asset, over one period.

    Parameters
    ----------
    period, who, symbol, asset : str
        Which.
    trades : int
        How many of those that the owner has opened were closed.
    fills : int
        The owner's.
    amounts : dict[What, Decimal]
        By column; what was paid is negative.

    """

    period: str
    who: str
    symbol: str
    asset: str
    trades: int = 0
    fills: int = 0
    amounts: dict[What, Decimal] = field(default_factory=lambda: dict.fromkeys(What, ZERO))

    @property
    def result(self) -> Decimal:
        """What is left of it."""
        return sum(self.amounts.values(), ZERO)


def statement(
    entries: Iterable[Entry],
    fills: Iterable[Fill],
    trades: Iterable[Trade],
    span: Span,
    by: By | None,
) -> list[Line]:
    """Return the lines of a span: by period, strategies before others; without `by` the totals."""
    found: dict[tuple[str, str, str, str], Line] = {}

    def line(at_ms: int, who: str, symbol: str, asset: str) -> Line:
        key = (TOTAL if by is None else period_of(at_ms, by), who, symbol, asset)
        return found.setdefault(key, Line(*key))

    for entry in entries:
        if span.has(entry.at_ms) and entry.amount:
            line(entry.at_ms, entry.who, entry.symbol, entry.asset).amounts[entry.what] += (
                entry.amount
            )
    for fill in fills:
        if span.has(fill.at_ms):
            line(fill.at_ms, fill.who, fill.symbol, fill.settled_in).fills += 1
    for trade in trades:
        if trade.closed_ms is not None and span.has(trade.closed_ms):
            asset = settled_in(trade.symbol)
            line(trade.closed_ms, trade.who, trade.symbol, asset).trades += 1
    return sorted(found.values(), key=_order)


def _order(line: Line) -> tuple[str, int, str, str, str]:
    late = (*STRANGERS, OTHER_INCOME, TRANSFERS)
    rank = late.index(line.who) + 1 if line.who in late else 0
    return line.period, rank, line.who, line.symbol, line.asset


def sums(lines: Sequence[Line]) -> dict[str, Decimal]:
    """Return the sum of all lines, by asset."""
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.asset] = found.get(line.asset, ZERO) + line.result
    return found
