"""
Whether the books are right: against the exchange's own income, fill by fill. Pure functions.

Fills and income are two answers of the exchange's. Each fill must be in the income with what it has
won and what it has cost, and the income must tell of no fill that is not in the books; then the
sums are the same as well, and are compared once more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..venue.records import IncomeRecord
from .entries import OF_FILLS, Entry
from .fills import UNIT, ZERO, plain

CENT = Decimal("0.01")

type Key = tuple[str, str, str, str]
"""Kind, symbol, number of the fill, asset."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time, in milliseconds of the market; its end is not in it."""

    since_ms: int
    until_ms: int

    def has(self, at_ms: int) -> bool:
        """Return whether a moment is in it."""
        return self.since_ms <= at_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that books and income do not tell alike."""

    kind: str
    symbol: str
    trade_id: str
    asset: str
    at_ms: int
    books: Decimal | None
    income: Decimal | None

    @property
    def sentence(self) -> str:
        """What differs, in a sentence."""
        name = f"fill {self.trade_id} of {self.symbol}" if self.trade_id else self.symbol or "none"
        return (
            f"{self.kind} of {name}: {_told(self.books, self.asset)} in the books, "
            f"{_told(self.income, self.asset)} in the income."
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """
    Books and income side by side.

    Parameters
    ----------
    span : Span
        What was compared.
    books, income : Mapping[str, Decimal]
        The sums, by asset.
    differences : tuple[Difference, ...]
        What is not told alike, oldest first.
    rows : int
        How many rows of income were compared.

    """

    span: Span
    books: Mapping[str, Decimal]
    income: Mapping[str, Decimal]
    differences: tuple[Difference, ...]
    rows: int

    @property
    def off(self) -> dict[str, Decimal]:
        """By asset what the books have more than the income."""
        assets = sorted({*self.books, *self.income})
        return {a: self.books.get(a, ZERO) - self.income.get(a, ZERO) for a in assets}

    @property
    def is_right(self) -> bool:
        """Whether everything is told alike, and the sums are the same to the cent."""
        return not self.differences and all(abs(each) < CENT for each in self.off.values())


def balance(entries: Iterable[Entry], rows: Iterable[IncomeRecord], span: Span) -> Balance:
    """
    Compare the books with the exchange's income.

    What is of a fill counts when the fill was, whatever moment the income gives it: around the ends
    of a span the two may differ by a little.

    Parameters
    ----------
    entries : Iterable[Entry]
        The books, and some of what lies around the span.
    rows : Iterable[IncomeRecord]
        The income, and some of what lies around the span.
    span : Span
        What is compared.

    """
    entries = list(entries)
    times = {(e.symbol, e.trade_id): e.at_ms for e in entries if e.trade_id}
    booked: dict[Key, Decimal] = {}
    told: dict[Key, Decimal] = {}
    at: dict[Key, int] = {}
    counted = 0
    for entry in entries:
        if span.has(entry.at_ms):
            key = _key(entry)
            booked[key] = booked.get(key, ZERO) + entry.amount
            at.setdefault(key, entry.at_ms)
    for row in rows:
        at_ms = times.get((row.symbol, row.trade_id), row.at_ms) if _is_of_fill(row) else row.at_ms
        if span.has(at_ms):
            key = _key(row)
            told[key] = told.get(key, ZERO) + row.amount
            at.setdefault(key, at_ms)
            counted += 1
    found = [
        Difference(*key, at[key], booked.get(key), told.get(key))
        for key in sorted({*booked, *told}, key=lambda key: (at[key], key))
        if abs(booked.get(key, ZERO) - told.get(key, ZERO)) > UNIT
    ]
    return Balance(span, _sums(booked), _sums(told), tuple(found), counted)


def _is_of_fill(each: Entry | IncomeRecord) -> bool:
    return each.kind in OF_FILLS and each.trade_id != ""


def _key(each: Entry | IncomeRecord) -> Key:
    return each.kind, each.symbol, each.trade_id if _is_of_fill(each) else "", each.asset


def _sums(amounts: Mapping[Key, Decimal]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for (*_, asset), amount in amounts.items():
        found[asset] = found.get(asset, ZERO) + amount
    return found


def _told(amount: Decimal | None, asset: str) -> str:
    return "nothing" if amount is None else f"{plain(amount)} {asset}"


def sentence(found: Balance) -> str:
    """Return in a line whether the books balance."""
    sums = ", ".join(f"{plain(amount)} {asset}" for asset, amount in sorted(found.income.items()))
    compared = f"{found.rows:,} rows of income, {sums or 'which are none'}"
    if found.is_right:
        return f"The books balance: difference 0 over {compared}."
    off = ", ".join(f"{plain(amount)} {asset}" for asset, amount in found.off.items() if amount)
    return (
        f"The books do NOT balance: they differ by {off or '0 in all'} from {compared}; "
        f"{_count(found.differences)}"
    )


def _count(differences: Sequence[Difference]) -> str:
    if not differences:
        return "the sums alone differ."
    more = len(differences) - 1
    return f"{differences[0].sentence}{f' And {more:,} more.' if more else ''}"
