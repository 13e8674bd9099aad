"""Orders: accepted, refused, filled, triggered, amended, cancelled; the journal rebuilds it all.

These tests take the core alone, without process and network.
"""

from dataclasses import replace
from decimal import Decimal as Dec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core import NAME, OTHER, Core, code_of
from simulated_exchange.account import margin
from simulated_exchange.errors import ExchangeError
from simulated_exchange.journal.journal import Journal
from simulated_exchange.journal.state import State, replay
from simulated_exchange.market.bars import Bar
from simulated_exchange.market.scripts import SeededMarket
from simulated_exchange.market.symbols import symbol_rules
from simulated_exchange.matching.course import Course
from simulated_exchange.matching.matching import Matching


def test_a_market_order_pays_the_spread_and_the_fee() -> None:
    core = Core()
    bought = core.order("BUY")
    assert (bought.status, bought.average_price) == ("FILLED", Dec("100.01"))
    assert core.state.wallet == 100_000 - Dec("100.01") * Dec("0.0005")
    sold = core.order("SELL")
    assert sold.average_price == Dec("99.99")
    assert core.state.fills[-1].realized_pnl == Dec("-0.02")
    assert core.book.position == 0


def test_a_limit_order_rests_and_fills_at_its_price() -> None:
    core = Core(("100", "101", "98", "101"))
    bid = core.order("BUY", price="99.00")
    assert bid.status == "NEW"
    core.course.walk()
    assert core.now(bid).status == "FILLED"
    assert (core.state.fills[0].price, core.state.fills[0].maker) == (Dec(99), True)


def test_a_limit_order_needs_the_other_side_at_its_price() -> None:
    core = Core()
    bid = core.order("BUY", price="99.00")
    core.wick("99.00")
    assert core.now(bid).status == "NEW", "the ask was at 99.01"
    core.wick("98.99")
    assert core.now(bid).status == "FILLED"


def test_a_limit_order_that_crosses_takes() -> None:
    taken = Core().order("BUY", price="105")
    assert (taken.status, taken.average_price) == ("FILLED", Dec("100.01"))


def test_times_in_force() -> None:
    core = Core()
    assert core.order("BUY", price="99", time_in_force="IOC").status == "EXPIRED"
    assert core.order("BUY", price="101", time_in_force="IOC").status == "FILLED"
    assert core.order("BUY", price="101", time_in_force="FOK").status == "FILLED"
    assert code_of(lambda: core.order("BUY", price="99", time_in_force="FOK")) == -5021
    assert core.order("BUY", price="99", time_in_force="GTX").status == "NEW"
    assert code_of(lambda: core.order("BUY", price="101", time_in_force="GTX")) == -5022


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("0", "100", -4003),
        ("-1", "100", -4003),
        ("10001", "100", -4005),
        ("1.0001", "100", -1111),
        ("1", "99.001", -1111),
        ("1", "0", -4001),
        ("0.049", "100", -4164),
    ],
)
def test_filters(quantity: str, price: str, code: int) -> None:
    core = Core()
    assert code_of(lambda: core.order("BUY", quantity, price=price)) == code
    assert not core.state.orders


def test_a_price_between_two_ticks() -> None:
    core = Core()
    core.book.rules = replace(core.book.rules, tick=Dec("0.50"))
    assert code_of(lambda: core.order("BUY", price="99.20")) == -4014


def test_a_refusal_changes_nothing() -> None:
    core = Core()
    before = core.journal.seq
    assert code_of(lambda: core.order("SELL", reduce_only=True)) == -2022
    core.matching.set_leverage(NAME, 1)
    before = core.journal.seq
    assert code_of(lambda: core.order("BUY", "1001", price="100")) == -2019
    assert core.journal.seq == before


def test_margin_is_bound_by_the_larger_side_of_the_book() -> None:
    core = Core()
    for _ in range(20):
        core.order("BUY", "1000", price="99.00")
    assert code_of(lambda: core.order("BUY", "1000", price="99.00")) == -2019
    core.order("BUY", "202", price="99.00")
    for _ in range(19):
        core.order("SELL", "1000", price="101.00")
    assert code_of(lambda: core.order("SELL", "1000", price="101.00")) == -2019
    assert code_of(lambda: core.matching.set_leverage(NAME, 19)) == -2028
    core.matching.cancel(core.state.open_orders("order")[0])
    core.matching.set_leverage(NAME, 21)
    core.order("BUY", "1000", price="99.00")


