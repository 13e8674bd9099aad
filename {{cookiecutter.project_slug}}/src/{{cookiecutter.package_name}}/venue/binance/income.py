"""
What limits are measured by: the day's income, mark prices, the account's equity.

Source: USD-M Futures, Account: Get Income History, Account Information V3; Market Data: Mark Price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ...plan.day import COMMISSION, REALIZED, Income
from ..records import IncomeRecord
from .account import MOST_ASSETS, MOST_POSITIONS
from .fields import Row, rows
from .pages import ExchangeClock, TooMuchError, windows
from .requests import Requests

PATH = "/fapi/v1/income"
KINDS = (REALIZED, COMMISSION, "FUNDING_FEE", "INSURANCE_CLEAR")
"""What trading has brought and cost; the last is what a liquidation costs. Transfers are none."""
DOLLARS = frozenset({"USDT", "USDC", "FDUSD", "BFUSD"})
"""Assets that are taken for a US dollar each."""
PRICED_IN = "USDT"
MOST_ROWS = 1_000
MOST_PAGES = 30
"""Of one answer; each counts 30 at the exchange."""


async def mark_price(requests: Requests, symbol: str) -> Decimal:
    """
    Return the mark price of a symbol.

    Raises
    ------
    ExchangeError
        If the answer is an error, or absurd.

    """
    answer = await requests.get("/fapi/v1/premiumIndex", {"symbol": symbol}, sign=False)
    row = Row("a mark price", answer)
    price = row.amount("markPrice")
    if row.text("symbol") != symbol or not price:
        raise row.wrong("markPrice", f"none of {symbol}")
    return price


@dataclass(frozen=True, slots=True)
class Worth:
    """
    What the account is worth, and what it holds.

    Parameters
    ----------
    equity : Mapping[str, Decimal]
        By asset: wallet and unrealized result.
    positions : Mapping[str, Decimal]
        By symbol: what its position is worth, without a sign.

    """

    equity: Mapping[str, Decimal]
    positions: Mapping[str, Decimal]


async def account_worth(requests: Requests) -> Worth:
    """
    Return what the account is worth.

    Raises
    ------
    ExchangeError
        If the answer is an error, or absurd.

    """
    account = Row("an account", await requests.get("/fapi/v3/account", {}))
    assets = account.rows("assets", "an asset", MOST_ASSETS)
    positions = account.rows("positions", "a position of the account", MOST_POSITIONS)
    return Worth(
        equity={row.text("asset"): row.amount("marginBalance", signed=True) for row in assets},
        positions={
            row.text("symbol"): abs(row.amount("notional", signed=True)) for row in positions
        },
    )


async def income(
    requests: Requests, clock: ExchangeClock, since_ms: int, now_ms: int
) -> list[Income]:
    """
    Return what trading has brought and cost since a moment, in US dollars.

    What is paid in another asset, such as commission in BNB, is taken at its mark price of now.

    Raises
    ------
    ExchangeError
        If an answer is an error, or absurd.

    """
    rows = await income_rows(requests, clock, since_ms, now_ms)
    of_trading = [row for row in rows if row.kind in KINDS]
    others = {row.asset for row in of_trading} - DOLLARS
    prices = {asset: await mark_price(requests, f"{asset}{PRICED_IN}") for asset in sorted(others)}
    return [_in_dollars(row, prices) for row in of_trading]


async def income_rows(
    requests: Requests, clock: ExchangeClock, since_ms: int, until_ms: int
) -> list[IncomeRecord]:
    """
    Return every row of the income between two moments, of all kinds, oldest first.

    Raises
    ------
    TooMuchError
        If there are more than may be asked for.
    ExchangeError
        If an answer is an error, or absurd.

    """
    found: dict[str, IncomeRecord] = {}
    for start, end in windows(since_ms, until_ms):
        found.update((row.number, row) for row in await _window(requests, clock, start, end))
    return sorted(found.values(), key=lambda row: row.at_ms)


async def _window(
    requests: Requests, clock: ExchangeClock, since_ms: int, until_ms: int
) -> list[IncomeRecord]:
    start, end = await clock.asked(since_ms, until_ms)
    found: list[IncomeRecord] = []
    for page in range(1, MOST_PAGES + 1):
        query = {"startTime": start, "endTime": end, "limit": MOST_ROWS, "page": page}
        told = list(rows(await requests.get(PATH, query), "an income", MOST_ROWS))
        found += [_record(row) for row in told]
        if len(told) < MOST_ROWS:
            return found
    raise TooMuchError(None, f"more than {MOST_PAGES * MOST_ROWS:,} rows of income")


def _record(row: Row) -> IncomeRecord:
    kind, asset = row.text("incomeType"), row.text("asset")
    symbol = row.text("symbol", empty=True)
    return IncomeRecord(
        number=f"{kind} {symbol} {asset} {row.text('tranId')}",
        kind=kind,
        symbol=symbol,
        asset=asset,
        amount=row.amount("income", signed=True),
        at_ms=row.stamp("time"),
        trade_id=row.text("tradeId", empty=True),
    )


def _in_dollars(row: IncomeRecord, prices: Mapping[str, Decimal]) -> Income:
    return Income(
        number=row.number,
        kind=row.kind,
        amount=row.amount * prices.get(row.asset, Decimal(1)),
        at_ms=row.at_ms,
        trade=f"{row.symbol} {row.trade_id}" if row.trade_id else "",
    )
