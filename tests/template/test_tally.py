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

from baking import PROJECT, TEMPLATE, clean_environment

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


class Service:
    """Runs and their artifacts, as folders; `keep` is the job that counts them."""

    def __init__(self, root: Path) -> None:
        self.artifacts = root / "artifacts"
        self._root = root
        (root / "bin").mkdir()
        gh = root / "bin" / "gh"
        stand_in = TEMPLATE / "tests" / "artifacts.py"
        gh.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{stand_in}' \"$@\"\n", "utf-8")
        gh.chmod(0o755)

    def ran(self, number: int, event: str = "push", **more: bytes) -> Path:
        run = self.artifacts / f"{number}-{COMMIT}-{event}"
        for name, content in more.items():
            place = run / f"verdict-{name}" / "20261130-1" / "verdict.json"
            place.parent.mkdir(parents=True)
            place.write_bytes(content)
        run.mkdir(parents=True, exist_ok=True)
        return run

    def keep(self, run: Path) -> subprocess.CompletedProcess[str]:
        page = self._root / "drill-record.md"
        environment = clean_environment() | {"ARTIFACTS": str(self.artifacts)}
        environment["PATH"] = f"{self._root / 'bin'}:{environment['PATH']}"
        told = subprocess.run(
            ["sh", "scripts/keep-tally", str(page)],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if told.returncode == 0:
            (run / "drill-record").mkdir()
            (run / "drill-record" / page.name).write_bytes(page.read_bytes())
        return told

    def seeds(self, run: Path) -> list[int]:
        page = (run / "drill-record" / "drill-record.md").read_text("utf-8")
        return sorted(each.seed for each in tally.runs_on(page))


def test_the_page_goes_on_from_run_to_run_and_makes_up_for_lost_counts(tmp_path: Path) -> None:
    service = Service(tmp_path)
    first = service.ran(11, drill=verdict(7), explore=verdict(8))
    assert service.keep(first).returncode == 0
    assert service.seeds(first) == [7, 8]
    service.ran(12, drill=verdict(9))  # its job was cancelled before it counted
    service.ran(13, "pr", drill=verdict(10))
    last = service.ran(14, drill=verdict(11))
    told = service.keep(last)
    assert service.seeds(last) == [7, 8, 9, 11]
    assert "in 12 cases and 4 runs" in told.stdout


def test_a_page_that_cannot_be_had_is_not_begun_anew(tmp_path: Path) -> None:
    service = Service(tmp_path)
    assert service.keep(service.ran(11, drill=verdict(7))).returncode == 0
    last = service.ran(12, drill=verdict(8))
    (service.artifacts / "no-download").touch()
    told = service.keep(last)
    assert (told.returncode, told.stdout) == (1, "")
    assert "nothing was counted" in told.stderr


def test_runs_without_a_verdict_and_bad_ones_fail_the_job(tmp_path: Path) -> None:
    service = Service(tmp_path)
    told = service.keep(service.ran(11))
    assert told.returncode == 1
    assert "none of the last runs has left a verdict" in told.stderr
    told = service.keep(service.ran(12, drill=b"{"))
    assert told.returncode == 2
    assert "is no verdict of the drill" in told.stderr
