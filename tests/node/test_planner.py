"""The plan closes the difference between target and reality, one command at a time."""

import importlib
from dataclasses import replace
from decimal import Decimal

import pytest

from node.planner_model import Rooms
from node.planner_words import BAR, PART, SIZE, Words


@pytest.fixture(scope="session")
def w(importable: str) -> Words:
    return Words(Rooms.of(f"{importable}.plan"))


def test_flat_enters(w: Words) -> None:
    assert w.plan(w.situation(w.LONG, Decimal(0))) == w.Submit(w.ENTRY, w.Leg.ENTRY, SIZE)
    assert w.plan(w.situation(w.SHORT, Decimal(0))) == w.Submit(w.ENTRY, w.Leg.ENTRY, -SIZE)


def test_flat_and_wanting_nothing_is_settled(w: Words) -> None:
    assert w.plan(w.situation(w.FLAT, Decimal(0))) == w.Settled()


def test_nothing_is_sent_while_an_order_is_in_flight(w: Words) -> None:
    waiting = w.OrderView(w.ENTRY, w.Phase.IN_FLIGHT, Decimal(0), SIZE)
    assert isinstance(w.plan(w.situation(w.LONG, Decimal(0), waiting)), w.Wait)


def test_only_the_stop_does_not_wait_for_limit_orders_of_the_strategys_own(w: Words) -> None:
    name = w.rooms.ids.make(w.rooms.owner, BAR, w.Leg.ENTRY, 0, 0)
    limit = w.OrderView(name, w.Phase.IN_FLIGHT, Decimal(0), SIZE, price=Decimal(59_500))
    market, waiting = replace(limit, price=None), w.OrderView(w.ENTRY, w.Phase.IN_FLIGHT, SIZE)
    stop = w.Submit(w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000))
    assert w.plan(w.situation(w.LONG, SIZE, limit)) == stop
    assert isinstance(w.plan(w.situation(w.LONG, SIZE, market)), w.Wait)
    assert isinstance(w.plan(w.situation(w.LONG, SIZE, limit, waiting)), w.Wait)
    assert isinstance(w.plan(w.situation(w.FLAT, SIZE, limit)), w.Wait)


def test_position_without_a_stop_gets_one(w: Words) -> None:
    expected = w.Submit(w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000))
    assert w.plan(w.situation(w.LONG, SIZE, w.ended(w.ENTRY, SIZE))) == expected


def test_protected_position_is_settled(w: Words) -> None:
    assert w.plan(w.situation(w.LONG, SIZE, w.stop(w.OLD_STOP))) == w.Settled()


def test_new_stop_comes_before_the_old_one_goes(w: Words) -> None:
    old = w.stop(w.OLD_STOP, trigger=58_000)
    assert w.plan(w.situation(w.LONG, SIZE, old)) == w.Submit(
        w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000)
    )
    assert w.plan(w.situation(w.LONG, SIZE, old, w.stop(w.STOP))) == w.Cancel(w.OLD_STOP)


def test_no_more_than_two_stops_work_however_often_the_position_grows(w: Words) -> None:
    small, larger = w.stop(w.OLD_STOP, -PART), w.stop(w.STOP, -2 * PART)
    grown = w.situation(w.LONG, SIZE, small, larger)
    assert w.plan(grown) == w.Cancel(w.OLD_STOP)
    # The one that closes more stays, whichever is older.
    small, larger = w.stop(w.OLD_STOP, -2 * PART), w.stop(w.STOP, -PART)
    assert w.plan(w.situation(w.LONG, SIZE, small, larger)) == w.Cancel(w.STOP)


def test_flip_closes_and_then_opens(w: Words) -> None:
    guarded = w.stop(w.OLD_STOP)
    assert w.plan(w.situation(w.SHORT, SIZE, guarded)) == w.Submit(w.EXIT, w.Leg.EXIT, -SIZE)
    closed = w.ended(w.EXIT, SIZE)
    assert w.plan(w.situation(w.SHORT, Decimal(0), guarded, closed)) == w.Submit(
        w.ENTRY, w.Leg.ENTRY, -SIZE
    )


