"""The whole exploration of the generated project's node: minutes, not seconds."""

import json
from pathlib import Path
from typing import Any

import pytest

from baking import BakedProject
from drill.drilled import Drilled

pytestmark = pytest.mark.long

SECONDS_TO_EXPLORE = 3600
FILL = "RPUSHX orders OrderFilled"
POSITIONS = ("RPUSH positions", "RPUSHX positions")
MOST_LACKING = 4
"""Fills that the store can lack within one bar: a stop's parts, and an entry's."""


@pytest.fixture(scope="module")
def everywhere(baked_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """A kill at each boundary, and a second one at each of the way back."""
    root = tmp_path_factory.mktemp("everywhere")
    return Drilled(baked_project, root, command="explore", seconds=SECONDS_TO_EXPLORE)


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def kills(folder: Path) -> list[int]:
    return [r["mono_ns"] for r in records(folder, "history.jsonl") if r["kind"] == "crash.point"]


def is_torn(folder: Path) -> bool:
    """Tell whether the node was killed when the store had a fill and not yet its position."""
    units = records(folder, "store.jsonl")
    for killed in kills(folder):
        names = [u["data"]["name"] for u in units if u["mono_ns"] < killed]
        if names.count(FILL) > sum(map(names.count, POSITIONS)):
            return True
    return False


def has_parts_unstored(folder: Path) -> bool:
    """Tell whether a stop had filled in parts that the store lacked when the node was killed."""
    journal = records(folder, "exchange.jsonl")
    names = [r["data"]["client_order_id"] for r in journal if r["kind"] == "order.filled"]
    units = records(folder, "store.jsonl")
    for killed in kills(folder):
        stored = [u for u in units if u["mono_ns"] < killed and u["data"]["name"] == FILL]
        lacking = names[len(stored) :]
        if any("-S" in name and names.count(name) > 1 for name in lacking[:MOST_LACKING]):
            return True
    return False


def broken(explored: Drilled) -> dict[str, Path]:
    schedule = json.loads((explored.folder / "schedule.json").read_text())
    folders = {case["name"]: explored.folder / case["folder"] for case in schedule["cases"]}
    found = explored.verdict["scenarios"]
    return {s["name"]: folders[s["name"]] for s in found if s["outcome"] == "broken"}


def test_the_node_is_killed_at_every_boundary(everywhere: Drilled) -> None:
    boundaries = json.loads((everywhere.folder / "coverage.json").read_text())["boundaries"]
    assert len([b for b in boundaries if not b["recovery"]]) > 120
    assert len([b for b in boundaries if b["recovery"]]) > 80
    assert {b["kind"] for b in boundaries} == {"request", "event", "store", "stage", "bar"}
    missed = {b["name"]: b["skipped"] for b in boundaries if not b["killed"]}
    assert missed == {}, everywhere.output


def test_nothing_breaks_but_for_the_two_known_reasons(everywhere: Drilled) -> None:
    others = [
        name
        for name, folder in broken(everywhere).items()
        if not is_torn(folder) and not has_parts_unstored(folder)
    ]
    assert others == [], everywhere.output


@pytest.mark.xfail(
    reason="where the store has an order's fill and not yet its position, or lacks a stop's fills "
    "in parts, the engine invents fills, and nothing audits it against the exchange yet",
    raises=AssertionError,
    strict=True,
)
def test_nothing_breaks_anywhere(everywhere: Drilled) -> None:
    assert list(broken(everywhere)) == []
