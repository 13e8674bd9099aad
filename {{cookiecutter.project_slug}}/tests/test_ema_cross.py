"""The decision is a pure function: the same bars give the same answer."""

from decimal import Decimal

from {{cookiecutter.package_name}}.plan.bars import MINUTE_MS, ClosedBar
from {{cookiecutter.package_name}}.plan.target import FLAT, View
from {{cookiecutter.package_name}}.strategies.ema_cross import EmaCross

RULE = EmaCross(quantity=Decimal("0.010"))
TICK = Decimal("0.10")


def view(closes: list[float], wick: float = 20.0) -> View:
    bars = tuple(
        ClosedBar(
            close_ms=1_704_067_259_999 + index * MINUTE_MS,
            open=Decimal(str(close)),
            high=Decimal(str(close + wick)),
            low=Decimal(str(close - wick)),
            close=Decimal(str(close)),
        )
        for index, close in enumerate(closes)
    )
    return View(bars, position=Decimal(0), tick_size=TICK)


def rising(start: float = 60_000.0, step: float = 20.0) -> list[float]:
    return [start + step * index for index in range(RULE.window)]


def test_rising_market_is_long_with_a_stop_below() -> None:
    target = RULE.target(view(rising()))
    assert target.quantity == Decimal("0.010")
    assert target.stop is not None
    assert target.stop < Decimal(str(rising()[-1]))


def test_falling_market_is_short_with_a_stop_above() -> None:
    closes = rising(step=-20.0)
    target = RULE.target(view(closes))
    assert target.quantity == Decimal("-0.010")
    assert target.stop is not None
    assert target.stop > Decimal(str(closes[-1]))


def test_quiet_market_is_flat() -> None:
    assert RULE.target(view([60_000.0] * RULE.window)) == FLAT


def test_stop_beyond_the_market_is_flat() -> None:
    closes = rising()
    # One deep close: the averages still point up, but the stop would trigger at once.
    closes[-1] = closes[-2] - 900.0
    slow = EmaCross(quantity=Decimal("0.010"), fast=18, slow=20)
    assert slow.target(view(closes[:-1])).quantity > 0
    assert slow.target(view(closes)) == FLAT


def test_stop_lies_on_the_tick() -> None:
    stop = RULE.target(view(rising(start=61_234.5, step=17.3))).stop
    assert stop is not None
    assert stop % TICK == 0


def test_stop_moves_in_steps() -> None:
    closes = [60_000.0 + 3.0 * index for index in range(RULE.window + 30)]
    stops = {RULE.target(view(closes[n : n + RULE.window])).stop for n in range(30)}
    # The market moved by 15 basis points; a rung of the ladder is 25.
    assert len(stops) <= 2
