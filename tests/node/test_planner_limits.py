"""Take-profits and resting orders: what a plan does about limit orders."""

from dataclasses import replace
from decimal import Decimal

import pytest

from node.planner_model import Rooms
from node.planner_words import BAR, EARLIER, PART, SIZE, Words


@pytest.fixture(scope="session")
def w(importable: str) -> Words:
    return Words(Rooms.of(f"{importable}.plan"))


# -- Take-profit -------------------------------------------------------------------------------


def test_take_profit_comes_after_the_stop(w: Words) -> None:
    unguarded = w.situation(w.profit(), SIZE)
    assert w.plan(unguarded) == w.Submit(w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000))
    expected = w.Submit(w.PROFIT, w.Leg.TAKE_PROFIT, -SIZE, price=Decimal(61_000))
    assert w.plan(w.situation(w.profit(), SIZE, w.stop(w.STOP))) == expected
    assert expected.reduce_only
    both = (w.stop(w.OLD_STOP), w.limit(w.OLD_PROFIT))
    assert w.plan(w.situation(w.profit(), SIZE, *both)) == w.Settled()


def test_take_profit_of_another_price_or_size_goes_before_the_new_one_comes(w: Words) -> None:
    guarded, old = w.stop(w.OLD_STOP), w.limit(w.OLD_PROFIT, price=62_000)
    assert w.plan(w.situation(w.profit(), SIZE, guarded, old)) == w.Cancel(w.OLD_PROFIT)
    small = w.limit(w.OLD_PROFIT, -PART)
    assert w.plan(w.situation(w.profit(), SIZE, guarded, small)) == w.Cancel(w.OLD_PROFIT)
    refused = w.situation(w.profit(), SIZE, guarded, old, refused_cancels={w.OLD_PROFIT})
    assert w.plan(refused) == w.Settled()


def test_take_profit_filled_in_part_keeps_working_for_the_rest(w: Words) -> None:
    part = w.limit(w.OLD_PROFIT, filled=PART)
    left = SIZE - PART
    smaller = w.situation(w.profit(), left, w.stop(w.OLD_STOP), part, last_exit_fill_ms=BAR + 1)
    assert w.plan(smaller) == w.Submit(w.STOP, w.Leg.STOP, -left, Decimal(59_000))
    both = (w.stop(w.OLD_STOP), w.stop(w.STOP, -left), part)
    after = w.situation(w.profit(), left, *both, last_exit_fill_ms=BAR + 1)
    assert w.plan(after) == w.Cancel(w.OLD_STOP)
    at_rest = w.situation(w.profit(), left, *both[1:], last_exit_fill_ms=BAR + 1)
    assert w.plan(at_rest) == w.Settled()


def test_when_one_exit_has_filled_its_sibling_goes_and_nothing_enters_again(w: Words) -> None:
    stopped = w.situation(w.profit(), Decimal(0), w.limit(w.PROFIT), last_exit_fill_ms=BAR + 1)
    assert w.plan(stopped) == w.Cancel(w.PROFIT)
    taken = w.situation(w.profit(), Decimal(0), w.stop(w.STOP), last_exit_fill_ms=BAR + 1)
    assert w.plan(taken) == w.Cancel(w.STOP)
    done = w.situation(w.profit(), Decimal(0), last_exit_fill_ms=BAR + 1)
    assert w.plan(done) == w.Settled()


def test_refused_take_profits_leave_the_position_with_its_stop(w: Words) -> None:
    refused = [replace(w.limit(w.id("T", attempt=n)), phase=w.Phase.ENDED) for n in range(5)]
    assert w.plan(w.situation(w.profit(), SIZE, w.stop(w.STOP), *refused)) == w.Settled()
    fewer = w.plan(w.situation(w.profit(), SIZE, w.stop(w.STOP), *refused[:4]))
    assert fewer.client_order_id == w.id("T", attempt=4)


def test_a_stop_follows_what_an_earlier_take_profit_leaves_when_its_attempts_are_used_up(
    w: Words,
) -> None:
    """The earlier take-profit has ended, and is known by when it filled alone."""
    refused = [replace(w.stop(w.id("S", attempt=n)), phase=w.Phase.ENDED) for n in range(5)]
    orders = (w.stop(w.OLD_STOP, trigger=58_900), *refused)
    target = replace(w.LONG, quantity=SIZE - PART)
    filled = w.plan(w.situation(target, SIZE - PART, *orders, last_exit_fill_ms=BAR + 1))
    assert (filled.client_order_id, filled.quantity) == (w.id("S", attempt=5), PART - SIZE)
    for position, at_ms in ((SIZE - PART, BAR), (SIZE, BAR + 1)):
        target = replace(w.LONG, quantity=position)
        same = w.situation(target, position, *orders, last_exit_fill_ms=at_ms)
        assert w.plan(same) == w.Settled()


def test_take_profit_stays_without_bars_and_goes_when_the_side_is_another(w: Words) -> None:
    both = (w.stop(w.OLD_STOP), w.limit(w.OLD_PROFIT))
    assert w.plan(w.situation(None, SIZE, *both)) == w.Settled()
    turned = w.situation(w.FLAT, SIZE, *both, w.ended(w.EXIT, PART))
    assert w.plan(turned) == w.Cancel(w.OLD_PROFIT)


def test_take_profit_of_which_only_the_name_is_known_is_not_doubled(w: Words) -> None:
    named = w.OrderView(w.PROFIT, w.Phase.WORKING, Decimal(0))
    assert w.plan(w.situation(w.profit(), SIZE, w.stop(w.STOP), named)) == w.Settled()


# -- Resting orders ----------------------------------------------------------------------------


