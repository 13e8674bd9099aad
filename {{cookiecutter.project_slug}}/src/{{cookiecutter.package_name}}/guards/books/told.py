"""
What the exchange tells of an account's fills and income, as it is kept.

Asked for week by week, oldest first, so that what has been kept by then stays whatever happens.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ...books.balance import Balance, Span, balance
from ...books.entries import OF_FILLS, entries_of
from ...books.kept import Held, KeptFill, KeptIncome, KeptSpan, Told
from ...books.owners import Owners
from ...exit_codes import ExitCode, NodeExit
from ...venue.binance.contradictions import DAY_MS
from ...venue.binance.pages import TooMuchError
from ...venue.binance.past import Past
from ...venue.binance.rows import Trade
from ..asking import answer_to

WEEK_MS = 7 * DAY_MS - 7_200_000
"""A little less than one question covers."""
EDGE_MS = 60_000
"""So much around a time is asked for, too: a fill and its income may have other stamps."""
STILL = 3
"""How often positions and fills are asked for until no fill has come in between."""
NOBODY = Owners({})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What is wanted of the exchange.

    Parameters
    ----------
    since_ms : int
        Since when; what the exchange has forgotten is left out.
    until_ms : int
        Up to this, which is not in it.
    symbols : frozenset[str]
        What is traded; others are found in positions and income.

    """

    since_ms: int
    until_ms: int
    symbols: frozenset[str]


async def weeks(past: Past, wanted: Wanted) -> AsyncIterator[Told]:
    """
    Yield what the exchange tells, week by week.

    Raises
    ------
    NodeExit
        With code 75 when it does not answer, 70 when its answers are absurd, 78 when it refuses for
        good, or a week holds more than may be asked for.

    """
    fills_since = max(wanted.since_ms, past.fills_since_ms)
    income_since = max(wanted.since_ms, past.income_since_ms)
    start = min(fills_since, income_since)
    symbols = set(wanted.symbols)
    while start < wanted.until_ms:
        end = min(start + WEEK_MS, wanted.until_ms)
        is_last = end == wanted.until_ms
        fills, income = Span(max(start, fills_since), end), Span(max(start, income_since), end)
        yield await _week(past, symbols, fills, income, is_last=is_last)
        start = end


async def _week(
    past: Past, symbols: set[str], of_fills: Span, of_income: Span, *, is_last: bool
) -> Told:
    until_ms = of_income.until_ms + EDGE_MS
    held: dict[str, Decimal] = {}
    fills: dict[str, KeptFill] = {}
    income: dict[str, KeptIncome] = {}
    for _ in range(STILL if is_last else 1):
        before = await _positions(past) if is_last else {}
        now_ms = await _answer("its time", past.look_at_the_clock)
        if of_income.since_ms < of_income.until_ms:
            rows = await _answer(
                "the income", lambda: past.income(of_income.since_ms - EDGE_MS, until_ms)
            )
            income.update((row.number, KeptIncome.of(row)) for row in rows)
        symbols |= {*before, *(row.symbol for row in income.values() if row.symbol)}
        # What has been filled since is needed to tell what was held at the end.
        last_ms = now_ms if is_last else until_ms
        if of_fills.since_ms < of_fills.until_ms:
            for symbol in sorted(symbols):
                told = await _fills(past, symbol, of_fills.since_ms - EDGE_MS, last_ms)
                fills.update((each.name, each) for each in told)
        held = before
        if not is_last or before == await _positions(past):
            break
    late = [each for each in fills.values() if each.at_ms >= of_fills.until_ms]
    return Told(
        fills=[each for each in fills.values() if each.at_ms < of_fills.until_ms],
        income=[each for each in income.values() if each.at_ms < of_income.until_ms],
        # Before the exchange tells income, there may be fills of symbols that nobody knows of.
        spans=[
            KeptSpan(span.since_ms, span.until_ms, _held_then(held, late) if is_last else None)
            for span in (of_income,)
            if span.since_ms < span.until_ms
        ],
    )


def _held_then(held: dict[str, Decimal], late: Sequence[KeptFill]) -> tuple[Held, ...]:
    found = dict(held)
    for each in late:
        change = each.quantity if each.side == "BUY" else -each.quantity
        found[each.symbol] = found.get(each.symbol, ZERO) - change
    return tuple(Held(symbol, quantity) for symbol, quantity in sorted(found.items()) if quantity)


async def _positions(past: Past) -> dict[str, Decimal]:
    held = await _answer("positions", past.positions)
    return {symbol: each.position.quantity for symbol, each in held.items()}


async def _fills(past: Past, symbol: str, since_ms: int, until_ms: int) -> list[KeptFill]:
    trades = await _answer(f"fills of {symbol}", lambda: past.fills(symbol, since_ms, until_ms))
    names = await _answer(f"orders of {symbol}", lambda: past.names(symbol, trades))
    return [_kept(trade, names.get(trade.record.exchange_order_id, "")) for trade in trades]


def _kept(trade: Trade, name: str) -> KeptFill:
    record = trade.record
    return KeptFill(
        symbol=record.symbol,
        trade_id=record.trade_id,
        order_id=record.exchange_order_id,
        client_order_id=name,
        side=record.side,
        quantity=record.quantity,
        price=record.price,
        realized=trade.realized,
        commission=record.commission,
        commission_asset=record.commission_asset,
        is_maker=record.is_maker,
        at_ms=record.at_ms,
    )


def compared(fills: Collection[KeptFill], income: Collection[KeptIncome], span: Span) -> Balance:
    """Return whether fills and income tell the same of a time."""
    rows = [row.told for row in income if row.kind in OF_FILLS]
    entries = entries_of([each.booked(NOBODY) for each in fills], rows, {})
    return balance(entries, rows, span)


async def _answer[Answer](what: str, question: Callable[[], Awaitable[Answer]]) -> Answer:
    async def once() -> Answer:
        try:
            return await question()
        except TooMuchError as error:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"There is more than may be asked for at once, of {what} {error}.",
            ) from None

    return await answer_to(what, once)
