"""
How soon random search finds a bug, how small it makes what it has found, and whether that repeats.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with names of bugs (tests/drill/mutants.py has them), ``--seed N``, ``--runs N``, ``--shrink N`` and
``--times N``. Each bug is put into the node of a bake, which is then played by
``recovery-drill random`` until it breaks a promise; the smallest schedule is replayed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from baking import BakedProject, bake, clean_environment  # noqa: E402 - found on the path above

LAUNCHER = TEMPLATE / "tests" / "drill" / "nodes" / "mutants"
BUGS = (
    "flattens_after_restart",
    "missing_stop_not_placed",
    "lost_fill_not_asked_for",
    "store_loss_not_noticed",
    "decision_repeated",
)
COLUMNS = "{:28} {:>5} {:>12} {:>12} {:>6} {:>8} {:>8}  {}"


def drill(project: BakedProject, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the drill in a bake, and keep what it prints beside its runs."""
    found_in = project.environment["PYTHONPATH"]
    ended = subprocess.run(
        [sys.executable, "-m", "recovery_drill", *words, "--folder", str(folder), "--jobs", "1"],
        cwd=project.path,
        env={**clean_environment(), **project.environment, "PYTHONPATH": found_in},
        capture_output=True,
        text=True,
        check=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{words[0]}.txt").write_text(ended.stdout + ended.stderr, encoding="utf-8")
    return ended


def search(project: BakedProject, bug: str, place: Path, asked: argparse.Namespace) -> None:
    """Search, replay what was found, and print one line."""
    command = f"{{python}} {LAUNCHER} {project.package} {bug}"
    began = time.monotonic()
    numbers = ("--seed", str(asked.seed), "--runs", str(asked.runs), "--shrink", str(asked.shrink))
    ended = drill(project, place / bug, "random", "--node-command", command, *numbers)
    minutes = f"{(time.monotonic() - began) / 60:.1f}"
    found = place / bug / "latest" / "found.json"
    if ended.returncode != 1 or not found.exists():
        code = f"exit code {ended.returncode}"
        print(COLUMNS.format(bug, "-", "-", "-", "-", minutes, "-", code), flush=True)
        return
    what = json.loads(found.read_text("utf-8"))
    smallest = found.parent / "smallest"
    again = "-"
    if asked.times and smallest.exists():
        drill(project, place / f"{bug}-again", "replay", str(smallest), "--times", str(asked.times))
        again = repeated(place / f"{bug}-again" / "latest" / "verdict.json")
    row = (
        *(bug, what["runs"], length(what["drawn"]), length(what["smallest"]), what["plays"]),
        *(minutes, again, words(what["smallest"])),
    )
    print(COLUMNS.format(*row), flush=True)


def repeated(verdict: Path) -> str:
    """Return of how many plays how many have broken a promise again."""
    plays = json.loads(verdict.read_text("utf-8"))["scenarios"]
    return f"{sum(play['outcome'] == 'broken' for play in plays)} of {len(plays)}"


def length(drawn: dict[str, list[dict[str, int]]]) -> str:
    """Return how many faults and bars a schedule has."""
    strikes = drawn["strikes"]
    faults = sum(1 + bool(strike.get("kill")) for strike in strikes)
    return f"{faults} in {sum(s.get('after', 0) + s.get('bars', 0) for s in strikes)}"


def words(drawn: dict[str, list[dict[str, object]]]) -> str:
    """Return the faults of a schedule by name."""
    return ", ".join(str(strike["fault"]) for strike in drawn["strikes"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Search for each bug, one after the other."""
    parser = argparse.ArgumentParser(description="How soon random search finds a bug.")
    parser.add_argument("bugs", nargs="*", default=BUGS)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--shrink", type=int, default=20)
    parser.add_argument("--times", type=int, default=10, help="how often the smallest is replayed")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the runs there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        project = bake(Path(place), project_slug="my-trader")
        names = ("bug", "runs", "found with", "shrunk to", "plays", "minutes", "again")
        print(COLUMNS.format(*names, "smallest schedule"), flush=True)
        for bug in asked.bugs:
            search(project, bug, asked.keep or Path(place) / "runs", asked)


if __name__ == "__main__":
    main()