def test_resting_orders_are_sent_slot_by_slot(w: Words) -> None:
    target = w.grid((0, SIZE, 58_000), (35, -SIZE, 62_000))
    low, high = w.id("R", slot=0), w.id("R", slot=35)
    assert w.plan(w.situation(target, Decimal(0))) == w.Submit(
        low, w.Leg.RESTING, SIZE, price=Decimal(58_000)
    )
    first = w.limit(low, SIZE, 58_000)
    second = w.plan(w.situation(target, Decimal(0), first))
    assert second == w.Submit(high, w.Leg.RESTING, -SIZE, price=Decimal(62_000))
    assert not second.reduce_only
    both = (first, w.limit(high, -SIZE, 62_000))
    assert w.plan(w.situation(target, Decimal(0), *both)) == w.Settled()


def test_post_only_is_passed_on(w: Words) -> None:
    resting = w.rooms.target.Resting(3, SIZE, Decimal("58000.07"), post_only=True)
    sent = w.plan(w.situation(replace(w.FLAT, resting=(resting,)), Decimal(0)))
    assert (sent.post_only, sent.price) == (True, Decimal("58000.0"))


def test_resting_order_is_replaced_when_price_quantity_or_side_change(w: Words) -> None:
    old = w.id("R", EARLIER, slot=0)
    for quantity, price in ((SIZE, 58_001), (SIZE * 2, 58_000), (-SIZE, 58_000)):
        target = w.grid((0, quantity, price))
        working = w.limit(old, SIZE, 58_000)
        assert w.plan(w.situation(target, Decimal(0), working)) == w.Cancel(old)
    kept = w.limit(old, SIZE, 58_000, filled=PART)
    for quantity in (SIZE, SIZE - PART):
        target = w.grid((0, quantity, 58_000), quantity=PART)
        assert w.plan(w.situation(target, PART, kept)) == w.Settled()


def test_resting_orders_that_nobody_wants_are_cancelled_after_the_stop_is_right(w: Words) -> None:
    working = w.limit(w.id("R", EARLIER, slot=1), SIZE, 58_000)
    cancelled = w.Cancel(working.client_order_id)
    assert w.plan(w.situation(w.LONG, SIZE, working)) == w.Submit(
        w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000)
    )
    assert w.plan(w.situation(w.LONG, SIZE, working, w.stop(w.STOP))) == cancelled
    assert w.plan(w.situation(None, SIZE, working, w.stop(w.STOP))) == cancelled
    assert w.plan(w.situation(None, Decimal(0), working)) == cancelled


def test_slot_that_has_filled_is_done_until_the_next_bar(w: Words) -> None:
    target = w.grid((0, SIZE, 58_000), quantity=SIZE)
    part = replace(w.limit(w.id("R", slot=0), SIZE, 58_000, PART), phase=w.Phase.ENDED)
    assert w.plan(w.situation(target, SIZE, part)) == w.Settled()
    earlier = w.situation(target, SIZE, last_slot_fill_ms={0: BAR + 1})
    assert w.plan(earlier) == w.Settled()
    assert isinstance(w.plan(replace(earlier, last_slot_fill_ms={0: BAR})), w.Submit)


def test_attempts_at_a_slot_are_bounded(w: Words) -> None:
    target = w.grid((0, SIZE, 58_000), (1, SIZE, 57_000))
    refused = [w.ended(name) for name in w.candidates(w.owner, BAR, w.Leg.RESTING, [0])]
    assert len(refused) == 3
    other = w.plan(w.situation(target, Decimal(0), *refused))
    assert other.client_order_id == w.id("R", slot=1)


def test_resting_order_whose_fate_is_not_known_keeps_its_slot(w: Words) -> None:
    target, old = w.grid((0, SIZE, 58_000)), w.id("R", EARLIER, slot=0)
    lost = w.limit(old, SIZE, 57_000)
    assert w.plan(w.situation(target, Decimal(0), lost, gone={old})) == w.Settled()
    assert w.plan(w.situation(target, Decimal(0), lost, refused_cancels={old})) == w.Settled()


def test_what_could_not_be_protected_is_not_opened(w: Words) -> None:
    refused = [w.ended(w.id("S", attempt=n)) for n in range(5)]
    resting = w.rooms.target.Resting(0, SIZE, Decimal(58_000))
    working = w.limit(w.id("R", EARLIER, slot=0), SIZE, 58_000)
    target = replace(w.LONG, resting=(resting,))
    guarded = (*refused, w.stop(w.OLD_STOP, trigger=58_500))
    assert w.plan(w.situation(target, SIZE, *guarded, working)) == w.Cancel(working.client_order_id)
    assert w.plan(w.situation(target, SIZE, *guarded)) == w.Settled()


def test_what_resting_orders_open_again_is_closed_again(w: Words) -> None:
    closed = w.OrderView(w.EXIT, w.Phase.ENDED, SIZE, -SIZE)
    again = w.situation(w.FLAT, SIZE, closed, last_slot_fill_ms={1: BAR + 1})
    assert w.plan(again) == w.Submit(w.id("X", attempt=1), w.Leg.EXIT, -SIZE)


def test_target_that_contradicts_itself_is_refused(w: Words) -> None:
    twice = w.grid((4, SIZE, 58_000), (4, SIZE, 57_000))
    with pytest.raises(ValueError, match=r"^Two resting orders of one target are in slot 4"):
        w.plan(w.situation(twice, Decimal(0)))
    with pytest.raises(ValueError, match=r"^The resting order in slot 4 has no quantity\.$"):
        w.plan(w.situation(w.grid((4, Decimal(0), 58_000)), Decimal(0)))
