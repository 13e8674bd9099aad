"""No order on cold indicators, whether the policy or the node says what is enough."""

from typing import Any

import msgspec
import pytest

from drill.evidence_builder import (
    POLICY,
    SYMBOL,
    Journal,
    broken,
    evidence,
    looked_at,
    snapshot,
    state,
)
from recovery_drill.checks.warm_up import check_warm_up_is_told
from recovery_drill.failures import UsageError
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.policy import Policy

CHECK = "no-decision-before-warm-up"
LEFT_TO_THE_NODE = msgspec.structs.replace(POLICY, warm_up_bars=None)
FIVE_MINUTES = {"tag": "EMA001", "symbol": SYMBOL, "bar_seconds": 300, "window": 40}
ONE_MINUTE = {"tag": "EMA002", "symbol": SYMBOL, "bar_seconds": 60, "window": 20}
OTHER = {"tag": "EMA003", "symbol": "ETHUSDT", "bar_seconds": 60, "window": 20}
SEND = {"leg": "entry", "client_order_id": "E0"}


def told(*traded: dict[str, Any], journal: Journal, policy: Policy = LEFT_TO_THE_NODE) -> Evidence:
    """Return the history of a node that tells what it trades."""
    return evidence(
        policy=policy,
        snapshots=(snapshot(state=state(traded=traded)),),
        journal=tuple(journal.records),
    )


def asked(*bars: tuple[str, int]) -> Journal:
    """Return a journal in which bars of some lengths were asked for before an order."""
    journal = Journal()
    for interval, rows in bars:
        journal.asked("klines.read", rows=rows, interval=interval)
    return journal.asked("order.new", **SEND)


@pytest.mark.parametrize(
    ("traded", "bars"),
    [
        pytest.param((FIVE_MINUTES,), (("5m", 40),), id="enough"),
        pytest.param((FIVE_MINUTES,), (("5m", 25), ("5m", 15)), id="in-two-questions"),
        pytest.param((FIVE_MINUTES, ONE_MINUTE), (("5m", 40), ("1m", 20)), id="two-lengths"),
        pytest.param((FIVE_MINUTES, OTHER), (("5m", 40),), id="the-other-symbol-sent-nothing"),
    ],
)
def test_a_node_that_asked_for_its_window_is_warm(
    traded: tuple[dict[str, Any], ...], bars: tuple[tuple[str, int], ...]
) -> None:
    found = told(*traded, journal=asked(*bars))
    assert CHECK not in broken(found)
    assert looked_at(found)[CHECK] == 1


@pytest.mark.parametrize(
    ("traded", "bars", "sentence"),
    [
        pytest.param((FIVE_MINUTES,), (("5m", 39),), "39 of 40 warm-up bars (5m)", id="too-few"),
        pytest.param(
            (FIVE_MINUTES,), (("1m", 200),), "0 of 40 warm-up bars (5m)", id="shorter-bars"
        ),
        pytest.param(
            (FIVE_MINUTES, ONE_MINUTE),
            (("5m", 40),),
            "0 of 20 warm-up bars (1m)",
            id="one-of-two-is-cold",
        ),
    ],
)
def test_a_node_that_did_not_is_cold(
    traded: tuple[dict[str, Any], ...], bars: tuple[tuple[str, int], ...], sentence: str
) -> None:
    assert broken(told(*traded, journal=asked(*bars)))[CHECK] == (
        f"Life 1 of the node sent order E0 after {sentence}.",
    )


def test_each_symbol_has_bars_of_its_own() -> None:
    journal = asked(("1m", 20))
    journal.add("request", request="klines.read", symbol="ETHUSDT", rows=19, interval="1m")
    journal.add("request", request="order.new", symbol="ETHUSDT", client_order_id="E1", leg="entry")
    found = told(ONE_MINUTE, OTHER, journal=journal)
    assert broken(found)[CHECK] == (
        "Life 1 of the node sent order E1 after 19 of 20 warm-up bars (1m).",
    )
    assert looked_at(found)[CHECK] == 2


def test_an_order_in_what_the_node_does_not_tell_is_still_not_sent_before_it_trades() -> None:
    journal = Journal()
    journal.mono_ns = 1
    journal.asked("order.new", **SEND)
    assert broken(told(OTHER, journal=journal))[CHECK] == (
        "Life 1 of the node sent order E0 before it said that it trades.",
    )


def test_the_policy_wins() -> None:
    journal = asked(("5m", 40))
    assert broken(told(FIVE_MINUTES, journal=journal, policy=POLICY))[CHECK] == (
        "Life 1 of the node sent order E0 after 40 of 60 warm-up bars (5m).",
    )
    assert CHECK not in broken(told(FIVE_MINUTES, journal=asked(("5m", 60)), policy=POLICY))
    assert CHECK in broken(told(FIVE_MINUTES, journal=asked(("1m", 60)), policy=POLICY))


def test_an_older_exchange_does_not_tell_the_length_of_bars() -> None:
    journal = Journal().asked("klines.read", rows=40).asked("order.new", **SEND)
    assert CHECK not in broken(told(FIVE_MINUTES, journal=journal))


def test_where_nobody_says_how_many_it_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="Nobody says how many closed bars"):
        broken(told(journal=asked(("1m", 60))))
    with pytest.raises(UsageError, match="warm_up_bars"):
        check_warm_up_is_told(LEFT_TO_THE_NODE, ())
    left_out = msgspec.structs.replace(LEFT_TO_THE_NODE, leave_out={CHECK: "It has no indicators."})
    check_warm_up_is_told(left_out, ())
    check_warm_up_is_told(POLICY, ())


def test_a_node_that_never_answered_has_told_nothing_and_is_no_wrong_usage() -> None:
    found = evidence(policy=LEFT_TO_THE_NODE, snapshots=(snapshot(state=None),))
    assert CHECK not in broken(found)
