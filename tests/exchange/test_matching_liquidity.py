"""Liquidity: what a level holds, what a taker takes, what a resting order gets."""

from decimal import Decimal as Dec

import pytest

from exchange.core import NAME, Core, code_of
from simulated_exchange.journal.state import Book, replay
from simulated_exchange.matching.liquidity import DEEPEST, levels


def shown(book: Book, sign: int, count: int) -> list[tuple[float, float]]:
    return [(float(price), float(quantity)) for price, quantity in levels(book, sign, count)]


def test_the_levels_of_both_sides() -> None:
    book = Core().book
    assert shown(book, 1, 3) == [(100.01, 100), (100.02, 200), (100.03, 300)]
    assert shown(book, -1, 2) == [(99.99, 100), (99.98, 200)]
    assert len(levels(book, 1)) == DEEPEST


def test_the_best_level_holds_a_tenth_of_the_last_bar_or_ten_thousand() -> None:
    book = Core().book
    assert levels(book, 1, 1)[0][1] == 100, "the bar's volume was 1"
    book.bars.append(book.bars[-1]._replace(volume=Dec("1234.567")))
    assert levels(book, 1, 1)[0][1] == Dec("123.457")


def test_there_is_no_bid_at_or_below_zero() -> None:
    book = Core().book
    book.price = Dec("0.03")
    assert [price for price, _ in levels(book, -1)] == [Dec("0.02"), Dec("0.01")]


def test_a_taker_walks_the_levels() -> None:
    core = Core()
    bought = core.order("BUY", "250")
    assert core.fills() == [(100, 100.01), (150, 100.02)]
    assert bought.average_price == Dec("100.016")
    told = [(e["x"], e["X"], e["l"], e["L"], e["z"], e["t"]) for e in core.events()]
    assert told == [
        ("NEW", "NEW", "0", "0", "0", 0),
        ("TRADE", "PARTIALLY_FILLED", "100.000", "100.01", "100.000", 1_000_001),
        ("TRADE", "FILLED", "150.000", "100.02", "250.000", 1_000_002),
    ]


def test_what_was_taken_stays_away_until_the_price_moves() -> None:
    core = Core()
    core.order("BUY", "250")
    core.order("BUY", "1")
    assert core.state.fills[-1].price == Dec("100.02")
    assert shown(core.book, 1, 1) == [(100.02, 49)]
    core.order("SELL", "1")
    assert core.state.fills[-1].price == Dec("99.99"), "the other side is whole"
    core.wick("100.01")
    core.order("BUY", "1")
    assert core.state.fills[-1].price == Dec("100.01")


def test_what_was_taken_comes_back_with_the_next_bar() -> None:
    core = Core()
    core.course.walk()
    core.order("BUY", "250")
    core.course.close_bar()
    assert shown(core.book, 1, 1) == [(100.01, 100)]


def test_a_limit_order_takes_up_to_its_price_and_rests() -> None:
    core = Core()
    bid = core.order("BUY", "250", price="100.01")
    assert (bid.status, float(bid.filled)) == ("PARTIALLY_FILLED", 100)
    core.travel("99.99")
    assert core.now(bid).status == "FILLED"
    assert core.fills() == [(100, 100.01), (150, 100.01)]
    assert [fill.maker for fill in core.state.fills] == [False, True]


def test_post_only_is_what_finds_nothing_to_take() -> None:
    core = Core()
    assert code_of(lambda: core.order("BUY", price="100.01", time_in_force="GTX")) == -5022
    core.order("BUY", "100")
    assert core.order("BUY", price="100.01", time_in_force="GTX").status == "NEW"


def test_the_rest_of_an_immediate_order_expires() -> None:
    core = Core()
    part = core.order("BUY", "250", price="100.01", time_in_force="IOC")
    assert (part.status, float(part.filled)) == ("EXPIRED", 100)
    last = core.events()[-1]
    assert (last["x"], last["X"], last["er"], last["z"]) == ("EXPIRED", "EXPIRED", "2", "100.000")


def test_fill_or_kill_fills_whole_or_is_refused() -> None:
    core = Core()
    before = core.journal.seq
    for price, quantity in (("100.01", "101"), ("100.02", "301")):
        assert (
            code_of(lambda: core.order("BUY", quantity, price=price, time_in_force="FOK")) == -5021  # noqa: B023 - called at once
        )
    assert core.journal.seq == before
    assert core.order("BUY", "300", price="100.02", time_in_force="FOK").status == "FILLED"


