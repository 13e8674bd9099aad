"""The scripts that the generated workflows call say what they should, and fail when they should."""

import json
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from baking import BakedProject, clean_environment
from recovery_drill.checks import CHECKS

TELL_NEWS = "scripts/tell-news"
KNOWN_CHECKS = ("fills-exactly-once", "no-order-in-limbo")


def case(name: str, outcome: str, *broken: str, reason: str = "") -> dict[str, Any]:
    checks = [{"name": check, "broken": ["A sentence."]} for check in broken]
    held = {"name": "no-zombie", "broken": []}
    return {"name": name, "outcome": outcome, "checks": [held, *checks], "reason": reason}


HELD = [case(f"place {n}", "held") for n in range(9)]
KNOWN = case("store RPUSH positions, before (3)", "broken", "fills-exactly-once", "one-zombie")
LIMBO = case("ORDER_TRADE_UPDATE, after (3)", "broken", "no-order-in-limbo")
NEW = case("order.new entry, processed (1)", "broken", "one-order-per-intent")
UNCLEAR = case("bar, closed (2)", "inconclusive", reason="The exchange died.")
SKIPPED = case("bar, walked (2)", "skipped", reason="No libfaketime.")


@pytest.mark.parametrize(
    ("cases", "code", "said"),
    [
        (HELD, 0, "Nothing broke."),
        ([*HELD, KNOWN, LIMBO], 0, "No news: what broke, 2 of the cases,"),
        ([*HELD, KNOWN, SKIPPED], 0, "No news: what broke, 1 of the cases,"),
        ([*HELD, KNOWN, NEW], 1, f"{NEW['name']} broke one-order-per-intent, and none of"),
        ([*HELD, UNCLEAR], 1, f"{UNCLEAR['name']} could not be judged: The exchange died."),
        ([*HELD, *[KNOWN] * 4], 1, "4 of 13 cases broke: more than the known gaps can explain."),
        ([SKIPPED], 1, "Not one case was played."),
        (None, 1, "the run did not come to a verdict"),
    ],
    ids=["held", "known", "known, skipped", "new", "unclear", "many", "none played", "none"],
)
def test_a_night_fails_for_news_alone(
    tmp_path: Path,
    baked_project: BakedProject,
    cases: Sequence[dict[str, Any]] | None,
    code: int,
    said: str,
) -> None:
    if cases is not None:
        (tmp_path / "verdict.json").write_text(json.dumps({"scenarios": cases}), encoding="utf-8")
    told = baked_project.run(sys.executable, TELL_NEWS, str(tmp_path), *KNOWN_CHECKS)
    assert told.returncode == code, told.stdout + told.stderr
    assert said in told.stdout


def test_what_is_known_is_a_check_of_the_drill(baked_project: BakedProject) -> None:
    workflow = baked_project.read(".github/workflows/recovery-drill.yml")
    known = {name for names in re.findall(r"KNOWN: (.*)", workflow) for name in names.split()}
    assert known == {*KNOWN_CHECKS, "position-is-sum-of-fills"}
    assert known <= {*CHECKS}


def test_a_page_without_a_run_says_so(tmp_path: Path, baked_project: BakedProject) -> None:
    page = tmp_path / "page.md"
    environment = {**clean_environment(), "GITHUB_STEP_SUMMARY": str(page)}
    runs = tmp_path / "runs"
    command = ("sh", "scripts/show-verdict", str(runs))
    assert baked_project.run(*command, environment=environment).returncode == 0
    assert page.read_text("utf-8") == f"There is no run in {runs}.\n"
    (runs / "one").mkdir(parents=True)
    (runs / "one" / "summary.md").write_text("## Recovery drill: broken\n", encoding="utf-8")
    assert baked_project.run(*command, environment=environment).returncode == 0
    assert "## Recovery drill: broken\n" in page.read_text("utf-8")
    assert "`.venv/bin/recovery-drill replay FOLDER`" in page.read_text("utf-8")
    # Outside of CI it is printed.
    printed = baked_project.run(*command, environment=clean_environment())
    assert "## Recovery drill: broken\n" in printed.stdout


def test_a_node_that_is_not_there_is_not_waited_for(baked_project: BakedProject) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and nobody listens
        environment = {**clean_environment(), "NODE_PORT": str(bound.getsockname()[1])}
        waited = baked_project.run(
            sys.executable, "scripts/see-it-trade", "30", environment=environment, seconds=20
        )
    assert waited.returncode == 1
    assert waited.stderr.startswith("The node at http://127.0.0.1:")
    assert len(waited.stderr.splitlines()) == 1
