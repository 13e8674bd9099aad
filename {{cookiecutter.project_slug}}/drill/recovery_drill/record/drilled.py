"""What a run drilled: which node, in which versions, on which machine, and what it traded."""

import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from recovery_drill.record.model import read_records
from recovery_drill.record.traded import Traded

ASSIGNED = re.compile(r"""^(\w+) = ["']([^"']+)["']$""", re.MULTILINE)
SECONDS_FOR_GIT = 5
LINES_OF_A_LOG = 200
# The engine's first words name what it is made of; another engine says nothing of this kind.
VERSIONS = re.compile(r"\b(nautilus_trader|python): (\d[\w.+-]*)\s*$")


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """What was drilled.

    Parameters
    ----------
    traded : tuple[Traded, ...]
        What the node told that it trades; empty when it does not tell.
    symbols : tuple[str, ...]
        What the policy says that it owns.
    node : str
        Its command.
    versions : dict[str, str]
        Of the project, of the engine and Python as its log names them, and of the drill.
    commit : str
        The project's; empty outside of a repository.
    date : str
        When the run ended, UTC.
    machine : str
        Its processors and system.

    """

    traded: tuple[Traded, ...] = ()
    symbols: tuple[str, ...] = ()
    node: str = ""
    versions: dict[str, str] = {}
    commit: str = ""
    date: str = ""
    machine: str = ""

    @property
    def name(self) -> str:
        """Return what it is called in one line: ``EMA001 on BTCUSDT (1m bars)``."""
        told = [f"{t.tag} on {t.symbol} ({t.interval} bars)" for t in self.traded]
        return ", ".join(dict.fromkeys(told)) or ", ".join(self.symbols)


def traded_by(history: Path) -> tuple[Traded, ...]:
    """Return what the node told in a history that it trades; a restart does not change it."""
    try:
        with history.open(encoding="utf-8") as lines:
            # A history is long, and the first look at the node nearly always says it.
            for line in lines:
                if '"traded"' in line and (rows := _traded(line)):
                    return rows
    except (OSError, ValueError):
        pass  # what was not recorded is not told
    return ()


def _traded(line: str) -> tuple[Traded, ...]:
    for record in read_records([line]):
        state = record.data.get("state") or {}
        if record.kind == "snapshot" and state.get("traded"):
            return msgspec.convert(state["traded"], type=tuple[Traded, ...])
    return ()


def versions_in(lines: Iterable[str]) -> dict[str, str]:
    """Return the versions that the first lines of a node's log name."""
    return {m[1]: m[2] for line in lines if (m := VERSIONS.search(line))}


def versions_of(log: Path) -> dict[str, str]:
    """Return the versions that a node's log names; none when there is no log."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return versions_in(line for line, _ in zip(lines, range(LINES_OF_A_LOG), strict=False))
    except OSError:
        return {}


def project_version(project: Path) -> dict[str, str]:
    """Return the name and the version that a project gives itself, in words or in a module."""
    try:
        tables = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        version = tables["project"].get("version")
        if version is None:
            module = project / tables["tool"]["hatch"]["version"]["path"]
            version = dict(ASSIGNED.findall(module.read_text(encoding="utf-8")))["__version__"]
        return {str(tables["project"]["name"]): str(version)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # what a project does not say of itself is not told


def commit_of(project: Path) -> str:
    """Return a project's commit, and whether something was changed since; empty without one."""
    commit = _git(project, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ""
    changed = _git(project, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{commit} with changes that are not committed" if changed else commit


def _git(project: Path, *words: str) -> str:
    # Asked for what is there, git need not write anything, and a hook must not answer for it.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ("git", *words),
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_GIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def this_machine() -> str:
    """Return what this machine is, without its name."""
    cores = os.cpu_count() or 1
    kind = f"{platform.system()} {platform.release()} on {platform.machine()}"
    return f"{cores} core{'s' * (cores != 1)}, {kind}"


def look_at_run(
    folder: Path,
    cases: Sequence[Path],
    *,
    project: Path,
    symbols: Sequence[str],
    node: str,
    drill: str,
) -> Drilled:
    """Return what a run drilled, from what its cases left and from the project.

    Parameters
    ----------
    folder : Path
        The run's.
    cases : Sequence[Path]
        Where its cases are kept, in that folder.
    project : Path
        The drilled project's folder.
    symbols : Sequence[str]
        What it owns.
    node : str
        How it is started.
    drill : str
        The version of the drill.

    """
    places = [folder / case for case in cases]
    traded = next((rows for p in places if (rows := traded_by(p / "history.jsonl"))), ())
    engine = next((found for p in places if (found := versions_of(p / "node-1.log"))), {})
    return Drilled(
        traded=traded,
        symbols=tuple(symbols),
        node=node,
        versions={**project_version(project), **engine, "recovery-drill": drill},
        commit=commit_of(project),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        machine=this_machine(),
    )