def test_a_market_order_goes_five_percent_far() -> None:
    core = Core()
    core.thin("0.001")
    bought = core.order("BUY", "200")
    within = 500 * 501 // 2 / 1000
    assert (bought.status, float(bought.filled)) == ("EXPIRED", within)
    assert core.state.fills[-1].price == Dec("105.00")
    assert core.events()[-1]["er"] == "9"


def test_a_side_that_is_used_up_goes_on_behind() -> None:
    book = Core().book
    book.taken = {Dec("100.01") + number * Dec("0.01"): Dec(10**9) for number in range(DEEPEST)}
    assert levels(book, 1)[0][0] == Dec("110.01")
    assert len(levels(book, 1)) == DEEPEST


def test_a_thin_book() -> None:
    core = Core()
    core.thin("0.004")
    core.order("BUY", "0.1", price="100.02")
    assert core.fills() == [(0.004, 100.01), (0.008, 100.02)]
    core.matching.set_liquidity(NAME, None)
    assert shown(core.book, -1, 1) == [(99.99, 100)]
    assert replay(core.journal.after(0)) == core.state


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0015"])
def test_liquidity_comes_in_steps(quantity: str) -> None:
    with pytest.raises(ValueError, match="steps of"):
        Core().thin(quantity)


def test_a_resting_order_touched_exactly_gets_what_the_level_holds() -> None:
    core = Core()
    core.thin("3")
    bid = core.order("BUY", "5", price="99.00")
    core.travel("98.99")
    assert (core.now(bid).status, float(core.now(bid).filled)) == ("PARTIALLY_FILLED", 3)
    core.travel("98.98")
    assert core.now(bid).status == "FILLED"
    assert core.fills() == [(3, 99), (2, 99)]
    assert [event["l"] for event in core.events()] == ["0", "3.000", "2.000"]


def test_a_price_that_comes_back_brings_new_liquidity() -> None:
    core = Core()
    core.thin("3")
    ask = core.order("SELL", "5", price="101.00")
    core.wick("101.01")
    assert core.now(ask).filled == 3
    core.wick("101.01")
    assert core.now(ask).filled == 5


def test_so_does_the_next_bar() -> None:
    core = Core(("100", "100", "98.99", "98.99"), ("98.99", "98.99", "98.99", "98.99"))
    core.thin("3")
    bid = core.order("BUY", "5", price="99.00")
    core.course.close_bar()
    assert core.now(bid).filled == 3
    core.course.walk()
    assert core.now(bid).filled == 5


def test_orders_at_one_price_share_by_age() -> None:
    core = Core()
    core.thin("3")
    bids = [core.order("BUY", "2", price="99.00") for _ in range(3)]
    core.travel("98.99")
    assert [core.now(bid).filled for bid in bids] == [2, 1, 0]
    core.travel("98.98")
    assert [core.now(bid).filled for bid in bids] == [2, 2, 2]


def test_an_amended_order_queues_up_anew() -> None:
    core = Core()
    core.thin("3")
    first, second = (core.order("BUY", "2", price="99.00") for _ in range(2))
    core.matching.amend(first, Dec("1.5"), Dec("99.00"))
    third = core.order("BUY", "2", price="99.00")
    core.travel("98.99")
    assert [core.now(bid).filled for bid in (first, second, third)] == [1, 2, 0]


def test_a_jump_over_a_resting_order_fills_it_whole() -> None:
    core = Core(("95", "96", "94", "96"))
    core.thin("3")
    bid = core.order("BUY", "5", price="98.00")
    core.course.walk()
    assert core.fills() == [(5, 98)]
    assert core.now(bid).status == "FILLED"


def test_a_stop_takes_the_levels_at_its_trigger() -> None:
    core = Core()
    core.order("BUY", "5")
    core.thin("3")
    stop = core.conditional("SELL", "STOP_MARKET", "98.00", quantity="0", close_position=True)
    core.wick("97")
    assert core.fills()[1:] == [(3, 97.99), (2, 97.98)]
    finished = core.now(stop)
    assert (finished.status, float(finished.filled)) == ("FINISHED", 5)
    assert finished.average_price == Dec("97.986")


def test_margin_counts_the_worst_price_that_is_taken() -> None:
    for wallet, status in (("100.13", None), ("100.14", "FILLED")):
        core = Core(wallet=wallet)
        core.matching.set_leverage(NAME, 1)
        core.thin("0.01")
        if status is None:
            assert code_of(lambda: core.order("BUY")) == -2019  # noqa: B023 - called at once
        else:
            assert core.order("BUY").status == status
            assert core.state.fills[-1].price == Dec("100.14")