def test_what_reduces_binds_nothing() -> None:
    core = Core()
    core.order("BUY", "2")
    for _ in range(3):
        core.order("SELL", "2", price="101.00", reduce_only=True)
    assert margin.order_margin(core.state) == 0
    core.order("SELL", "5", price="101.00")
    assert margin.order_margin(core.state) == (Dec(505) - 2 * core.book.notional) / 20


def test_what_has_filled_is_bound_as_position_alone() -> None:
    core = Core()
    core.thin("1")
    core.order("BUY", "3", price="100.01")
    assert (core.book.position, core.book.notional) == (Dec(1), Dec(100))
    assert margin.position_margin(core.state) == Dec(100) / 20
    assert margin.order_margin(core.state) == 2 * Dec("100.01") / 20


def test_margin_is_bound_by_positions() -> None:
    core = Core()
    for _ in range(2):
        core.order("BUY", "900")
    core.matching.set_leverage(NAME, 2)
    assert code_of(lambda: core.order("BUY", "900")) == -2019
    core.order("SELL", "900")
    core.order("BUY", "900")


def test_reduce_only_is_capped_and_ends_with_the_position() -> None:
    core = Core()
    core.order("BUY", "2")
    target = core.order("SELL", "5", price="101", reduce_only=True)
    assert target.quantity == 2
    core.order("SELL", "1")
    core.wick("102")
    assert core.now(target).status == "EXPIRED"
    assert core.now(target).filled == 1
    assert core.book.position == 0


def test_an_open_name_is_taken_a_closed_one_is_free() -> None:
    core = Core(names=(NAME, OTHER))
    bid = core.order("BUY", price="99", client_order_id="A")
    assert code_of(lambda: core.order("BUY", client_order_id="A")) == -4116
    assert code_of(lambda: core.order("BUY", client_order_id="A", symbol=OTHER)) == -4116
    core.matching.cancel(bid)
    second = core.order("BUY", client_order_id="A")
    assert core.state.find("order", None, "A") == second
    core.conditional("SELL", "STOP_MARKET", "98", client_order_id="A")
    assert (
        code_of(lambda: core.conditional("SELL", "STOP_MARKET", "98", client_order_id="A")) == -4116
    )


def test_amend() -> None:
    core = Core()
    bid = core.order("BUY", price="99")
    changed = core.matching.amend(bid, Dec(2), Dec("98.50"))
    assert (changed.quantity, changed.price, changed.status) == (Dec(2), Dec("98.50"), "NEW")
    assert code_of(lambda: core.matching.amend(changed, Dec(2), Dec("98.50"))) == -5027
    assert code_of(lambda: core.matching.amend(changed, Dec(2), Dec("98.505"))) == -1111
    taken = core.matching.amend(changed, Dec(2), Dec(101))
    assert (taken.status, taken.average_price) == ("FILLED", Dec("100.01"))
    post_only = core.order("BUY", price="99", time_in_force="GTX")
    assert core.matching.amend(post_only, Dec(1), Dec(101)).status == "CANCELED"


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "touch", "fills_at"),
    [
        ("SELL", "STOP_MARKET", "98.00", "98.00", "97.99"),
        ("BUY", "STOP_MARKET", "102.00", "102.00", "102.01"),
        ("SELL", "TAKE_PROFIT_MARKET", "102.00", "102.00", "101.99"),
        ("BUY", "TAKE_PROFIT_MARKET", "98.00", "98.00", "98.01"),
    ],
)
def test_a_conditional_fills_at_the_price_of_its_trigger(
    side: str, kind: str, trigger: str, touch: str, fills_at: str
) -> None:
    core = Core()
    stop = core.conditional(side, kind, trigger, client_order_id="S")
    far, near = (
        (Dec(touch) - 5, Dec(touch) + Dec("0.01"))
        if Dec(touch) < 100
        else (Dec(touch) + 5, Dec(touch) - Dec("0.01"))
    )
    core.wick(str(near))
    assert core.now(stop).status == "NEW"
    core.wick(str(far))
    assert core.now(stop).status == "FINISHED"
    order = core.became(stop)
    assert (order.status, order.average_price) == ("FILLED", Dec(fills_at))
    assert (order.client_order_id, order.type, order.origin_type) == ("S", "MARKET", kind)
    statuses = [row["status"] for row in core.told("conditional.triggered")]
    assert statuses == ["TRIGGERING", "TRIGGERED"]
    assert core.now(stop).filled == 1


def test_a_gap_fills_at_the_price_after_it() -> None:
    core = Core(("95", "96", "94", "96"))
    stop = core.conditional("SELL", "STOP_MARKET", "98")
    core.course.walk()
    assert core.became(stop).average_price == Dec("94.99")


