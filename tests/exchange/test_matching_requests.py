"""Requests: filters, limits, amendments, orders good till a date, reduce-only orders."""

from dataclasses import replace
from decimal import Decimal as Dec
from typing import Any

import pytest

from exchange.core import NAME, OTHER, Core, code_of
from simulated_exchange.market.symbols import symbol_rules
from simulated_exchange.matching import admission

# Filters


@pytest.mark.parametrize(
    ("side", "quantity", "price", "code"),
    [
        ("BUY", "1", "105.01", -4016),
        ("SELL", "1", "94.99", -4024),
        ("BUY", "1", "100000.01", -4002),
        ("BUY", "1", "1e40", -4002),
        ("BUY", "1e40", "100", -4005),
        ("BUY", "1e-40", "100", -1111),
    ],
)
def test_filters_of_limit_orders(side: str, quantity: str, price: str, code: int) -> None:
    core = Core()
    assert code_of(lambda: core.order(side, quantity, price=price)) == code


def test_what_reduces_may_be_as_small_as_it_likes() -> None:
    core = Core()
    core.order("BUY")
    assert code_of(lambda: core.order("SELL", "0.001")) == -4164
    assert core.order("SELL", "0.001", reduce_only=True).status == "FILLED"
    core.conditional("SELL", "STOP_MARKET", "98", quantity="0.001", reduce_only=True)


def test_the_price_band_is_open_on_the_passive_side() -> None:
    core = Core()
    assert core.order("BUY", price="105.00").status == "FILLED"
    assert core.order("BUY", price="50.00").status == "NEW"
    assert core.order("SELL", price="150.00").status == "NEW"


def test_a_market_order_has_a_limit_of_its_own() -> None:
    core = Core()
    core.book.rules = replace(core.book.rules, max_market_quantity=Dec(10))
    assert code_of(lambda: core.order("BUY", "11")) == -4005
    assert code_of(lambda: core.conditional("SELL", "STOP_MARKET", "98", quantity="11")) == -4005
    assert core.order("BUY", "11", price="101").status == "FILLED"
    core.conditional("SELL", "STOP", "90", quantity="11", price="90")
    stop = core.conditional("SELL", "STOP_MARKET", "98", quantity="0", close_position=True)
    core.wick("98")
    assert core.became(stop).filled == 11, "closing a position knows no limit"


def test_known_symbols_have_the_limits_of_the_real_ones() -> None:
    rules = symbol_rules("BTCUSDT")
    assert [rules.max_quantity, rules.max_market_quantity] == [1000, 120]


def test_the_limit_price_of_a_conditional_stands_near_its_trigger() -> None:
    core = Core()
    conditional = core.conditional
    assert code_of(lambda: conditional("BUY", "STOP", "110", price="115.51")) == -4183
    assert code_of(lambda: conditional("SELL", "STOP", "90", price="85.49")) == -4184
    assert code_of(lambda: conditional("SELL", "STOP", "90", price="0")) == -4001
    assert conditional("BUY", "STOP", "110", price="115.50").status == "NEW"


def test_only_so_many_orders_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_OPEN", {"order": 2, "conditional": 1})
    core = Core(names=(NAME, OTHER))
    bids = [core.order("BUY", price="99") for _ in range(2)]
    assert code_of(lambda: core.order("BUY", price="99")) == -2025
    assert code_of(lambda: core.order("BUY")) == -2025
    core.order("BUY", price="99", symbol=OTHER)
    core.matching.cancel(bids[0])
    core.order("BUY", price="99")
    core.conditional("SELL", "STOP_MARKET", "98")
    assert code_of(lambda: core.conditional("SELL", "STOP_MARKET", "97")) == -4045
    elsewhere = {"symbol": OTHER}
    assert code_of(lambda: core.conditional("SELL", "STOP_MARKET", "98", **elsewhere)) == -4045


# Amendments


def test_an_amendment_below_what_is_filled_ends_the_order() -> None:
    core = Core()
    bid = core.order("BUY", "250", price="100.01")
    smaller = core.matching.amend(bid, Dec(200), Dec("100.00"))
    assert (smaller.status, float(smaller.remaining)) == ("PARTIALLY_FILLED", 100)
    ended = core.matching.amend(smaller, Dec(100), Dec("100.00"))
    assert (ended.status, float(ended.filled)) == ("CANCELED", 100)


