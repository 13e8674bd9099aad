"""Every amount that has come or gone, whose it is and why. Pure functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ..plan.day import COMMISSION, REALIZED
from ..venue.records import IncomeRecord
from .fills import Fill
from .owners import FORGOTTEN, LIQUIDATION
from .trades import Trade, holder

FUNDING = "FUNDING_FEE"
CLEARED = "INSURANCE_CLEAR"
"""What a liquidation costs besides."""
OF_FILLS = frozenset({REALIZED, COMMISSION})
"""Kinds of income that are of a fill; books take them from the fill, and compare."""
MOVED = frozenset(
    {
        "AUTO_EXCHANGE", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "CROSS_COLLATERAL_TRANSFER",
        "INTERNAL_TRANSFER", "STRATEGY_UMFUTURES_TRANSFER", "TRANSFER",
    }
)  # fmt: skip
"""Kinds that no trading has brought: money that came or went (Get Income History)."""
TRANSFERS = "transfers to and from"
OTHER_INCOME = "other income"


class What(StrEnum):
    """What an amount is: a column of a statement."""

    REALIZED = "realized"
    COMMISSION = "commission"
    FUNDING = "funding"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One amount.

    Parameters
    ----------
    at_ms : int
        When, in milliseconds of market time.
    who : str
        Whose: a tag, or words for somebody else.
    symbol : str
        Of what; empty for none.
    asset : str
        What `amount` counts.
    what : What
        Its column.
    kind : str
        The kind of income that the exchange books it as.
    amount : Decimal
        What was paid is negative.
    trade_id : str
        The number of its fill; empty for none.

    """

    at_ms: int
    who: str
    symbol: str
    asset: str
    what: What
    kind: str
    amount: Decimal
    trade_id: str = ""


def entries_of(
    fills: Iterable[Fill],
    rows: Iterable[IncomeRecord],
    trades: Mapping[str, Sequence[Trade]],
) -> list[Entry]:
    """
    Return the books: fills by themselves, and from the income what no fill tells.

    Parameters
    ----------
    fills : Iterable[Fill]
        Of the whole account.
    rows : Iterable[IncomeRecord]
        Its income; what is of a fill is passed over.
    trades : Mapping[str, Sequence[Trade]]
        By symbol, oldest first: who held when.

    """
    found = [entry for fill in fills for entry in _of_fill(fill)]
    found += [_of_row(row, trades) for row in rows if row.kind not in OF_FILLS]
    return sorted(found, key=lambda entry: entry.at_ms)


def _of_fill(fill: Fill) -> Iterator[Entry]:
    yield Entry(fill.at_ms, fill.who, fill.symbol, fill.settled_in, What.REALIZED, REALIZED,
                fill.realized, fill.trade_id)  # fmt: skip
    yield Entry(fill.at_ms, fill.who, fill.symbol, fill.commission_asset, What.COMMISSION,
                COMMISSION, -fill.commission, fill.trade_id)  # fmt: skip


def _of_row(row: IncomeRecord, trades: Mapping[str, Sequence[Trade]]) -> Entry:
    what, who = What.OTHER, OTHER_INCOME
    if row.kind == FUNDING:
        trade = holder(trades.get(row.symbol, ()), row.at_ms)
        what, who = What.FUNDING, FORGOTTEN if trade is None else trade.who
    elif row.kind == CLEARED:
        who = LIQUIDATION
    elif row.kind in MOVED:
        who = TRANSFERS
    return Entry(row.at_ms, who, row.symbol, row.asset, what, row.kind, row.amount)
