"""Books are right for any fills, and whatever makes them wrong is seen. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.baked import module
from simulated_exchange.account.booking import booked, commission

account, balancing, entries_of = (
    module("books.account"),
    module("books.balance"),
    module("books.entries").entries_of,
)
fills_of, owners, periods = module("books.fills"), module("books.owners"), module("books.periods")
statement, trading = module("books.statement"), module("books.trades")
Fill, Span, Trade = fills_of.Fill, balancing.Span, trading.Trade
IncomeRecord = module("venue.records").IncomeRecord
make, owner_of, Leg = (getattr(module("plan.order_ids"), n) for n in ("make", "owner_of", "Leg"))

BTC, ETH, USDT, BNB = "BTCUSDT", "ETHUSDT", "USDT", "BNB"
ZERO, CENT = Decimal(0), Decimal("0.01")
START_MS, MINUTE_MS = 1_704_067_200_000, 60_000
TAGS = ("first", "second", owners.ANOTHER_HAND, owners.LIQUIDATION)
UNIT = Decimal("0.00000001")


def fills(symbol: str, deals: Sequence[tuple[int, int, str, str]]) -> list[Any]:
    """Return fills as the exchange books them; each deal is lots, price, whose, commission in."""
    held = entry = ZERO
    made = []
    for number, (lots, price, who, asset) in enumerate(deals, 1):
        change, cost = Decimal(lots) / 1_000, Decimal(price) / 10
        done = booked(held, entry, change, cost)
        held, entry = done.position, done.entry_price
        paid = commission(abs(change), cost, maker=bool(number % 2))
        at_ms = START_MS + number * MINUTE_MS
        made.append(Fill(symbol, str(number), str(number // 2), who, change, cost,
                         done.realized_pnl, paid, asset, at_ms))  # fmt: skip
    return made


def income_of(made: Sequence[Any], late_ms: int = 0) -> list[Any]:
    """Return the income of fills, stamped a little later."""
    found = []
    for fill in made:
        for kind, asset, amount in (
            ("REALIZED_PNL", USDT, fill.realized),
            ("COMMISSION", fill.commission_asset, -fill.commission),
        ):
            if amount:
                number = f"{kind} {fill.symbol} {asset} {fill.trade_id}"
                found.append(IncomeRecord(number, kind, fill.symbol, asset, amount,
                                          fill.at_ms + late_ms, fill.trade_id))  # fmt: skip
    return found


def row(kind: str, symbol: str, amount: str, minute: float, asset: str = USDT) -> Any:
    """Return a row of income that is of no fill."""
    at_ms = START_MS + int(minute * MINUTE_MS)
    return IncomeRecord(f"{kind} {symbol} {at_ms}", kind, symbol, asset, Decimal(amount), at_ms)


def all_of(made: Sequence[Any], rows: Sequence[Any]) -> Any:
    """Return the books of everything."""
    by_symbol: dict[str, list[Any]] = {}
    for fill in made:
        by_symbol.setdefault(fill.symbol, []).append(fill)
    held = {symbol: sum((f.quantity for f in each), ZERO) for symbol, each in by_symbol.items()}
    told = account.Told(by_symbol, held, rows, 0)
    return account.books_of(told, Span(START_MS, START_MS + 10**9))


DEALS = st.lists(
    st.tuples(
        st.integers(-5, 5).filter(bool),
        st.integers(9_000, 11_000),
        st.sampled_from(TAGS),
        st.sampled_from((USDT, BNB)),
    ),
    min_size=1,
    max_size=30,
)


# -- Trades --------------------------------------------------------------------------------------


def wrong_trades(found: Sequence[Any], made: Sequence[Any]) -> list[str]:
    """Return in which ways trades are not what fills are."""
    wrong = []
    for asset in (USDT, BNB):
        costs = sum((f.commission for f in made if f.commission_asset == asset), ZERO)
        if sum((t.commission.get(asset, ZERO) for t in found), ZERO) != -costs:
            wrong.append(f"commission in {asset}")
    if sum((t.realized for t in found), ZERO) != sum((f.realized for f in made), ZERO):
        wrong.append("realized")
    if sum((t.bought - t.sold for t in found), ZERO) != sum((f.quantity for f in made), ZERO):
        wrong.append("quantity")
    begun = held = ZERO
    for fill in made:
        after = held + fill.quantity
        begun += not held or held * after < 0
        held = after
    if len(found) != begun:
        wrong.append("not one for each time that a position was opened")
    if any(trade.closed_ms is None for trade in found[:-1]):
        wrong.append("two are open")
    for trade in found:
        if trade.closed_ms is None:
            continue
        if trade.bought != trade.sold:
            wrong.append("closed and not flat")
        # The exchange rounds its mean entry price, so that it may be off by a bit for each coin.
        elif abs(trade.got - trade.paid - trade.realized) > UNIT * 2 * trade.fills:
            wrong.append("realized is not what was got less what was paid")
    return wrong


@given(DEALS)
def test_any_fills_are_trades_that_balance(deals: list[tuple[int, int, str, str]]) -> None:
    made = fills(BTC, deals)
    found = trading.trades_of(BTC, list(reversed(made)))
    assert wrong_trades(found, made) == []
    position = sum((fill.quantity for fill in made), ZERO)
    assert (found[-1].closed_ms is None) == bool(position)


@given(DEALS, st.integers(0, 29))
def test_trades_from_the_middle_on_balance(
    deals: list[tuple[int, int, str, str]], cut: int
) -> None:
    made = fills(BTC, deals)
    held = sum((fill.quantity for fill in made[:cut]), ZERO)
    found = trading.trades_of(BTC, made[cut:], held)
    assert sum((t.realized for t in found), ZERO) == sum((f.realized for f in made[cut:]), ZERO)
    assert all(trade.opened_ms is not None for trade in found[1:])
    assert not found or (found[0].opened_ms is None) == bool(held)


TURNED = [(3, 10_000, "first", USDT), (-5, 10_100, "first", USDT), (2, 10_050, "second", USDT)]


def no_split(held: Decimal, fill: Any) -> tuple[Any, Any]:
    whole = fills_of.Part(fill.quantity, fill.realized, fill.commission)
    return (whole, None) if held * fill.quantity < 0 else (None, whole)


def no_commission(held: Decimal, fill: Any) -> tuple[Any, Any]:
    closes, opens = fills_of.split(held, fill)
    return closes, opens and replace(opens, commission=ZERO)


def realized_where_it_opens(held: Decimal, fill: Any) -> tuple[Any, Any]:
    closes, opens = fills_of.split(held, fill)
    if closes and opens:
        return replace(closes, realized=ZERO), replace(opens, realized=fill.realized)
    return closes, opens


@pytest.mark.parametrize("mutant", [no_split, no_commission, realized_where_it_opens])
def test_a_wrong_split_is_seen(mutant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trading, "split", mutant)
    made = fills(BTC, TURNED)
    assert wrong_trades(trading.trades_of(BTC, made), made) != []


def test_a_fill_that_turns_a_position_is_in_two_trades() -> None:
    first, second = trading.trades_of(BTC, fills(BTC, TURNED))
    assert (first.who, first.is_long, first.bought, first.sold) == (
        "first", True, Decimal("0.003"), Decimal("0.003"))  # fmt: skip
    assert (second.who, second.is_long, second.quantity) == ("first", False, Decimal("0.002"))
    assert second.hands == ["first", "second"]
    assert (first.entry, first.exit) == (Decimal(1000), Decimal(1010))
    assert first.closed_ms == second.opened_ms


def test_two_own_orders_that_have_met_are_two_fills() -> None:
    buy, sell = fills(BTC, [(3, 10_000, "first", USDT), (-3, 10_000, "second", USDT)])
    [trade] = trading.trades_of(BTC, [replace(sell, trade_id="1", order_id="7"), buy])
    assert trade.closed_ms is not None
    rows = income_of([buy, replace(sell, trade_id="1")])
    assert all_of([buy, replace(sell, trade_id="1", order_id="7")], rows).balance.is_right


# -- The balance ---------------------------------------------------------------------------------


@given(DEALS, DEALS, st.integers(0, 31), st.integers(1, 31), st.integers(-900, 900))
def test_any_fills_and_their_income_balance_over_any_span(
    btc: list[tuple[int, int, str, str]],
    eth: list[tuple[int, int, str, str]],
    since: int,
    length: int,
    late_ms: int,
) -> None:
    made = [*fills(BTC, btc), *fills(ETH, eth)]
    rows = [*income_of(made, late_ms), row("FUNDING_FEE", BTC, "-0.51", 3.2),
            row("TRANSFER", "", "500", 4.1), row("INSURANCE_CLEAR", ETH, "-1.2", 5.9),
            row("API_REBATE", "", "0.3", 6.5, BNB)]  # fmt: skip
    span = Span(START_MS + since * MINUTE_MS, START_MS + (since + length) * MINUTE_MS)
    by_symbol = {BTC: fills(BTC, btc), ETH: fills(ETH, eth)}
    held = {symbol: sum((f.quantity for f in each), ZERO) for symbol, each in by_symbol.items()}
    books = account.books_of(account.Told(by_symbol, held, rows, 0), span)
    assert books.balance.is_right
    assert set(books.balance.off.values()) <= {ZERO}
    lines = statement.statement(books.entries, books.fills, books.trades, span, None)
    sums = statement.sums(lines)
    assert {a: v for a, v in sums.items() if v} == {
        a: v for a, v in books.balance.income.items() if v
    }
    for by in periods.By:
        divided = statement.statement(books.entries, books.fills, books.trades, span, by)
        assert statement.sums(divided) == sums
        assert sum(line.fills for line in divided) == len(books.fills)


def dearer(rows: list[Any]) -> list[Any]:
    return [replace(rows[0], amount=rows[0].amount - CENT), *rows[1:]]


def shifted(rows: list[Any]) -> list[Any]:
    """One fill has won what another has: the sums are the same."""
    won = [i for i, each in enumerate(rows) if each.kind == "REALIZED_PNL"]
    one, other = rows[won[0]], rows[won[1]]
    rows[won[0]] = replace(one, amount=one.amount + CENT)
    rows[won[1]] = replace(other, amount=other.amount - CENT)
    return rows


BAD: dict[str, Callable[[list[Any]], list[Any]]] = {
    "a row is missing": lambda rows: rows[1:],
    "a row is there twice": lambda rows: [*rows, replace(rows[0], number="another")],
    "a cent is missing": dearer,
    "a cent is at another fill": shifted,
    "another asset": lambda rows: [replace(rows[0], asset=BNB), *rows[1:]],
    "another symbol": lambda rows: [replace(rows[0], symbol=ETH), *rows[1:]],
    "a fill that nobody told": lambda rows: [
        *rows, replace(rows[0], number="n", trade_id="99", amount=Decimal("0.02"))],
    "a commission of no fill": lambda rows: [*rows, row("COMMISSION", BTC, "-0.02", 2)],
}  # fmt: skip


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_income_that_is_not_the_books_is_seen(change: Callable[[list[Any]], list[Any]]) -> None:
    made = fills(BTC, [*TURNED, (-4, 10_020, "first", USDT)])
    assert all_of(made, income_of(made)).balance.is_right
    found = all_of(made, change(income_of(made))).balance
    assert not found.is_right
    assert found.differences
    assert balancing.sentence(found).startswith("The books do NOT balance: they differ by ")


def test_a_fill_that_is_not_told_is_named() -> None:
    made = fills(BTC, TURNED)
    found = all_of(made[:-1], income_of(made)).balance
    assert [each.trade_id for each in found.differences] == ["3", "3"]
    assert "fill 3 of BTCUSDT: nothing in the books" in balancing.sentence(found)


@pytest.mark.parametrize("kind", ["FUNDING_FEE", "TRANSFER", "INSURANCE_CLEAR", "SOMETHING_NEW"])
def test_an_entry_that_is_lost_or_changed_is_seen(kind: str) -> None:
    made, rows = fills(BTC, TURNED), [row(kind, BTC, "-0.51", 1.5)]
    found = entries_of(made, rows, {})
    span = Span(START_MS, START_MS + 10**9)
    income = [*income_of(made), *rows]
    assert balancing.balance(found, income, span).is_right
    of_row = next(each for each in found if each.kind == kind)
    for wrong in ([], [of_row, of_row], [replace(of_row, amount=-of_row.amount)]):
        others = [each for each in found if each is not of_row]
        assert not balancing.balance([*others, *wrong], income, span).is_right


def test_what_rounds_is_no_difference_and_a_cent_of_it_is() -> None:
    made = fills(BTC, TURNED)
    rows = income_of(made)
    rows[0] = replace(rows[0], amount=rows[0].amount + UNIT)
    found = all_of(made, rows).balance
    assert found.is_right
    many = balancing.Balance(found.span, {USDT: CENT}, {USDT: ZERO}, (), 1)
    assert not many.is_right
    assert balancing.sentence(many).endswith("the sums alone differ.")


# -- Whose it is ---------------------------------------------------------------------------------

OWNER = owner_of("TRADER-001", "first", BTC)


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        (make(OWNER, START_MS, Leg.ENTRY, 0), "first"),
        (make(OWNER, START_MS, Leg.RESTING, 1, 7), "first"),
        (f"{OWNER}-something-of-its-own", "first"),
        (OWNER, owners.ANOTHER_HAND),
        (make(owner_of("TRADER-002", "first", BTC), START_MS, Leg.STOP, 0), None),
        ("web_1000001", owners.ANOTHER_HAND),
        ("autoclose-1000001", owners.LIQUIDATION),
        ("adl_autoclose", owners.DELEVERAGING),
        ("settlement_autoclose-1", owners.SETTLEMENT),
        (None, owners.FORGOTTEN),
    ],
)
def test_whose_an_order_is(name: str | None, whose: str | None) -> None:
    found = owners.Owners.of("TRADER-001", [("first", BTC), ("second", ETH)]).who(name)
    assert found == (whose or f"not listed ({owner_of('TRADER-002', 'first', BTC)})")


@pytest.mark.parametrize("name", owners.STRANGERS)
def test_nobody_else_can_be_taken_for_a_tag(name: str) -> None:
    assert module("plan.traded")._TAG.fullmatch(name) is None


@pytest.mark.parametrize(
    ("minute", "whose"),
    [(0.5, owners.FORGOTTEN), (1, "first"), (1.9, "first"), (2, "second"), (3.9, "second"),
     (4.5, "second"), (5, "first"), (99, "first")],
)  # fmt: skip
def test_funding_is_that_of_who_held(minute: float, whose: str) -> None:
    made = fills(BTC, [(3, 10_000, "first", USDT), (-5, 10_100, "second", USDT),
                       (-1, 10_100, "first", USDT), (3, 10_100, "first", USDT),
                       (1, 10_000, "first", USDT)])  # fmt: skip
    books = all_of(made, [*income_of(made), row("FUNDING_FEE", BTC, "-0.51", minute)])
    [entry] = [each for each in books.entries if each.kind == "FUNDING_FEE"]
    assert entry.who == whose
    given_to = [trade.who for trade in books.trades if trade.funding]
    assert given_to == ([] if whose == owners.FORGOTTEN else [whose])
    assert books.balance.is_right


def test_lines_of_everybody() -> None:
    made = fills(BTC, [(3, 10_000, "first", USDT), (-1, 10_100, owners.ANOTHER_HAND, USDT),
                       (-2, 9_000, owners.LIQUIDATION, BNB)])  # fmt: skip
    rows = [*income_of(made), row("TRANSFER", "", "500", 9), row("INSURANCE_CLEAR", BTC, "-2", 9),
            row("WELCOME_BONUS", "", "1", 9)]  # fmt: skip
    books = all_of(made, rows)
    lines = statement.statement(books.entries, books.fills, books.trades, books.span, None)
    assert [(line.who, line.symbol, line.asset, line.trades, line.fills) for line in lines] == [
        ("first", BTC, USDT, 1, 1),
        (owners.ANOTHER_HAND, BTC, USDT, 0, 1),
        (owners.LIQUIDATION, BTC, BNB, 0, 0),
        (owners.LIQUIDATION, BTC, USDT, 0, 1),
        ("other income", "", USDT, 0, 0),
        ("transfers to and from", "", USDT, 0, 0),
    ]


# -- The span ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lots", "position", "since", "flat"),
    [
        ([3, -3], "0", 1, True),
        ([3], "0.003", 1, True),
        ([3], "0.005", 1, False),
        ([-5, 3], "0.001", 3, True),  # turned before the span
        ([-3, 3], "0.003", 2, True),  # flat before it
        ([-3, 3], "0.003", 1, False),  # flat in it
        ([], "0.001", 1, False),
        ([], "0", 1, True),
    ],
)
def test_how_far_back_fills_must_reach(
    lots: list[int], position: str, since: int, flat: bool
) -> None:
    made = fills(BTC, [(each, 10_000, "first", USDT) for each in lots])
    since_ms = START_MS + since * MINUTE_MS
    assert account.begins_flat(Decimal(position), made, since_ms) is flat


def test_what_the_exchange_no_longer_tells_is_said() -> None:
    made = fills(BTC, [(-3, 10_000, owners.FORGOTTEN, USDT)])
    told = account.Told({BTC: made}, {BTC: Decimal("0.002")}, [], START_MS + 5 * MINUTE_MS)
    books = account.books_of(told, Span(START_MS, START_MS + 10 * MINUTE_MS))
    assert books.balance.is_right  # nothing is compared before the income begins
    three_months, nameless, opened = books.notes
    assert "begin at 2024-01-01 00:05:00 UTC" in three_months
    assert nameless.startswith("The exchange no longer tells the order of 1 fill (")
    assert opened.startswith("A position in BTCUSDT was opened before")
    assert books.trades[0].opened_ms is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-01-01", START_MS),
        ("2024-01-01T01:00", START_MS + 3_600_000),
        ("2024-01-01T01:00+01:00", START_MS),
        ("1h", START_MS + 9 * 3_600_000),
        ("1d", START_MS - 14 * 3_600_000),
        ("1w", START_MS - (6 * 24 + 14) * 3_600_000),
    ],
)
def test_times_that_a_person_names(text: str, at: int) -> None:
    assert periods.read_moment(text, START_MS + 10 * 3_600_000) == at


@pytest.mark.parametrize("text", ["", "yesterday", "7", "2024-13-01", "-3d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        periods.read_moment(text, START_MS)


@pytest.mark.parametrize(
    ("by", "names"),
    [("day", ["2023-12-31", "2024-01-01"]), ("week", ["2023-W52", "2024-W01"]),
     ("month", ["2023-12", "2024-01"])],
)  # fmt: skip
def test_periods_begin_at_midnight_utc(by: str, names: list[str]) -> None:
    found = [periods.period_of(at, periods.By(by)) for at in (START_MS - 1, START_MS)]
    assert found == names


@pytest.mark.parametrize(
    ("symbol", "asset"),
    [("BTCUSDT", USDT), ("ETHUSDC", "USDC"), ("ETHBTC", "BTC"), ("BTCUSDT_240628", USDT)],
)
def test_what_a_symbol_is_settled_in(symbol: str, asset: str) -> None:
    assert fills_of.settled_in(symbol) == asset
