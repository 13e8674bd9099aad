"""When something may go to the archive: by rules alone."""

from decimal import Decimal
from typing import Any

import pytest

from node.baked import module
from node.past import DAY_MS
from node.stores import BEGAN_MS

PLAN = module("books.archive_plan")
NS = 1_000_000
NOW_MS = BEGAN_MS + 30 * DAY_MS


@pytest.mark.parametrize("days", [0, 1, 7, 8, 10, 90])
def test_nothing_is_due_that_the_exchange_may_still_report(days: int) -> None:
    now = NOW_MS * NS + 12_345
    cutoff = PLAN.cutoff_ns(now, days)
    assert now - cutoff >= 8 * PLAN.DAY_NS
    assert now - cutoff >= days * PLAN.DAY_NS
    assert now - cutoff < (max(days, 8) + 1) * PLAN.DAY_NS
    assert cutoff % PLAN.DAY_NS == 0


def test_the_cutoff_moves_once_a_day() -> None:
    cutoffs = {PLAN.cutoff_ns(NOW_MS * NS + hour * 3_600 * 10**9, 10) for hour in range(24)}
    assert len(cutoffs) == 2


@pytest.mark.parametrize(
    ("count", "due"), [(0, 0), (1, 0), (1_000, 0), (1_001, 501), (100_000, 99_500)]
)
def test_the_newest_states_stay(count: int, due: int) -> None:
    assert PLAN.states_due(count) == due


# -- What /state tells -------------------------------------------------------------------------

STATE = module("face.state")
ROW = module("plan.rows").OrderRow


def row(number: int, status: str) -> Any:
    return ROW(
        f"order-{number:05d}", None, "BTCUSDT", "LIMIT", "BUY", status, Decimal(1), Decimal(0),
        reduce_only=False, born_ns=number,
    )  # fmt: skip


def names(rows: list[Any]) -> list[str]:
    return [each.client_order_id for each in rows]


def test_all_open_orders_are_told_and_the_newest_closed_ones() -> None:
    rows = [row(n, "ACCEPTED" if n % 1_000 == 0 else "FILLED") for n in range(3_000)]
    told, older = STATE.told_orders(rows[::-1])
    assert names(told) == ["order-00000", "order-01000", "order-02000"] + [
        f"order-{n:05d}" for n in range(2_500, 3_000)
    ]
    assert older == 2_997 - 500


def test_pages_tell_every_closed_order_once() -> None:
    rows = [row(n, "CANCELED") for n in range(1_234)]
    found: list[str] = []
    told, older = STATE.told_orders(rows)
    while told:
        found = names(told) + found
        told, left = STATE.told_orders(rows, found[0])
        assert left == max(0, older - 500)
        older = left
    assert found == names(rows)


def test_before_an_order_that_is_archived_by_now_there_is_nothing() -> None:
    assert STATE.told_orders([row(5, "FILLED")], "order-00001") == ([], 0)
