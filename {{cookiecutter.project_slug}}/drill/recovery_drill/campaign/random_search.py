"""Random search: schedules of faults that chance has drawn, until one breaks a promise."""

import asyncio
import shutil
import tempfile
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

import msgspec

from recovery_drill.campaign.draw import Finder
from recovery_drill.campaign.run import (
    Progress,
    schedule_of,
    subject_of,
    what_was_drilled,
    write_verdict,
)
from recovery_drill.failures import Inconclusive
from recovery_drill.play.case import play_case, play_undisturbed
from recovery_drill.play.ground import Ground
from recovery_drill.record.drawn import Drawn
from recovery_drill.record.schedule import Case, write_json
from recovery_drill.record.verdict import ScenarioVerdict, Verdict
from recovery_drill.scenarios.drawn import NAME, ROWS, Row, drawn_scenario

REFERENCE = "undisturbed"
SMALLEST = "smallest"
FOUND = "found.json"
TIMES = 2
"""So often a smaller schedule must fail in a row: one that fails by luck leads astray."""


@dataclass(frozen=True)
class Search:
    """How far is searched.

    Parameters
    ----------
    runs : int
        How many schedules are drawn.
    seconds : float or None
        After so long no further one is begun.
    shrink : int
        How many smaller schedules may be tried when one fails.

    """

    runs: int
    seconds: float | None = None
    shrink: int = 0


class Found(msgspec.Struct, frozen=True):
    """What a search has found: ``found.json``.

    Parameters
    ----------
    runs : int
        How many schedules were judged until one broke a promise.
    drawn, smallest : Drawn
        The schedule that broke it, and the smallest that still does.
    plays : int
        How many were played to make it smaller.

    """

    runs: int
    drawn: Drawn
    smallest: Drawn
    plays: int

    @property
    def words(self) -> str:
        """What it is, in a sentence or two."""
        faults, bars = self.drawn.length
        fewer, shorter = self.smallest.length
        return (
            f"The run that broke a promise had {faults} faults in {bars} bars. After {self.plays} "
            f"plays the smallest that still does has {fewer} in {shorter}: {self.smallest.words}."
        )


