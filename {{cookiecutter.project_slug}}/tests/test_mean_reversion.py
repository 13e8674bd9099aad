"""Away from the mean it enters, and until it leaves everything stays as it was at the entry."""

from decimal import Decimal

from {{cookiecutter.package_name}}.plan.bars import MINUTE_MS, ClosedBar
from {{cookiecutter.package_name}}.plan.target import FLAT, View
from {{cookiecutter.package_name}}.strategies.mean_reversion import MeanReversion

RULE = MeanReversion(quantity=Decimal("0.010"), equity_per_unit=Decimal(1000), most_units=3)
FIRST_MS = 1_704_067_259_999
MEAN = 60_000
FALLEN = [MEAN] * (RULE.window - 1) + [MEAN - 400]


def view(
    closes: list[int], *, position: str = "0", entered: int = 0, equity: str | None = "1500"
) -> View:
    """Return what is seen after `closes`; a position was entered so many bars ago."""
    bars = tuple(
        ClosedBar(FIRST_MS + n * MINUTE_MS, *map(Decimal, (close, close + 5, close - 5, close)))
        for n, close in enumerate(closes)
    )
    held = Decimal(position)
    return View(
        bars,
        position=held,
        tick_size=Decimal("0.10"),
        entry_price=bars[-1 - entered].close if held else None,
        entry_ms=bars[-1 - entered].close_ms + 1 if held else None,
        equity=None if equity is None else Decimal(equity),
    )


def test_a_quiet_market_is_left_alone() -> None:
    assert RULE.target(view([MEAN] * RULE.window)) == FLAT


def test_a_fall_is_bought() -> None:
    target = RULE.target(view(FALLEN))
    assert target.quantity == Decimal("0.010")
    assert target.take_profit == MEAN - Decimal(400) / RULE.mean_bars
    assert target.stop == (MEAN - 400) * Decimal("0.994")


def test_a_rise_is_sold() -> None:
    closes = [MEAN] * (RULE.window - 1) + [MEAN + 400]
    target = RULE.target(view(closes))
    assert target.quantity == Decimal("-0.010")
    assert target.take_profit is not None
    assert target.stop is not None
    assert target.take_profit < closes[-1] < target.stop


def test_the_wallet_says_how_much() -> None:
    for equity, units in (("10", 1), ("1999", 1), ("2000", 2), ("99999", 3)):
        assert RULE.target(view(FALLEN, equity=equity)).quantity == units * RULE.quantity


def test_an_unknown_wallet_opens_nothing() -> None:
    assert RULE.target(view(FALLEN, equity=None)) == FLAT


def test_what_is_held_keeps_its_stop_and_its_take_profit() -> None:
    opened = RULE.target(view(FALLEN))
    closes = FALLEN
    for bars in range(1, RULE.hold_bars):
        closes = [*closes[1:], closes[-1] + 10]
        held = RULE.target(view(closes, position="0.010", entered=bars, equity="99999"))
        assert held == opened


def test_after_its_last_bar_it_is_left() -> None:
    closes = FALLEN[RULE.hold_bars :] + [MEAN - 400] * RULE.hold_bars
    assert RULE.target(view(closes, position="0.010", entered=RULE.hold_bars)).quantity > 0
    closes = [*closes[1:], MEAN - 400]
    assert RULE.target(view(closes, position="0.010", entered=RULE.hold_bars + 1)) == FLAT


def test_a_close_beyond_the_stop_is_left_at_once() -> None:
    closes = [*FALLEN[1:], MEAN - 900]
    assert RULE.target(view(closes, position="0.010", entered=1)) == FLAT
