"""What has to hold of every state, whatever was asked for: the laws of the account.

Each law is a function that asserts one thing. They are told from orders and fills alone, with an
arithmetic of their own.
"""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal as Dec
from itertools import pairwise
from typing import NamedTuple

from simulated_exchange.account import margin
from simulated_exchange.journal.orders import Fill, Order
from simulated_exchange.journal.state import State

TOLERANCE = Dec("0.000001")
"""Money is kept to eight decimals, so sums of means are a little off."""

FINAL = ("FILLED", "CANCELED", "EXPIRED", "REJECTED", "FINISHED")
NOTHING = Dec(0)


def signed(fill: Fill) -> Dec:
    return fill.quantity if fill.side == "BUY" else -fill.quantity


def wallet_is_what_came_in(state: State) -> None:
    earned = sum((fill.realized_pnl - fill.commission for fill in state.fills), NOTHING)
    funded = sum((fee.amount for fee in state.funding_fees), NOTHING)
    assert state.wallet == state.deposits + earned + funded


def position_is_the_sum_of_its_fills(state: State) -> None:
    held: dict[str, Dec] = defaultdict(Dec)
    for fill in state.fills:
        held[fill.symbol] += signed(fill)
        assert fill.position_after == held[fill.symbol]
    for name, book in state.books.items():
        assert book.position == held[name]


def entry_price_and_profit_follow_from_the_fills(state: State) -> None:
    for name, book in state.books.items():
        held, cost = NOTHING, NOTHING  # what is held, and what was paid for it
        for fill in (fill for fill in state.fills if fill.symbol == name):
            change, profit = signed(fill), NOTHING
            if held * change < 0:
                closed = min(abs(change), abs(held)) * (1 if held > 0 else -1)
                profit = closed * (fill.price - cost / held)
                cost -= cost / held * closed
                held -= closed
                change += closed
            held, cost = held + change, cost + change * fill.price
            tolerance = TOLERANCE * max(Dec(1), abs(held), fill.quantity)
            assert abs(fill.realized_pnl - profit) < tolerance
        if held:
            assert abs(book.entry_price - cost / held) < TOLERANCE
        else:
            assert book.entry_price == 0


def funding_is_paid_for_what_is_held(state: State) -> None:
    for fee in state.funding_fees:
        before = (f for f in state.fills if f.market_ms < fee.market_ms)
        held = sum((signed(f) for f in before if f.symbol == fee.symbol), NOTHING)
        assert fee.quantity == held
        assert abs(fee.amount + held * fee.price * fee.rate) < TOLERANCE


def orders_are_filled_by_their_fills_and_no_more(state: State) -> None:
    filled: dict[str, Dec] = defaultdict(Dec)
    quote: dict[str, Dec] = defaultdict(Dec)
    for fill in state.fills:
        order = state.orders[fill.exchange_order_id]
        told = (order.kind, order.symbol, order.side, order.client_order_id)
        assert told == ("order", fill.symbol, fill.side, fill.client_order_id)
        assert fill.quantity > 0
        assert fill.commission >= 0
        filled[fill.exchange_order_id] += fill.quantity
        quote[fill.exchange_order_id] += fill.quantity * fill.price
    for key, order in state.orders.items():
        if order.kind == "order":
            assert order.filled == filled[key]
            assert order.quote == quote[key]
            assert order.filled <= order.quantity
            assert (order.status == "FILLED") == (order.filled == order.quantity)


def no_fill_is_worse_than_its_limit(state: State) -> None:
    for fill in state.fills:
        order = state.orders[fill.exchange_order_id]
        if order.type == "LIMIT" and not order.amendments:
            assert (order.price - fill.price) * order.sign >= 0


def reducing_orders_only_reduce(state: State) -> None:
    for fill in state.fills:
        before = fill.position_after - signed(fill)
        if state.orders[fill.exchange_order_id].reduce_only:
            assert abs(fill.position_after) < abs(before)
            assert fill.position_after * before >= 0


def open_orders_are_those_that_can_go_on(state: State) -> None:
    assert list(state.open_ids) == [key for key, order in state.orders.items() if order.is_open]
    names = [(o.kind, o.client_order_id) for o in state.open_orders()]
    assert len(names) == len(set(names))


def margin_is_never_negative(state: State) -> None:
    assert margin.position_margin(state) >= 0
    assert margin.order_margin(state) >= 0
    assert margin.maintenance_margin(state) >= 0
    assert state.deposits > 0


def ids_and_stamps_only_grow(state: State) -> None:
    for one, other in pairwise(state.fills):
        assert int(one.trade_id) < int(other.trade_id)
        assert one.market_ms <= other.market_ms <= state.market_ms
    for (key, order), (later_key, later) in pairwise(state.orders.items()):
        assert int(key) < int(later_key)
        assert order.created_ms <= later.created_ms
    for order in state.orders.values():
        assert order.created_ms <= order.updated_ms <= state.market_ms


LAWS: tuple[Callable[[State], None], ...] = (
    wallet_is_what_came_in,
    position_is_the_sum_of_its_fills,
    entry_price_and_profit_follow_from_the_fills,
    funding_is_paid_for_what_is_held,
    orders_are_filled_by_their_fills_and_no_more,
    no_fill_is_worse_than_its_limit,
    reducing_orders_only_reduce,
    open_orders_are_those_that_can_go_on,
    margin_is_never_negative,
    ids_and_stamps_only_grow,
)


class Past(NamedTuple):
    """What a state was, to be held against what it is later."""

    market_ms: int
    orders: dict[str, Order]
    fills: list[Fill]

    @classmethod
    def of(cls, state: State) -> "Past":
        return cls(state.market_ms, dict(state.orders), list(state.fills))


def what_was_stays(past: Past, state: State) -> None:
    """Nothing is forgotten, nothing that has ended changes, time does not go back."""
    assert past.market_ms <= state.market_ms
    assert past.fills == state.fills[: len(past.fills)]
    assert list(past.orders) == list(state.orders)[: len(past.orders)]
    for key, order in past.orders.items():
        now = state.orders[key]
        if order.status in FINAL:
            assert now == order
        assert order.created_ms == now.created_ms
        assert order.filled <= now.filled
        assert order.updated_ms <= now.updated_ms


class BrokenError(AssertionError):
    """A law does not hold; the message is its name."""


def demand(holds: bool, law: str) -> None:
    if not holds:
        raise BrokenError(law)


def hold(state: State) -> None:
    for law in LAWS:
        try:
            law(state)
        except AssertionError as error:
            raise BrokenError(law.__name__) from error


def hold_over(past: Past, state: State) -> None:
    try:
        what_was_stays(past, state)
    except AssertionError as error:
        raise BrokenError(what_was_stays.__name__) from error
