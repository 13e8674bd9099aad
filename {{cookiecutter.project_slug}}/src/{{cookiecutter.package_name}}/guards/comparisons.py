"""
Where the engine and the exchange may differ: each comparison, under its name, in sentences. Pure.

Each stands in `COMPARISONS`, and yields one sentence for each difference.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from ..plan.order_ids import parse
from ..plan.rows import UNHEARD, OrderRow, Rows
from ..venue.binance.rows import WORKING
from ..venue.records import ExchangeRecord, OrderRecord, TradeRecord

LIMBO = UNHEARD | {"EMULATED", "RELEASED", "PENDING_UPDATE", "PENDING_CANCEL"}
"""Statuses in which the engine does not know what has become of an order."""
SMALLEST_MONEY = Decimal("0.00000001")
"""Money is kept to eight decimals."""
ZERO = Decimal(0)


@dataclass(frozen=True)
class Compared:
    """
    What is compared.

    Parameters
    ----------
    rows : Rows
        What the engine has.
    record : ExchangeRecord
        What the exchange says.
    owners : Collection[str]
        The first letters of the node's own client order ids, as `order_ids.owner_of` makes them.
    symbols : Collection[str]
        What is traded.

    """

    rows: Rows
    record: ExchangeRecord
    owners: Collection[str]
    symbols: Collection[str]

    def is_own(self, client_order_id: str) -> bool:
        """Return whether an order is the node's own."""
        parts = parse(client_order_id)
        return parts is not None and parts.owner in self.owners

    @cached_property
    def engine_orders(self) -> Mapping[str, OrderRow]:
        """The node's own orders as the engine has them, by client order id."""
        return {o.client_order_id: o for o in self.rows.orders if self.is_own(o.client_order_id)}

    @cached_property
    def own_orders(self) -> Sequence[OrderRecord]:
        """The node's own orders and conditional orders as the exchange has them."""
        return [o for o in self.record.orders if self.is_own(o.client_order_id)]

    @cached_property
    def working(self) -> Mapping[str, OrderRecord]:
        """Those of them that work, by client order id."""
        return {o.client_order_id: o for o in self.own_orders if o.status in WORKING}

    @cached_property
    def since_flat(self) -> Sequence[TradeRecord]:
        """The fills that have made what is held now, and all later ones."""
        return [t for symbol in self.symbols for t in fills_since_flat(self.record, symbol)]


def fills_since_flat(record: ExchangeRecord, symbol: str) -> list[TradeRecord]:
    """Return the fills that have made the open position of a symbol; none when nothing is held."""
    after = sum((p.quantity for p in record.positions if p.symbol == symbol), ZERO)
    trades = [trade for trade in record.trades if trade.symbol == symbol]
    found: list[TradeRecord] = []
    for trade in reversed(trades):
        if not after:
            break
        before = after - (trade.quantity if trade.side == "BUY" else -trade.quantity)
        found.append(trade)
        if (before > 0) != (after > 0):
            break
        after = before
    return found[::-1]


def _positions(c: Compared) -> Iterator[str]:
    for symbol in c.symbols:
        ours = sum((p.quantity for p in c.rows.positions if p.symbol == symbol), ZERO)
        theirs = sum((p.quantity for p in c.record.positions if p.symbol == symbol), ZERO)
        if ours != theirs:
            yield f"The position of {symbol} is {theirs} at the exchange, and {ours} here."


def _missing_orders(c: Compared) -> Iterator[str]:
    for name, order in c.working.items():
        row = c.engine_orders.get(name)
        if row is None:
            yield f"The order {name} works at the exchange ({order.type}), and is not known here."
        elif row.is_closed:
            yield f"The order {name} works at the exchange, and is {row.status} here."


def _ended_orders(c: Compared) -> Iterator[str]:
    for name, row in c.engine_orders.items():
        if not row.is_closed and row.status not in LIMBO and name not in c.working:
            yield f"The order {name} is {row.status} here, and does not work at the exchange."


def _strangers(c: Compared) -> Iterator[str]:
    there = {order.client_order_id for order in c.record.orders if order.status in WORKING}
    for row in c.rows.orders:
        is_open = not row.is_closed and row.status not in LIMBO and row.symbol in c.symbols
        if is_open and not c.is_own(row.client_order_id) and row.client_order_id not in there:
            yield (
                f"The order {row.client_order_id}, which is not this node's, is {row.status} here, "
                "and does not work at the exchange."
            )


