"""The page that counts all runs: pure, each run once, and never spoiled by what cannot be read."""

import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from baking import PROJECT, clean_environment
from workflows import git

SCRIPTS = PROJECT / "scripts"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def loaded() -> ModuleType:
    loader = SourceFileLoader("tally", str(SCRIPTS / "tally"))
    spec = spec_from_loader("tally", loader)
    assert spec is not None
    made = module_from_spec(spec)
    loader.exec_module(made)
    return made


tally = loaded()


def verdict(seed: int = 7, outcome: str = "held", kills: int = 2, cases: int = 3) -> bytes:
    case = {"outcome": outcome, "kills": kills}
    told = {"seed": seed, "outcome": outcome, "scenarios": [case] * cases}
    return json.dumps(told).encode()


def run(seed: int = 7, **more: Any) -> Any:
    return tally.run_of(verdict(seed, **more), COMMIT, "2026-11-30", "here")


def test_kills_seeds_commits_and_verdicts_are_counted() -> None:
    page = tally.with_more("", [run(7), run(8, kills=1), run(9, outcome="inconclusive", kills=0)])
    assert "9 proven kills in 9 cases and 3 runs since 2026-11-30, of 1 commit with 3 seeds" in page
    assert "Runs: 2 held, 1 inconclusive." in page
    assert "No promise was broken." in page
    assert f"| 2026-11-30 | `{COMMIT[:10]}` | 8 | 3 | 3 | held |" in page


def test_the_same_run_counts_once_whatever_it_is_added_to() -> None:
    first = tally.with_more("", [run(7), run(7)])
    assert first.count("| held |") == 1
    assert tally.with_more(first, [run(7)]) == first
    later = tally.run_of(verdict(7), COMMIT, "2027-01-01", "here")
    assert tally.with_more(first, [later]) == first
    both = tally.with_more(first, [run(8)])
    assert tally.with_more(tally.with_more("", [run(7), run(8)]), []) == both


def test_a_broken_run_takes_the_bound_away() -> None:
    page = tally.with_more("", [run(7), run(8, outcome="broken")])
    assert "No promise was broken" not in page
    assert "1 held, 1 broken" in page


def test_a_long_record_shows_its_newest_and_counts_all() -> None:
    page = tally.with_more("", [run(seed) for seed in range(tally.SHOWN + 5)])
    assert page.count("| held |") == tally.SHOWN
    assert f"{tally.SHOWN + 5} runs since" in page
    assert len(tally.runs_on(page)) == tally.SHOWN + 5


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"seed": 7, "outcome": "held"}',
        b'{"seed": 7, "outcome": "held", "scenarios": 3}',
        verdict(outcome="splendid"),
        verdict(kills=-1),
        json.dumps({"seed": "7", "outcome": "held", "scenarios": []}).encode(),
        json.dumps({"seed": True, "outcome": "held", "scenarios": []}).encode(),
        b'{"seed": 7, "outcome": "held", "scenarios": [{"outcome": "held", "kills": 1e999}]}',
    ],
)
def test_what_is_no_verdict_is_refused(bad: bytes) -> None:
    with pytest.raises(tally.Refused):
        tally.run_of(bad, COMMIT, "2026-11-30", "here")


@pytest.mark.parametrize("commit", ["", "main", "0123", "x" * 40, "0123456\n| evil |", None])
def test_a_commit_that_is_none_is_refused(commit: Any) -> None:
    with pytest.raises(tally.Refused, match="the commit cannot be"):
        tally.run_of(verdict(), commit, "2026-11-30", "here")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: "# A page of somebody's own\n",
        lambda page: page.replace(tally.CLOSING, ""),
        lambda page: page.replace('"seed": 7', '"seed": "7"'),
        lambda page: page.replace('"seed": 7, ', ""),
        lambda page: page.replace('"kills": 6}', '"kills": 6'),
        lambda page: page.replace('"held"', '"<b>held</b>"'),
    ],
)
def test_a_damaged_page_is_refused(spoil: Any) -> None:
    page = tally.with_more("", [run(7)])
    assert spoil(page) != page
    with pytest.raises(tally.Refused):
        tally.with_more(spoil(page), [run(8)])


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "tally"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_page_stays_as_it_was_when_something_is_refused(tmp_path: Path) -> None:
    page, runs = tmp_path / "page.md", tmp_path / "runs"
    (runs / "one").mkdir(parents=True)
    (runs / "one" / "verdict.json").write_bytes(verdict())
    (runs / "latest").symlink_to("one")
    told = call(page, COMMIT, runs)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("6 proven kills in 3 cases and 1 run since")
    before = page.read_text("utf-8")
    (runs / "two").mkdir()
    (runs / "two" / "verdict.json").write_bytes(b"{")
    refused = call(page, COMMIT, runs)
    assert (refused.returncode, page.read_text("utf-8")) == (2, before)
    assert "is no verdict of the drill" in refused.stderr
    empty = call(page, COMMIT, tmp_path / "nowhere")
    assert (empty.returncode, page.read_text("utf-8")) == (2, before)
    assert call(page).returncode == 2


def test_the_page_is_kept_on_a_branch_of_its_own(tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    (origin / "scripts").mkdir(parents=True)
    for name in ("tally", "keep-tally"):
        (origin / "scripts" / name).write_bytes((SCRIPTS / name).read_bytes())
    git(origin, "init", "--quiet", "--initial-branch=main")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "As it stands")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    for seed in (7, 8, 8):
        place = tmp_path / f"verdicts-{seed}" / "verdict-drill" / "run"
        place.mkdir(parents=True, exist_ok=True)
        (place / "verdict.json").write_bytes(verdict(seed))
        subprocess.run(
            ["sh", "scripts/keep-tally", str(tmp_path / f"verdicts-{seed}")],
            cwd=clone,
            env=clean_environment(),
            check=True,
            capture_output=True,
            timeout=60,
        )
    page = git(origin, "show", "drill-record:README.md")
    assert [each.seed for each in tally.runs_on(page)] == [7, 8]
    assert git(origin, "ls-tree", "--name-only", "drill-record").split() == ["README.md"]
    assert git(origin, "rev-list", "--count", "drill-record").strip() == "2"