def test_it_ends_it_too_when_what_is_filled_is_hardly_worth_anything() -> None:
    core = Core()
    core.thin("0.030")
    bid = core.order("BUY", "1", price="100.01")
    ended = core.matching.amend(bid, Dec("0.030"), Dec("100.01"))
    assert (ended.status, float(ended.filled)) == ("CANCELED", 0.03)


def test_an_amended_reduce_only_order_keeps_what_it_has_filled() -> None:
    core = Core()
    core.order("BUY", "2")
    core.thin("1")
    ask = core.order("SELL", "2", price="99.99", reduce_only=True)
    assert (float(ask.filled), float(core.book.position)) == (1, 1)
    changed = core.matching.amend(ask, Dec(5), Dec("100.50"))
    assert (changed.status, float(changed.quantity)) == ("PARTIALLY_FILLED", 2)


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("10001", "99", -4005),
        ("1", "99.001", -1111),
        ("1", "105.01", -4016),
        ("0", "99", -4003),
        ("0.05", "99", -5029),
        ("9999", "104", -2019),
        ("2", "99", -5027),
    ],
)
def test_a_refused_amendment_leaves_the_order(quantity: str, price: str, code: int) -> None:
    core = Core(wallet="1000")
    bid = core.order("BUY", "2", price="99")
    before = core.journal.seq
    assert code_of(lambda: core.matching.amend(bid, Dec(quantity), Dec(price))) == code
    assert core.journal.seq == before


def test_an_order_is_amended_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_AMENDMENTS", 2)
    core = Core()
    bid = core.order("BUY", price="99")
    for price in ("98", "97"):
        bid = core.matching.amend(bid, Dec(1), Dec(price))
    assert code_of(lambda: core.matching.amend(bid, Dec(1), Dec("96"))) == -5026


def test_an_amended_order_frees_the_margin_that_it_bound() -> None:
    core = Core(wallet="100")
    bid = core.order("BUY", "20", price="99")
    core.matching.amend(bid, Dec(20), Dec("100"))
    assert code_of(lambda: core.order("BUY", price="99")) == -2019


def test_an_amended_reduce_only_order_is_cut_to_the_position() -> None:
    core = Core()
    core.order("BUY", "2")
    target = core.order("SELL", "1", price="101", reduce_only=True)
    assert core.matching.amend(target, Dec(5), Dec("102")).quantity == 2


def test_an_amendment_walks_the_levels_too() -> None:
    core = Core()
    bid = core.order("BUY", "250", price="99")
    done = core.matching.amend(bid, Dec(250), Dec("100.01"))
    assert (done.status, float(done.filled)) == ("PARTIALLY_FILLED", 100)
    told = [(event["x"], event["X"], event["p"]) for event in core.events()]
    assert told == [
        ("NEW", "NEW", "99"),
        ("AMENDMENT", "NEW", "100.01"),
        ("TRADE", "PARTIALLY_FILLED", "100.01"),
    ]


# Orders good till a date


def good_till(core: Core, seconds: int) -> dict[str, Any]:
    expires_ms = core.state.market_ms + seconds * 1000
    return {"time_in_force": "GTD", "good_till_date": expires_ms + 7, "expires_ms": expires_ms}


def test_an_order_good_till_a_date_expires_at_that_time() -> None:
    core = Core(("100", "101", "99", "100"), ("100", "101", "97", "100"))
    bid = core.order("BUY", price="98", **good_till(core, 70))
    other = core.order("BUY", price="98", **good_till(core, 3600))
    core.course.close_bar()
    assert core.now(bid).status == "NEW"
    core.course.walk()
    expired = core.now(bid)
    assert (expired.status, expired.updated_ms) == ("EXPIRED", bid.expires_ms)
    assert core.now(other).status == "FILLED", "it was there when the price came"
    told = [(event["X"], event["f"], event["gtd"]) for event in core.events()]
    assert ("EXPIRED", "GTD", bid.good_till_date) in told


def test_it_expires_when_the_bar_closes() -> None:
    core = Core()
    bid = core.order("BUY", price="98", **good_till(core, 55))
    core.course.walk()
    assert core.now(bid).status == "NEW"
    core.course.close_bar()
    assert core.now(bid).status == "EXPIRED"


def test_it_expires_in_a_market_that_runs_by_itself() -> None:
    core = Core()
    bid = core.order("BUY", price="98", **good_till(core, 10))
    began = core.state.market_ms
    core.course.advance(began + 9_000)
    assert core.now(bid).status == "NEW"
    core.course.advance(began + 11_000)
    assert core.now(bid).status == "EXPIRED"


