"""
Where the exchange's answers contradict each other. Pure functions.

One answer may lag behind what has happened, or be wrong; two that must agree, and do, are believed.
Each comparison stands in `COMPARISONS` under its name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ..records import OrderRecord
from .account import Held
from .rows import WORKING, Trade

DAY_MS = 86_400_000
AHEAD_MS = 60_000
"""How far a stamp may be ahead of the exchange's now: things happen while it is asked."""
UNFILLED_DAYS = 3
"""Orders that ended without a fill are forgotten after so many days (All Orders)."""
PRICE_TOLERANCE = Decimal("0.00001")
"""By how much of itself an average price may differ: the exchange rounds it."""
ZERO = Decimal(0)


@dataclass(slots=True)
class Answers:
    """
    What was answered about one symbol.

    Parameters
    ----------
    symbol : str
        Which one.
    risk, account : Held, optional
        Its open position as ``positionRisk`` and as ``account`` tell it.
    orders, conditionals : dict[str, OrderRecord]
        Past and open ones, by the exchange's number.
    open_ids : frozenset[str]
        Kind and number of those that ``openOrders`` and ``openAlgoOrders`` told.
    past_ids : frozenset[str]
        Kind and number of those that the history told.
    found_ids : frozenset[str]
        Kind and number of those that were asked for by name, one by one.
    unlike : list[tuple[OrderRecord, OrderRecord]]
        What two answers tell under one number of the exchange's, and is not the same order.
    trades : list[Trade]
        Oldest first.
    now_ms : int
        The exchange's now.
    since_ms : int
        How far back all of it is complete.
    reaches_all : bool
        Whether that is as far back as the exchange remembers trades.

    """

    symbol: str
    risk: Held | None = None
    account: Held | None = None
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    conditionals: dict[str, OrderRecord] = field(default_factory=dict)
    open_ids: frozenset[str] = frozenset()
    past_ids: frozenset[str] = frozenset()
    found_ids: frozenset[str] = frozenset()
    unlike: list[tuple[OrderRecord, OrderRecord]] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    now_ms: int = 0
    since_ms: int = 0
    reaches_all: bool = False

    @property
    def position(self) -> Decimal:
        """The signed position in coins."""
        return ZERO if self.risk is None else self.risk.position.quantity


def key_of(order: OrderRecord) -> str:
    """Return kind and number of an order."""
    return f"{order.kind} {order.exchange_order_id}"


def signed(trade: Trade) -> Decimal:
    """Return the quantity of a fill: positive bought, negative sold."""
    record = trade.record
    return record.quantity if record.side == "BUY" else -record.quantity


def first_since_flat(position: Decimal, trades: Sequence[Trade]) -> int | None:
    """
    Return which of `trades`, oldest first, has opened `position`; ``None`` if none of them has.

    Going back from what is held now, it is the first one before which nothing, or the opposite,
    was held. For a position of zero it is the end of the list.
    """
    after = position
    if not after:
        return len(trades)
    for index in range(len(trades) - 1, -1, -1):
        before = after - signed(trades[index])
        if not before or (before > 0) != (after > 0):
            return index
        after = before
    return None


def average_price(position: Decimal, trades: Sequence[Trade]) -> Decimal:
    """Return the average price of `position`, which `trades` have made out of nothing."""
    held, cost = ZERO, ZERO
    # What the first one has closed of an opposite position is no part of this one.
    before = position - sum((signed(trade) for trade in trades), ZERO)
    for index, trade in enumerate(trades):
        quantity = signed(trade) + (before if index == 0 else ZERO)
        if held and (held > 0) != (quantity > 0):
            cost += quantity * (cost / held)
        else:
            cost += quantity * trade.record.price
        held += quantity
    return cost / held if held else ZERO


def contradictions(answers: Answers) -> list[str]:
    """Return in sentences where `answers` contradict each other; empty when they agree."""
    return [sentence for compare in COMPARISONS.values() for sentence in compare(answers)]


def _positions(answers: Answers) -> Iterator[str]:
    risk = answers.position
    account = answers.account.position.quantity if answers.account else ZERO
    if risk != account:
        yield (
            f"The exchange says in one answer that the position of {answers.symbol} is {risk}, "
            f"and in another that it is {account}."
        )


