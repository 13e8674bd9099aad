"""Every `run:` step of the template's own workflow runs, in order, in a clean checkout of it.

In a file of its own, so that it can be played beside those of the generated workflows.
"""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from baking import TEMPLATE
from workflows import Runner, clean_checkout, not_within_itself, read_workflow

WORKFLOWS = TEMPLATE / ".github" / "workflows"
JOBS = read_workflow(WORKFLOWS / "ci.yml")["jobs"]
CONTEXTS = {
    "github.event_name": "push",
    "matrix.python-version": "3.13",
    "needs.*.result": ["success"],
}
# Of the tests those of one file; all of them, and a bake's set-up and drill, take minutes.
LESS = {"test": "tests/template/test_repository.py"}
LONG = {"test", "drill"}


def cases() -> Iterator[Any]:
    for job in JOBS:
        if job in LESS or job not in LONG:
            yield pytest.param(job, LESS.get(job), id=job)
        if job in LONG:
            yield pytest.param(job, None, marks=pytest.mark.long, id=f"{job}-all of it")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A checkout that all jobs share, so that one virtual environment is made."""
    place = tmp_path_factory.mktemp("workflows")
    # One job asks for this Python; named everywhere, it does not make the environment anew.
    runner = Runner(clean_checkout(TEMPLATE, place), place / "runner", {"PYTHON": "python"})
    yield runner
    # More than a gigabyte.
    shutil.rmtree(runner.checkout)


@not_within_itself
@pytest.mark.parametrize(("job", "arguments"), [*cases()])
def test_every_step_of_a_job_runs(job: str, arguments: str | None, runner: Runner) -> None:
    began = time.monotonic()
    played = runner.play(JOBS[job], CONTEXTS, arguments)
    print(f"{job}: {time.monotonic() - began:.0f} s")
    assert played.failed == [], played.text
    assert played.ran == [
        step["run"]
        for step in JOBS[job]["steps"]
        if "run" in step and step.get("if") in (None, "always()")
    ]
    if any("show-verdict" in run for run in played.ran):
        assert played.summary.startswith("## Recovery drill: held")


def test_no_step_is_left_out() -> None:
    assert [path.name for path in WORKFLOWS.iterdir()] == ["ci.yml"]
    assert {"check", "test", "drill", "passed"} == JOBS.keys()
