"""
A year of trades, each with all that it has cost, and proof of every one. Pure functions.

A trade counts in the year in which it was closed, with what was booked for it in earlier years as
well. So that the sums are the exchange's own income of the year nevertheless, what was booked
before the year for what was held at its beginning is brought over, and what was booked for what is
held at its end is carried over: a row each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ..venue.records import IncomeRecord
from .account import Told
from .balance import CENT, Span
from .entries import FUNDING, MOVED, OF_FILLS
from .fills import ZERO, Fill, held_before, settled_in
from .lots import Closed, Ledger, Lot, Method, in_time
from .trades import add


class Row(StrEnum):
    """What a row is."""

    TRADE = "trade"
    BROUGHT = "brought over"
    CARRIED = "carried over"
    FUNDING = "funding"
    OTHER = "other"


@dataclass(slots=True)
class TaxRow:
    """
    One row of a year.

    Parameters
    ----------
    row : Row
        What it is.
    symbol, whose, side : str
        Of what, whose fill has opened it, ``long`` or ``short``.
    opened_ms, closed_ms : int, optional
        When; ``None`` when that is not told, or has not come.
    quantity : Decimal
        In coins, without a sign.
    entry, exit : Decimal, optional
        Prices of one coin.
    realized : Decimal
        What it has won before costs, in what the symbol is settled in.
    fees, funding, other : dict[str, Decimal]
        By asset; what was paid is negative.
    opened_by, closed_by : list[str]
        Client order ids.
    trades : list[str]
        The exchange's numbers of its fills.
    unnamed : int
        How many more fills have opened it.
    note : str
        What else there is to say: a kind of income in the exchange's words.

    """

    row: Row
    symbol: str = ""
    whose: str = ""
    side: str = ""
    opened_ms: int | None = None
    closed_ms: int | None = None
    quantity: Decimal = ZERO
    entry: Decimal | None = None
    exit: Decimal | None = None
    realized: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    funding: dict[str, Decimal] = field(default_factory=dict)
    other: dict[str, Decimal] = field(default_factory=dict)
    opened_by: list[str] = field(default_factory=list)
    closed_by: list[str] = field(default_factory=list)
    trades: list[str] = field(default_factory=list)
    unnamed: int = 0
    note: str = ""

    @property
    def bought_and_sold(self) -> tuple[Decimal | None, Decimal | None]:
        """What was paid for the coins, and what they have brought, at their prices."""
        opened = None if self.entry is None else self.quantity * self.entry
        closed = None if self.exit is None else self.quantity * self.exit
        return (opened, closed) if self.side == "long" else (closed, opened)

    @property
    def result(self) -> dict[str, Decimal]:
        """What it adds to the year, by asset."""
        found = {settled_in(self.symbol): self.realized} if self.symbol else {}
        for amounts in (self.fees, self.funding, self.other):
            for asset, amount in amounts.items():
                add(found, asset, amount)
        return found


@dataclass(frozen=True, slots=True)
class Year:
    """
    The trades of a year.

    Parameters
    ----------
    method : Method
        How they were matched.
    rows : tuple[TaxRow, ...]
        In order of time.
    income : Mapping[str, Decimal]
        The exchange's income of the year by asset, without money that came or went.
    later : Mapping[str, Decimal]
        By asset, by how much more the method has realized by now than the exchange, which counts by
        average cost; it is in the cost of what is held.
    moved : Mapping[str, Decimal]
        By asset, money that came or went without a trade; in no row.
    unknown : tuple[str, ...]
        Symbols of which something was opened before all that is told.

    """

    method: Method
    rows: tuple[TaxRow, ...]
    income: Mapping[str, Decimal]
    later: Mapping[str, Decimal]
    moved: Mapping[str, Decimal]
    unknown: tuple[str, ...]

    @property
    def sums(self) -> dict[str, Decimal]:
        """The sum of all rows, by asset."""
        found: dict[str, Decimal] = {}
        for row in self.rows:
            for asset, amount in row.result.items():
                add(found, asset, amount)
        return found

    @property
    def off(self) -> dict[str, Decimal]:
        """By asset, what the rows have more than the exchange's income and the method explain."""
        found = self.sums
        for amounts in (self.income, self.later):
            for asset, amount in amounts.items():
                add(found, asset, -amount)
        return found

    @property
    def is_right(self) -> bool:
        """Whether they are the same to the cent; by average cost, to the last decimal."""
        most = ZERO if self.method is Method.AVERAGE else CENT
        return all(abs(each) <= most for each in self.off.values())


def year_of(told: Told, span: Span, method: Method) -> Year:
    """
    Return the trades of a year.

    Parameters
    ----------
    told : Told
        Fills from long before the year until after it, and the income.
    span : Span
        The year.
    method : Method
        How what closes is matched with what has opened.

    """
    rows: list[TaxRow] = []
    later: dict[str, Decimal] = {}
    unknown = []
    funding: dict[str, list[IncomeRecord]] = {}
    for row in told.income:
        if row.kind == FUNDING:
            funding.setdefault(row.symbol, []).append(row)
    for symbol in sorted({*told.fills, *funding} - {""}):
        fills = told.fills.get(symbol, ())
        held = held_before(told.positions.get(symbol, ZERO), fills)
        book = _Book(symbol, held, span, method)
        book.read(fills, funding.get(symbol, ()))
        rows += book.rows
        if method is not Method.AVERAGE:
            add(later, settled_in(symbol), book.later)
        if book.began_unknown:
            unknown.append(symbol)
    rows += [_other(row) for row in told.income if span.has(row.at_ms) and _is_other(row)]
    rows.sort(key=lambda row: (_ORDER[row.row], row.closed_ms or row.opened_ms or 0, row.symbol))
    income, moved = _income(told, span)
    return Year(method, tuple(rows), income, later, moved, tuple(unknown))


