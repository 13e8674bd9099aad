"""A soak: random search for hours, in one market after the other, on a bounded piece of disk."""

import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import msgspec

from recovery_drill.campaign.random_search import RandomSearch, Search
from recovery_drill.campaign.run import Progress
from recovery_drill.failures import Inconclusive
from recovery_drill.play.ground import Ground
from recovery_drill.record.verdict import Verdict

RUNS_A_MARKET = 10
KEPT = 5
"""So many markets in which something was inconclusive are kept, the last ones."""
LINES = "soak.jsonl"
MOST_SEED = 10**6


@dataclass
class Tally:
    """What a soak has come to.

    Parameters
    ----------
    began : float
        When it began, by the monotonic clock.
    markets, runs, held, inconclusive, kills : int
        How many there have been.

    """

    began: float
    markets: int = 0
    runs: int = 0
    held: int = 0
    inconclusive: int = 0
    kills: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count what was played in one more market."""
        outcomes = [scenario.outcome for scenario in verdict.scenarios]
        self.markets += 1
        self.runs += len(outcomes)
        self.held += outcomes.count("held")
        self.inconclusive += outcomes.count("inconclusive")
        self.kills += sum(scenario.kills for scenario in verdict.scenarios)

    def words(self, now: float) -> str:
        """Say how it goes."""
        minutes = max((now - self.began) / 60, 1e-9)
        return (
            f"{minutes:.0f} min: {self.runs} runs in {self.markets} markets, {self.held} held, "
            f"{self.inconclusive} inconclusive; {self.kills} kills, {self.kills / minutes:.1f} "
            "kill-verify cycles a minute."
        )


class Soak:
    """Searches in one market after the other until time is up or a promise is broken.

    Parameters
    ----------
    ground : Ground
        Where and against what; its seed decides which markets there are.
    seconds : float
        How long.
    shrink : int
        How many smaller schedules may be tried when one fails.
    folder : Path
        Where it is recorded: a line for each run, and the whole of what did not hold.

    """

    def __init__(self, ground: Ground, seconds: float, shrink: int, folder: Path) -> None:
        self._ground = ground
        self._seconds = seconds
        self._shrink = shrink
        self._folder = folder
        self._kept: deque[Path] = deque()
        self.tally = Tally(time.monotonic())
        self.broken: tuple[Path, Verdict] | None = None
        self.search: RandomSearch | None = None

    async def run(self, jobs: int, tell: Progress, say: Callable[[str], None]) -> None:
        """Go on until time is up, or a promise is broken."""
        seeds = Random(self._ground.seed)  # noqa: S311 - which markets there are is no secret
        self.tally = Tally(time.monotonic())
        ends = self.tally.began + self._seconds
        while (left := ends - time.monotonic()) > 0 and self.broken is None:
            ground = replace(self._ground, seed=seeds.randrange(MOST_SEED))
            place = self._folder / f"seed-{ground.seed}"
            place.mkdir()
            search = RandomSearch(ground, Search(RUNS_A_MARKET, left, self._shrink), place)
            try:
                verdict = await search.run(jobs, tell)
            except Inconclusive as reason:
                # A market in which an undisturbed node does not come through shows nothing.
                say(f"Market {ground.seed} is left out: {reason}")
                self._keep(place)
                continue
            self.tally.add(verdict)
            self._note(ground.seed, verdict)
            say(self.tally.words(time.monotonic()))
            if verdict.outcome == "broken":
                self.broken, self.search = (place, verdict), search
            elif verdict.outcome == "held":
                shutil.rmtree(place)
            else:
                self._keep(place)

    def _keep(self, place: Path) -> None:
        """Keep what was inconclusive, and forget the oldest of it."""
        self._kept.append(place)
        if len(self._kept) > KEPT:
            shutil.rmtree(self._kept.popleft())

    def _note(self, seed: int, verdict: Verdict) -> None:
        """Write a line for each run; it is all that is kept of one that held."""
        with (self._folder / LINES).open("ab") as file:
            for scenario in verdict.scenarios:
                row = {
                    "seed": seed,
                    "run": scenario.name,
                    "outcome": scenario.outcome,
                    "kills": scenario.kills,
                    "fills": scenario.fills,
                    "seconds_down": scenario.seconds_down,
                    "reason": scenario.reason,
                }
                file.write(msgspec.json.encode(row) + b"\n")
