"""Each mutant is caught by the check that names its bug; the sound node holds in the same cases."""

import asyncio
import inspect
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baking import TEMPLATE, BakedProject
from drill.drilled import selected
from drill.mutant_cases import SEED
from drill.mutants import MUTANTS, WAITING, Mutant, Waiting
from drill.nodes.mutants.bugs import BUGS
from drill.nodes.mutants.package import Package
from node.baked import PACKAGE, module
from recovery_drill.checks import CHECKS
from recovery_drill.play.case import Subject, play_case, play_undisturbed
from recovery_drill.play.ground import Ground
from recovery_drill.play.scenario import Scenario
from recovery_drill.proc.child import inherited
from recovery_drill.proc.warm import WarmParent, WarmStarts
from recovery_drill.record.policy import Budgets, read_policy
from recovery_drill.record.verdict import ScenarioVerdict

SOUND = "sound"
LAUNCHER = Path(__file__).parent / "nodes" / "mutants" / "__main__.py"
# What no bug touches; the production package is imported by each node itself.
WARM = (
    *("nautilus_trader.live.node", "nautilus_trader.adapters.binance"),
    *("aiohttp", "msgspec", "pydantic_settings", "redis.asyncio"),
)
PAGE = TEMPLATE / "docs" / "mutants.md"
AT_ONCE = 2
# Most mutants are caught when a budget runs out; the sound node needs a fraction of these.
BUDGETS = Budgets(start_seconds=25, settle_seconds=5, store_seconds=2, notice_seconds=2)
# The exchange never stops trading a symbol, and no play lasts for days.
NOT_DRILLED = {"archive", "books", "halt", "limits"}
CASES = tuple({mutant.case.name: mutant.case for mutant in MUTANTS}.values())


