"""Prices between two price steps go to the one farther from the market."""

import importlib
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

TICK = Decimal("0.1")
PRICES = st.decimals(Decimal("0.01"), Decimal(1_000_000), allow_nan=False, places=12)
SIDES = st.sampled_from([-1, 1])


@pytest.fixture(scope="session")
def targets(importable: str) -> ModuleType:
    return importlib.import_module(f"{importable}.plan.target")


def on_tick(targets: ModuleType, side: int, price: Decimal) -> Any:
    resting = (
        targets.Resting(0, side * Decimal("0.01"), price, post_only=True),
        targets.Resting(1, -side * Decimal("0.02"), price),
    )
    target = targets.Target(side * Decimal("0.01"), price, price, resting)
    return targets.on_tick(target, TICK)


@given(side=SIDES, price=PRICES)
def test_away_from_the_market(targets: ModuleType, side: int, price: Decimal) -> None:
    target = on_tick(targets, side, price)
    same, opposite = target.resting
    assert 0 <= (price - target.stop) * side < TICK
    assert 0 <= (target.take_profit - price) * side < TICK
    assert 0 <= (price - same.price) * side < TICK
    assert 0 <= (opposite.price - price) * side < TICK
    for rounded in (target.stop, target.take_profit, same.price, opposite.price):
        assert rounded % TICK == 0


@given(side=SIDES, price=PRICES)
def test_a_price_on_a_step_stays(targets: ModuleType, side: int, price: Decimal) -> None:
    once = on_tick(targets, side, price)
    assert targets.on_tick(once, TICK) == once


def test_nothing_but_prices_changes(targets: ModuleType) -> None:
    target = on_tick(targets, 1, Decimal("59000.05"))
    assert target.quantity == Decimal("0.01")
    same, opposite = target.resting
    assert (same.slot, same.quantity, same.post_only) == (0, Decimal("0.01"), True)
    assert (opposite.slot, opposite.quantity, opposite.post_only) == (1, Decimal("-0.02"), False)
    assert targets.on_tick(targets.FLAT, TICK) == targets.FLAT


def test_a_price_below_the_first_step_does_not_stay_between_two(targets: ModuleType) -> None:
    [same, _] = on_tick(targets, 1, Decimal("0.04")).resting
    assert same.price == 0
