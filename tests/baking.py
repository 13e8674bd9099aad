"""Generate projects from the template, and run things in them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
QUESTIONS: Mapping[str, object] = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))
OPTIONS: Mapping[str, list[str]] = {
    name: options
    for name, options in QUESTIONS.items()
    if isinstance(options, list) and not name.startswith("_")
}
"""The questions that are a choice, read from cookiecutter.json so that a new one is tested."""

SECONDS_TO_BAKE = 60
SECONDS_TO_RUN = 600


def clean_environment() -> dict[str, str]:
    """Return this process's environment less what make, an activated one or a node left in it."""
    left_by_others = re.compile(r"MAKE.*|MFLAGS|GNUMAKEFLAGS|VENV|PYTHON(PATH|HOME)?|VIRTUAL_ENV.*")
    return {
        name: value
        for name, value in os.environ.items()
        if not left_by_others.fullmatch(name) and not name.startswith("TRADER_")
    }


@dataclass(frozen=True)
class BakedProject:
    """A project generated from the template.

    Parameters
    ----------
    path
        Its folder.
    """

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which this Python finds the project's packages without installing."""
        found_in = os.pathsep.join([str(self.path / "src"), str(self.path / "drill")])
        return {**clean_environment(), "PYTHONPATH": found_in}

    @property
    def package(self) -> str:
        """The name of the production package."""
        (package,) = (self.path / "src").iterdir()
        return package.name

    def read(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.path / name).read_text(encoding="utf-8")

    def files(self) -> dict[str, Path]:
        """Return its files by their relative name, as the template has them.

        Without what tools leave, what is random, and the record of the answers themselves.
        """
        left_out = re.compile(
            r"(^|/)(\.git|\.venv|__pycache__|\.[a-z]+_cache|secrets)/|^runs/"
            r"|^(\.env|\.cruft\.json)$"
        )
        return {
            name: path
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
            and not left_out.search(name := path.relative_to(self.path).as_posix())
        }

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        seconds: float = SECONDS_TO_RUN,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder and return what it printed and its exit code."""
        return subprocess.run(
            command,
            cwd=self.path,
            env=self.environment if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def make(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run make in the project's folder, as a user would."""
        as_a_user = clean_environment() | dict(environment or {})
        return self.run("make", *arguments, environment=as_a_user)


def copy_of_the_template(folder: Path) -> Path:
    """Copy the files of the template that git keeps or would keep, as they stand now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TEMPLATE,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (TEMPLATE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TEMPLATE / name, folder / name)
    return folder


def cookiecutter(
    output: Path, template: Path | str = TEMPLATE, *options: str, **answers: str
) -> subprocess.CompletedProcess[str]:
    """Call cookiecutter's command line; its own files stay beside the output, not at home."""
    config = output / ".cookiecutter.yaml"
    own = {name: str(output / f".{name}") for name in ("cookiecutters_dir", "replay_dir")}
    for folder in own.values():
        Path(folder).mkdir(exist_ok=True)
    config.write_text(json.dumps(own), encoding="utf-8")  # JSON is YAML, too
    return subprocess.run(
        [
            *(sys.executable, "-m", "cookiecutter", "--no-input"),
            *("--config-file", str(config), "--output-dir", str(output / "baked")),
            *options,
            str(template),
            *(f"{name}={value}" for name, value in answers.items()),
        ],
        cwd=output,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_BAKE,
        check=False,
    )


def bake(output: Path, template: Path | str = TEMPLATE, **answers: str) -> BakedProject:
    """Generate a project into an empty folder; fail if cookiecutter does."""
    baked = cookiecutter(output, template, **answers)
    assert baked.returncode == 0, baked.stdout + baked.stderr
    (path,) = (output / "baked").iterdir()
    return BakedProject(path)