def _open_orders(answers: Answers) -> Iterator[str]:
    for order in (*answers.orders.values(), *answers.conditionals.values()):
        key = key_of(order)
        is_open, is_past = key in answers.open_ids, key in answers.past_ids
        if is_past and not is_open and order.status in WORKING:
            yield (
                f"The exchange's history says that {order.client_order_id} is {order.status}, and "
                "it is not among the open orders."
            )
        if order.created_ms >= answers.since_ms and not is_past:
            yield (
                f"The exchange has the order {order.client_order_id}, and its history does not "
                "tell of it yet."
            )


def _unlike(answers: Answers) -> Iterator[str]:
    for one, other in answers.unlike:
        yield (
            f"The exchange says in one answer that its order {one.exchange_order_id} is "
            f"{one.client_order_id} ({one.side}), and in another that it is "
            f"{other.client_order_id} ({other.side})."
        )


def _stamps(answers: Answers) -> Iterator[str]:
    latest = answers.now_ms + AHEAD_MS
    for order in (*answers.orders.values(), *answers.conditionals.values()):
        if max(order.created_ms, order.updated_ms) > latest:
            yield (
                f"The exchange says that the order {order.client_order_id} is of a time that has "
                "not come yet."
            )
    for trade in answers.trades:
        if trade.record.at_ms > latest:
            yield (
                f"The exchange says that its trade {trade.record.trade_id} of {answers.symbol} is "
                "of a time that has not come yet."
            )


def _orders_of_trades(answers: Answers) -> Iterator[str]:
    for trade in answers.trades:
        record = trade.record
        if record.at_ms >= answers.since_ms and record.exchange_order_id not in answers.orders:
            yield (
                f"The exchange tells of trade {record.trade_id} of {answers.symbol}, and not of "
                f"its order {record.exchange_order_id}."
            )


def _fills(answers: Answers) -> Iterator[str]:
    filled: defaultdict[str, Decimal] = defaultdict(Decimal)
    for trade in answers.trades:
        filled[trade.record.exchange_order_id] += trade.record.quantity
    for number, order in answers.orders.items():
        told = filled.get(number, ZERO)
        # Of an older order the first fills may be older than what was asked for.
        if told > order.filled or (told < order.filled and order.created_ms >= answers.since_ms):
            yield (
                f"The exchange says that {order.filled} of the order {order.client_order_id} is "
                f"filled, and tells trades of {told}."
            )


def _triggered(answers: Answers) -> Iterator[str]:
    oldest = max(answers.since_ms, answers.now_ms - UNFILLED_DAYS * DAY_MS)
    for order in answers.conditionals.values():
        number = order.triggered_order_id
        if number and number != "0" and order.updated_ms >= oldest and number not in answers.orders:
            yield (
                f"The exchange says that the stop {order.client_order_id} has become the order "
                f"{number}, and does not tell of that one."
            )


def is_explained(position: Decimal, trades: Sequence[Trade]) -> bool:
    """Return whether `trades`, oldest first, reach back to the first fill of the last position."""
    if position or not trades:
        return not position or first_since_flat(position, trades) is not None
    return first_since_flat(-signed(trades[-1]), trades[:-1]) is not None


def _trades(answers: Answers) -> Iterator[str]:
    """Compare position and trades: what is held must be what was bought and sold."""
    position, trades = answers.position, answers.trades
    told = f"The exchange says that the position of {answers.symbol} is {position}"
    if not is_explained(position, trades):
        updated = answers.risk.updated_ms if answers.risk else 0
        if answers.reaches_all and (trades or updated > answers.since_ms):
            yield f"{told}, and the trades that it tells of do not add up to it."
    elif position:
        price = average_price(position, trades[first_since_flat(position, trades) :])
        entry = answers.risk.position.entry_price if answers.risk else ZERO
        if abs(price - entry) > PRICE_TOLERANCE * price:
            yield f"{told}, entered at {entry}, and by its trades the price is {price:.8f}."
    elif trades and not _has_closed(trades):
        yield f"{told}, and its last trade has not closed one."


def _has_closed(trades: Sequence[Trade]) -> bool:
    """Return whether what the newest trade has won is that of one that closes all that is held."""
    newest, older = trades[-1], trades[:-1]
    held = -signed(newest)
    entry = average_price(held, older[first_since_flat(held, older) :])
    won = held * (newest.record.price - entry)
    return abs(won - newest.realized) <= PRICE_TOLERANCE * abs(held) * entry


Compare = Callable[[Answers], Iterator[str]]
COMPARISONS: Mapping[str, Compare] = {
    "positions": _positions,
    "unlike": _unlike,
    "stamps": _stamps,
    "open orders": _open_orders,
    "orders of trades": _orders_of_trades,
    "fills": _fills,
    "triggered": _triggered,
    "trades": _trades,
}
