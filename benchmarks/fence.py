"""Look in many random runs for an order that is carried out outside of its sender's epoch.

Run after `make setup`, with the template's environment: ``.venv/bin/python benchmarks/fence.py
--runs 100``. With ``--mutant window`` the exchange is not told how long the lease lasts, and runs
are found that break. Clocks step where libfaketime is installed.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from served import DRILL, TEMPLATE

sys.path[:0] = [str(DRILL), str(TEMPLATE / "tests")]

from node.baked import baked_project  # noqa: E402 - found on the path above
from node.fence import Field, Judged, summary  # noqa: E402 - as above
from recovery_drill.faults.node import find_faketime  # noqa: E402 - as above


def play(folder: Path, seeds: list[int], mutant: str) -> list[Judged]:
    """Play runs one after the other; say which ones break."""
    folder.mkdir()
    field = Field(folder, faketime=find_faketime(), mutant=mutant)
    judged = []
    for seed in seeds:
        run = field.play(seed)
        judged.append(run)
        for sentence in run.outside[:3]:
            print(f"run {seed} ({', '.join(run.events)}): {sentence}", flush=True)
    field.close()
    return judged


def main() -> int:
    """Play them, a few at once; return 1 if anything was carried out outside of its epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--mutant", choices=("window",), default="")
    options = parser.parse_args()
    baked_project()  # once, before many ask for it
    seeds = list(range(options.first, options.first + options.runs))
    parts = [part for n in range(options.at_once) if (part := seeds[n :: options.at_once])]
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(len(parts)) as places,
    ):
        plays = [
            places.submit(play, Path(folder) / str(number), part, options.mutant)
            for number, part in enumerate(parts)
        ]
        runs = [run for each in plays for run in each.result()]
    figures = summary(runs)
    for name, figure in figures.items():
        print(f"{name:45}{figure:>10,}")
    return int(bool(figures["carried out outside of an epoch"]))


if __name__ == "__main__":
    sys.exit(main())