def _limbo(c: Compared) -> Iterator[str]:
    for name, row in c.engine_orders.items():
        if row.status in LIMBO:
            yield f"What has become of the order {name} is not known here: it is {row.status}."


def _quantities(c: Compared) -> Iterator[str]:
    for name, row, order in _pairs(c):
        if order.quantity and row.quantity != order.quantity:  # one that closes all has none
            yield (
                f"The order {name} is of {order.quantity} at the exchange, "
                f"and of {row.quantity} here."
            )


def _filled(c: Compared) -> Iterator[str]:
    for name, row, order in _pairs(c):
        if row.filled != order.filled:
            yield (
                f"Of the order {name} {order.filled} is filled at the exchange, "
                f"and {row.filled} here."
            )


def _prices(c: Compared) -> Iterator[str]:
    for name, row, order in _pairs(c):
        if order.price is not None and row.price is not None and row.price != order.price:
            yield (
                f"The price of the order {name} is {order.price} at the exchange, "
                f"and {row.price} here."
            )


def _triggers(c: Compared) -> Iterator[str]:
    for name, row, order in _pairs(c):
        if order.kind == "conditional" and row.trigger_price != order.trigger_price:
            yield (
                f"The order {name} triggers at {order.trigger_price} at the exchange, and at "
                f"{row.trigger_price} here."
            )


def _sides(c: Compared) -> Iterator[str]:
    for name, row, order in _pairs(c):
        if (row.side, row.reduce_only) != (order.side, order.reduce_only):
            yield f"The order {name} has another side, or is reduce-only at one place alone."


def _pairs(c: Compared) -> Iterator[tuple[str, OrderRow, OrderRecord]]:
    """Yield the orders that work at both places."""
    for name, order in c.working.items():
        row = c.engine_orders.get(name)
        if row is not None and not row.is_closed:
            yield name, row, order


def _missing_fills(c: Compared) -> Iterator[str]:
    """
    Tell the fills of what is held now that the engine does not have.

    Of two orders with one name, which another node with this id has sent besides, the engine can
    have but one; what both have brought is in the position.
    """
    orders = [order for order in c.own_orders if order.kind == "order"]
    times = Counter(order.client_order_id for order in orders)
    by_number = {o.exchange_order_id: o for o in orders if times[o.client_order_id] == 1}
    for trade in c.since_flat:
        order = by_number.get(trade.exchange_order_id)
        if order is None:
            continue  # somebody else's
        row = c.engine_orders.get(order.client_order_id)
        if row is None or trade.trade_id not in row.trade_ids:
            yield (
                f"Trade {trade.trade_id} of the order {order.client_order_id} "
                f"({trade.side} {trade.quantity} {trade.symbol}) is not known here."
            )


def _made_up_fills(c: Compared) -> Iterator[str]:
    """Tell the fills that only the engine has, of orders whose fills the exchange has all told."""
    told: defaultdict[str, set[str]] = defaultdict(set)
    number_of: defaultdict[str, set[str]] = defaultdict(set)
    for trade in c.record.trades:
        told[trade.exchange_order_id].add(trade.trade_id)
    recent = set()
    for order in c.own_orders:
        number_of[order.client_order_id].add(order.exchange_order_id)
        if order.created_ms >= c.record.since_ms.get(order.symbol, order.created_ms + 1):
            recent.add(order.client_order_id)
    for name in recent & set(c.engine_orders):
        known = {trade for number in number_of[name] for trade in told[number]}
        for trade_id in c.engine_orders[name].trade_ids:
            if trade_id not in known:
                yield f"Trade {trade_id} of the order {name} is known here alone."


def _wallet(c: Compared) -> Iterator[str]:
    ours = {balance.currency: balance.total for balance in c.rows.balances}
    for balance in c.record.balances:
        here = ours.get(balance.asset, ZERO)
        if abs(here - balance.wallet) > SMALLEST_MONEY:
            yield (
                f"The wallet holds {balance.wallet} {balance.asset} at the exchange, "
                f"and {here} here."
            )


Compare = Callable[[Compared], Iterator[str]]
COMPARISONS: dict[str, Compare] = {
    "positions": _positions,
    "missing orders": _missing_orders,
    "ended orders": _ended_orders,
    "strangers": _strangers,
    "limbo": _limbo,
    "quantities": _quantities,
    "filled": _filled,
    "prices": _prices,
    "triggers": _triggers,
    "sides": _sides,
    "missing fills": _missing_fills,
    "made-up fills": _made_up_fills,
    "wallet": _wallet,
}
