"""What an exploration plans, chooses and covers."""

from collections.abc import Mapping
from typing import Any

import pytest

from recovery_drill.record.boundary import Boundary, CrashPoint
from recovery_drill.record.coverage import NOT_CHOSEN, choose, cover, first_kill, plan_cases, spread
from recovery_drill.record.schedule import Case
from recovery_drill.record.verdict import Outcome, ScenarioVerdict

ENTRY = Boundary("request", "order.new entry", "processed")
STOP = Boundary("request", "conditional.new stop", "processed")
POSITION = Boundary("store", "RPUSH positions", "before")
FOUND = {STOP: 5, ENTRY: 3, POSITION: 1}


def plan(
    found: Mapping[Boundary, int], each: int = 1, after: CrashPoint | None = None
) -> list[Case]:
    return plan_cases(
        found,
        scenario="workload",
        options={"bars": 40},
        reference="reference",
        each=each,
        after=after,
    )


def verdict(case: Case, outcome: Outcome = "held", **changes: Any) -> ScenarioVerdict:
    value: dict[str, Any] = {
        "name": case.name,
        "purpose": "",
        "outcome": outcome,
        "checks": (),
        "kills": 1,
        "fills": 1,
        "seconds_down": None,
        "seconds_to_trading": None,
        "crash_points": tuple(point.boundary.name for point in case.crash_points),
    }
    return ScenarioVerdict(**{**value, **changes})


@pytest.mark.parametrize(
    ("occurrences", "wanted", "chosen"),
    [(1, 1, [1]), (3, 1, [2]), (10, 1, [6]), (2, 5, [1, 2]), (9, 3, [2, 5, 8]), (3, 3, [1, 2, 3])],
)
def test_occurrences_are_spread_evenly(occurrences: int, wanted: int, chosen: list[int]) -> None:
    assert spread(occurrences, wanted) == chosen


def test_every_boundary_is_killed_at() -> None:
    cases = plan(FOUND)
    assert [case.name for case in cases] == [
        "conditional.new stop, processed (3)",
        "order.new entry, processed (2)",
        "store RPUSH positions, before (1)",
    ]
    assert {case.reference for case in cases} == {"reference"}
    assert len({case.folder for case in cases}) == 3
    assert len(plan(FOUND, each=3)) == 3 + 3 + 1


def test_a_second_kill_follows_the_first() -> None:
    first = first_kill(FOUND)
    assert first == CrashPoint(ENTRY, 2), "an entry in flight is preferred"
    (case,) = plan({POSITION: 4}, after=first)
    assert case.crash_points == (first, CrashPoint(POSITION, 3))
    assert case.name == "recovering: store RPUSH positions, before (3)"


def test_without_an_order_there_is_no_first_kill() -> None:
    assert first_kill({POSITION: 1}) is None


def test_cases_can_be_chosen_by_name_and_number() -> None:
    cases = plan({Boundary("stage", str(number), "reached"): 1 for number in range(10)})
    names = [case.name for case in choose(cases, "stage [78]", None)]
    assert names == ["stage 7, reached (1)", "stage 8, reached (1)"]
    assert len(choose(cases, "", 4)) == 4
    assert choose(cases, "", 99) == cases
    assert choose(cases, "nothing like it", None) == []


def test_coverage_says_what_became_of_each_boundary() -> None:
    cases = plan(FOUND)[:2]
    missed = verdict(
        cases[0], "inconclusive", crash_points=(), reason="It was not reached in 40 bars."
    )
    coverage = cover(FOUND, {}, cases, [missed, verdict(cases[1], "broken")])
    said = {b.name: (b.occurrences, b.killed, b.broken, b.skipped) for b in coverage.boundaries}
    assert said == {
        STOP.name: (5, 0, 0, "It was not reached in 40 bars."),
        ENTRY.name: (3, 1, 1, ""),
        POSITION.name: (1, 0, 0, NOT_CHOSEN),
    }
    assert coverage.rows() == [("exchange requests", 2, 1, 1, 1), ("store commands", 1, 0, 0, 1)]


def test_recovery_is_covered_apart() -> None:
    after = CrashPoint(ENTRY, 2)
    cases = plan({ENTRY: 1}) + plan({ENTRY: 1}, after=after)
    half = verdict(cases[1], crash_points=(ENTRY.name,))
    coverage = cover({ENTRY: 1}, {ENTRY: 1}, cases, [verdict(cases[0]), half])
    assert [(b.recovery, b.killed, b.skipped) for b in coverage.boundaries] == [
        (False, 1, ""),
        (True, 0, "It did not come again."),
    ]


def test_a_long_boundary_has_a_folder_of_its_own_that_a_file_system_takes() -> None:
    commands = " ".join(["DEL orders", "RPUSH orders OrderInitialized"] * 20)
    first, second = (Boundary("store", commands + end, "before") for end in (" SET", " DEL"))
    folders = [case.folder for case in plan({first: 1, second: 1})]
    assert len(set(folders)) == 2
    assert all(len(folder.removeprefix("cases/")) <= 120 for folder in folders)