def test_stop_left_over_is_cancelled(w: Words) -> None:
    assert w.plan(w.situation(w.FLAT, Decimal(0), w.stop(w.OLD_STOP))) == w.Cancel(w.OLD_STOP)


def test_stop_that_cannot_be_cancelled_is_left_until_the_next_bar(w: Words) -> None:
    leftover = replace(
        w.situation(w.FLAT, Decimal(0), w.stop(w.OLD_STOP)), refused_cancels={w.OLD_STOP}
    )
    assert w.plan(leftover) == w.Settled()


def test_stop_that_the_exchange_does_not_know_guards_nothing(w: Words) -> None:
    expected = w.Submit(w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000))
    ghost = replace(w.situation(w.LONG, SIZE, w.stop(w.OLD_STOP)), gone={w.OLD_STOP})
    assert w.plan(ghost) == expected
    assert w.plan(replace(ghost, orders={**ghost.orders, w.STOP: w.stop(w.STOP)})) == w.Settled()
    doubtful = replace(w.situation(w.LONG, SIZE, w.stop(w.OLD_STOP)), refused_cancels={w.OLD_STOP})
    assert w.plan(doubtful) == expected
    assert (
        w.plan(replace(doubtful, orders={**doubtful.orders, w.STOP: w.stop(w.STOP)})) == w.Settled()
    )
    leaving = replace(
        doubtful, target=w.FLAT, orders={**doubtful.orders, w.EXIT: w.ended(w.EXIT, SIZE)}
    )
    assert w.plan(leaving) == expected


def test_stop_of_which_only_the_name_is_known_is_neither_guard_nor_cancelled(w: Words) -> None:
    named = w.OrderView(w.STOP, w.Phase.WORKING, Decimal(0))
    second = w.id("S", attempt=1)
    assert w.plan(w.situation(w.FLAT, Decimal(0), named)) == w.Settled()
    assert w.plan(w.situation(w.LONG, SIZE, named)) == w.Submit(
        second, w.Leg.STOP, -SIZE, Decimal(59_000)
    )
    assert w.plan(w.situation(w.LONG, SIZE, named, w.stop(second))) == w.Settled()


def test_stop_goes_to_a_price_step_away_from_the_market(w: Words) -> None:
    sent = {
        (SIZE, "59000.03"): "59000.0",
        (SIZE, "59000.09"): "59000.0",
        (SIZE, "59000.10"): "59000.1",
        (-SIZE, "59000.03"): "59000.1",
        (-SIZE, "59000.10"): "59000.1",
    }
    for (size, wanted), price in sent.items():
        target = w.Target(size, stop=Decimal(wanted))
        assert w.plan(w.situation(target, size)) == w.Submit(
            w.STOP, w.Leg.STOP, -size, Decimal(price)
        )


def test_without_bars_the_position_stays_and_is_protected(w: Words) -> None:
    assert w.plan(w.situation(None, Decimal(0))) == w.Settled()
    assert w.plan(w.situation(None, Decimal(0), w.stop(w.OLD_STOP))) == w.Cancel(w.OLD_STOP)
    assert w.plan(w.situation(None, SIZE, w.stop(w.OLD_STOP))) == w.Settled()
    larger = w.plan(w.situation(None, SIZE * 2, w.stop(w.OLD_STOP)))
    assert larger == w.Submit(w.STOP, w.Leg.STOP, -SIZE * 2, Decimal(59_000))


def test_without_bars_and_without_a_stop_the_position_is_closed(w: Words) -> None:
    assert w.plan(w.situation(None, SIZE)) == w.Submit(w.EXIT, w.Leg.EXIT, -SIZE)
    ghost = replace(w.situation(None, SIZE, w.stop(w.OLD_STOP)), gone={w.OLD_STOP})
    assert w.plan(ghost) == w.Submit(w.EXIT, w.Leg.EXIT, -SIZE)


def test_filled_entry_is_not_sent_again(w: Words) -> None:
    assert w.plan(w.situation(w.LONG, Decimal(0), w.ended(w.ENTRY, SIZE))) == w.Settled()