def test_a_conditional_good_till_a_date_hands_it_on() -> None:
    core = Core()
    life = good_till(core, 10)
    stop = core.conditional("BUY", "STOP", "102", price="101", **life)
    never = core.conditional("BUY", "STOP", "110", price="110", **life)
    core.travel("103")
    order = core.became(stop)
    assert (order.time_in_force, order.good_till_date) == ("GTD", stop.good_till_date)
    core.matching.expire(stop.expires_ms)
    assert core.now(order).status == core.now(never).status == "EXPIRED"
    assert core.now(stop).status == "FINISHED"
    assert core.events("ALGO_UPDATE")[0]["gtd"] == stop.good_till_date


def test_orders_expire_in_the_order_of_their_dates() -> None:
    core = Core()
    late = core.order("BUY", price="98", **good_till(core, 20))
    early = core.order("BUY", price="98", **good_till(core, 10))
    core.matching.expire(late.expires_ms)
    closed = [row["exchange_order_id"] for row in core.told("order.closed")]
    assert closed == [early.exchange_order_id, late.exchange_order_id]


# Conditional orders


@pytest.mark.parametrize(
    ("time_in_force", "price", "became"),
    [("IOC", "98", "EXPIRED"), ("IOC", "97.99", "FILLED"), ("GTX", "98", "NEW")],
)
def test_what_a_stop_limit_becomes(time_in_force: str, price: str, became: str) -> None:
    core = Core()
    stop = core.conditional("SELL", "STOP", "98", price=price, time_in_force=time_in_force)
    core.travel("98")
    assert core.became(stop).status == became


@pytest.mark.parametrize(("time_in_force", "price"), [("GTX", "97.99"), ("FOK", "98")])
def test_a_stop_limit_that_cannot_enter_is_rejected(time_in_force: str, price: str) -> None:
    core = Core()
    stop = core.conditional("SELL", "STOP", "98", price=price, time_in_force=time_in_force)
    core.travel("98")
    assert core.now(stop).status == "REJECTED"
    assert core.events("ALGO_UPDATE")[-1]["rm"].startswith("Due to the order could not be")


def test_a_stop_at_market_knows_no_time_in_force() -> None:
    core = Core()
    stop = core.conditional("SELL", "STOP_MARKET", "98", quantity="101", time_in_force="GTX")
    core.travel("98")
    assert (core.became(stop).status, core.became(stop).time_in_force) == ("FILLED", "GTC")


def test_a_conditional_without_margin_is_rejected() -> None:
    core = Core(wallet="10")
    stop = core.conditional("BUY", "STOP_MARKET", "102", quantity="100")
    core.travel("103")
    assert core.now(stop).status == "REJECTED"
    assert core.events("ALGO_UPDATE")[-1]["rm"] == "Margin is insufficient."


# Reduce-only orders


def test_a_reduce_only_order_ends_with_the_position() -> None:
    core = Core()
    core.order("BUY", "2")
    target = core.order("SELL", "1", price="101", reduce_only=True)
    plain = core.order("SELL", "1", price="101")
    core.order("SELL", "1")
    assert core.now(target).status == "NEW"
    core.order("SELL", "1")
    assert core.now(target).status == "EXPIRED"
    assert core.events()[-1]["er"] == "4"
    assert core.now(plain).status == "NEW"


def test_a_reduce_only_order_ends_when_the_position_turns() -> None:
    core = Core()
    core.order("BUY", "2")
    target = core.order("SELL", "2", price="101", reduce_only=True)
    core.order("SELL", "5")
    assert core.now(target).status == "EXPIRED"
    assert core.book.position == -3


def test_two_reduce_only_orders_close_the_position_once() -> None:
    core = Core()
    core.order("BUY", "2")
    targets = [core.order("SELL", "2", price=price, reduce_only=True) for price in ("101", "102")]
    core.wick("103")
    assert [core.now(target).status for target in targets] == ["FILLED", "EXPIRED"]
    assert core.book.position == 0


def test_the_order_of_a_triggered_stop_ends_with_the_position() -> None:
    core = Core()
    core.order("BUY", "2")
    stop = core.conditional("SELL", "STOP", "98", quantity="2", price="102", reduce_only=True)
    core.travel("97")
    order = core.became(stop)
    assert order.status == "NEW"
    core.order("SELL", "2")
    assert (core.now(order).status, core.now(stop).status) == ("EXPIRED", "FINISHED")
