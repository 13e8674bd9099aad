"""The window of closed bars does not care in which order they come, and sees a hole."""

import importlib
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FIRST = 1_704_067_259_999
LENGTHS = st.sampled_from(["1m", "5m", "1h", "12h", "1d"])


@pytest.fixture(scope="session")
def bars(importable: str) -> ModuleType:
    return importlib.import_module(f"{importable}.plan.bars")


def bar(bars: ModuleType, index: int, bar_ms: int = 60_000) -> Any:
    price = Decimal(60_000 + index)
    return bars.ClosedBar(FIRST + index * bar_ms, price, price, price, price)


def test_window_is_the_last_bars_in_order(bars: ModuleType) -> None:
    window = bars.BarWindow(3, bars.MINUTE_MS)
    window.add([bar(bars, index) for index in (4, 2, 3, 1, 4)])
    assert window.complete() == tuple(bar(bars, index) for index in (2, 3, 4))
    assert window.last_close_ms == FIRST + 4 * bars.MINUTE_MS


def test_short_window_is_not_complete(bars: ModuleType) -> None:
    window = bars.BarWindow(3, bars.MINUTE_MS)
    assert not window.has_hole
    assert window.last_close_ms is None
    window.add([bar(bars, 0), bar(bars, 1)])
    assert window.complete() is None
    assert not window.has_hole


def test_hole_is_seen_and_can_be_filled(bars: ModuleType) -> None:
    window = bars.BarWindow(3, bars.MINUTE_MS)
    window.add([bar(bars, 0), bar(bars, 1), bar(bars, 3)])
    assert window.has_hole
    assert window.complete() is None
    window.add([bar(bars, 2)])
    assert window.complete() == tuple(bar(bars, index) for index in (1, 2, 3))


@given(
    name=LENGTHS,
    count=st.integers(1, 6),
    batches=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6),
)
def test_window_of_any_length_holds_the_newest_bars(
    bars: ModuleType, name: str, count: int, batches: list[list[int]]
) -> None:
    length = bars.BarLength(name).ms
    window = bars.BarWindow(count, length)
    for batch in batches:
        window.add(bar(bars, index, length) for index in batch)
    newest = sorted({index for batch in batches for index in batch})[-count:]
    is_whole = len(newest) == count and newest[-1] - newest[0] == count - 1
    expected = tuple(bar(bars, index, length) for index in newest) if is_whole else None
    assert window.complete() == expected


def test_a_length_is_what_its_name_says(bars: ModuleType) -> None:
    minutes = [1, 3, 5, 15, 30, 60, 120, 240, 360, 480, 720, 1440]
    assert [length.ms for length in bars.BarLength] == [each * 60_000 for each in minutes]
    quarter = bars.BarLength("15m")
    assert (quarter.units, quarter.unit) == (15, "m")


def test_a_bar_that_is_not_believed_as_it_came(bars: ModuleType) -> None:

    def bar(close: str, at: int = 1, **more: str) -> Any:
        prices = {name: Decimal(more.get(name, close)) for name in ("open", "high", "low", "close")}
        return bars.ClosedBar(FIRST + at * 60_000, **prices)

    window = bars.BarWindow(3, 60_000)
    assert window.expects(bar("60000", 0)), "the first one has nothing before it"
    window.add([bar("60000", 0)])
    assert window.expects(bar("60100"))
    assert window.expects(bar("66000")), "a tenth is still near"
    odd = {
        "ten times as much": bar("600000"),
        "zero": bar("0"),
        "NaN": bar("NaN"),
        "endless": bar("Infinity"),
        "one price alone": bar("60000", low="6000"),
        "a later one": bar("60000", 2),
        "in the future": bar("60000", 1_000_000),
        "an older one": bar("60000", -5),
    }
    for name, each in odd.items():
        assert not window.expects(each), name
    assert window.expects(bar("60010", 0)), "told once more"
