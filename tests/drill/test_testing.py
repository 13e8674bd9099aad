"""What a project's own tests import."""

import sys

import pytest

from baking import BakedProject
from drill.test_progress import ended
from recovery_drill.record.verdict import Outcome
from recovery_drill.testing import DEFAULT, Played

NAME = "kill-while-flat"


def test_a_scenario_that_held_passes() -> None:
    Played({NAME: ended(NAME)}).assert_held(NAME)


@pytest.mark.parametrize("outcome", ["broken", "inconclusive", "skipped"])
def test_any_other_fails(outcome: Outcome) -> None:
    with pytest.raises(AssertionError):
        Played({NAME: ended(NAME, outcome)}).assert_held(NAME)


@pytest.mark.processes
def test_a_project_s_tests_are_named_by_their_scenarios(baked_project: BakedProject) -> None:
    collect = ("-m", "pytest", "--collect-only", "-q", "tests/test_recovery.py")
    listed = baked_project.run(sys.executable, *collect)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    names = [line.split("::")[-1] for line in listed.stdout.splitlines() if "::" in line]
    again = "test_the_node_recovers_with_its_store_in_a_container"
    assert names == [
        *(f"test_the_node_recovers[{name}]" for name in DEFAULT),
        f"{again}[kill-then-stop-fills]",
        f"{again}[kill-with-order-in-flight]",
    ]


def test_a_project_s_tests_of_recovery_are_few_lines(baked_project: BakedProject) -> None:
    assert len(baked_project.read("tests/test_recovery.py").splitlines()) <= 25
