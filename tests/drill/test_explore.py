"""Exploration and replay: crash points are found, killed at exactly there, and covered."""

import json
import sys
from pathlib import Path

import pytest

from baking import BakedProject
from drill.drilled import NODES, Drilled
from recovery_drill.record.schedule import read_schedule

INTO_THE_STORE = "store RPUSH orders OrderInitialized, before"
ANSWER_HELD = "order.new entry, processed"
# Before reconciliation: what that writes may be torn by a kill, which is another subject.
WHILE_RECOVERING = "recovering: listen_key.new, received"


@pytest.fixture(scope="module")
def explored(baked_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """Three cases of an exploration: at a store command, a request, and twice."""
    only = f"^({INTO_THE_STORE}|{ANSWER_HELD}|{WHILE_RECOVERING})"
    root = tmp_path_factory.mktemp("explored")
    return Drilled(baked_project, root, "--only", only, command="explore")


def case(explored: Drilled, name: str) -> str:
    """The folder of the one case of a name."""
    schedule = json.loads((explored.folder / "schedule.json").read_text())
    (found,) = [c["folder"] for c in schedule["cases"] if c["name"].startswith(name)]
    return str(found)


def kills(explored: Drilled, name: str) -> list[int]:
    """When the node of a case was killed, by the monotonic clock."""
    lines = (explored.folder / case(explored, name) / "history.jsonl").read_text().splitlines()
    ends = [r for r in map(json.loads, lines) if r["kind"] == "node.ended"]
    assert {r["data"]["code"] for r in ends if r["data"]["how"] == "killed"} == {-9}
    return [r["mono_ns"] for r in ends if r["data"]["how"] == "killed"]


def test_every_case_is_killed_where_its_name_says(explored: Drilled) -> None:
    assert explored.ended.returncode == 0, explored.output
    coverage = json.loads((explored.folder / "coverage.json").read_text())["boundaries"]
    killed = {(b["name"], b["recovery"]): b for b in coverage if b["killed"]}
    assert set(killed) == {
        (INTO_THE_STORE, False),
        (ANSWER_HELD, False),
        (WHILE_RECOVERING.removeprefix("recovering: "), True),
    }
    assert {b["skipped"] for b in coverage if not b["killed"]} == {"left out by --only or --most"}
    assert len([b for b in coverage if not b["recovery"]]) > 100
    for name, lives in ((INTO_THE_STORE, 1), (ANSWER_HELD, 1), (WHILE_RECOVERING, 2)):
        assert len(kills(explored, name)) == lives


def test_at_a_held_request_it_is_done_and_nothing_of_it_was_heard(explored: Drilled) -> None:
    (killed,) = kills(explored, ANSWER_HELD)
    records = explored.journal(
        case(explored, ANSWER_HELD), "order.filled", "event", "fault.fired", "request"
    )
    fired = [r["data"] for r in records if r["kind"] == "fault.fired"]
    (gate,) = [data for data in fired if data["name"] == "gate"]
    name = gate["client_order_id"]
    mine = [r for r in records if r["data"].get("client_order_id") == name]
    assert any(r["kind"] == "order.filled" and r["mono_ns"] < killed for r in mine)
    told = [int(r["data"]["delivered"]) for r in mine if r["kind"] == "event"]
    assert set(told) == {0}, "its events were meant for a node that was dead"


def test_at_a_held_store_command_the_store_never_gets_it(explored: Drilled) -> None:
    folder = explored.folder / case(explored, INTO_THE_STORE)
    (killed,) = kills(explored, INTO_THE_STORE)
    crash = explored.history(case(explored, INTO_THE_STORE), "crash.point")
    assert [(c["boundary"], c["life"]) for c in crash] == [(INTO_THE_STORE, 1)]
    units = [json.loads(line) for line in (folder / "store.jsonl").read_text().splitlines()]
    before = [
        u
        for u in units
        if u["mono_ns"] < killed and u["data"]["name"] == "RPUSH orders OrderInitialized"
    ]
    assert len(before) == crash[0]["nth"] - 1


def test_what_was_found_is_printed(explored: Drilled) -> None:
    said = explored.ended.stdout
    assert "Learning the crash points of 24 bars, seed 7." in said
    assert "3 cases, 2 at once." in said
    for kind in ("exchange requests", "user events", "store commands", "stages", "bars"):
        assert kind in said
    assert "1 of 3" in said


def test_an_exploration_is_judged_again_with_the_same_verdict(
    baked_project: BakedProject, explored: Drilled
) -> None:
    before = explored.verdict
    again = baked_project.run(
        *(sys.executable, "-m", "recovery_drill", "check", str(explored.folder))
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert explored.verdict == before


def test_one_case_is_judged_and_played_again_alone(
    baked_project: BakedProject, explored: Drilled, tmp_path: Path
) -> None:
    alone = explored.folder / case(explored, ANSWER_HELD)
    judged = baked_project.run(*(sys.executable, "-m", "recovery_drill", "check", str(alone)))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    again = Drilled(baked_project, tmp_path, str(alone / "schedule.json"), command="replay")
    assert again.ended.returncode == 0, again.output
    started = [read_schedule(folder).starts for folder in (alone, again.folder)]
    assert started == ["warm" if sys.platform == "linux" else "cold"] * 2
    (scenario,) = again.verdict["scenarios"]
    assert scenario["crash_points"] == [ANSWER_HELD]
    (before,) = explored.history(case(explored, ANSWER_HELD), "crash.point")
    assert again.history("1-1", "crash.point") == [before]


def test_a_failing_schedule_fails_again(baked_project: BakedProject, tmp_path: Path) -> None:
    """With the stock adapter's node, which is known to break; its command is in the schedule."""
    node = f"{{python}} {NODES / 'stock_adapter.py'} {baked_project.package}"
    first = Drilled(baked_project, tmp_path / "1", "kill-holding-position", "--node-command", node)
    assert first.ended.returncode == 1, first.output
    schedule = first.folder / "kill-holding-position"
    again = Drilled(
        *(baked_project, tmp_path / "2", str(schedule), "--times", "2"), command="replay"
    )
    assert again.ended.returncode == 1, again.output
    assert [s["outcome"] for s in again.verdict["scenarios"]] == ["broken", "broken"]
    for scenario in again.verdict["scenarios"]:
        broken = {check["name"] for check in scenario["checks"] if check["broken"]}
        assert {"position-equals-exchange", "fills-exactly-once"} <= broken


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("explore", ("--bars", "0"), "--bars, --each and --most must be 1 or more."),
        ("explore", ("--most", "0"), "--bars, --each and --most must be 1 or more."),
        ("explore", ("--only", "("), "--only is no regular expression"),
        ("explore", ("--jobs", "0"), "--jobs must be 1 or more."),
        ("replay", ("nowhere",), "is not the folder of a drill"),
        ("replay", (".", "--times", "0"), "--times must be 1 or more."),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(
    baked_project: BakedProject,
    tmp_path: Path,
    command: str,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    refused = Drilled(baked_project, tmp_path, *arguments, command=command)
    assert refused.ended.returncode == 2
    assert sentence in refused.ended.stderr
    assert len(refused.ended.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "a refused call leaves nothing"


def test_a_node_that_fails_undisturbed_is_not_explored(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    refused = Drilled(baked_project, tmp_path, "--node-command", "false", command="explore")
    assert refused.ended.returncode == 3
    (sentence,) = refused.ended.stderr.strip().splitlines()
    assert "Undisturbed: Nothing was shown: the node ended with code 1" in sentence


def test_after_a_kill_before_the_first_fill_it_is_played_on_until_one_comes(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    """Brackets rest for many bars: a play that ended soon after the kill would show nothing."""
    early = ("--only", r"^listen_key\.new, received", "--once", "--env", "STRATEGY_TRADES=bracket")
    drilled = Drilled(baked_project, tmp_path, *early, command="explore")
    assert drilled.ended.returncode == 0, drilled.output
    (scenario,) = drilled.verdict["scenarios"]
    assert (scenario["outcome"], scenario["attempts"]) == ("held", 1)
    assert scenario["fills"] > 0
