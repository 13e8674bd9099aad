"""
What the exchange has done with an order, in the events that its user stream would have told it by.

Only what the engine has not heard is told, and fills under the exchange's own numbers: an event
that comes later tells the same again, and the engine takes each fill once.

Source: USD-M Futures, User Data Streams, "Event: Order Update" and "Event: Algo Order Update".
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ...plan.rows import UNHEARD, OrderRow
from ...venue.records import OrderRecord, TradeRecord
from ..known import Fate, KnownOrder

ENDED = {Fate.CANCELED: "CANCELED", Fate.EXPIRED: "EXPIRED", Fate.REJECTED: "CANCELED"}

type Event = dict[str, Any]


def events_of(row: OrderRow, known: KnownOrder) -> list[Event]:
    """
    Return what the engine has to be told of an order.

    Parameters
    ----------
    row : OrderRow
        The order as the engine has it.
    known : KnownOrder
        What the exchange says of it.

    """
    return [] if row.is_closed else list(_events(row, known))


def _events(row: OrderRow, known: KnownOrder) -> Iterator[Event]:
    if row.status in UNHEARD:
        yield _stands(known.first, "NEW")
    has_become = known.last is not known.first
    if has_become and row.exchange_order_id != known.last.exchange_order_id:
        yield _conditional(known.first, "TRIGGERED", known.last.exchange_order_id)
        yield _order(known.last, "NEW", "NEW")
    filled = row.filled
    for trade in known.trades:
        if trade.trade_id not in row.trade_ids:
            filled += trade.quantity
            yield _filled(known, trade, filled)
    if known.fate in ENDED:
        last = known.last
        yield _stands(last, ENDED[known.fate])


def canceled(row: OrderRow, at_ms: int) -> Event:
    """Return that an order which the exchange knows no more was cancelled."""
    is_conditional = row.trigger_price is not None
    record = OrderRecord(
        kind="conditional" if is_conditional else "order",
        exchange_order_id=row.exchange_order_id or "0",
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        type=row.type,
        side=row.side,
        status="CANCELED",
        time_in_force="GTC",
        quantity=row.quantity,
        filled=row.filled,
        reduce_only=row.reduce_only,
        created_ms=at_ms,
        updated_ms=at_ms,
        price=row.price,
        trigger_price=row.trigger_price,
    )
    return _stands(record, "CANCELED")


def _stands(row: OrderRecord, status: str) -> Event:
    if row.kind == "conditional":
        return _conditional(row, status, row.triggered_order_id or "")
    return _order(row, status, status)


def _order(row: OrderRecord, execution: str, status: str) -> Event:
    at_ms = row.updated_ms if status != "NEW" else row.created_ms
    order = {
        "s": row.symbol, "c": row.client_order_id, "S": row.side, "o": row.type,
        "f": row.time_in_force, "q": _text(row.quantity), "p": _text(row.price), "ap": "0",
        "sp": _text(row.trigger_price), "x": execution, "X": status,
        "i": int(row.exchange_order_id), "l": "0", "z": _text(row.filled), "L": "0", "T": at_ms,
        "t": 0, "b": "0", "a": "0", "m": False, "R": row.reduce_only, "wt": "CONTRACT_PRICE",
        "ot": row.type, "ps": "BOTH", "cp": False, "pP": False, "si": 0, "ss": 0, "rp": "0",
        "V": "NONE", "pm": "NONE", "gtd": 0, "er": "0",
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": at_ms, "T": at_ms, "o": order}


def _filled(known: KnownOrder, trade: TradeRecord, filled: Decimal) -> Event:
    whole = known.first.quantity
    event = _order(known.last, "TRADE", "FILLED" if filled >= whole else "PARTIALLY_FILLED")
    event["E"] = event["T"] = trade.at_ms
    event["o"] |= {
        "c": known.name, "i": int(trade.exchange_order_id), "o": _executed(known.last.type),
        "q": _text(whole), "l": _text(trade.quantity), "L": _text(trade.price),
        "ap": _text(trade.price), "z": _text(filled), "T": trade.at_ms, "t": int(trade.trade_id),
        "N": trade.commission_asset, "n": _text(trade.commission), "m": trade.is_maker,
    }  # fmt: skip
    return event


def _executed(kind: str) -> str:
    """Return what an order executes as: a triggered stop is a market order."""
    return "MARKET" if kind.endswith("_MARKET") else kind


def _conditional(row: OrderRecord, status: str, number: str) -> Event:
    order = {
        "caid": row.client_order_id, "aid": int(row.exchange_order_id), "at": "CONDITIONAL",
        "o": row.type, "s": row.symbol, "S": row.side, "ps": "BOTH", "f": row.time_in_force,
        "q": _text(row.quantity), "X": status, "ai": number, "tp": _text(row.trigger_price),
        "p": _text(row.price), "V": "NONE", "wt": "CONTRACT_PRICE", "pm": "NONE", "cp": False,
        "pP": False, "R": row.reduce_only, "tt": 0, "gtd": 0, "ap": "0", "aq": _text(row.filled),
        "act": "MARKET" if row.type.endswith("_MARKET") else "LIMIT",
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "E": row.updated_ms, "T": row.updated_ms, "o": order}


def _text(value: Decimal | None) -> str:
    return "0" if value is None else f"{value:f}"
