"""
Compare what the engine has with what the exchange says, before anything is traded.

The engine's own reconciliation is not the judge: the exchange's history is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from ..plan.rows import Rows
from ..venue.binance.history import exchange_record
from ..venue.binance.rows import WORKING
from ..venue.records import ExchangeRecord
from .comparisons import COMPARISONS, Compared
from .guard import Start, StartCold

AGREE_SECONDS = 3.0
"""How long engine and exchange may differ: events are on their way for a moment."""
PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Audit:
    """
    What an audit has found.

    Parameters
    ----------
    differences : list[str]
        Where the engine is wrong; the node may trade when there are none.
    foreign : list[str]
        What the account has besides; none of it is a difference.
    record : ExchangeRecord
        What the exchange has said.

    """

    differences: list[str]
    foreign: list[str]
    record: ExchangeRecord


async def check_audit(start: Start) -> str:
    """
    Compare what the engine has with what the exchange says; return what agrees, in a sentence.

    Raises
    ------
    StartCold
        If the engine is wrong: what it has in the store is put aside, and the node starts anew.
    NodeExit
        With code 70 when the exchange's answers contradict each other, 75 when there are none.

    """
    found = await audit(
        lambda: exchange_record(start.settings, start.requests, start.symbols),
        start.engine.rows,
        start.owners,
        start.symbols,
    )
    for sentence in found.foreign:
        start.note(sentence)
    rows = start.engine.rows()
    start.last_look.tell(asyncio.get_running_loop().time(), rows, found.differences)
    if found.differences:
        raise StartCold(found.differences)
    return agreed(Compared(rows, found.record, start.owners, start.symbols))


def agreed(c: Compared) -> str:
    """Return in a sentence what engine and exchange agree on."""
    held = [f"{p.quantity} {p.symbol}" for p in c.record.positions if p.symbol in c.symbols]
    return (
        "The audit found engine and exchange in agreement: "
        f"{' and '.join(held) or 'nothing'} held, {len(c.working)} of the node's orders working, "
        f"{len(c.since_flat)} fills since flat."
    )


async def audit(
    ask: Callable[[], Awaitable[ExchangeRecord]],
    rows: Callable[[], Rows],
    owners: Collection[str],
    symbols: Collection[str],
) -> Audit:
    """
    Compare until engine and exchange agree, or have not within a bound.

    What happens while the exchange is asked may be known at one place earlier than at the other:
    a difference counts when it stays.

    Parameters
    ----------
    ask : Callable[[], Awaitable[ExchangeRecord]]
        Asks the exchange.
    rows : Callable[[], Rows]
        Gives what the engine has now.
    owners, symbols : Collection[str]
        Whose orders the node's own are, and what is traded.

    Raises
    ------
    NodeExit
        As of the questions.

    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + AGREE_SECONDS
    while True:
        record = await ask()
        found = differences(rows(), record, owners, symbols)
        if not found or loop.time() > deadline:
            return Audit(found, foreign(record, owners, symbols), record)
        await asyncio.sleep(PAUSE_SECONDS)


def differences(
    rows: Rows, record: ExchangeRecord, owners: Collection[str], symbols: Collection[str]
) -> list[str]:
    """
    Return in sentences where the engine is wrong; empty when the node may trade.

    Parameters
    ----------
    rows : Rows
        What the engine has.
    record : ExchangeRecord
        What the exchange says.
    owners : Collection[str]
        Whose orders the node's own are.
    symbols : Collection[str]
        What is traded.

    """
    compared = Compared(rows, record, owners, symbols)
    return [sentence for compare in COMPARISONS.values() for sentence in compare(compared)]


def foreign(record: ExchangeRecord, owners: Collection[str], symbols: Collection[str]) -> list[str]:
    """Return in sentences what the account has besides; none of it is a difference."""
    compared = Compared(Rows(), record, owners, symbols)
    return [
        f"The account holds {position.quantity} {position.symbol}, which this node does not trade."
        for position in record.positions
        if position.symbol not in symbols
    ] + [
        f"The order {order.client_order_id} ({order.side} {order.quantity} {order.symbol}, "
        f"{order.type}) is not this node's; it is left alone."
        for order in record.orders
        if order.status in WORKING and not compared.is_own(order.client_order_id)
    ]