def test_a_resting_order_keeps_its_price_in_a_gap() -> None:
    core = Core(("95", "96", "94", "96"))
    bid = core.order("BUY", price="98.00")
    core.course.walk()
    assert core.now(bid).average_price == 98


def test_a_stop_limit_order_rests_and_its_end_ends_the_conditional() -> None:
    core = Core()
    stop = core.conditional("SELL", "STOP", "98", price="99")
    core.wick("97")
    resting = core.became(stop)
    assert core.now(stop).status == "FINISHED", "the way back filled it"
    assert resting.average_price == Dec(99)
    other = core.conditional("BUY", "STOP", "102", price="101")
    core.matching.travel(NAME, Dec(103), 0, 0)
    assert core.now(other).status == "TRIGGERED"
    core.matching.cancel(core.became(other))
    assert core.now(other).status == "FINISHED"
    assert core.now(other).filled == 0


def test_a_conditional_that_would_trigger_at_once() -> None:
    core = Core()
    for side, kind, trigger in (
        ("SELL", "STOP_MARKET", "100"),
        ("BUY", "STOP_MARKET", "100"),
        ("SELL", "TAKE_PROFIT_MARKET", "99"),
        ("BUY", "TAKE_PROFIT", "101"),
    ):
        more = {} if kind.endswith("MARKET") else {"price": "100"}
        assert code_of(lambda: core.conditional(side, kind, trigger, **more)) == -2021  # noqa: B023 - called at once


def test_a_conditional_that_cannot_reduce_is_rejected() -> None:
    core = Core()
    stop = core.conditional("SELL", "STOP_MARKET", "98", reduce_only=True)
    core.wick("97")
    assert core.now(stop).status == "REJECTED"
    assert core.told("conditional.closed")[0]["reason"] == "ReduceOnly Order is rejected."
    assert not core.state.fills


def test_close_position_closes_what_there_is() -> None:
    core = Core()
    core.order("SELL", "3")
    stop = core.conditional("BUY", "STOP_MARKET", "101", quantity="0", close_position=True)
    core.order("SELL", "1")
    core.wick("102")
    assert core.became(stop).filled == 4
    assert core.book.position == 0


def test_the_way_decides_which_of_two_comes_first() -> None:
    rising = Core(("100", "102", "98", "101"))
    rising.order("BUY", "1")
    target = rising.conditional("SELL", "TAKE_PROFIT_MARKET", "101", reduce_only=True)
    stop = rising.conditional("SELL", "STOP_MARKET", "99", reduce_only=True)
    rising.course.walk()
    assert rising.now(stop).status == "FINISHED"
    assert rising.now(target).status == "REJECTED"


def test_one_move_meets_orders_in_the_order_of_their_prices() -> None:
    core = Core()
    deep = core.order("BUY", "1", price="97")
    stop = core.conditional("SELL", "STOP_MARKET", "98")
    near = core.order("BUY", "1", price="99")
    core.wick("96")
    assert [f.exchange_order_id for f in core.state.fills] == [
        near.exchange_order_id,
        core.became(stop).exchange_order_id,
        deep.exchange_order_id,
    ]


def test_a_walk_may_halt_where_it_changes_something() -> None:
    core = Core(("100", "101", "95", "100.50"))
    high, deep, near = (core.order("BUY", price=price) for price in ("102", "97", "99"))
    sold = core.order("SELL", price="100.80")
    assert core.now(high).status == "FILLED", "it took"
    for order, price in ((near, "98.99"), (deep, "96.99"), (sold, "100.81")):
        core.course.walk(halt=True)
        assert (core.now(order).status, core.book.price) == ("FILLED", Dec(price))
    core.course.walk(halt=True)
    assert core.book.price == Dec("100.50")
    before = core.journal.seq
    core.course.walk(halt=True)
    assert core.journal.seq == before
    core.course.close_bar()
    assert core.book.bars[-1] == Bar(Dec(100), Dec(101), Dec(95), Dec("100.50"), Dec(1))


def test_what_halts_ends_as_what_does_not() -> None:
    """But for where the price is told to be, and for what a client does between."""
    ends = []
    for halt in (False, True):
        core = Core(("100", "104", "96", "100.50"))
        for price in ("103", "101", "102"):
            core.order("SELL", price=price)
        core.conditional("SELL", "STOP_MARKET", "98")
        for _ in range(5 if halt else 1):
            core.course.walk(halt=halt)
        core.course.close_bar()
        ends.append([(f.client_order_id, f.price, f.market_ms) for f in core.state.fills])
    assert len(ends[0]) == 4
    assert ends[0] == ends[1]