def test_entry_ended_without_a_fill_is_tried_again_under_the_next_id(w: Words) -> None:
    second = w.plan(w.situation(w.LONG, Decimal(0), w.ended(w.ENTRY)))
    assert second == w.Submit(w.id("E", attempt=1), w.Leg.ENTRY, SIZE)


def test_attempts_are_bounded(w: Words) -> None:
    names = w.candidates(w.owner, BAR, w.Leg.ENTRY)
    assert w.plan(w.situation(w.LONG, Decimal(0), *map(w.ended, names))) == w.Settled()


def test_stop_fill_after_the_bar_overtakes_its_entry(w: Words) -> None:
    stopped_out = replace(w.situation(w.LONG, Decimal(0)), last_exit_fill_ms=BAR + 1)
    assert w.plan(stopped_out) == w.Settled()
    assert isinstance(w.plan(replace(stopped_out, last_exit_fill_ms=BAR)), w.Submit)


def test_partly_filled_position_is_protected_as_it_is_and_completed_on_the_next_bar(
    w: Words,
) -> None:
    part = Decimal("0.004")
    done = w.ended(w.ENTRY, part)
    expected = w.Submit(w.STOP, w.Leg.STOP, -part, Decimal(59_000))
    assert w.plan(w.situation(w.LONG, part, done)) == expected
    assert w.plan(w.situation(w.LONG, part, done, w.stop(w.STOP, -part))) == w.Settled()
    assert w.plan(w.situation(w.LONG, part, w.stop(w.OLD_STOP, -part))) == w.Submit(
        w.ENTRY, w.Leg.ENTRY, Decimal("0.006")
    )


def test_partly_closed_position_keeps_a_stop_of_its_size(w: Words) -> None:
    left = Decimal("0.003")
    closing = w.ended(w.EXIT, Decimal("0.007"))
    resized = w.plan(w.situation(w.FLAT, left, closing, w.stop(w.OLD_STOP)))
    assert resized == w.Submit(w.STOP, w.Leg.STOP, -left, Decimal(59_000))


def test_position_larger_than_wanted_is_reduced(w: Words) -> None:
    assert w.plan(w.situation(w.LONG, SIZE * 2)) == w.Submit(w.EXIT, w.Leg.EXIT, -SIZE)


def test_position_that_cannot_be_protected_is_closed(w: Words) -> None:
    refused = [w.ended(name) for name in w.candidates(w.owner, BAR, w.Leg.STOP)]
    assert w.plan(w.situation(w.LONG, SIZE, *refused)) == w.Submit(w.EXIT, w.Leg.EXIT, -SIZE)
    assert (
        w.plan(w.situation(w.LONG, SIZE, *refused, w.stop(w.OLD_STOP, trigger=58_000)))
        == w.Settled()
    )


# -- Orders ------------------------------------------------------------------------------------


def test_orders_of_others_are_no_business_of_the_plan(w: Words) -> None:
    theirs = w.rooms.ids.make(w.rooms.stranger, BAR, w.Leg.STOP, 0)
    flying = w.OrderView("web_1", w.Phase.IN_FLIGHT, Decimal(0), SIZE)
    assert w.plan(w.situation(w.FLAT, Decimal(0), w.stop(theirs), flying)) == w.Settled()
    assert w.plan(w.situation(w.LONG, SIZE, w.stop(theirs), flying)) == w.Submit(
        w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000)
    )


@pytest.mark.parametrize(
    ("kind", "status", "phase", "trigger", "price"),
    [
        ("STOP_MARKET", "ACCEPTED", "WORKING", 59_000, None),
        ("STOP_MARKET", "TRIGGERED", "IN_FLIGHT", 59_000, None),
        ("LIMIT", "PARTIALLY_FILLED", "WORKING", None, 61_000),
        ("LIMIT", "PENDING_CANCEL", "IN_FLIGHT", None, 61_000),
        ("MARKET", "ACCEPTED", "IN_FLIGHT", None, None),
        ("MARKET", "FILLED", "ENDED", None, None),
    ],
)
def test_order_as_the_engine_has_it(
    importable: str,
    w: Words,
    kind: str,
    status: str,
    phase: str,
    trigger: int | None,
    price: int | None,
) -> None:
    rows = importlib.import_module(f"{importable}.plan.rows")
    row = rows.OrderRow(
        w.STOP,
        "7",
        "BTCUSDT",
        kind,
        "SELL",
        status,
        SIZE,
        PART,
        reduce_only=True,
        price=Decimal(61_000),
        trigger_price=Decimal(59_000),
    )
    view = w.rooms.situation.order_view(row)
    assert view == w.OrderView(
        w.STOP,
        w.Phase[phase],
        PART,
        -SIZE,
        None if trigger is None else Decimal(trigger),
        None if price is None else Decimal(price),
    )
    assert view.remaining == PART - SIZE


