"""What the reports are made of: a run's verdict, what it was to do, and what broke alike."""

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.coverage import Coverage, Covered
from recovery_drill.record.schedule import Case, Schedule, read_schedule
from recovery_drill.record.verdict import Outcome, ScenarioVerdict, Verdict
from recovery_drill.report.said import spans

COVERAGE = "coverage.json"
PROGRAM = "recovery-drill"
WORST_FIRST: tuple[Outcome, ...] = ("broken", "inconclusive", "skipped", "held")


@dataclass(frozen=True)
class Group:
    """Cases of which the same is to be said.

    Parameters
    ----------
    outcome : str
        Theirs.
    title : str
        What is said of all of them.
    cases : tuple[ScenarioVerdict, ...]
        In the order in which they were planned.

    """

    outcome: Outcome
    title: str
    cases: tuple[ScenarioVerdict, ...]


@dataclass(frozen=True)
class Material:
    """A run as its folder and its verdict tell it.

    Parameters
    ----------
    folder : Path
        The run's.
    verdict : Verdict
        On all of its cases.
    schedule : Schedule or None
        What it was to do; None if nothing says so.
    coverage : Coverage or None
        What an exploration found and killed at.
    machine : str
        How quick the machine was, in a sentence; empty when nobody measured it.

    """

    folder: Path
    verdict: Verdict
    schedule: Schedule | None = None
    coverage: Coverage | None = None
    machine: str = ""

    @property
    def program(self) -> str:
        """What starts the drill from here."""
        return program(sys.argv[0])

    @property
    def again(self) -> str:
        """The command that plays the whole run again."""
        return self._replay(self.folder) if self.schedule is not None else ""

    @property
    def exploration(self) -> bool:
        """Whether its cases are crash points, too many to tell of each."""
        return self.schedule is not None and self.schedule.exploration

    @cached_property
    def _cases(self) -> dict[str, Case]:
        return {case.name: case for case in self.schedule.cases} if self.schedule else {}

    @cached_property
    def _at(self) -> dict[tuple[str, bool], list[ScenarioVerdict]]:
        found: dict[tuple[str, bool], list[ScenarioVerdict]] = {}
        for scenario in self.verdict.scenarios:
            case = self._cases.get(scenario.name)
            if case and (points := case.crash_points):
                key = points[-1].boundary.name, len(points) > 1
                found.setdefault(key, []).append(scenario)
        return found

    def place(self, scenario: ScenarioVerdict) -> str:
        """Return where a case is kept in the run's folder."""
        case = self._cases.get(scenario.name)
        return case.folder if case else scenario.name

    def reference(self, scenario: ScenarioVerdict) -> str:
        """Return where the undisturbed play is kept; empty when there is none."""
        case = self._cases.get(scenario.name)
        return case.reference if case else ""

    def point(self, scenario: ScenarioVerdict) -> CrashPoint | None:
        """Return where the node was to be killed last; None when a scenario says where."""
        case = self._cases.get(scenario.name)
        return case.crash_points[-1] if case and case.crash_points else None

    def recovering(self, scenario: ScenarioVerdict) -> bool:
        """Return whether it was to be killed while it came back from an earlier kill."""
        case = self._cases.get(scenario.name)
        return case is not None and len(case.crash_points) > 1

    def replay(self, scenario: ScenarioVerdict) -> str:
        """Return the command that plays a case again, as short as it can be from here."""
        return self._replay(self.folder / self.place(scenario))

    def _replay(self, folder: Path) -> str:
        place = folder.resolve()
        path = min(os.path.relpath(place), str(place), key=len)
        words = [self.program, "replay", path]
        if self.schedule and self.schedule.market:
            words += ["--market", self.schedule.market.name]
        return shlex.join(words)

    def of(self, outcome: Outcome) -> list[ScenarioVerdict]:
        """Return the cases that ended so."""
        return [s for s in self.verdict.scenarios if s.outcome == outcome]

    def counts(self) -> str:
        """Return how many cases ended how: ``265 cases: 3 broken, 262 held``."""
        found = [f"{len(n)} {outcome}" for outcome in WORST_FIRST if (n := self.of(outcome))]
        return f"{cases(len(self.verdict.scenarios))}: {', '.join(found)}"

    def groups(self) -> list[Group]:
        """Return the cases that did not hold, broken ones first, the largest group first."""
        found: list[Group] = []
        for outcome in WORST_FIRST[:-1]:
            alike: dict[str, list[ScenarioVerdict]] = {}
            for scenario in self.of(outcome):
                alike.setdefault(_what(scenario), []).append(scenario)
            found += [
                Group(outcome, _title(outcome, what, len(these)), tuple(these))
                for what, these in sorted(alike.items(), key=lambda item: -len(item[1]))
            ]
        return found

    def notes(self) -> Iterator[str]:
        """Yield what was left out and tried twice, each once with the number of its cases."""
        said = Counter(aside for s in self.verdict.scenarios for aside in asides(s))
        yield from (f"{aside} ({cases(times)})" for aside, times in said.items())

    def at(self, boundary: Covered) -> list[ScenarioVerdict]:
        """Return the cases in which the node was to be killed at a boundary, the worst first."""
        found = self._at.get((boundary.name, boundary.recovery), [])
        return sorted(found, key=lambda case: WORST_FIRST.index(case.outcome))


