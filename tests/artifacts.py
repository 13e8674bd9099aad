"""A stand-in for the hosting service's command `gh`: runs and their artifacts are folders here.

There is no such service where the tests run. ``ARTIFACTS`` names a folder with one folder a run,
``ID-COMMIT-EVENT``, and in each one folder an artifact. Only what the scripts ask is answered.
"""

import argparse
import fnmatch
import os
import shutil
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Answer as `gh` would, and return the exit code."""
    root = Path(os.environ["ARTIFACTS"])
    runs = sorted((path for path in root.iterdir() if path.is_dir()), reverse=True)
    parser = argparse.ArgumentParser()
    for name in ("workflow", "branch", "limit", "json", "jq", "name", "pattern", "dir"):
        parser.add_argument(f"--{name}")
    for name in ("repo", "notes-file"):
        parser.add_argument(f"--{name}")
    for name in ("verify-tag", "generate-notes"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("words", nargs="+")
    asked = parser.parse_intermixed_args(arguments)
    match asked.words:
        case ["run", "list"]:
            told = [run.name.split("-") for run in runs[: int(asked.limit)]]
            print(*(f"{run} {commit}" for run, commit, event in told if event != "pr"), sep="\n")
        case ["run", "download", wanted]:
            (run,) = (path for path in runs if path.name.startswith(f"{wanted}-"))
            pattern = asked.name or asked.pattern
            found = [path for path in run.iterdir() if fnmatch.fnmatch(path.name, pattern)]
            for path in found:
                place = Path(asked.dir) if asked.name else Path(asked.dir) / path.name
                shutil.copytree(path, place, dirs_exist_ok=True)
            return 0 if found and not (root / "no-download").exists() else 1
        case ["release", "create", tag, *files]:
            page = root.parent / "releases" / asked.repo / tag
            page.mkdir(parents=True)
            for file in files:
                shutil.copy2(file, page)
            shutil.copy2(asked.notes_file, page.parent / f"{tag}.notes")
        case ["api", _]:
            print(sum((run / "drill-record").is_dir() for run in runs))
        case _:
            print(f"The stand-in does not know {asked.words}.", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
