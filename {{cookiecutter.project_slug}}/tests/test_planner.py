"""The plan closes the difference between target and reality, one command at a time."""

from dataclasses import replace
from decimal import Decimal

from {{cookiecutter.package_name}} import planner
from {{cookiecutter.package_name}}.order_ids import Leg
from {{cookiecutter.package_name}}.planner import (
    Cancel,
    OrderView,
    Phase,
    Settled,
    Situation,
    Submit,
    Wait,
    plan,
)
from {{cookiecutter.package_name}}.target import FLAT, Target

BAR = 1_704_085_259_999
ENTRY = "EMA001-1704085259-E0"
EXIT = "EMA001-1704085259-X0"
STOP = "EMA001-1704085259-S0"
OLD_STOP = "EMA001-1704085199-S0"
SIZE = Decimal("0.010")
LONG = Target(SIZE, stop=Decimal(59_000))
SHORT = Target(-SIZE, stop=Decimal(61_000))


def situation(target: Target | None, position: Decimal, *orders: OrderView) -> Situation:
    by_name = {order.client_order_id: order for order in orders}
    return Situation("EMA001", BAR, target, position, by_name, tick_size=Decimal("0.1"))


def stop(name: str, quantity: Decimal = -SIZE, trigger: int = 59_000) -> OrderView:
    return OrderView(name, Phase.WORKING, Decimal(0), quantity, Decimal(trigger))


def ended(name: str, filled: Decimal = Decimal(0)) -> OrderView:
    return OrderView(name, Phase.ENDED, filled)


def test_flat_enters() -> None:
    assert plan(situation(LONG, Decimal(0))) == Submit(ENTRY, Leg.ENTRY, SIZE)
    assert plan(situation(SHORT, Decimal(0))) == Submit(ENTRY, Leg.ENTRY, -SIZE)


def test_flat_and_wanting_nothing_is_settled() -> None:
    assert plan(situation(FLAT, Decimal(0))) == Settled()


def test_nothing_is_sent_while_an_order_is_in_flight() -> None:
    waiting = OrderView(ENTRY, Phase.IN_FLIGHT, Decimal(0), SIZE)
    assert isinstance(plan(situation(LONG, Decimal(0), waiting)), Wait)


def test_position_without_a_stop_gets_one() -> None:
    expected = Submit(STOP, Leg.STOP, -SIZE, Decimal(59_000))
    assert plan(situation(LONG, SIZE, ended(ENTRY, SIZE))) == expected


def test_protected_position_is_settled() -> None:
    assert plan(situation(LONG, SIZE, stop(OLD_STOP))) == Settled()


def test_new_stop_comes_before_the_old_one_goes() -> None:
    old = stop(OLD_STOP, trigger=58_000)
    assert plan(situation(LONG, SIZE, old)) == Submit(STOP, Leg.STOP, -SIZE, Decimal(59_000))
    assert plan(situation(LONG, SIZE, old, stop(STOP))) == Cancel(OLD_STOP)


def test_flip_closes_and_then_opens() -> None:
    guarded = stop(OLD_STOP)
    assert plan(situation(SHORT, SIZE, guarded)) == Submit(EXIT, Leg.EXIT, -SIZE)
    closed = ended(EXIT, SIZE)
    assert plan(situation(SHORT, Decimal(0), guarded, closed)) == Submit(ENTRY, Leg.ENTRY, -SIZE)


def test_stop_left_over_is_cancelled() -> None:
    assert plan(situation(FLAT, Decimal(0), stop(OLD_STOP))) == Cancel(OLD_STOP)


def test_stop_that_cannot_be_cancelled_is_left_until_the_next_bar() -> None:
    leftover = replace(situation(FLAT, Decimal(0), stop(OLD_STOP)), refused_cancels={OLD_STOP})
    assert plan(leftover) == Settled()


def test_stop_that_the_exchange_does_not_know_guards_nothing() -> None:
    expected = Submit(STOP, Leg.STOP, -SIZE, Decimal(59_000))
    ghost = replace(situation(LONG, SIZE, stop(OLD_STOP)), gone={OLD_STOP})
    assert plan(ghost) == expected
    assert plan(replace(ghost, orders={**ghost.orders, STOP: stop(STOP)})) == Settled()
    doubtful = replace(situation(LONG, SIZE, stop(OLD_STOP)), refused_cancels={OLD_STOP})
    assert plan(doubtful) == expected
    assert plan(replace(doubtful, orders={**doubtful.orders, STOP: stop(STOP)})) == Settled()
    leaving = replace(doubtful, target=FLAT, orders={**doubtful.orders, EXIT: ended(EXIT, SIZE)})
    assert plan(leaving) == expected


