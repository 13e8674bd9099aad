"""Exploration: learn every crash point from an undisturbed play, and kill the node at each."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from recovery_drill.campaign.run import Progress, run, schedule_of
from recovery_drill.failures import Inconclusive
from recovery_drill.play.case import Subject, play_case, play_undisturbed, read_file
from recovery_drill.play.ground import Ground
from recovery_drill.record.boundary import Boundary, CrashPoint, boundaries
from recovery_drill.record.contract import Stage
from recovery_drill.record.coverage import Coverage, choose, cover, first_kill, plan_cases
from recovery_drill.record.model import Record
from recovery_drill.record.schedule import Case, write_json
from recovery_drill.record.verdict import Verdict
from recovery_drill.scenarios.workload import NAME, workload_scenario

REFERENCE, RECOVERY = "reference", "recovery"
RECORDED = ("exchange.jsonl", "store.jsonl", "history.jsonl")


@dataclass(frozen=True)
class Exploration:
    """What is explored.

    Parameters
    ----------
    bars : int
        How long the node trades undisturbed.
    each : int
        How many occurrences of each boundary it is killed at.
    second : bool
        Whether it is also killed twice: again while it comes back from a first kill.
    only : str
        A regular expression; cases in whose names it is not found are left out.
    most : int or None
        At most so many cases, evenly spread.

    """

    bars: int
    each: int = 1
    second: bool = True
    only: str = ""
    most: int | None = None


class Explorer:
    """Explores one node.

    Parameters
    ----------
    ground : Ground
        Where and against what.
    exploration : Exploration
        How far.
    folder : Path
        An empty folder for everything that is recorded.

    """

    def __init__(self, ground: Ground, exploration: Exploration, folder: Path) -> None:
        self._ground = ground
        self._exploration = exploration
        self._folder = folder
        self._scenario = workload_scenario(exploration.bars)
        self.found: Counter[Boundary] = Counter()
        self.recovery: Counter[Boundary] = Counter()
        self.first: CrashPoint | None = None

    async def learn(self) -> None:
        """Play undisturbed, and once with a single kill, and note every boundary on the way.

        Raises
        ------
        Inconclusive
            If the node does not come through undisturbed, or not through the single kill.

        """
        place = self._folder / REFERENCE
        place.mkdir()
        ending = await play_undisturbed(self._ground, self._scenario, place)
        if ending.failure or not _was_played(place):
            raise Inconclusive(ending.failure or _why(place))
        self.found = boundaries(_records(place))
        if not self._exploration.second:
            return
        self.first = first_kill(self.found)
        if self.first is not None:
            await self._learn_recovery(self.first)

    async def _learn_recovery(self, first: CrashPoint) -> None:
        place = self._folder / RECOVERY
        subject = Subject(RECOVERY, self._scenario, (first,))
        await play_case(self._ground, subject, place, self._folder / REFERENCE)
        records = _records(place)
        began = [r.mono_ns for r in records if r.kind == "node.started"]
        if len(began) < 2:
            return  # the case that kills there alone says why
        trading = [
            r.mono_ns
            for r in records
            if r.kind == "node.stage" and r.data["stage"] == Stage.TRADING and r.mono_ns > began[1]
        ]
        # What it does first when it trades belongs to the recovery: the missing stop is placed.
        rests = [r.mono_ns for r in records if r.kind == "snapshot" and r.mono_ns > began[1]]
        until = min(rests, default=max(trading, default=began[1]))
        self.recovery = boundaries(r for r in records if began[1] <= r.mono_ns <= until)

    async def kill_everywhere(self, jobs: int, tell: Progress) -> tuple[Verdict, Coverage]:
        """Play a case for each crash point; write ``verdict.json`` and ``coverage.json``."""
        cases = self.cases()
        if not cases:
            raise Inconclusive("No crash point is left to kill at.")
        schedule = schedule_of(self._ground, cases, exploration=True)
        verdict = await run(self._ground, schedule, self._folder, jobs, tell)
        coverage = cover(self.found, self.recovery, cases, verdict.scenarios)
        write_json(self._folder / "coverage.json", coverage)
        return verdict, coverage

    def cases(self) -> list[Case]:
        """Return what is played."""
        options = {"bars": self._exploration.bars}
        each = self._exploration.each
        cases = plan_cases(
            self.found, scenario=NAME, options=options, reference=REFERENCE, each=each
        )
        if self.first is not None:
            cases += plan_cases(
                self.recovery,
                scenario=NAME,
                options=options,
                reference=REFERENCE,
                each=each,
                after=self.first,
            )
        return choose(cases, self._exploration.only, self._exploration.most)


def _records(folder: Path) -> list[Record]:
    return [record for name in RECORDED for record in read_file(folder / name)]


def _was_played(folder: Path) -> bool:
    return any(r.kind == "played" for r in read_file(folder / "history.jsonl"))


def _why(folder: Path) -> str:
    said = [
        str(r.data["what"])
        for r in read_file(folder / "history.jsonl")
        if r.kind in ("unsettled", "disagreed")
    ]
    return f"Undisturbed, the node did not come through: {said[0] if said else 'see its log'}."
