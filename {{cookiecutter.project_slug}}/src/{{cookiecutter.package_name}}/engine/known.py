"""
What the exchange knows, one entry an order: its numbers, its fills in order, and how it ended.

Pure, and of no engine: a mend compares a store with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ..venue.records import ExchangeRecord, OrderRecord, TradeRecord


class Fate(StrEnum):
    """How an order stands at the exchange."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


FATES = {
    "FILLED": Fate.FILLED,
    "FINISHED": Fate.FILLED,
    "NEW_ADL": Fate.FILLED,
    "NEW_INSURANCE": Fate.FILLED,
    "CANCELED": Fate.CANCELED,
    # Of two orders of one account that would trade with each other, one ends like this.
    "EXPIRED_IN_MATCH": Fate.CANCELED,
    "EXPIRED": Fate.EXPIRED,
    "REJECTED": Fate.REJECTED,
}
"""What the exchange's words mean; every other word is an open order's."""


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """
    One order as the exchange knows it, a triggered conditional one and its successor together.

    Parameters
    ----------
    first : OrderRecord
        How it was sent: the conditional order, where there is one.
    last : OrderRecord
        What it is now; the same as `first` unless it has triggered.
    trades : tuple[TradeRecord, ...]
        Its fills, oldest first.
    fate : Fate
        How it stands.

    """

    first: OrderRecord
    last: OrderRecord
    trades: tuple[TradeRecord, ...]
    fate: Fate

    @property
    def name(self) -> str:
        """Its client order id."""
        return self.first.client_order_id

    @property
    def number(self) -> str:
        """The exchange's number, the later one of two."""
        triggered = self.first.triggered_order_id
        return triggered if self.last is self.first and triggered else self.last.exchange_order_id

    @property
    def filled(self) -> Decimal:
        """What its fills add up to."""
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def told_filled(self) -> Decimal:
        """What the order itself says of that."""
        return self.last.filled

    @property
    def is_open(self) -> bool:
        """Whether it works."""
        return self.fate is Fate.OPEN

    @property
    def ended_ms(self) -> int:
        """When it changed last."""
        return max(self.first.updated_ms, self.last.updated_ms)


def in_order(trades: Iterable[TradeRecord]) -> list[TradeRecord]:
    """Return trades in the order in which they happened, each once."""
    once = {trade.trade_id: trade for trade in trades}
    return sorted(once.values(), key=lambda trade: (trade.at_ms, _number(trade.trade_id)))


def signed(trade: TradeRecord) -> Decimal:
    """Return a trade's quantity, positive when it buys."""
    return trade.quantity if trade.side == "BUY" else -trade.quantity


def known_orders(record: ExchangeRecord, symbol: str) -> dict[str, KnownOrder]:
    """
    Return the orders of a symbol by client order id.

    The exchange lets an id be used again once its order has ended, and gives every order by which
    it deleverages the same one. The later order keeps the id, whatever is told of the past; an
    earlier one that has filled gets the exchange's number behind it.
    """
    conditionals: dict[str, OrderRecord] = {}
    orders: dict[str, OrderRecord] = {}
    earlier: list[OrderRecord] = []
    trades: dict[str, list[TradeRecord]] = defaultdict(list)
    for row in sorted(record.orders, key=lambda each: (each.created_ms, _is_open(each))):
        if row.symbol == symbol and row.client_order_id:
            kind = conditionals if row.kind == "conditional" else orders
            before = kind.get(row.client_order_id)
            # A working order counts more than one that has ended.
            if before is None or _is_open(row) >= _is_open(before):
                kind[row.client_order_id], row = row, before or row
            if row.exchange_order_id != kind[row.client_order_id].exchange_order_id:
                earlier.append(row)
    for trade in in_order(each for each in record.trades if each.symbol == symbol):
        trades[trade.exchange_order_id].append(trade)
    found = {}
    for name in {**conditionals, **orders}:
        first, last = _pair(conditionals.get(name), orders.get(name))
        numbers = {first.exchange_order_id, last.exchange_order_id, first.triggered_order_id}
        own = in_order(trade for number in numbers if number for trade in trades.get(number, ()))
        found[name] = KnownOrder(first, last, tuple(own), _fate(first, last, own))
    told = {trade.trade_id for known in found.values() for trade in known.trades}
    for row in earlier:
        own = in_order(trades.get(row.exchange_order_id, ()))
        if own and told.isdisjoint(trade.trade_id for trade in own):
            name = f"{row.client_order_id}-{row.exchange_order_id}"
            named = replace(row, client_order_id=name)
            found[name] = KnownOrder(named, named, tuple(own), _fate(named, named, own))
    return found


def _pair(conditional: OrderRecord | None, order: OrderRecord | None) -> tuple[OrderRecord, ...]:
    if conditional is None or order is None:
        only = conditional or order
        assert only is not None
        return only, only
    triggered = conditional.triggered_order_id
    if triggered and triggered == order.exchange_order_id:
        return conditional, order
    # One id twice, and neither has become the other.
    if _is_open(conditional) != _is_open(order):
        only = conditional if _is_open(conditional) else order
    else:
        only = max(conditional, order, key=lambda each: each.created_ms)
    return only, only


def _fate(first: OrderRecord, last: OrderRecord, trades: Sequence[TradeRecord]) -> Fate:
    fate = FATES.get(last.status, Fate.OPEN)
    if last is first and first.kind == "conditional":
        filled = sum((trade.quantity for trade in trades), Decimal(0))
        if filled >= first.quantity > 0:
            return Fate.FILLED
        if fate is Fate.FILLED and not first.triggered_order_id:
            # It has ended and nothing has come of it.
            return Fate.CANCELED
    return fate


def _is_open(row: OrderRecord) -> bool:
    return row.status not in FATES


def _number(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isascii() and text.isdigit() else (0, text)


@dataclass(frozen=True, slots=True)
class Share:
    """The part of one trade that belongs to a position: all of it, unless it crossed zero."""

    trade: TradeRecord
    quantity: Decimal

    @property
    def is_whole(self) -> bool:
        """Whether the position got all of the trade."""
        return self.quantity == self.trade.quantity


def since_flat(trades: Sequence[TradeRecord], held: Decimal) -> list[Share] | None:
    """
    Return the trades that a position consists of, oldest first.

    Parameters
    ----------
    trades : Sequence[TradeRecord]
        In the order in which they happened, up to now.
    held : Decimal
        What is held now, signed. With nothing held, it is the last position that is told: from
        the trade that opened it to the one that closed it.

    Returns
    -------
    list[Share] | None
        ``None`` when the trades do not reach back to where the position was opened.

    """
    shares: list[Share] = []
    after = held
    for trade in reversed(trades):
        before = after - signed(trade)
        if after * before < 0:
            # It closed the position before and opened this one.
            shares.append(Share(trade, abs(after)))
            return shares[::-1]
        shares.append(Share(trade, trade.quantity))
        if before == 0:
            return shares[::-1]
        after = before
    return None if held or shares else []
