"""Run the steps of CI workflows as a runner would, in a clean checkout on this machine.

No action is run: the checkout is there, Python is the one that runs the tests, an artifact is only
looked for, and of an action that is given what a step has put out only that is looked at. What a
workflow uses beyond what is understood here makes the test fail.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import clean_environment

SECONDS_FOR_A_STEP = 3600
PLAYED_BY = {"bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"), "": ("bash", "-e")}
KEYS = {"name", "id", "if", "uses", "with", "run", "env", "shell", "continue-on-error"}
ACTIONS = {
    *("actions/checkout", "actions/setup-python", "actions/upload-artifact"),
    *("actions/download-artifact", "actions/attest"),
}
FILES = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")

# What a step runs may be the tests that run the steps: those of an inner run are skipped.
WITHIN = "WITHIN_A_WORKFLOW"
not_within_itself = pytest.mark.skipif(WITHIN in os.environ, reason="a step of a workflow runs it")

type Contexts = Mapping[str, str | Sequence[str]]


def read_workflow(path: Path) -> dict[str, Any]:
    """Return what a workflow's file says."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody who has a name."""
    who = {
        f"GIT_{who}_{what}": "somebody@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**clean_environment(), **who},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def clean_checkout(source: Path, place: Path) -> Path:
    """Return a clone of what git would keep of a folder: nothing else is in it."""
    kept = place / "kept" / source.name
    if (source / ".git").exists():
        listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (source / name).is_file():
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, kept / name)
    else:
        shutil.copytree(source, kept)
    git(kept, "init", "--quiet", "--initial-branch=main")
    git(kept, "add", "--all")
    git(kept, "commit", "--quiet", "--message", "As it stands")
    checkout = place / "checkout" / source.name
    checkout.parent.mkdir()
    git(place, "clone", "--quiet", str(kept), str(checkout))
    return checkout


def evaluate(expression: str, contexts: Contexts) -> str | bool:
    """Evaluate an expression of a workflow, as far as these workflows go.

    Raises
    ------
    ValueError
        If it goes further.

    """
    alternatives = [part.strip() for part in expression.split("||")]
    if len(alternatives) > 1:
        return any(evaluate(part, contexts) is True for part in alternatives)
    conditions = [part.strip() for part in expression.split("&&")]
    if len(conditions) > 1:
        return all(part == "always()" or evaluate(part, contexts) is True for part in conditions)
    if found := re.fullmatch(r"contains\(([\w.*-]+), '(\w+)'\)", expression.strip()):
        return found[2] in contexts[found[1]]
    if found := re.fullmatch(r"([\w.-]+) == '([\w/]+)'", expression.strip()):
        return contexts[found[1]] == found[2]
    if re.fullmatch(r"[\w.-]+", expression.strip()):
        value = contexts[expression.strip()]
        assert isinstance(value, str)
        return value
    raise ValueError(f"A test cannot evaluate {expression!r} yet: teach it in tests/workflows.py.")


def filled_in(text: str, contexts: Contexts) -> str:
    """Return a text with its expressions evaluated."""

    def value(found: re.Match[str]) -> str:
        result = evaluate(found[1], contexts)
        return result if isinstance(result, str) else str(result).lower()

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def outputs_of(step: str, path: Path) -> dict[str, str]:
    """Return what a step has put out, and take it away."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("", encoding="utf-8")
    return {
        f"steps.{step}.outputs.{name}": value
        for name, _, value in (line.partition("=") for line in lines)
    }


@dataclass
class Played:
    """What came of a job.

    Parameters
    ----------
    said : list[str]
        For each step what it was and what it printed.
    failed : list[str]
        The steps that failed the job.
    ran : list[str]
        The commands that were run, in order.
    summary : str
        What stands on the job's page.
    outputs : dict[str, str]
        What steps have put out, as expressions name it.
    given : list[dict[str, str]]
        What each action was given that is given anything, with its name.

    """

    said: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    given: list[dict[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything for a person."""
        return "\n".join(self.said)