def test_a_price_reaches_a_level_or_stays_where_it_changes_something() -> None:
    core = Core()
    near, deep = (core.order("BUY", price=price) for price in ("99", "97"))
    for order, price in ((near, "98.99"), (deep, "96.99")):
        core.course.reach(NAME, Dec(96))
        assert (core.now(order).status, core.book.price) == ("FILLED", Dec(price))
    core.course.reach(NAME, Dec(96))
    assert core.book.price == 96


def test_each_change_takes_a_millisecond() -> None:
    core = Core()
    began = core.state.market_ms
    bought = core.order("BUY")
    assert bought.created_ms == began + 1
    assert core.state.fills[0].market_ms == bought.updated_ms == began + 2
    assert core.book.position_ms == began + 2, "a position is as new as the fill that changed it"
    core.course.walk()
    assert core.state.market_ms == began + 50_000
    core.course.close_bar()
    assert core.state.market_ms == began + 60_000


def test_a_wick_is_in_its_bar() -> None:
    core = Core(("100", "101", "99", "100.50"))
    core.wick("90")
    core.wick("120")
    core.course.close_bar()
    assert core.book.bars[-1] == Bar(Dec(100), Dec(120), Dec(90), Dec("100.50"), Dec(1))


def test_a_walked_bar_is_only_closed() -> None:
    core = Core(("100", "101", "99", "100.50"))
    core.course.walk()
    before = core.journal.seq
    core.course.walk()
    assert core.journal.seq == before
    core.course.close_bar()
    assert [r["kind"] for r in core.journal.after(before)] == ["market.bar_closed"]


ACTIONS = st.one_of(
    st.tuples(st.just("market"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 5)),
    st.tuples(st.just("limit"), st.sampled_from(["BUY", "SELL"]), st.integers(9_500, 10_500)),
    st.tuples(st.just("stop"), st.sampled_from(["BUY", "SELL"]), st.integers(9_500, 10_500)),
    st.tuples(st.just("wick"), st.just(""), st.integers(9_500, 10_500)),
    st.tuples(st.just("cancel"), st.just(""), st.integers(0, 5)),
    st.tuples(st.just("bar"), st.just(""), st.just(0)),
)


def act(core: Core, action: tuple[str, str, int]) -> None:
    name, side, number = action
    price = str(Dec(number) / 100)
    try:
        if name == "market":
            core.order(side, str(number), reduce_only=number == 5)
        elif name == "limit":
            core.order(side, price=price, time_in_force="GTX" if number % 2 else "GTC")
        elif name == "stop":
            core.conditional(side, "STOP" if number % 3 else "STOP_MARKET", price, price=price)
        elif name == "wick":
            core.wick(price)
        elif name == "cancel":
            opened = [core.state.orders[key] for key in core.state.open_ids]
            if number < len(opened):
                core.matching.cancel(opened[number])
        else:
            core.course.close_bar()
    except ExchangeError:
        pass


def seeded_core() -> Core:
    core = Core()
    core.state = State()
    core.journal = Journal(core.state)
    core.matching = Matching(core.state, core.journal)
    core.course = Course(core.state, core.journal, core.matching, SeededMarket(3), 0)
    core.course.start([symbol_rules(NAME)], 0, 2)
    core.course.wick(NAME, Dec(100))
    core.matching.travel(NAME, Dec(100), 0, 0)
    return core


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=30))
def test_replaying_the_journal_rebuilds_the_state(actions: list[tuple[str, str, int]]) -> None:
    core = seeded_core()
    for action in actions:
        act(core, action)
    assert replay(core.journal.after(0)) == core.state
    assert replay(core.journal.after(0)).ledger() == core.state.ledger()
    bought = sum(f.quantity if f.side == "BUY" else -f.quantity for f in core.state.fills)
    assert core.book.position == bought
    earned = sum(f.realized_pnl - f.commission for f in core.state.fills)
    assert core.state.wallet == 100_000 + earned
    for order in core.state.orders.values():
        filled = sum(
            f.quantity for f in core.state.fills if f.exchange_order_id == order.exchange_order_id
        )
        assert order.kind == "conditional" or order.filled == filled
        assert order.filled <= order.quantity


def test_the_same_requests_make_the_same_ledger() -> None:
    ledgers = []
    for _ in range(2):
        core = seeded_core()
        for action in [("limit", "BUY", 9_800), ("stop", "SELL", 9_702), ("market", "BUY", 2),
                       ("wick", "", 9_600), ("bar", "", 0)]:  # fmt: skip
            act(core, action)
        ledgers.append(core.state.ledger())
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]["fills"]) == 3
