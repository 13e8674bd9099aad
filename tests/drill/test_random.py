"""Chance over real nodes: a sound one holds; a bug is found, made smaller and played again."""

import json
from pathlib import Path

from baking import BakedProject
from drill.drilled import NODES, Drilled

BUG = "flattens_after_restart"


def test_a_sound_node_holds_and_the_verdict_says_what_was_drilled(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    numbers = ("--seed", "5", "--runs", "2")
    drilled = Drilled(baked_project, tmp_path, *numbers, command="random", seconds=300)
    assert drilled.ended.returncode == 0, drilled.output
    assert [each["outcome"] for each in drilled.verdict["scenarios"]] == ["held", "held"]
    last = drilled.output.rstrip().splitlines()[-1]
    assert last.startswith("Verdict: held. Drilled: EMA001 on BTCUSDT (1m bars). Report: ")


def test_a_bug_is_found_made_smaller_and_played_again(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    node = f"{{python}} {NODES / 'mutants'} {baked_project.package} {BUG}"
    drilled = Drilled(
        *(baked_project, tmp_path / "found", "--node-command", node),
        *("--seed", "23", "--runs", "10", "--shrink", "6", "--jobs", "1"),
        command="random",
        seconds=600,
    )
    assert drilled.ended.returncode == 1, drilled.output
    found = json.loads((drilled.folder / "found.json").read_text("utf-8"))
    strikes = {name: len(found[name]["strikes"]) for name in ("drawn", "smallest")}
    assert 1 <= strikes["smallest"] <= strikes["drawn"], found

    smallest = drilled.folder / "smallest"
    again = Drilled(baked_project, tmp_path / "again", str(smallest), command="replay", seconds=300)
    assert again.ended.returncode == 1, again.output
    [case] = again.verdict["scenarios"]
    assert case["outcome"] == "broken"
