"""Signed requests carry the exchange's time as it was measured, whatever the wall clock does."""

import time
from importlib import import_module
from typing import Any

import pytest

EXCHANGE_MS = 1_700_000_000_000.0


@pytest.fixture
def clocks(importable: str) -> Any:
    """The module under test."""
    return import_module(f"{importable}.venue.binance.signing_clock")


def measured(clocks: Any, exchange_ms: float = EXCHANGE_MS, doubt_ms: float = 1.0) -> Any:
    """Return what was measured just now."""
    return clocks.Measured(0.0, doubt_ms, exchange_ms, time.monotonic())


def test_before_anything_is_measured_it_is_this_machines(clocks: Any) -> None:
    before = time.time_ns() // 1_000_000
    assert before <= clocks.SigningClock().now_ms() <= time.time_ns() // 1_000_000


def test_it_runs_on_from_what_was_measured(clocks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clocks.SigningClock()
    clock.set(measured(clocks))
    monkeypatch.setattr(time, "time_ns", lambda: 0)  # the wall clock steps back by decades
    first = clock.now_ms()
    assert first >= EXCHANGE_MS
    assert first - EXCHANGE_MS < 60_000
    assert clock.now_ms() >= first


def test_what_is_known_less_exactly_changes_nothing(clocks: Any) -> None:
    clock = clocks.SigningClock()
    clock.set(measured(clocks))
    clock.set(measured(clocks, EXCHANGE_MS + 3_600_000, doubt_ms=400.0))
    assert clock.now_ms() < EXCHANGE_MS + 60_000
    clock.set(measured(clocks, EXCHANGE_MS + 3_600_000, doubt_ms=200.0))
    assert clock.now_ms() >= EXCHANGE_MS + 3_600_000


def test_the_first_measure_counts_however_slow_it_was(clocks: Any) -> None:
    clock = clocks.SigningClock()
    clock.set(measured(clocks, doubt_ms=2_000.0))
    assert abs(clock.now_ms() - EXCHANGE_MS) < 60_000