def read_material(folder: Path, verdict: Verdict) -> Material:
    """Read beside a verdict what else its folder tells."""
    try:
        schedule = read_schedule(folder)
    except ValueError:
        schedule = None  # a verdict alone is reported all the same
    try:
        coverage = msgspec.json.decode((folder / COVERAGE).read_bytes(), type=Coverage)
    except (OSError, ValueError):
        coverage = None  # no exploration, or one that was cut short
    return Material(folder, verdict, schedule, coverage, _machine(folder))


def _machine(folder: Path) -> str:
    """Return what a run says of the machine's speed; a run that did not measure it says nothing."""
    try:
        value = msgspec.json.decode((folder / "schedule.json").read_bytes())
        return str(value["machine"]["sentence"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def program(called: str) -> str:
    """Return what starts the drill from here: the path that it was called by, or its name.

    A shell passes the path on even of what it found by name, so that counts for nothing by itself.
    """
    path, found = Path(called).absolute(), shutil.which(PROGRAM)
    if path.name != PROGRAM or (found and Path(found).absolute() == path):
        return PROGRAM
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents[1:] else path)


def cases(number: int) -> str:
    """Return a number of cases in words."""
    return number_of(number, "case")


def number_of(number: int, what: str) -> str:
    """Return how many there are of something, in words: ``1 case``, ``2 cases``."""
    return f"{number} {what}{'s' * (number != 1)}"


def figures(scenario: ScenarioVerdict) -> tuple[str, ...]:
    """Return kills, fills, seconds down and seconds to trading, as a table shows them."""
    times = (scenario.seconds_down, scenario.seconds_to_trading)
    shown = ("-" if value is None else f"{value:.1f}" for value in times)
    return str(scenario.kills), str(scenario.fills), *shown


def sentences(scenario: ScenarioVerdict, *, checks: int, each: int) -> Iterator[tuple[str, str]]:
    """Yield check and sentence of what broke: so many checks, so many sentences of each."""
    broken = [check for check in scenario.checks if check.broken]
    for check in broken[:checks]:
        said = [found.sentence for found in spans(check.broken)]
        yield from ((check.name, sentence) for sentence in shortened(said, each))
    if more := len(broken[checks:]):
        yield "and", f"{more} check{'s' * (more != 1)} more"


def asides(scenario: ScenarioVerdict) -> Iterator[str]:
    """Yield what was left out of a case, and that it was tried twice."""
    for check in scenario.checks:
        if check.left_out is not None:
            yield f"{check.name} left out: {check.left_out}"
    if scenario.first_reason and scenario.first_reason == scenario.reason:
        yield "tried twice, and inconclusive for the same reason"
    elif scenario.first_reason:
        yield f"second attempt; the first was inconclusive: {scenario.first_reason}"


def shortened(said: Sequence[str], most: int) -> list[str]:
    """Return the first sentences, the last of which says how many more there are."""
    shown = list(said[:most])
    if (more := len(said) - most) > 0:
        shown[-1] += f" (and {more} more, see verdict.json)"
    return shown


def _title(outcome: Outcome, what: str, number: int) -> str:
    if outcome == "broken":
        return f"{what} broke in {cases(number)}"
    return f"{outcome} in {cases(number)}: {what}"


def _what(scenario: ScenarioVerdict) -> str:
    """Return what cases that ended alike have in common: the checks that broke, or the reason."""
    return scenario.reason or ", ".join(check.name for check in scenario.checks if check.broken)
