"""What a run does, complete enough to do it again: ``schedule.json``."""

import hashlib
import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.drawn import Drawn
from recovery_drill.record.machine import Machine, scaled
from recovery_drill.record.policy import HISTORY_BARS, Policy

SCHEDULE_SCHEMA = 2
FILE = "schedule.json"

RuntimeName = Literal["process", "compose"]
Starts = Literal["cold", "warm"]


class Market(msgspec.Struct, frozen=True):
    """A file of recorded bars, known again by its content: the file itself is not kept."""

    name: str
    sha256: str


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One play of one scenario.

    Parameters
    ----------
    name : str
        What it is called in lists and reports.
    scenario : str
        What is played.
    options : dict[str, int]
        Of the scenario: how many bars, how many kills.
    crash_points : tuple[CrashPoint, ...]
        Where the node is killed besides.
    folder : str
        Where it is kept in the run's folder.
    reference : str
        Where the undisturbed play is kept that it is compared with; empty for none.
    drawn : Drawn or None
        What chance has drawn, where that is what is played.

    """

    name: str
    scenario: str
    options: dict[str, int] = {}
    crash_points: tuple[CrashPoint, ...] = ()
    folder: str
    reference: str = ""
    drawn: Drawn | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What a run does.

    Parameters
    ----------
    seed : int
        Of the market; decides everything that happens there.
    epoch : int or None
        Where market time begins (ms); None leaves it to the exchange.
    market : Market or None
        Recorded bars instead of the seeded market.
    policy : Policy
        What the drilled project promises.
    cases : tuple[Case, ...]
        What is played.
    exploration : bool
        Whether the cases came from an exploration.
    runtime : {"process", "compose"}
        What is played in; a schedule that does not say so is of processes.
    starts : {"cold", "warm"}
        Whether each process is started anew, or forked from one that has imported what it imports.
    machine : Machine
        What it is played on, which decides how long the policy's budgets are.

    """

    seed: int
    epoch: int | None = None
    market: Market | None = None
    history_bars: int = HISTORY_BARS
    policy: Policy
    cases: tuple[Case, ...]
    exploration: bool = False
    runtime: RuntimeName = "process"
    starts: Starts = "cold"
    machine: Machine = Machine()
    schema: int = SCHEDULE_SCHEMA

    @property
    def judged_by(self) -> Policy:
        """The policy with the budgets of the machine."""
        return scaled(self.policy, self.machine)

    def write(self, folder: Path) -> None:
        """Write ``schedule.json`` into a folder."""
        write_json(folder / FILE, self)

    def alone(self, case: Case) -> "Schedule":
        """Return the schedule of one case, as its own folder keeps it."""
        reference = os.path.relpath(case.reference, case.folder) if case.reference else ""
        here = msgspec.structs.replace(case, folder=".", reference=reference)
        return msgspec.structs.replace(self, cases=(here,))


def read_schedule(path: Path) -> Schedule:
    """Read a schedule from its file, or from its folder.

    Raises
    ------
    ValueError
        If there is none, or another version of the drill wrote it.

    """
    path = path / FILE if path.is_dir() else path
    try:
        value: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        if not isinstance(value, dict) or value.get("schema") != SCHEDULE_SCHEMA:
            raise ValueError("another version of the drill wrote it")
        return msgspec.convert(value, type=Schedule)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{path.parent} is not the folder of a drill: its {FILE} cannot be read ({why})."
        ) from error


def market_of(path: Path | None) -> Market | None:
    """Return how a file of bars is written into a schedule."""
    if path is None:
        return None
    return Market(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def write_json(path: Path, value: object) -> None:
    """Write a value as readable JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
