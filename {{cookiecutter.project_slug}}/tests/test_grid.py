"""What rests follows from what is held, and never leads to more than the grid's lines."""

from decimal import Decimal

import pytest

from {{cookiecutter.package_name}}.plan.bars import MINUTE_MS, ClosedBar
from {{cookiecutter.package_name}}.plan.target import FLAT, Target, View
from {{cookiecutter.package_name}}.strategies.grid import Grid

UNIT = Decimal("0.010")
RULE = Grid(quantity=UNIT, lines=3, distance=Decimal(20))
SELLS_ABOVE, BUYS_BELOW = [4, 5, 6], [0, 1, 2]


def target(close: int = 60_000, position: str = "0", mean: int = 60_000) -> Target:
    """Return what is asked for after bars at `mean` and a last one at `close`."""
    closes = [mean] * (RULE.window - 1) + [close]
    bars = tuple(
        ClosedBar(1_704_067_259_999 + n * MINUTE_MS, *(Decimal(price),) * 4)
        for n, price in enumerate(closes)
    )
    return RULE.target(View(bars, position=Decimal(position), tick_size=Decimal("0.10")))


def slots(found: Target, sign: int) -> list[int]:
    return [each.slot for each in found.resting if each.quantity * sign > 0]


def test_with_nothing_held_it_buys_below_and_sells_above() -> None:
    found = target()
    assert (slots(found, 1), slots(found, -1)) == (BUYS_BELOW, SELLS_ABOVE)
    assert found.quantity == 0
    assert found.stop is None
    assert all(each.post_only and abs(each.quantity) == UNIT for each in found.resting)
    prices = [each.price for each in found.resting]
    assert prices == sorted(prices)


def test_a_filled_line_is_sold_one_line_higher() -> None:
    before, after = target(59_860), target(59_860, "0.010")
    assert slots(before, 1) == [0, 1]
    assert slots(after, 1) == [0, 1]
    assert slots(after, -1) == [3, *slots(before, -1)]
    # Nothing else has to be replaced.
    assert set(before.resting) < set(after.resting)


@pytest.mark.parametrize("position", ["-0.030", "-0.020", "-0.010", "0", "0.010", "0.027", "0.030"])
def test_whatever_fills_no_more_is_held_than_the_lines_allow(position: str) -> None:
    for close in range(59_000, 61_001, 50):
        found = target(close, position)
        bought = sum(each.quantity for each in found.resting if each.quantity > 0)
        sold = sum(each.quantity for each in found.resting if each.quantity < 0)
        assert Decimal(position) + bought <= 3 * UNIT
        assert Decimal(position) + sold >= -3 * UNIT


def test_no_order_would_trade_at_once() -> None:
    for close in range(59_000, 61_001, 50):
        for each in target(close, "0.010").resting:
            assert (each.price < close) == (each.quantity > 0)


def test_a_fill_in_parts_waits_for_the_rest_unless_that_is_small() -> None:
    waiting = {each.slot: each.quantity for each in target(59_990, "0.004").resting}
    assert waiting[2] == Decimal("0.006")
    nearly = {each.slot: each.quantity for each in target(59_990, "0.006").resting}
    assert 2 not in nearly
    assert nearly[3] == Decimal("-0.006")


def test_what_is_held_has_a_stop_beyond_the_last_line() -> None:
    long, short = target(position="0.010"), target(position="-0.010")
    assert long.stop is not None
    assert short.stop is not None
    assert long.stop < min(each.price for each in long.resting)
    assert short.stop > max(each.price for each in short.resting)


def test_a_market_that_has_left_the_grid_is_left_alone() -> None:
    for close in (59_000, 61_000):
        assert target(close, "0.010") == FLAT


def test_the_anchor_moves_in_steps() -> None:
    found = [target(60_000 + more, mean=60_000 + more) for more in range(0, 200, 10)]
    assert len({each.resting[-1].price for each in found}) <= 3
