"""The example's indicators forget: a node that has just started computes what another one does."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.indicators import (
    AverageTrueRange,
    BollingerBands,
    ExponentialMovingAverage,
    MovingAverageType,
)

PERIOD, WINDOW = 20, 60
MOVES = st.lists(st.floats(-0.01, 0.01), min_size=WINDOW, max_size=3 * WINDOW)


def values(bars: list[tuple[float, float, float]], *, is_simple: bool = True) -> list[Any]:
    """Return what band and range are after these bars."""
    band, span = BollingerBands(PERIOD, 1.0), AverageTrueRange(PERIOD, MovingAverageType.SIMPLE)
    average = ExponentialMovingAverage(PERIOD)
    for high, low, close in bars:
        band.update_raw(high, low, close)
        span.update_raw(high, low, close)
        average.update_raw(close)
    return [band.upper, band.lower, span.value] if is_simple else [average.value]


def bars_of(moves: list[float]) -> list[tuple[float, float, float]]:
    """Return high, low and close of bars whose close moves so."""
    bars, close = [], 60_000.0
    for move in moves:
        before, close = close, round(close * (1 + move), 1)
        bars.append((max(before, close) + 5, min(before, close) - 5, close))
    return bars


@given(moves=MOVES)
@settings(max_examples=50, deadline=None)
def test_only_the_last_bars_count(moves: list[float]) -> None:
    bars = bars_of(moves)
    assert values(bars) == values(bars[-WINDOW:])


def test_an_exponential_average_would_not_forget() -> None:
    bars = bars_of([0.01] * WINDOW + [0.0] * WINDOW)
    assert values(bars, is_simple=False) != values(bars[-WINDOW:], is_simple=False)