def test_while_something_is_wrong_no_risk_is_added(w: Words) -> None:
    flat = w.situation(w.LONG, Decimal(0))
    assert isinstance(w.plan(flat), w.Submit)
    assert w.plan(replace(flat, may_open=False)) == w.Settled()
    # A larger position is not aimed at, nor one on the other side; a smaller one is.
    larger = w.situation(replace(w.LONG, quantity=2 * SIZE), SIZE, w.stop(w.OLD_STOP))
    assert w.plan(larger).leg is w.Leg.ENTRY
    assert w.plan(replace(larger, may_open=False)) == w.Settled()
    smaller = w.situation(replace(w.LONG, quantity=PART), SIZE, w.stop(w.OLD_STOP))
    left = w.plan(replace(smaller, may_open=False))
    assert (left.leg, left.quantity) == (w.Leg.EXIT, PART - SIZE)
    flip = w.situation(w.SHORT, SIZE, w.stop(w.OLD_STOP))
    left = w.plan(replace(flip, may_open=False))
    assert (left.leg, left.quantity) == (w.Leg.EXIT, -SIZE)


def test_while_something_is_wrong_a_position_is_protected(w: Words) -> None:
    naked = w.situation(w.LONG, SIZE, w.ended(w.ENTRY, SIZE), may_open=False)
    assert w.plan(naked) == w.Submit(w.STOP, w.Leg.STOP, -SIZE, Decimal(59_000))


def test_while_something_is_wrong_nothing_rests(w: Words) -> None:
    target = w.grid((0, SIZE, 58_000))
    resting = w.plan(w.situation(target, Decimal(0)))
    assert resting.leg is w.Leg.RESTING
    assert w.plan(w.situation(target, Decimal(0), may_open=False)) == w.Settled()
    working = w.limit(resting.client_order_id, SIZE, price=58_000)
    assert w.plan(w.situation(target, Decimal(0), working)) == w.Settled()
    assert w.plan(w.situation(target, Decimal(0), working, may_open=False)) == w.Cancel(
        resting.client_order_id
    )


def test_a_flip_whose_stop_is_refused_is_closed_again(w: Words) -> None:
    # The exit of this decision has closed the old position, and its entry has opened the new one.
    done = (w.ended(w.EXIT, SIZE), w.ended(w.ENTRY, SIZE))
    refused = tuple(w.ended(w.id("S", attempt=attempt)) for attempt in range(5))
    last = w.plan(w.situation(w.SHORT, -SIZE, *done, *refused))
    assert last == w.Submit(w.id("X", attempt=1), w.Leg.EXIT, SIZE)
    # Nothing enters once more in the same decision.
    gone = (*done, *refused, w.ended(w.id("X", attempt=1), SIZE))
    assert w.plan(w.situation(w.SHORT, Decimal(0), *gone)) == w.Settled()


def test_what_another_hand_opens_after_an_exit_is_closed_in_the_same_bar(w: Words) -> None:
    whole = replace(w.ended(w.EXIT, SIZE), quantity=-SIZE)
    assert w.plan(w.situation(w.FLAT, SIZE / 2, whole)) == w.Submit(
        w.id("X", attempt=1), w.Leg.EXIT, -SIZE / 2
    )
    # Of one that has filled in part, or of which only the fate is known, nobody can say so.
    for part in (replace(whole, filled=SIZE / 2), w.ended(w.EXIT, SIZE)):
        assert w.plan(w.situation(w.FLAT, SIZE / 2, part)) == w.Settled()
