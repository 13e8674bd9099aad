"""How many cases and kills a minute an exploration makes, with one job and with two.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with the number of cases (24 by default). A case is: start store, exchange and node, trade, kill at
a crash point, start the node again, in some cases kill it and start it once more, trade on, stop,
judge; each restart is verified. What is learned before, and what is written after, is not counted;
times depend on the machine, the ratio of the two is what to compare.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
CASES = 24


def explore(project: Path, jobs: int, cases: int) -> tuple[float, float, str]:
    """Explore with so many jobs; return cases and kills a minute, and how they were judged."""
    found = os.pathsep.join(str(project / name) for name in ("src", "drill"))
    drill = [sys.executable, "-m", "recovery_drill", "explore", "--most", str(cases)]
    subprocess.run(
        [*drill, "--jobs", str(jobs)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": found},
        check=False,  # what breaks is another question
        stdout=subprocess.DEVNULL,
    )
    run = (project / "runs" / "latest").resolve()
    stamps = [
        int(stamp)
        for path in (run / "cases").rglob("history.jsonl")
        for stamp in re.findall(r'"wall_ns":(\d+)', path.read_text())
    ]
    verdict = json.loads((run / "verdict.json").read_text())
    judged = [s["outcome"] for s in verdict["scenarios"]]
    told = ", ".join(f"{judged.count(outcome)} {outcome}" for outcome in sorted(set(judged)))
    minutes = (max(stamps) - min(stamps)) / 60e9
    kills = sum(s["kills"] for s in verdict["scenarios"])
    return len(judged) / minutes, kills / minutes, told


def main() -> None:
    """Print both rates and their ratio."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory() as folder:
        bake = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
        answers = ["project_slug=my-trader", "package_name=my_trader"]
        subprocess.run([*bake, "-o", folder, str(TEMPLATE), *answers], check=True)
        rates = []
        for jobs in (1, 2):
            rate, kills, told = explore(Path(folder) / "my-trader", jobs, cases)
            rates.append(rate)
            print(
                f"{jobs} job{'s' * (jobs > 1)}: {rate:.1f} cases and {kills:.1f} kills a minute, "
                f"each with its restart verified ({told})"
            )
        print(f"two jobs are {rates[1] / rates[0]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
