"""How many cases and kills a minute an exploration makes: cold and warm starts, one job and more.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with the number of cases (24 by default). A case is: start store, exchange and node, trade, kill at
a crash point, start the node again, in some cases kill it and start it once more, trade on, stop,
judge; each restart is verified. What is learned before, and what is written after, is not counted;
times depend on the machine, the ratios are what to compare. Each case's verdict is compared between
cold and warm starts: warm ones must not judge otherwise.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
CASES = 24
JOBS = (1, 2, 4)


def explore(project: Path, jobs: int, starts: str, cases: int) -> tuple[float, dict[str, str]]:
    """Explore with so many jobs, print the rates, and return kills a minute and all verdicts."""
    found = os.pathsep.join(str(project / name) for name in ("src", "drill"))
    drill = [sys.executable, "-m", "recovery_drill", "explore", "--most", str(cases)]
    subprocess.run(
        [*drill, "--jobs", str(jobs), f"--{starts}"],
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
    judged = {each["name"]: each["outcome"] for each in verdict["scenarios"]}
    counts = Counter(judged.values())
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    minutes = (max(stamps) - min(stamps)) / 60e9
    kills = sum(each["kills"] for each in verdict["scenarios"]) / minutes
    print(
        f"{starts}, {jobs} job{'s' * (jobs > 1)}: {len(judged) / minutes:.1f} cases and "
        f"{kills:.1f} kills a minute, each with its restart verified ({told})",
        flush=True,
    )
    return kills, judged


def main() -> None:
    """Print the rates, their ratios, and the cases that were judged otherwise."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory() as folder:
        bake = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
        answers = ["project_slug=my-trader", "package_name=my_trader"]
        subprocess.run([*bake, "-o", folder, str(TEMPLATE), *answers], check=True)
        project = Path(folder) / "my-trader"
        for jobs in JOBS:
            cold, judged_cold = explore(project, jobs, "cold", cases)
            warm, judged_warm = explore(project, jobs, "warm", cases)
            names = judged_cold.keys() | judged_warm.keys()
            otherwise = [n for n in names if judged_cold.get(n) != judged_warm.get(n)]
            print(
                f"warm starts are {warm / cold:.2f} times as fast; judged otherwise: "
                f"{', '.join(sorted(otherwise)) or 'none'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
