"""One run: scenarios side by side, each in a world of its own, and the folder that they leave."""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from recovery_drill.evidence import Evidence, from_records
from recovery_drill.failures import Disagreement, Inconclusive, Unsettled, UsageError
from recovery_drill.model import SCHEMA, Record, read_records
from recovery_drill.policy import Policy, fill_in
from recovery_drill.processes.child import find_program
from recovery_drill.processes.exchange import Exchange
from recovery_drill.scenarios.kills import Scenario
from recovery_drill.store.server import EmbeddedStore, GivenStore
from recovery_drill.verdict import ScenarioVerdict, Verdict, decide
from recovery_drill.world import World

HISTORY_BARS = 300
SCENARIO_SECONDS = 900.0
UNDISTURBED = "undisturbed"
FAILURE = "failure.txt"


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Parameters
    ----------
    scenarios : tuple[Scenario, ...]
        What to play.
    policy : Policy
        What the drilled project promises.
    project : Path
        Its folder.
    exchange_command : tuple[str, ...]
        The exchange's command line, without the arguments that the drill adds.
    seed : int
        Of the market; decides everything that happens there.
    epoch : int or None
        Where market time begins (ms); None leaves it to the exchange.
    market : Path or None
        A file of recorded bars instead of the seeded market.
    store_url : str or None
        A given store; None starts an embedded one for each scenario.
    jobs : int
        How many scenarios run at once.

    """

    scenarios: tuple[Scenario, ...]
    policy: Policy
    project: Path
    exchange_command: tuple[str, ...]
    seed: int = 7
    epoch: int | None = None
    market: Path | None = None
    store_url: str | None = None
    jobs: int = 2

    def schedule(self) -> dict[str, object]:
        """Return what ``schedule.json`` holds: enough to play the same run again."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "epoch": self.epoch,
            "market": None if self.market is None else self.market.name,
            "history_bars": HISTORY_BARS,
            "scenarios": [s.name for s in self.scenarios],
            "policy": msgspec.to_builtins(self.policy),
        }

    def exchange_arguments(self) -> list[str]:
        """Return the exchange's whole command line."""
        command = [*self.exchange_command, "--stepped", "--port", "0", "--seed", str(self.seed)]
        command += ["--history", str(HISTORY_BARS)]
        for symbol in self.policy.symbols:
            command += ["--symbol", symbol]
        if self.epoch is not None:
            command += ["--epoch", str(self.epoch)]
        if self.market is not None:
            command += ["--market", str(self.market.resolve())]
        return command


Tell = Callable[[ScenarioVerdict], None]


async def run(plan: Plan, folder: Path, tell: Tell = lambda _: None) -> Verdict:
    """Play every scenario of a plan and judge it.

    Parameters
    ----------
    plan : Plan
        What to do.
    folder : Path
        An empty folder for everything that is recorded.
    tell : Callable
        Called with each scenario's verdict as it falls.

    """
    await _preflight(plan)
    _write_json(folder / "schedule.json", plan.schedule())
    places = asyncio.Semaphore(plan.jobs)

    async def one(index: int, scenario: Scenario) -> ScenarioVerdict:
        async with places:
            verdict = await _play(plan, index, scenario, folder / scenario.name)
        tell(verdict)
        return verdict

    try:
        # A group, so that when one scenario is refused, the others end their processes first.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(i, s)) for i, s in enumerate(plan.scenarios)]
    except* UsageError as refused:
        raise refused.exceptions[0] from None
    verdict = Verdict(seed=plan.seed, scenarios=tuple(task.result() for task in tasks))
    write_verdict(folder, verdict)
    return verdict


async def _preflight(plan: Plan) -> None:
    """Find out with one exchange, and before anything else runs, what cannot be drilled at all.

    Raises
    ------
    UsageError
        If there is no such node command, or the exchange refuses its arguments.

    """
    with tempfile.TemporaryDirectory() as place:
        node = plan.policy.node_command[0]
        find_program("node", fill_in(node, {}), plan.project, os.environ)
        exchange = Exchange(plan.exchange_arguments(), Path(place))
        try:
            await exchange.start()
        finally:
            await exchange.stop()


async def _play(plan: Plan, index: int, scenario: Scenario, folder: Path) -> ScenarioVerdict:
    """Play one scenario; try once more if nothing could be said about the node."""
    verdict = await _play_twice(plan, index, scenario, folder)
    if verdict.outcome != "inconclusive":
        return verdict
    # The first attempt stays to be looked at, and its reason is told: a retry must not hide it.
    _set_aside(folder)
    again = await _play_twice(plan, index, scenario, folder)
    return replace(again, attempts=2, first_reason=verdict.reason)


def _set_aside(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}-attempt-1"))


async def _play_twice(plan: Plan, index: int, scenario: Scenario, folder: Path) -> ScenarioVerdict:
    """Play one scenario without its kills, as the reference, and then with them."""
    failures = []
    (folder / UNDISTURBED).mkdir(parents=True)
    for place, disturbed in ((folder / UNDISTURBED, False), (folder, True)):
        failure = await _play_once(plan, index, scenario, place, disturbed=disturbed)
        if failure and not disturbed:
            failure = f"Undisturbed: {failure}"
        failures.append(failure)
    failure = next(filter(None, reversed(failures)), "")
    _note_failure(folder, failure)
    evidence = read_evidence(folder, plan.policy)
    return decide(scenario.name, scenario.purpose, scenario.needs, evidence, failure=failure)