_ORDER = {Row.BROUGHT: 0, Row.TRADE: 1, Row.FUNDING: 1, Row.OTHER: 1, Row.CARRIED: 2}


def _is_other(row: IncomeRecord) -> bool:
    return row.kind not in OF_FILLS | MOVED | {FUNDING}


def _other(row: IncomeRecord) -> TaxRow:
    return TaxRow(
        Row.OTHER, row.symbol, closed_ms=row.at_ms, other={row.asset: row.amount}, note=row.kind
    )


def _income(told: Told, span: Span) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Return the income of a span, and what has come or gone; of a fill by its moment."""
    found: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = {}
    # What is of fills stands in them as well, and further back; that both are the same is compared.
    for fills in told.fills.values():
        for fill in fills:
            if span.has(fill.at_ms):
                add(found, fill.settled_in, fill.realized)
                add(found, fill.commission_asset, -fill.commission)
    for row in told.income:
        if span.has(row.at_ms) and row.kind not in OF_FILLS:
            add(moved if row.kind in MOVED else found, row.asset, row.amount)
    return found, moved


class _Book:
    """The rows of one symbol."""

    def __init__(self, symbol: str, held: Decimal, span: Span, method: Method) -> None:
        self._span = span
        self._ledger = Ledger(method, symbol, held)
        self._average = Ledger(Method.AVERAGE, symbol, held)
        self._symbol = symbol
        self._began: tuple[Decimal, Decimal] | None = None
        self._ended: tuple[Decimal, Decimal] | None = None
        self.rows: list[TaxRow] = []
        self.began_unknown = False
        self._more = ZERO

    @property
    def later(self) -> Decimal:
        """By how much more the method has realized in the span than average cost."""
        if not self._ledger.is_whole:
            return self._more  # what was held has no cost that could be compared
        assert self._began is not None, "The span has begun."
        assert self._ended is not None, "The span has ended."
        mine, average = (end - begin for begin, end in zip(self._began, self._ended, strict=True))
        return mine - average

    def read(self, fills: Sequence[Fill], funding: Iterable[IncomeRecord]) -> None:
        for each in in_time(fills, funding):
            if each.at_ms >= self._span.since_ms:
                self._begin()
            if each.at_ms >= self._span.until_ms:
                break
            if isinstance(each, Fill):
                self._fill(each)
            elif not self._ledger.fund(each) and self._span.has(each.at_ms):
                # It is booked some seconds late, and by then nothing may be held any more.
                self.rows.append(
                    TaxRow(
                        Row.FUNDING, self._symbol, closed_ms=each.at_ms,
                        funding={each.asset: each.amount},
                    )
                )  # fmt: skip
        self._begin()
        self._ended = self._ledger.basis, self._average.basis
        self.rows += [_held(lot, Row.CARRIED, 1) for lot in self._ledger.snapshot()]

    def _begin(self) -> None:
        if self._began is None:
            self._began = self._ledger.basis, self._average.basis
            self.rows += [_held(lot, Row.BROUGHT, -1) for lot in self._ledger.snapshot()]

    def _fill(self, fill: Fill) -> None:
        self._average.fill(fill)
        is_mine = self._span.has(fill.at_ms)
        self._more -= fill.realized if is_mine else ZERO
        for closed in self._ledger.fill(fill):
            if is_mine:
                self._more += closed.realized
                self.began_unknown |= closed.lot.opened_ms is None
                self.rows.append(_traded(closed))


def _held(lot: Lot, row: Row, sign: int) -> TaxRow:
    return TaxRow(
        row, lot.symbol, lot.who, _side(lot), lot.opened_ms, None, abs(lot.quantity), lot.price,
        fees={asset: sign * amount for asset, amount in lot.fees.items()},
        funding={asset: sign * amount for asset, amount in lot.funding.items()},
        opened_by=lot.orders, trades=lot.trades, unnamed=lot.unnamed,
    )  # fmt: skip


def _traded(closed: Closed) -> TaxRow:
    lot, fill = closed.lot, closed.fill
    fees = dict(lot.fees)
    for asset, amount in closed.fees.items():
        add(fees, asset, amount)
    return TaxRow(
        Row.TRADE, lot.symbol, lot.who or fill.who, _side(lot), lot.opened_ms, fill.at_ms,
        abs(lot.quantity), closed.entry, fill.price, closed.realized, fees, dict(lot.funding),
        opened_by=lot.orders, closed_by=[fill.client_order_id],
        trades=[*lot.trades, fill.trade_id], unnamed=lot.unnamed,
    )  # fmt: skip


def _side(lot: Lot) -> str:
    return "long" if lot.quantity > 0 else "short"
