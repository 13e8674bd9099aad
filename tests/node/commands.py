"""Commands of the node beside `run`, run to their end as a person runs them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baking import clean_environment
from node.baked import PACKAGE

SECONDS = 40
OK, DIFFERS, AWAY, CONFIGURATION = 0, 70, 75, 78


@dataclass(frozen=True)
class Answer:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        """What ``--json`` has printed."""
        found: dict[str, Any] = json.loads(self.out)
        assert found["exit_code"] == self.code
        return found

    @property
    def wrong(self) -> list[dict[str, Any]]:
        """What `doctor` calls wrong."""
        return [each for each in self.json["findings"] if each["verdict"] == "wrong"]

    @property
    def notes(self) -> list[str]:
        """What `doctor` notes."""
        return [each["sentence"] for each in self.json["findings"] if each["verdict"] == "note"]

    @property
    def sentences(self) -> str:
        """All that `doctor` says."""
        return " ".join(each["sentence"] for each in self.json["findings"])


def run(folder: Path, project: Path, environment: Mapping[str, str], *arguments: str) -> Answer:
    """Run a command to its end, in a folder with no ``.env``."""
    ended = subprocess.run(
        [sys.executable, "-m", PACKAGE, *arguments],
        cwd=folder,
        env={**clean_environment(), **environment, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)