def _note_failure(folder: Path, failure: str) -> None:
    if failure:
        (folder / FAILURE).write_text(failure + "\n", encoding="utf-8")


async def _play_once(
    plan: Plan, index: int, scenario: Scenario, folder: Path, *, disturbed: bool
) -> str:
    """Play one scenario; return how the environment failed, or nothing."""
    trader_id = plan.policy.trader_id
    store: EmbeddedStore | GivenStore
    if plan.store_url is None:
        store_folder = folder / "store"
        store_folder.mkdir()
        store = EmbeddedStore(store_folder)
    else:
        # A name that nobody has, so that nobody's keys are read or removed.
        tag = trader_id.rsplit("-", 1)[-1]
        trader_id = f"DRILL{time.time_ns() // 1_000_000 % 10**9}N{index}-{tag}"
        store = GivenStore(plan.store_url, trader_id)
    world = World(
        plan.policy,
        project=plan.project,
        folder=folder,
        store=store,
        exchange_command=plan.exchange_arguments(),
        trader_id=trader_id,
        disturbed=disturbed,
    )
    failure = ""
    try:
        async with asyncio.timeout(SCENARIO_SECONDS):
            await world.open()
            await scenario.play(world)
            # The last life is stopped, not killed: it must also know how to end.
            await world.stop_node()
        world.history.record("drill", "played", {"what": scenario.name})
    except (Unsettled, Disagreement) as reason:
        # A node whose exchange or store has died is not to blame for what it does then.
        failure = world.environment_failure()
        kind = "unsettled" if isinstance(reason, Unsettled) else "disagreed"
        if not failure:
            world.history.record("drill", kind, {"what": str(reason)})
    except Inconclusive as reason:
        failure = world.environment_failure() or str(reason)
    except TimeoutError:
        failure = f"The scenario was not over after {SCENARIO_SECONDS:g} s."
    except UsageError:
        raise
    except Exception as error:
        # Whatever else goes wrong is the drill's or the machine's failure, never the node's.
        failure = f"The drill failed: {type(error).__name__}: {error}."
    finally:
        try:
            await world.close()
        except Exception as error:
            failure = failure or f"The scenario did not end cleanly: {error}."
    return failure


def read_evidence(folder: Path, policy: Policy) -> Evidence:
    """Read what one scenario left in its folder."""
    undisturbed = folder / UNDISTURBED
    # A reference that was cut short would make every later change look like one too many.
    whole = any(r.kind == "played" for r in _records(undisturbed / "history.jsonl"))
    return from_records(
        policy,
        _records(folder / "history.jsonl"),
        _records(folder / "exchange.jsonl"),
        _records(undisturbed / "exchange.jsonl") if whole else None,
    )


def _records(path: Path) -> list[Record]:
    if not path.exists():
        return []
    return read_records(path.read_text(encoding="utf-8").splitlines())


def judge_folder(folder: Path, known: Sequence[Scenario]) -> Verdict:
    """Judge an old run again, from what it left; nothing is started.

    Raises
    ------
    ValueError
        If the folder is no run of this drill, or names a scenario that is not `known`.

    """
    try:
        schedule = msgspec.json.decode((folder / "schedule.json").read_bytes())
        policy = msgspec.convert(schedule["policy"], type=Policy)
    except (OSError, KeyError, TypeError, msgspec.DecodeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"{folder} is not the folder of a drill: its schedule.json cannot be read ({why})."
        raise ValueError(msg) from error
    by_name = {scenario.name: scenario for scenario in known}
    verdicts = []
    for name in schedule["scenarios"]:
        if name not in by_name:
            raise ValueError(f"{folder} played {name!r}, which this drill does not know.")
        place, scenario = folder / name, by_name[name]
        failed = place / FAILURE
        failure = failed.read_text(encoding="utf-8").strip() if failed.exists() else ""
        evidence = read_evidence(place, policy)
        verdicts.append(decide(name, scenario.purpose, scenario.needs, evidence, failure=failure))
    return Verdict(seed=schedule["seed"], scenarios=tuple(verdicts))


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Write ``verdict.json``."""
    value = msgspec.to_builtins(verdict)
    _write_json(folder / "verdict.json", {**value, "outcome": verdict.outcome})


def _write_json(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def run_folder(root: Path, seed: int) -> Path:
    """Make the folder of a new run."""
    root.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    taken = [p.name for p in root.iterdir() if re.match(rf"{stamp}-seed{seed}", p.name)]
    folder = root / (f"{stamp}-seed{seed}" + (f"-{len(taken) + 1}" if taken else ""))
    folder.mkdir()
    return folder


def point_latest_at(folder: Path) -> None:
    """Let ``latest`` beside a run's folder lead to it, once the run has its verdict."""
    latest = folder.with_name("latest")
    latest.unlink(missing_ok=True)
    latest.symlink_to(folder.name)