class RandomSearch:
    """Searches one market for a schedule under which a node breaks a promise.

    Parameters
    ----------
    ground : Ground
        Where and against what; its seed draws the schedules, too.
    search : Search
        How far.
    folder : Path
        An empty folder for everything that is recorded.

    """

    def __init__(self, ground: Ground, search: Search, folder: Path) -> None:
        self._ground = ground
        self._search = search
        self._folder = folder
        self._finder = Finder(possible(ground), ground.seed, search.runs)
        self._cases: list[Case] = []
        self._verdicts: dict[str, ScenarioVerdict] = {}
        self.found: Found | None = None

    async def run(self, jobs: int, tell: Progress) -> Verdict:
        """Play what is drawn until the first broken promise, make that smaller, and judge.

        Raises
        ------
        Inconclusive
            If the node does not come through undisturbed.

        """
        ends = time.monotonic() + (self._search.seconds or float("inf"))
        await self._learn()
        drawn = self._finder.draw()
        waiting = [self._case(n, each) for n, each in enumerate(drawn, start=1)]
        waiting.reverse()

        async def work() -> None:
            while waiting and time.monotonic() < ends and not self._broken():
                case = waiting.pop()
                self._cases.append(case)
                tell.began(case)
                verdict = await self._play(case)
                self._verdicts[case.name] = verdict
                tell.ended(verdict)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, self._ground.most_jobs or jobs)):
                group.create_task(work())
        if broken := self._broken():
            self.found = await self._shrink(broken[0])
            write_json(self._folder / FOUND, self.found)
        return await asyncio.to_thread(self._judge)

    async def _learn(self) -> None:
        place = self._folder / REFERENCE
        place.mkdir(parents=True)
        ending = await play_undisturbed(self._ground, drawn_scenario(Drawn()), place)
        if ending.failure:
            raise Inconclusive(ending.failure)

    def _case(self, number: int, drawn: Drawn) -> Case:
        return Case(
            name=f"random {number}: {drawn.words}",
            scenario=NAME,
            folder=f"cases/{number}",
            reference=REFERENCE,
            drawn=drawn,
        )

    async def _play(self, case: Case) -> ScenarioVerdict:
        place = self._folder / case.folder
        reference = self._folder / REFERENCE
        verdict = await play_case(self._ground, subject_of(case), place, reference)
        schedule_of(self._ground, ()).alone(case).write(place)
        return verdict

    def _broken(self) -> list[Case]:
        verdicts = self._verdicts
        return [
            c for c in self._cases if c.name in verdicts and verdicts[c.name].outcome == "broken"
        ]

    async def _shrink(self, case: Case) -> Found:
        """Find the smallest schedule that breaks one of the promises that a case has broken."""
        assert case.drawn is not None, "only what was drawn can be made smaller"
        loop = asyncio.get_running_loop()
        wanted = _checks(self._verdicts[case.name])
        best: dict[Drawn, tuple[Case, ScenarioVerdict]] = {}
        plays = 0

        async def try_out(drawn: Drawn) -> bool:
            nonlocal plays
            for _ in range(TIMES):
                plays += 1
                smaller = msgspec.structs.replace(
                    case, name=f"{SMALLEST}: {drawn.words}", folder=f"tried/{plays}", drawn=drawn
                )
                verdict = await self._play(smaller)
                if not _checks(verdict) & wanted:
                    # What held says nothing any more; what was inconclusive has not failed.
                    for left in (self._folder / "tried").glob(f"{plays}*"):
                        shutil.rmtree(left)
                    return False
            best[drawn] = smaller, verdict
            return True

        is_over = False

        def fails(drawn: Drawn) -> bool:
            if is_over:
                return False
            try:
                return asyncio.run_coroutine_threadsafe(try_out(drawn), loop).result()
            except CancelledError:
                return False

        smallest = case.drawn
        if self._search.shrink:
            most = self._search.shrink
            try:
                smallest, _ = await asyncio.to_thread(self._finder.shrink, case.drawn, fails, most)
            finally:
                is_over = True  # whoever ends the drill does not wait for the rest of it
        if smallest in best:
            found, verdict = best[smallest]
            (self._folder / found.folder).rename(self._folder / SMALLEST)
            here = msgspec.structs.replace(found, folder=SMALLEST)
            schedule_of(self._ground, ()).alone(here).write(self._folder / SMALLEST)
            self._cases.append(here)
            self._verdicts[here.name] = verdict
        shutil.rmtree(self._folder / "tried", ignore_errors=True)
        return Found(len(self._verdicts) - (smallest in best), case.drawn, smallest, plays)

    def _judge(self) -> Verdict:
        cases = [case for case in self._cases if case.name in self._verdicts]
        # As an exploration: it is told of by what did not hold.
        schedule = schedule_of(self._ground, cases, exploration=True)
        schedule.write(self._folder)
        verdicts = tuple(self._verdicts[case.name] for case in cases)
        verdict = Verdict(
            self._ground.seed,
            verdicts,
            drilled=what_was_drilled(self._ground, schedule, self._folder),
            machine=self._ground.machine,
        )
        write_verdict(self._folder, verdict)
        return verdict


def possible(ground: Ground) -> list[Row]:
    """Return the faults that can happen on a ground."""
    with tempfile.TemporaryDirectory() as place:
        runtime = ground.runtime_in(Path(place))
        here = [row for row in ROWS if not row.fault().unavailable(runtime)]
    protected = ground.policy.protective_stop
    return [row for row in here if protected or row.group != "account"]


def _checks(verdict: ScenarioVerdict) -> set[str]:
    return {check.name for check in verdict.checks if check.broken}
