"""
Orders, conditional orders and trades out of the exchange's rows. Pure functions.

Source: USD-M Futures, Trade: All Orders, Query All Algo Orders, Account Trade List.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..records import OrderRecord, TradeRecord
from .fields import Row, one_of, rows
from .requests import NonsenseError

MOST_ROWS = 1_000
"""The most rows that one answer holds (``limit``)."""
SIDES = ("BUY", "SELL")
WORKING = frozenset({"NEW", "PARTIALLY_FILLED"})
"""Statuses of orders, and of conditional ones, that wait at the exchange."""
ENDED = frozenset(
    {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED", "FINISHED", "TRIGGERED"}
)
"""Statuses after which nothing more happens to this record of an order."""
STATUSES = WORKING | ENDED | {"TRIGGERING", "PENDING_CANCEL", "NEW_INSURANCE", "NEW_ADL"}
"""Enums of General Info, with those that conditional orders have besides."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill, and what it has won: zero for one that opens a position or makes it larger."""

    record: TradeRecord
    realized: Decimal


def read_orders(answer: Any, symbol: str, most: int = MOST_ROWS) -> list[OrderRecord]:
    """Return the orders of an answer."""
    return [_order(row, symbol) for row in rows(answer, "an order", most)]


def read_conditionals(answer: Any, symbol: str, most: int = MOST_ROWS) -> list[OrderRecord]:
    """Return the conditional orders of an answer."""
    return [_conditional(row, symbol) for row in rows(answer, "a conditional order", most)]


def read_trades(answer: Any, symbol: str, most: int = MOST_ROWS) -> list[Trade]:
    """Return the fills of an answer."""
    return [_trade(row, symbol) for row in rows(answer, "a trade", most)]


def _of(row: Row, symbol: str) -> str:
    told = row.text("symbol")
    if told != symbol:
        raise NonsenseError(f"The exchange was asked for {symbol} and told {row.what} of {told}.")
    return told


def _number(row: Row, name: str) -> str:
    return str(row.whole(name))


def _positive(row: Row, name: str) -> Decimal | None:
    return (row.amount(name) or None) if row.has(name) else None


def _order(row: Row, symbol: str) -> OrderRecord:
    quantity, filled = row.amount("origQty"), row.amount("executedQty")
    if filled > quantity > 0:
        raise row.wrong("executedQty", f"more than its quantity of {quantity}")
    return OrderRecord(
        kind="order",
        exchange_order_id=_number(row, "orderId"),
        client_order_id=row.text("clientOrderId"),
        symbol=_of(row, symbol),
        type=row.text("type"),
        side=one_of(row, "side", SIDES),
        status=one_of(row, "status", STATUSES),
        time_in_force=row.text("timeInForce"),
        quantity=quantity,
        filled=filled,
        reduce_only=row.switch("reduceOnly"),
        created_ms=row.stamp("time"),
        updated_ms=row.stamp("updateTime"),
        price=_positive(row, "price"),
        trigger_price=_positive(row, "stopPrice"),
    )


def _conditional(row: Row, symbol: str) -> OrderRecord:
    return OrderRecord(
        kind="conditional",
        exchange_order_id=_number(row, "algoId"),
        client_order_id=row.text("clientAlgoId"),
        symbol=_of(row, symbol),
        type=row.text("orderType" if row.has("orderType") else "type"),
        side=one_of(row, "side", SIDES),
        status=one_of(row, "algoStatus", STATUSES),
        time_in_force=row.text("timeInForce"),
        # One that closes the whole position has none.
        quantity=row.amount("quantity") if row.has("quantity") else Decimal(0),
        filled=Decimal(0),
        reduce_only=row.switch("reduceOnly"),
        created_ms=row.stamp("createTime"),
        updated_ms=row.stamp("updateTime"),
        price=_positive(row, "price"),
        trigger_price=_positive(row, "triggerPrice"),
        triggered_order_id=row.text("actualOrderId") if row.has("actualOrderId") else None,
    )


def _trade(row: Row, symbol: str) -> Trade:
    quantity, price = row.amount("qty"), row.amount("price")
    if not quantity or not price:
        raise row.wrong("price" if quantity else "qty", "zero")
    record = TradeRecord(
        trade_id=_number(row, "id"),
        exchange_order_id=_number(row, "orderId"),
        symbol=_of(row, symbol),
        side=one_of(row, "side", SIDES),
        quantity=quantity,
        price=price,
        commission=row.amount("commission", signed=True),  # a maker may be paid for it
        commission_asset=row.text("commissionAsset"),
        is_maker=row.switch("maker"),
        at_ms=row.stamp("time"),
    )
    return Trade(record, row.amount("realizedPnl", signed=True))
