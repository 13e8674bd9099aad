"""The window of closed bars does not care in which order they come, and sees a hole."""

import importlib
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

FIRST = 1_704_067_259_999


@pytest.fixture(scope="session")
def bars(importable: str) -> ModuleType:
    return importlib.import_module(f"{importable}.bars")


def bar(bars: ModuleType, index: int) -> Any:
    price = Decimal(60_000 + index)
    return bars.ClosedBar(FIRST + index * bars.BAR_MS, price, price, price, price)


def test_window_is_the_last_bars_in_order(bars: ModuleType) -> None:
    window = bars.BarWindow(3)
    window.add([bar(bars, index) for index in (4, 2, 3, 1, 4)])
    assert window.complete() == tuple(bar(bars, index) for index in (2, 3, 4))


def test_short_window_is_not_complete(bars: ModuleType) -> None:
    window = bars.BarWindow(3)
    assert not window.has_hole
    window.add([bar(bars, 0), bar(bars, 1)])
    assert window.complete() is None
    assert not window.has_hole


def test_hole_is_seen_and_can_be_filled(bars: ModuleType) -> None:
    window = bars.BarWindow(3)
    window.add([bar(bars, 0), bar(bars, 1), bar(bars, 3)])
    assert window.has_hole
    assert window.complete() is None
    window.add([bar(bars, 2)])
    assert window.complete() == tuple(bar(bars, index) for index in (1, 2, 3))
