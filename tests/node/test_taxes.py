"""Every trade of a year is there once, with all that it has cost, and the sums are the income."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.baked import module
from node.test_books import BNB, BTC, DEALS, MINUTE_MS, START_MS, USDT, ZERO, fills, income_of, row

account, balancing, keeping = module("books.account"), module("books.balance"), module("books.kept")
lots, taxes = module("books.lots"), module("books.taxes")
ARCHIVE = module("books.archive")
Span, Told, Method, Row = balancing.Span, account.Told, lots.Method, taxes.Row
EVER = START_MS + 10**9
FEES = st.lists(
    st.tuples(st.integers(0, 31), st.integers(-900, 900), st.sampled_from((USDT, BNB))), max_size=6
)


def told(
    made: Sequence[Any], rows: Sequence[Any], symbol: str = BTC, before: Decimal = ZERO
) -> Any:
    """Return what the exchange has told; `before` was held before all of it."""
    held = before + sum((fill.quantity for fill in made), ZERO)
    return Told({symbol: made}, {symbol: held}, [*income_of(made), *rows], 0)


def funding(fees: Sequence[tuple[int, int, str]]) -> list[Any]:
    """Return rows of funding, half a minute after a fill each."""
    return [
        row("FUNDING_FEE", BTC, f"{amount / 1000:.8f}", minute + 0.5 + place / 100, asset)
        for place, (minute, amount, asset) in enumerate(fees)
    ]


def from_income(rows: Sequence[Any], span: Any) -> dict[str, Decimal]:
    """Return what the exchange's income of a time sums up to."""
    found: dict[str, Decimal] = {}
    for each in rows:
        if span.has(each.at_ms) and each.kind != "TRANSFER":
            found[each.asset] = found.get(each.asset, ZERO) + each.amount
    return found


