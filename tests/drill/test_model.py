"""What a node has decided, by the length of the bars that it says it trades."""

import pytest

from drill.evidence_builder import BAR, SYMBOL, state
from recovery_drill.record.traded import Traded, interval_of, last_close

MINUTE_MS = 60_000
# The last minute of an hour, and of five minutes, has just closed.
FULL_HOUR = 1_704_088_799_999


def row(symbol: str, seconds: int) -> dict[str, object]:
    return {"tag": "EMA001", "symbol": symbol, "bar_seconds": seconds, "window": 60}


@pytest.mark.parametrize("minutes", range(61))
def test_the_last_closed_bar_is_the_last_whole_one(minutes: int) -> None:
    bar = FULL_HOUR + minutes * MINUTE_MS
    assert last_close(bar, 60) == bar
    assert last_close(bar, 300) == FULL_HOUR + minutes // 5 * 5 * MINUTE_MS
    assert last_close(bar, 3600) == FULL_HOUR + minutes // 60 * 60 * MINUTE_MS


def test_a_node_that_does_not_tell_decides_every_minute() -> None:
    assert state().has_decided(SYMBOL, BAR)
    assert not state().has_decided(SYMBOL, BAR + MINUTE_MS)
    assert not state().has_decided("ETHUSDT", BAR)


def test_a_node_with_longer_bars_has_decided_until_the_next_of_them_closes() -> None:
    node = state(decided_bar={SYMBOL: FULL_HOUR}, traded=[row(SYMBOL, 300)])
    for minutes in range(5):
        assert node.has_decided(SYMBOL, FULL_HOUR + minutes * MINUTE_MS)
    assert not node.has_decided(SYMBOL, FULL_HOUR + 5 * MINUTE_MS)


def test_of_several_lengths_the_shortest_counts() -> None:
    node = state(decided_bar={SYMBOL: FULL_HOUR}, traded=[row(SYMBOL, 3600), row(SYMBOL, 300)])
    assert node.has_decided(SYMBOL, FULL_HOUR + 4 * MINUTE_MS)
    assert not node.has_decided(SYMBOL, FULL_HOUR + 5 * MINUTE_MS)


def test_a_symbol_that_is_not_told_is_of_minutes() -> None:
    node = state(decided_bar={SYMBOL: FULL_HOUR}, traded=[row("ETHUSDT", 300)])
    assert not node.has_decided(SYMBOL, FULL_HOUR + MINUTE_MS)


@pytest.mark.parametrize(
    ("seconds", "interval"), [(60, "1m"), (300, "5m"), (3600, "1h"), (14400, "4h"), (86400, "1d")]
)
def test_bars_are_called_as_the_exchange_calls_them(seconds: int, interval: str) -> None:
    assert interval_of(seconds) == interval
    assert Traded("EMA001", SYMBOL, seconds, 60).interval == interval


def test_a_node_that_does_not_come_to_rest_is_quoted() -> None:
    told = {"name": f"rule of {SYMBOL}", "sentence": "The rule of DON001 has failed."}
    assert "it said" not in state().doing()
    assert state(conditions=[told]).doing().endswith("; it said: The rule of DON001 has failed")
