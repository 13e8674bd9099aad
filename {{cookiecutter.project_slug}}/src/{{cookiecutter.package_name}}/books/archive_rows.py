"""What the archive has, in rows for people and machines: pure, over what `Archive` reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from .archive import Kind
from .balance import Span
from .fills import plain
from .kept import KeptSpan, whole
from .periods import shown

MOMENTS = {
    Kind.ORDERS: "ended",
    Kind.POSITIONS: "closed",
    Kind.STATES: "moment",
    Kind.FILLS: "moment",
    Kind.INCOME: "moment",
}
"""The column that says when a row was."""
FIELDS = {
    Kind.ORDERS: (
        "ended", "client_order_id", "exchange_order_id", "strategy_id", "symbol", "type", "side",
        "status", "quantity", "filled", "price", "trigger_price", "reduce_only", "created",
    ),
    Kind.FILLS: (
        "moment", "symbol", "trade_id", "client_order_id", "exchange_order_id", "side", "quantity",
        "price", "realized", "commission", "currency", "is_maker",
    ),
    Kind.INCOME: ("moment", "kind", "symbol", "asset", "amount", "trade_id"),
}  # fmt: skip
"""The columns that are shown, in order."""

type Cells = Mapping[str, Any]


@dataclass(slots=True)
class Day:
    """How much of a day is in the archive; money by asset, what was paid is negative."""

    day: str
    counts: Counter[Kind] = field(default_factory=Counter)
    filled: int = 0
    """Orders that have filled."""
    income: dict[str, Decimal] = field(default_factory=dict)


def symbol_of(row: Cells) -> str:
    """Return the symbol of a row as the exchange writes it; empty for none."""
    return str(row.get("symbol") or "").partition("-PERP")[0].partition(".")[0]


def ms_of(row: Cells, kind: Kind) -> int:
    """Return when a row was."""
    moment: datetime = row[MOMENTS[kind]]
    return round(moment.timestamp() * 1000)


def chosen(rows: Iterable[Cells], kind: Kind, span: Span, symbol: str) -> Iterator[Cells]:
    """Yield the rows of a time, and of a symbol unless that is empty."""
    for row in rows:
        if span.has(ms_of(row, kind)) and symbol in ("", symbol_of(row)):
            yield row


def by_day(rows: Mapping[Kind, Iterable[Cells]]) -> list[Day]:
    """Return how much of each day there is, oldest first."""
    found: dict[str, Day] = {}
    for kind, each in rows.items():
        for row in each:
            name = row[MOMENTS[kind]].strftime("%Y-%m-%d")
            day = found.setdefault(name, Day(name))
            day.counts[kind] += 1
            if kind is Kind.ORDERS and row["filled"]:
                day.filled += 1
            if kind is Kind.INCOME:
                asset = row["asset"]
                day.income[asset] = day.income.get(asset, Decimal(0)) + row["amount"]
    return [found[name] for name in sorted(found)]


def sums(days: Sequence[Day]) -> Day:
    """Return the sum of days."""
    found = Day("all")
    for day in days:
        found.counts += day.counts
        found.filled += day.filled
        for asset, amount in day.income.items():
            found.income[asset] = found.income.get(asset, Decimal(0)) + amount
    return found


def told(row: Cells, kind: Kind) -> dict[str, Any]:
    """Return the shown columns of a row as text; truths and what is not there stay as they are."""
    return {name: _cell(name, row[name]) for name in FIELDS[kind]}


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Decimal):
        return plain(value)
    if name == "symbol":
        return symbol_of({"symbol": value})
    return value


def kept_sentence(spans: Sequence[KeptSpan]) -> str:
    """Return from when to when books are kept, in a sentence."""
    found = [f"{shown(each.since_ms)} to {shown(each.until_ms)}" for each in whole(spans)]
    return f"Books are kept of {' and of '.join(found)} UTC." if found else "No books are kept."
