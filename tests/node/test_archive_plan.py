"""When something may go to the archive: by rules alone."""

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
