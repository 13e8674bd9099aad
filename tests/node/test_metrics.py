"""Counting for ``/metrics``: what is counted, what is bounded, and what cannot hurt anybody."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from node.baked import module

TALLY = module("face.metrics.tally")
NEWS = module("face.metrics.news")
SNAPSHOT = module("face.metrics.snapshot")
METERING = module("life.metering")
PROTECTION = module("face.protection")
ROWS = module("plan.rows")
Happened = NEWS.Happened
OWNER, TAG, SYMBOL = "1abcdefg", "EMA001", "BTCUSDT"
ENTRY, STOP, STRANGER = f"{OWNER}-1704085259-E0", f"{OWNER}-1704085259-S0", "web_1"


@pytest.fixture
def tally() -> Any:
    return TALLY.Tally({OWNER: (TAG, SYMBOL)})


def hear(tally: Any, name: str, happened: Any, now: float = 0.0, reason: str = "") -> None:
    tally.hear(NEWS.OrderNews(name, happened, reason), now)


def count(tally: Any, leg: str, outcome: str) -> int:
    return int(tally.orders[TAG, SYMBOL, leg, outcome])


# -- Orders ----------------------------------------------------------------------------------------


def test_each_outcome_is_counted_from_0_on(tally: Any) -> None:
    assert count(tally, "entry", "rejected") == 0
    assert count(tally, "stop", "accepted") == 0
    hear(tally, ENTRY, Happened.SUBMITTED)
    hear(tally, ENTRY, Happened.FILLED_IN_PART)
    hear(tally, ENTRY, Happened.FILLED)
    hear(tally, STOP, Happened.SUBMITTED)
    hear(tally, STOP, Happened.REJECTED, reason="{'code': -2021, 'msg': 'Order would trigger.'}")
    assert count(tally, "entry", "submitted") == count(tally, "entry", "filled") == 1
    assert tally.fills[TAG, SYMBOL, "entry"] == 2
    assert count(tally, "stop", "rejected") == 1
    assert tally.refusals == {(TAG, SYMBOL, "-2021"): 1}


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("{'code': -2019, 'msg': 'Margin is insufficient.'}", "-2019"),
        ("LIMIT: An order to buy 1 BTCUSDT is kept back: -2019.", "limit"),
        ("{'code': -9876, 'msg': 'Something new.'}", "other"),
        ("", "other"),
    ],
)
def test_codes_are_those_that_are_known(reason: str, code: str) -> None:
    assert TALLY.code_of(reason) == code


def test_no_order_makes_a_series_of_its_own(tally: Any) -> None:
    series = set(tally.orders)
    for number in range(1000):
        hear(tally, f"{OWNER}-{1704085259 + number}-E0", Happened.SUBMITTED)
        hear(tally, f"web_{number}", Happened.SUBMITTED)
        hear(tally, f"1zzzzzzz-{1704085259 + number}-E0", Happened.FILLED)
    foreign = {key for key in set(tally.orders) - series if key[:3] != TALLY.NOBODY}
    assert foreign == set()
    assert tally.orders[("", "", "", "submitted")] == 1000


def test_round_trips(tally: Any) -> None:
    hear(tally, ENTRY, Happened.SUBMITTED, 10.0)
    hear(tally, ENTRY, Happened.ACCEPTED, 10.03)
    hear(tally, ENTRY, Happened.FILLED, 14.0)  # the first answer counts
    hear(tally, STOP, Happened.CANCEL_SENT, 20.0)
    hear(tally, STOP, Happened.CANCELED, 27.0)
    place, cancel = tally.round_trips["place"], tally.round_trips["cancel"]
    assert sum(place.counts) == 1
    assert place.counts[SNAPSHOT.BUCKETS.index(0.05)] == 1
    assert place.seconds == pytest.approx(0.03)
    assert cancel.counts[-1] == 1


def test_what_is_never_answered_is_bounded(tally: Any) -> None:
    for number in range(TALLY.MOST_AWAITED + 500):
        hear(tally, f"{OWNER}-{1704085259 + number}-E0", Happened.SUBMITTED)
    assert len(tally._awaited) == TALLY.MOST_AWAITED


# -- Protection ------------------------------------------------------------------------------------


def test_seconds_without_a_stop(tally: Any) -> None:
    tally.protection(TAG, is_naked=True, now=10.0)
    tally.protection(TAG, is_naked=True, now=12.0)
    assert tally.naked(TAG, 13.0) == (3.0, 3.0)
    tally.protection(TAG, is_naked=False, now=14.0)
    assert tally.naked(TAG, 20.0) == (0.0, 4.0)
    tally.protection(TAG, is_naked=True, now=30.0)
    assert tally.naked(TAG, 31.0) == (1.0, 5.0)


def order_row(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "client_order_id": STOP,
        "exchange_order_id": "1",
        "symbol": SYMBOL,
        "type": "STOP_MARKET",
        "side": "SELL",
        "status": "ACCEPTED",
        "quantity": Decimal("0.010"),
        "filled": Decimal(0),
        "reduce_only": True,
    }
    return ROWS.OrderRow(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "position", "left"),
    [
        ({}, "0.010", "0.010"),
        ({"filled": Decimal("0.004")}, "0.010", "0.006"),
        ({"filled": Decimal("0.004"), "status": "PARTIALLY_FILLED"}, "0.010", "0.006"),
        ({"quantity": Decimal("0.020")}, "0.010", "0.010"),
        ({"reduce_only": False}, "0.010", "0"),
        ({"status": "SUBMITTED"}, "0.010", "0"),
        ({"status": "CANCELED"}, "0.010", "0"),
        ({"side": "BUY"}, "0.010", "0"),
        ({"type": "LIMIT"}, "0.010", "0"),
        ({"side": "BUY"}, "-0.010", "0.010"),
    ],
)
def test_what_a_stop_would_close(changes: dict[str, Any], position: str, left: str) -> None:
    assert PROTECTION.covered([order_row(**changes)], Decimal(position)) == Decimal(left)


# -- Store -----------------------------------------------------------------------------------------


def test_the_lag_of_the_store(tally: Any) -> None:
    assert tally.store(1.0, 1.5) is None
    tally.mark_written(10.0)
    assert tally.store(11.0, 1.5).lag == 0.0, "it was not looked for yet"
    tally.looked(is_there=False, seconds=0.4)
    tally.mark_written(12.0)  # another try: the first one counts
    assert tally.store(15.0, 1.5) == SNAPSHOT.StoreFacts(lag=5.0, look=0.4)
    tally.looked(is_there=True, seconds=0.001)
    assert tally.store(16.0, 1.5) == SNAPSHOT.StoreFacts(lag=0.0, look=0.001)


# -- Conditions ------------------------------------------------------------------------------------


def test_conditions_are_told_by_kind_and_symbol() -> None:
    condition = module("face.conditions").Condition
    found = METERING.wrong(
        (
            condition("store", "Away.", "Wait.", 1_000),
            condition("orders of BTCUSDT", "Refused.", "Wait.", 2_000, "BTCUSDT"),
            condition("symbol BTCUSDT", "Settled.", "Wait.", 3_000, "BTCUSDT", holds=False),
        ),
        4_000,
    )
    assert [(each.condition, each.symbol, each.holds, each.seconds) for each in found] == [
        ("store", "", True, 3.0),
        ("orders", "BTCUSDT", True, 2.0),
        ("symbol", "BTCUSDT", False, 1.0),
    ]


# -- It cannot hurt --------------------------------------------------------------------------------


def test_counting_that_fails_fails_alone() -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a defect in counting")

    scope = SimpleNamespace(tally=SimpleNamespace(hear=fail))
    stages = SimpleNamespace(traded_at=1.0)
    metering = METERING.Metering(scope, stages, None, 0.0)
    broken = SimpleNamespace(newest_bar_ms=1, position=fail)
    metering.watch(SimpleNamespace(tag=TAG, symbol=SYMBOL), broken, broken)
    metering.look()
    metering.hear(NEWS.OrderNews(ENTRY, Happened.FILLED))
    assert metering._failures == 2