@dataclass
class Runner:
    """Plays jobs in a checkout.

    Parameters
    ----------
    checkout : Path
        A clean one.
    place : Path
        Where the runner keeps its own files.
    environment : Mapping[str, str]
        What this machine needs beside what the workflow says.

    """

    checkout: Path
    place: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def play(
        self, job: Mapping[str, Any], contexts: Contexts, arguments: str | None = None
    ) -> Played:
        """Play a job's steps in order; `arguments` are those of make, for less than all of it."""
        played = Played()
        if "if" in job and not self._wanted(job["if"], contexts, failed=False):
            return played
        files = {name: self.place / name.lower() for name in FILES}
        for path in files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")
        for step in job["steps"]:
            unknown = set(step) - KEYS
            assert not unknown, f"a test does not know what {unknown} of {step} does"
            if not self._wanted(step.get("if", "success()"), contexts, bool(played.failed)):
                continue
            if "uses" in step:
                self._look_at(step, contexts, played)
                continue
            self._run(step, contexts, files, played, arguments)
            if "id" in step:
                played.outputs |= outputs_of(step["id"], files["GITHUB_OUTPUT"])
        for name in FILES[1:]:
            assert not files[name].read_text(encoding="utf-8"), f"no test reads {name} yet"
        played.summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        return played

    def _look_at(self, step: Mapping[str, Any], contexts: Contexts, played: Played) -> None:
        action = str(step["uses"]).partition("@")[0]
        assert action in ACTIONS, step
        known = {**contexts, **played.outputs}
        given = {name: filled_in(str(text), known) for name, text in step.get("with", {}).items()}
        played.given.append({"uses": action, **given})

    def _wanted(self, condition: str, contexts: Contexts, failed: bool) -> bool:
        known = {"always()": True, "failure()": failed, "success()": not failed}
        if condition in known:
            return known[condition]
        return not failed and evaluate(condition, contexts) is True

    def _run(
        self,
        step: Mapping[str, Any],
        contexts: Contexts,
        files: Mapping[str, Path],
        played: Played,
        arguments: str | None,
    ) -> None:
        script = self.place / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {name: filled_in(str(value), contexts) for name, value in step.get("env", {}).items()}
        if arguments is not None:
            own.setdefault("ARGS", arguments)
        done = subprocess.run(
            [*PLAYED_BY[step.get("shell", "")], str(script)],
            cwd=self.checkout,
            env={
                **clean_environment(),
                **{name: str(path) for name, path in files.items()},
                "CI": "true",
                WITHIN: "yes",
                "PATH": os.pathsep.join([str(self._python()), os.environ["PATH"]]),
                **self.environment,
                **own,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_FOR_A_STEP,
            check=False,
        )
        title = step.get("name", step["run"])
        played.ran.append(step["run"])
        played.said.append(f"-- {title} (ended with {done.returncode})\n{done.stdout}")
        if done.returncode and not step.get("continue-on-error"):
            played.failed.append(title)

    def _python(self) -> Path:
        """Return a folder with the Python that the workflow has set up: this one."""
        folder = self.place / "bin"
        if not folder.exists():
            folder.mkdir(parents=True)
            this = getattr(sys, "_base_executable", sys.executable)
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            stand_in = Path(__file__).with_name("artifacts.py")
            (folder / "gh").write_text(f"#!/bin/sh\nexec '{this}' '{stand_in}' \"$@\"\n", "utf-8")
            (folder / "gh").chmod(0o755)
            for name in ("python", "python3", f"python{version}"):
                # Not a link: pyenv's and a virtual environment's Python look where they stand.
                (folder / name).write_text(f"#!/bin/sh\nexec '{this}' \"$@\"\n", encoding="utf-8")
                (folder / name).chmod(0o755)
        return folder
