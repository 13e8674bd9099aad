"""
What the exchange has told and will forget: its fills and its income, as rows of the archive.

The exchange forgets its income after three months and fills after six. Rows are only ever added,
each once under the exchange's own number. A span says from when to when all of them are there, and
it comes to the disk after them: killed before that, the same time is asked for again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..venue.records import IncomeRecord
from .balance import Span
from .fills import Fill
from .owners import Owners

if TYPE_CHECKING:
    from .archive import Archive

NS_PER_MS = 1_000_000
NS_PER_US = 1_000


class AnotherAccount(Exception):
    """What is kept is not of the account that is asked, in a sentence."""


@dataclass(frozen=True, slots=True)
class KeptFill:
    """
    A fill of the account.

    Parameters
    ----------
    client_order_id : str
        Of its order; empty when the exchange has forgotten that one.
    side : str
        ``BUY`` or ``SELL``.
    quantity : Decimal
        In coins, without a sign.
    realized : Decimal
        What it has won before its commission, as the exchange says.
    commission : Decimal
        What was paid for it.

    """

    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: str
    quantity: Decimal
    price: Decimal
    realized: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    at_ms: int

    @property
    def name(self) -> str:
        """It and no other; when two orders of one account meet, both fills have the number."""
        return f"{self.symbol} {self.trade_id} {self.order_id}"

    @property
    def at_ns(self) -> int:
        """When it was."""
        return self.at_ms * NS_PER_MS

    def booked(self, owners: Owners) -> Fill:
        """Return it as books need it."""
        return Fill(
            symbol=self.symbol,
            trade_id=self.trade_id,
            order_id=self.order_id,
            who=owners.who(self.client_order_id or None),
            quantity=self.quantity if self.side == "BUY" else -self.quantity,
            price=self.price,
            realized=self.realized,
            commission=self.commission,
            commission_asset=self.commission_asset,
            at_ms=self.at_ms,
            client_order_id=self.client_order_id,
        )


@dataclass(frozen=True, slots=True)
class KeptIncome:
    """A row of the account's income."""

    name: str
    kind: str
    symbol: str
    asset: str
    amount: Decimal
    at_ms: int
    trade_id: str

    @classmethod
    def of(cls, row: IncomeRecord) -> "KeptIncome":
        """Return it as it is kept."""
        return cls(row.number, row.kind, row.symbol, row.asset, row.amount, row.at_ms, row.trade_id)

    @property
    def at_ns(self) -> int:
        """When it was."""
        return self.at_ms * NS_PER_MS

    @property
    def told(self) -> IncomeRecord:
        """It, as the exchange has told it."""
        return IncomeRecord(
            self.name, self.kind, self.symbol, self.asset, self.amount, self.at_ms, self.trade_id
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What was held of a symbol at the end of a span; negative is short."""

    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """
    From when to when everything is kept, and what was held at the end of it.

    Parameters
    ----------
    since_ms, until_ms : int
        Fills and income of this time, its end not in it.
    held : tuple[Held, ...], optional
        ``None`` when nobody has asked.

    """

    since_ms: int
    until_ms: int
    held: tuple[Held, ...] | None = None

    @property
    def name(self) -> str:
        """It and no other."""
        return f"{self.since_ms} {self.until_ms}"

    @property
    def at_ns(self) -> int:
        """Its end."""
        return self.until_ms * NS_PER_MS

    @property
    def since_ns(self) -> int:
        """Its beginning."""
        return self.since_ms * NS_PER_MS


type KeptRow = KeptFill | KeptIncome | KeptSpan


@dataclass(frozen=True, slots=True)
class Told:
    """
    What the exchange has told of a time.

    Parameters
    ----------
    fills, income : Sequence
        All of it.
    spans : Sequence[KeptSpan]
        Of which time.

    """

    fills: Sequence[KeptFill]
    income: Sequence[KeptIncome]
    spans: Sequence[KeptSpan]


class Kept:
    """
    What is kept of one account.

    Parameters
    ----------
    archive : Archive
        Where.

    """

    def __init__(self, archive: "Archive") -> None:
        self._archive = archive

    def add(self, told: Told) -> tuple[int, int]:
        """
        Bring to the disk what is not there yet; return how many fills and rows of income that was.

        Raises
        ------
        AnotherAccount
            If something is kept under the same number that is another thing.
        OSError
            If the disk does not take it.

        """
        from .archive import Kind

        fills = self._new(Kind.FILLS, told.fills, _fill)
        income = self._new(Kind.INCOME, told.income, _income)
        # Rows first: what a span says is there must be there.
        if fills:
            self._archive.append(Kind.FILLS, fills)
        if income:
            self._archive.append(Kind.INCOME, income)
        since_ms = min((span.since_ms for span in told.spans), default=0)
        has = {span.name for span in self.spans(since_ms)} if told.spans else set()
        if spans := [span for span in told.spans if span.name not in has]:
            self._archive.append(Kind.SPANS, spans)
        return len(fills), len(income)

    def _new[Row: (KeptFill, KeptIncome)](
        self, kind: Any, rows: Sequence[Row], read: Any
    ) -> list[Row]:
        if not rows:
            return []
        first, last = min(row.at_ns for row in rows), max(row.at_ns for row in rows)
        has: dict[str, Row] = {}
        for row in map(read, self._archive.rows_between(kind, first, last)):
            has[row.name] = better(has.get(row.name), row)
        found = []
        for row in rows:
            kept = has.get(row.name)
            if kept is not None and not _same(kept, row):
                raise AnotherAccount(
                    f"What is kept as {row.name} in {self._archive.folder} is another thing than "
                    "the exchange tells: these are the books of another account. Move that folder "
                    "away, or give this node another TRADER_ID"
                )
            if kept is None or better(kept, row) != kept:
                found.append(row)
        return found

    def fills(self) -> list[KeptFill]:
        """Return all fills, each once, oldest first."""
        from .archive import Kind

        return merged(map(_fill, self._archive.rows_between(Kind.FILLS, 0, _EVER)))

    def income(self) -> list[KeptIncome]:
        """Return all rows of income, each once, oldest first."""
        from .archive import Kind

        return merged(map(_income, self._archive.rows_between(Kind.INCOME, 0, _EVER)))

    def spans(self, since_ms: int = 0) -> list[KeptSpan]:
        """Return from when to when everything is kept, oldest first; those that end since then."""
        from .archive import Kind

        rows = self._archive.rows_between(Kind.SPANS, since_ms * NS_PER_MS, _EVER)
        return sorted(map(_span, rows), key=lambda span: (span.until_ms, span.since_ms))


_EVER = 4_000_000_000 * 1_000_000_000


def better[Row: (KeptFill, KeptIncome)](one: Row | None, other: Row) -> Row:
    """Return of two tellings of one thing the one that says more."""
    if isinstance(one, KeptFill) and not getattr(other, "client_order_id", ""):
        return one
    return other


def _same(one: KeptRow, other: KeptRow) -> bool:
    if isinstance(one, KeptFill) and isinstance(other, KeptFill):
        return replace(one, client_order_id="") == replace(other, client_order_id="")
    return one == other


def merged[Row: (KeptFill, KeptIncome)](rows: Iterable[Row]) -> list[Row]:
    """Return rows, each once, oldest first."""
    found: dict[str, Row] = {}
    for row in rows:
        found[row.name] = better(found.get(row.name), row)
    return sorted(found.values(), key=lambda row: row.at_ms)


def whole(spans: Iterable[KeptSpan]) -> list[Span]:
    """Return from when to when everything is there: times that touch are one."""
    found: list[Span] = []
    for each in sorted(spans, key=lambda span: span.since_ms):
        if found and each.since_ms <= found[-1].until_ms:
            found[-1] = Span(found[-1].since_ms, max(found[-1].until_ms, each.until_ms))
        else:
            found.append(Span(each.since_ms, each.until_ms))
    return found


def gaps(spans: Sequence[Span], of: Span) -> Iterator[Span]:
    """Yield what of a time is in none of some spans, which are in order and do not touch."""
    since = of.since_ms
    for each in spans:
        if each.since_ms >= of.until_ms:
            break
        if each.since_ms > since:
            yield Span(since, each.since_ms)
        since = max(since, each.until_ms)
    if since < of.until_ms:
        yield Span(since, of.until_ms)


# -- From the files ------------------------------------------------------------------------------


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _plain(amount: Decimal) -> Decimal:
    """Return an amount without the zeros that the file's columns add."""
    return Decimal(0) if not amount else amount.normalize()


def _fill(row: Mapping[str, Any]) -> KeptFill:
    return KeptFill(
        symbol=row["symbol"],
        trade_id=row["trade_id"],
        order_id=row["exchange_order_id"],
        client_order_id=row["client_order_id"],
        side=row["side"],
        quantity=_plain(row["quantity"]),
        price=_plain(row["price"]),
        realized=_plain(row["realized"]),
        commission=_plain(row["commission"]),
        commission_asset=row["currency"],
        is_maker=row["is_maker"],
        at_ms=_ms(row["moment"]),
    )


def _income(row: Mapping[str, Any]) -> KeptIncome:
    return KeptIncome(
        name=row["name"],
        kind=row["kind"],
        symbol=row["symbol"],
        asset=row["asset"],
        amount=_plain(row["amount"]),
        at_ms=_ms(row["moment"]),
        trade_id=row["trade_id"],
    )


def _span(row: Mapping[str, Any]) -> KeptSpan:
    held = row["held"]
    if held is not None:
        held = tuple(Held(each["symbol"], _plain(each["quantity"])) for each in held)
    return KeptSpan(_ms(row["since"]), _ms(row["until"]), held)