def unlike(one: dict[str, Decimal], other: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return by how much sums differ."""
    assets = {*one, *other}
    found = {asset: one.get(asset, ZERO) - other.get(asset, ZERO) for asset in assets}
    return {asset: amount for asset, amount in found.items() if amount}


@given(DEALS, FEES, st.integers(0, 30), st.integers(0, 30))
def test_any_year_of_any_fills_is_the_income_to_the_last_decimal(
    deals: list[tuple[int, int, str, str]], fees: list[tuple[int, int, str]], one: int, other: int
) -> None:
    made, rows = fills(BTC, deals), funding(fees)
    ends = sorted((one, other))
    span = Span(*(START_MS + end * MINUTE_MS + 1 for end in ends))
    everything = told(made, rows)
    year = taxes.year_of(everything, span, Method.AVERAGE)
    assert unlike(year.sums, from_income(everything.income, span)) == {}
    assert year.is_right
    by_lots = taxes.year_of(everything, span, Method.FIFO)
    assert by_lots.is_right
    more = unlike(by_lots.sums, year.sums)
    assert all(
        abs(more.get(a, ZERO) - by_lots.later.get(a, ZERO)) < taxes.CENT for a in (USDT, BNB)
    )


@given(DEALS, FEES, st.integers(1, 29))
def test_what_is_carried_over_is_what_the_next_year_brings_over(
    deals: list[tuple[int, int, str, str]], fees: list[tuple[int, int, str]], cut: int
) -> None:
    everything = told(fills(BTC, deals), funding(fees))
    at = START_MS + cut * MINUTE_MS + 1
    for method in Method:
        first = taxes.year_of(everything, Span(0, at), method)
        second = taxes.year_of(everything, Span(at, EVER), method)
        carried = [each for each in first.rows if each.row is Row.CARRIED]
        brought = [each for each in second.rows if each.row is Row.BROUGHT]
        assert [(c.opened_ms, c.quantity, c.entry, c.trades) for c in carried] == [
            (b.opened_ms, b.quantity, b.entry, b.trades) for b in brought
        ]
        assert [c.fees for c in carried] == [
            {asset: -amount for asset, amount in b.fees.items()} for b in brought
        ]
        # Both years together are all of it.
        both = taxes.year_of(everything, Span(0, EVER), method)
        trades = [each for each in (*first.rows, *second.rows) if each.row is Row.TRADE]
        assert trades == [each for each in both.rows if each.row is Row.TRADE]


@given(DEALS, st.sampled_from(list(Method)))
def test_each_closed_coin_is_in_one_row(
    deals: list[tuple[int, int, str, str]], method: Any
) -> None:
    made = fills(BTC, deals)
    year = taxes.year_of(told(made, []), Span(0, EVER), method)
    closed = sum((each.quantity for each in year.rows if each.row is Row.TRADE), ZERO)
    opened = sum((each.quantity for each in year.rows if each.row is Row.CARRIED), ZERO)
    bought = sum((fill.quantity for fill in made if fill.quantity > 0), ZERO)
    sold = -sum((fill.quantity for fill in made if fill.quantity < 0), ZERO)
    assert 2 * closed + opened == bought + sold
    for each in year.rows:
        if each.row is Row.TRADE:
            cost, proceeds = each.bought_and_sold
            assert abs(proceeds - cost - each.realized) < Decimal("1e-15")
            assert each.closed_ms >= each.opened_ms


def test_first_in_first_out_and_average_cost_by_hand() -> None:
    made = fills(
        BTC, [(10, 10_000, "me", USDT), (10, 20_000, "me", USDT), (-10, 30_000, "me", USDT)]
    )
    average = taxes.year_of(told(made, []), Span(0, EVER), Method.AVERAGE)
    fifo = taxes.year_of(told(made, []), Span(0, EVER), Method.FIFO)
    [by_average], [by_lots] = ([r for r in y.rows if r.row is Row.TRADE] for y in (average, fifo))
    assert (by_average.entry, by_average.realized) == (Decimal(1500), Decimal(15))
    assert (by_lots.entry, by_lots.realized) == (Decimal(1000), Decimal(20))
    assert (by_lots.opened_ms, by_average.opened_ms) == (made[0].at_ms, made[0].at_ms)
    assert by_lots.trades == ["1", "3"]
    assert by_average.trades == ["1", "2", "3"]
    assert fifo.later == {USDT: Decimal(5)}
    [held] = [r for r in fifo.rows if r.row is Row.CARRIED]
    assert (held.entry, held.quantity) == (Decimal(2000), Decimal("0.010"))


def test_what_was_opened_before_all_that_is_told() -> None:
    made = fills(BTC, [(10, 10_000, "me", USDT), (-4, 11_000, "me", USDT), (-6, 9_000, "me", USDT)])
    for method in Method:
        year = taxes.year_of(told(made[1:], [], before=made[0].quantity), Span(0, EVER), method)
        assert year.unknown == (BTC,)
        assert year.is_right
        trades = [each for each in year.rows if each.row is Row.TRADE]
        assert [each.entry for each in trades] == [Decimal(1000), Decimal(1000)]
        assert [each.opened_ms for each in trades] == [None, None]


def test_money_that_came_or_went_is_in_no_row() -> None:
    rows = [row("TRANSFER", "", "500", 1), row("INSURANCE_CLEAR", BTC, "-2", 2)]
    year = taxes.year_of(told([], rows), Span(0, EVER), Method.AVERAGE)
    assert [each.note for each in year.rows] == ["INSURANCE_CLEAR"]
    assert year.sums == {USDT: Decimal(-2)}
    assert year.moved == {USDT: Decimal(500)}
    assert year.is_right


@pytest.mark.parametrize("method", list(Method))
def test_a_method_that_loses_a_commission_is_seen(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fills(BTC, [(1_000, 10_000, "me", USDT), (-400, 11_000, "me", USDT)])
    stock = lots.Lot.take

    def loses(self: Any, quantity: Decimal) -> Any:
        part = stock(self, quantity)
        part.fees = {}
        return part

    monkeypatch.setattr(lots.Lot, "take", loses)
    year = taxes.year_of(told(made, []), Span(0, EVER), method)
    assert unlike(year.sums, from_income(income_of(made), Span(0, EVER)))
    assert not year.is_right


# -- What is kept --------------------------------------------------------------------------------


def kept_fill(number: int, at_ms: int, name: str = "mine") -> Any:
    return keeping.KeptFill(
        BTC, str(number), str(number), name, "BUY", Decimal("0.01"), Decimal(60_000), ZERO,
        Decimal("0.3"), USDT, False, at_ms,
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """Nothing kept yet."""
    return keeping.Kept(ARCHIVE.Archive(tmp_path / "archive"))


def add(kept: Any, made: Sequence[Any], since: int, until: int, held: Any = ()) -> tuple[int, int]:
    spans = [keeping.KeptSpan(since, until, held)]
    found: tuple[int, int] = kept.add(keeping.Told(made, [], spans))
    return found


def test_what_is_kept_reads_as_it_was_told(kept: Any) -> None:
    made = [kept_fill(1, START_MS), kept_fill(2, START_MS + 1)]
    income = [
        keeping.KeptIncome("F 1", "FUNDING_FEE", BTC, USDT, Decimal("-0.12345678"), START_MS, "")
    ]
    span = keeping.KeptSpan(START_MS, START_MS + 5, (keeping.Held(BTC, Decimal("-0.02")),))
    assert kept.add(keeping.Told(made, income, [span])) == (2, 1)
    assert (kept.fills(), kept.income(), kept.spans()) == (made, income, [span])
    assert kept.add(keeping.Told(made, income, [span])) == (0, 0)
    assert kept.spans() == [span]


def test_a_name_that_is_told_later_is_kept(kept: Any) -> None:
    add(kept, [kept_fill(1, START_MS, ""), kept_fill(2, START_MS + 9)], START_MS, START_MS + 10)
    assert add(kept, [kept_fill(1, START_MS)], START_MS, START_MS + 20) == (1, 0)
    assert [fill.client_order_id for fill in kept.fills()] == ["mine", "mine"]
    # And one that is forgotten since is none that is told anew.
    assert add(kept, [kept_fill(1, START_MS, "")], START_MS, START_MS + 30) == (0, 0)


def test_another_account_is_refused(kept: Any) -> None:
    add(kept, [kept_fill(1, START_MS)], START_MS, START_MS + 10)
    other = replace(kept_fill(1, START_MS), price=Decimal(59_999))
    with pytest.raises(keeping.AnotherAccount, match="the books of another account"):
        add(kept, [other], START_MS, START_MS + 20)
    assert len(kept.fills()) == 1


def test_gaps() -> None:
    spans = [keeping.KeptSpan(*each) for each in ((5, 10), (0, 3), (9, 12), (20, 30))]
    whole = keeping.whole(spans)
    assert whole == [Span(0, 3), Span(5, 12), Span(20, 30)]
    assert list(keeping.gaps(whole, Span(1, 40))) == [Span(3, 5), Span(12, 20), Span(30, 40)]
    assert list(keeping.gaps(whole, Span(6, 11))) == []
    assert list(keeping.gaps([], Span(6, 11))) == [Span(6, 11)]


# -- A year of an exchange that forgets ----------------------------------------------------------

KEEPING = module("guards.books.keeping")
RECORDS, ROWS = module("venue.records"), module("venue.binance.rows")
ACCOUNT = module("venue.binance.account")
DAY_MS = 86_400_000
YEAR = Span(START_MS + 20 * DAY_MS, START_MS + 385 * DAY_MS)


class Forgetful:
    """What an account has done, told as the exchange tells it: no longer than it remembers."""

    def __init__(self, made: Sequence[Any], income: Sequence[Any]) -> None:
        self._fills, self._income = made, income
        self.now_ms = 0
        self.at_ms = 0

    async def look_at_the_clock(self) -> int:
        self.now_ms = self.at_ms
        return self.now_ms

    @property
    def fills_since_ms(self) -> int:
        return self.now_ms - 180 * DAY_MS

    @property
    def income_since_ms(self) -> int:
        return self.now_ms - 90 * DAY_MS

    async def positions(self) -> dict[str, Any]:
        held = sum((fill.quantity for fill in self._fills if fill.at_ms <= self.now_ms), ZERO)
        position = RECORDS.PositionRecord(BTC, held, Decimal(1))
        return {BTC: ACCOUNT.Held(position, self.now_ms)} if held else {}

    async def income(self, since_ms: int, until_ms: int) -> list[Any]:
        since_ms, until_ms = max(since_ms, self.income_since_ms), min(until_ms, self.now_ms)
        return [row for row in self._income if since_ms <= row.at_ms <= until_ms]

    async def fills(self, symbol: str, since_ms: int, until_ms: int) -> list[Any]:
        since_ms, until_ms = max(since_ms, self.fills_since_ms), min(until_ms, self.now_ms)
        return [
            ROWS.Trade(
                RECORDS.TradeRecord(
                    fill.trade_id, fill.order_id, symbol, "BUY" if fill.quantity > 0 else "SELL",
                    abs(fill.quantity), fill.price, fill.commission, fill.commission_asset, False,
                    fill.at_ms,
                ),
                fill.realized,
            )
            for fill in self._fills
            if since_ms <= fill.at_ms <= until_ms
        ]  # fmt: skip

    async def names(self, _symbol: str, some: Sequence[Any]) -> dict[str, str]:
        numbers = [fill.record.exchange_order_id for fill in some]
        return {number: f"order-{number}" for number in numbers}


def a_year() -> tuple[list[Any], list[Any]]:
    """Return fills of four hundred days, never flat for long, and their income with funding."""
    deals = [
        ((place * 7) % 11 - 5 or 3, 9_000 + (place * 37) % 2_000, "me", BNB if place % 9 else USDT)
        for place in range(400)
    ]
    made = [
        replace(fill, at_ms=START_MS + place * DAY_MS + 1, order_id=fill.trade_id)
        for place, fill in enumerate(fills(BTC, deals))
    ]
    paid = [row("FUNDING_FEE", BTC, "-0.01", day * 1_440 + 480) for day in range(400)]
    return made, sorted([*income_of(made), *paid], key=lambda each: each.at_ms)


async def pass_at(past: Forgetful, kept: Any, at_ms: int) -> None:
    past.at_ms = at_ms
    await KEEPING._keep(kept, None, past, {BTC}, KEEPING.Report())


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This account has no requests that could carry a time."""

    async def right(_requests: Any) -> str:
        return ""

    monkeypatch.setattr(KEEPING, "wrong_clock", right)


def from_kept(kept: Any) -> Any:
    """Return what is kept as books need it."""
    nobody = module("books.owners").Owners({})
    last = max((s for s in kept.spans() if s.held is not None), key=lambda span: span.until_ms)
    made = [fill.booked(nobody) for fill in kept.fills() if fill.at_ms < last.until_ms]
    rows = [each.told for each in kept.income() if each.at_ms < last.until_ms]
    return Told({BTC: made}, {each.symbol: each.quantity for each in last.held}, rows, 0)


@pytest.mark.parametrize("every", [20, 85])
async def test_a_year_is_whole_though_the_exchange_forgets_it_and_passes_die(
    kept: Any, no_clock: None, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    made, income = a_year()
    past = Forgetful(made, income)
    stock, steps = ARCHIVE.Archive.append, 0

    def dies(self: Any, kind: Any, rows: Any) -> None:
        nonlocal steps
        steps += 1
        if steps % 5 == 0:
            raise OSError("killed")
        stock(self, kind, rows)

    monkeypatch.setattr(ARCHIVE.Archive, "append", dies)
    for day in range(1, 400, every):
        for _ in range(20):
            with suppress(OSError):
                await pass_at(past, kept, START_MS + day * DAY_MS + DAY_MS // 2)
                break
    monkeypatch.setattr(ARCHIVE.Archive, "append", stock)
    await pass_at(past, kept, START_MS + 400 * DAY_MS)
    assert steps > 20
    assert list(keeping.gaps(keeping.whole(kept.spans()), YEAR)) == []
    names = [each["name"] for each in kept._archive.rows_between(ARCHIVE.Kind.FILLS, 0, 2**62)]
    assert len(names) == len(set(names)) == len(made)
    assert len(kept.income()) == len(income)
    for method in Method:
        year = taxes.year_of(from_kept(kept), YEAR, method)
        assert year.is_right
        if method is Method.AVERAGE:
            assert unlike(year.sums, from_income(income, YEAR)) == {}


async def test_months_without_a_pass_are_a_hole_that_is_told(kept: Any, no_clock: None) -> None:
    past = Forgetful(*a_year())
    await pass_at(past, kept, START_MS + 30 * DAY_MS)
    await pass_at(past, kept, START_MS + 150 * DAY_MS)
    [gap] = keeping.gaps(keeping.whole(kept.spans()), Span(START_MS, START_MS + 149 * DAY_MS))
    assert abs(gap.since_ms - (START_MS + 30 * DAY_MS)) < DAY_MS
    assert gap.until_ms == START_MS + 60 * DAY_MS
    # The fills of that time were still told.
    assert len(kept.fills()) == 150


async def test_an_exchange_whose_time_is_earlier_is_another_account(
    kept: Any, no_clock: None
) -> None:
    past = Forgetful(*a_year())
    await pass_at(past, kept, START_MS + 30 * DAY_MS)
    with pytest.raises(keeping.AnotherAccount, match="which has not come yet"):
        await pass_at(past, kept, START_MS + 29 * DAY_MS)