def test_stop_of_which_only_the_name_is_known_is_neither_guard_nor_cancelled() -> None:
    named = OrderView(STOP, Phase.WORKING, Decimal(0))
    second = "EMA001-1704085259-S1"
    assert plan(situation(FLAT, Decimal(0), named)) == Settled()
    assert plan(situation(LONG, SIZE, named)) == Submit(second, Leg.STOP, -SIZE, Decimal(59_000))
    assert plan(situation(LONG, SIZE, named, stop(second))) == Settled()


def test_stop_goes_to_a_price_step_away_from_the_market() -> None:
    sent = {
        (SIZE, "59000.03"): "59000.0",
        (SIZE, "59000.09"): "59000.0",
        (SIZE, "59000.10"): "59000.1",
        (-SIZE, "59000.03"): "59000.1",
        (-SIZE, "59000.10"): "59000.1",
    }
    for (size, wanted), price in sent.items():
        target = Target(size, stop=Decimal(wanted))
        assert plan(situation(target, size)) == Submit(STOP, Leg.STOP, -size, Decimal(price))


def test_without_bars_the_position_stays_and_is_protected() -> None:
    assert plan(situation(None, Decimal(0))) == Settled()
    assert plan(situation(None, Decimal(0), stop(OLD_STOP))) == Cancel(OLD_STOP)
    assert plan(situation(None, SIZE, stop(OLD_STOP))) == Settled()
    larger = plan(situation(None, SIZE * 2, stop(OLD_STOP)))
    assert larger == Submit(STOP, Leg.STOP, -SIZE * 2, Decimal(59_000))


def test_without_bars_and_without_a_stop_the_position_is_closed() -> None:
    assert plan(situation(None, SIZE)) == Submit(EXIT, Leg.EXIT, -SIZE)
    ghost = replace(situation(None, SIZE, stop(OLD_STOP)), gone={OLD_STOP})
    assert plan(ghost) == Submit(EXIT, Leg.EXIT, -SIZE)


def test_filled_entry_is_not_sent_again() -> None:
    assert plan(situation(LONG, Decimal(0), ended(ENTRY, SIZE))) == Settled()


def test_entry_ended_without_a_fill_is_tried_again_under_the_next_id() -> None:
    second = plan(situation(LONG, Decimal(0), ended(ENTRY)))
    assert second == Submit("EMA001-1704085259-E1", Leg.ENTRY, SIZE)


def test_attempts_are_bounded() -> None:
    names = planner.candidates("EMA001", BAR, Leg.ENTRY)
    assert plan(situation(LONG, Decimal(0), *map(ended, names))) == Settled()


def test_stop_fill_after_the_bar_overtakes_its_entry() -> None:
    stopped_out = replace(situation(LONG, Decimal(0)), last_stop_fill_ms=BAR + 1)
    assert plan(stopped_out) == Settled()
    assert isinstance(plan(replace(stopped_out, last_stop_fill_ms=BAR)), Submit)


def test_partly_filled_position_is_protected_as_it_is_and_completed_on_the_next_bar() -> None:
    part = Decimal("0.004")
    done = ended(ENTRY, part)
    expected = Submit(STOP, Leg.STOP, -part, Decimal(59_000))
    assert plan(situation(LONG, part, done)) == expected
    assert plan(situation(LONG, part, done, stop(STOP, -part))) == Settled()
    assert plan(situation(LONG, part, stop(OLD_STOP, -part))) == Submit(
        ENTRY, Leg.ENTRY, Decimal("0.006")
    )


def test_partly_closed_position_keeps_a_stop_of_its_size() -> None:
    left = Decimal("0.003")
    closing = ended(EXIT, Decimal("0.007"))
    resized = plan(situation(FLAT, left, closing, stop(OLD_STOP)))
    assert resized == Submit(STOP, Leg.STOP, -left, Decimal(59_000))


def test_position_larger_than_wanted_is_reduced() -> None:
    assert plan(situation(LONG, SIZE * 2)) == Submit(EXIT, Leg.EXIT, -SIZE)


def test_position_that_cannot_be_protected_is_closed() -> None:
    refused = [ended(name) for name in planner.candidates("EMA001", BAR, Leg.STOP)]
    assert plan(situation(LONG, SIZE, *refused)) == Submit(EXIT, Leg.EXIT, -SIZE)
    assert plan(situation(LONG, SIZE, *refused, stop(OLD_STOP, trigger=58_000))) == Settled()