class Playground:
    """Plays cases, two at a time, against references of the sound node that they share.

    Parameters
    ----------
    project : BakedProject
        Its production package is the sound node.
    folder : Path
        Where everything is recorded.

    """

    def __init__(self, project: BakedProject, folder: Path) -> None:
        self._project = project
        self._folder = folder
        self._plays: dict[tuple[str, str], Future[ScenarioVerdict]] = {}
        self._references: dict[str, asyncio.Task[Path]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._starts = WarmStarts()
        self._wait_for(self._warm_up())

    async def _warm_up(self) -> None:
        found_in = {"PYTHONPATH": self._project.environment["PYTHONPATH"]}
        environment = {**inherited(), **found_in}
        parent = WarmParent(sys.executable, WARM, environment, self._project.path)
        await self._starts.prepare(parent)

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def play(self, case: Subject, node: str = SOUND) -> Future[ScenarioVerdict]:
        """Begin to play a case with a node, unless it has begun."""
        key = case.name, node
        if key not in self._plays:
            play = self._play(case, node)
            self._plays[key] = asyncio.run_coroutine_threadsafe(play, self._loop)
        return self._plays[key]

    async def _play(self, case: Subject, node: str) -> ScenarioVerdict:
        async with self._places:
            reference = await self._reference(case.scenario)
            folder = self._folder / f"{case.name} by {node}"
            return await play_case(self._ground(node), case, folder, reference)

    async def _reference(self, scenario: Scenario) -> Path:
        if scenario.name not in self._references:
            play = self._play_reference(scenario)
            self._references[scenario.name] = asyncio.create_task(play)
        return await self._references[scenario.name]

    async def _play_reference(self, scenario: Scenario) -> Path:
        folder = self._folder / f"{scenario.name} undisturbed"
        folder.mkdir()
        ending = await play_undisturbed(self._ground(SOUND), scenario, folder)
        if ending.failure:
            raise RuntimeError(f"There is no reference to compare with: {ending.failure}")
        return folder

    def _ground(self, node: str) -> Ground:
        command = f"{{python}} {LAUNCHER} {self._project.package} {node}"
        policy = read_policy(self._project.path, None if node == SOUND else command)
        found_in = self._project.environment["PYTHONPATH"]
        policy = msgspec.structs.replace(
            policy, budgets=BUDGETS, environment={**policy.environment, "PYTHONPATH": found_in}
        )
        exchange = ("env", f"PYTHONPATH={found_in}", sys.executable, "-m", "simulated_exchange")
        return Ground(policy, self._project.path, exchange, seed=SEED, spawn=self._starts)

    def close(self) -> None:
        """End what still runs, and every process of it."""
        self._wait_for(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._starts.__aexit__()


def _begin(ground: Playground, chosen: dict[str, Any]) -> None:
    match chosen.get("of"):
        case Subject() as case:
            ground.play(case)
        case Mutant() as mutant:
            ground.play(mutant.case, mutant.name)
        case Waiting() as waiting:
            ground.play(waiting.case)


@pytest.fixture(scope="module")
def playground(
    request: pytest.FixtureRequest,
    baked_project: BakedProject,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Playground]:
    """Where the cases are played; it begins with all that have been selected, in their order."""
    ground = Playground(baked_project, tmp_path_factory.mktemp("mutants"))
    for chosen in selected(request):
        _begin(ground, chosen)
    yield ground
    ground.close()


def judged(verdict: ScenarioVerdict) -> ScenarioVerdict:
    """Return a verdict, unless this machine lacks what the case needs."""
    if verdict.outcome == "skipped":
        pytest.skip(verdict.reason)
    return verdict


def broken(verdict: ScenarioVerdict) -> dict[str, tuple[str, ...]]:
    """Return the sentences of each broken check."""
    return {check.name: check.broken for check in verdict.checks if check.broken}


@pytest.mark.parametrize("of", CASES, ids=lambda case: case.name)
def test_the_sound_node_holds_where_mutants_are_caught(playground: Playground, of: Subject) -> None:
    verdict = judged(playground.play(of).result())
    assert verdict.outcome == "held", broken(verdict) or verdict.reason


@pytest.mark.parametrize("of", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_the_check_that_names_its_bug(
    playground: Playground, of: Mutant
) -> None:
    verdict = judged(playground.play(of.case, of.name).result())
    assert of.check in broken(verdict), broken(verdict) or verdict.reason


@pytest.mark.parametrize("of", WAITING, ids=lambda waiting: waiting.name)
def test_a_bug_without_a_guard_is_caught_in_the_sound_node(
    playground: Playground, of: Waiting
) -> None:
    verdict = playground.play(of.case).result()
    assert of.check in broken(verdict), broken(verdict) or verdict.reason


@pytest.mark.parametrize(
    "of",
    [
        # Once it holds, the row becomes a mutant whose bug takes the guard away.
        pytest.param(
            waiting,
            id=waiting.name,
            marks=pytest.mark.xfail(reason=f"missing: {waiting.guard}", raises=AssertionError),
        )
        for waiting in WAITING
    ],
)
def test_the_guard_of_a_waiting_mutant_is_there(playground: Playground, of: Waiting) -> None:
    assert playground.play(of.case).result().outcome == "held"


def test_only_a_guard_that_is_there_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = module("life.runner")
    monkeypatch.setattr(runner, "GUARDS", runner.GUARDS)
    monkeypatch.setattr(runner, "WATCHES", runner.WATCHES)
    package = Package(PACKAGE)
    package.without("audit")
    assert "audit" not in {guard.name for guard in runner.GUARDS}
    with pytest.raises(ValueError, match="There is no guard audits; there are store, hosts,"):
        package.without("audits")


def test_every_bug_is_a_mutant_once() -> None:
    assert sorted(mutant.name for mutant in MUTANTS) == sorted(BUGS)


def test_every_watch_is_left_out_by_some_mutant() -> None:
    sources = "".join(inspect.getsource(bug) for bug in BUGS.values())
    names = {watch.name for watch in module("life.runner").WATCHES}
    assert {name for name in names if f'"{name}"' not in sources} == NOT_DRILLED


def test_every_check_names_a_bug() -> None:
    named = [mutant.check for mutant in MUTANTS] + [waiting.check for waiting in WAITING]
    assert set(named) == set(CHECKS)


def test_the_page_on_mutants_holds_the_tables() -> None:
    """docs/mutants.md is for readers; the tables that are drilled are those here."""
    page = PAGE.read_text("utf-8")
    mutants = [f"| `{m.name}` | {m.wrong} | {m.case.name} | `{m.check}` |" for m in MUTANTS]
    waiting = [
        f"| `{w.name}` | {w.wrong} | {w.case.name} | `{w.check}` | {w.guard} |" for w in WAITING
    ]
    assert f"{len(MUTANTS)} nodes" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == mutants + waiting
