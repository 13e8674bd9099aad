"""check_generated FILE…: run the generated project's own checks on what becomes of these files.

pre-commit calls it with the files of the generated project that are to be committed. Here they hold
Jinja, or lie where the project's configuration does not reach: so they are checked in a bake.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.package_name}}"
SLUG, PACKAGE_NAME = "my-trader", "my_trader"
BUILD = TEMPLATE / "build" / "commit"

CACHES = (".mypy_cache", ".ruff_cache")
"""What stays from one bake to the next: without it mypy takes half a minute."""


def environment() -> dict[str, str]:
    """Return this process's environment, less what git says to its hooks about this repository."""
    own = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    ).stdout.split()
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "VENV": sys.prefix, "PYTHONDONTWRITEBYTECODE": "1"}


def bake() -> Path:
    """Generate the project anew, but for the caches, and return its folder."""
    project = BUILD / SLUG
    for path in project.iterdir() if project.is_dir() else ():
        if path.name not in CACHES:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"),
            *("--overwrite-if-exists", "--output-dir", str(BUILD), str(TEMPLATE)),
            *(f"project_slug={SLUG}", f"package_name={PACKAGE_NAME}"),
        ],
        env=environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return project


def main(names: Sequence[str]) -> int:
    """Check the files in a bake; return the exit code of the project's checks."""
    project = bake()
    made = [name.removeprefix(f"{PROJECT}/").replace(PACKAGE, PACKAGE_NAME) for name in names]
    files = [name for name in made if (project / name).is_file()]
    if not files:  # licences, whose names are conditions, and what was removed
        return 0
    checked = subprocess.run(
        ["sh", "scripts/check", "--files", *files], cwd=project, env=environment(), check=False
    )
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
