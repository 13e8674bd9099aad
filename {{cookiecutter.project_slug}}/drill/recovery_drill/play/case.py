"""One play: a scenario in a world of its own, judged by what it left in its folder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recovery_drill.failures import Disagreement, Inconclusive, Unsettled, Unsupported, UsageError
from recovery_drill.play.scenario import Scenario
from recovery_drill.play.world import World
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.evidence import Evidence, from_records
from recovery_drill.record.model import Record, read_records
from recovery_drill.record.policy import Policy
from recovery_drill.record.schedule import HISTORY_BARS, RuntimeName
from recovery_drill.record.verdict import ScenarioVerdict, decide
from recovery_drill.runtimes.containers.runtime import Containers
from recovery_drill.runtimes.processes import Processes
from recovery_drill.runtimes.protocol import Runtime

PLAY_SECONDS = 900.0
UNDISTURBED = "undisturbed"
FAILURE, SKIPPED = "failure.txt", "skipped.txt"


@dataclass(frozen=True)
class Setting:
    """Where and against what cases are played.

    Parameters
    ----------
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
        A given store; None starts an embedded one for each play.
    runtime : {"process", "compose"}
        Whether processes are drilled, or the containers of the project's ``compose.yaml``.

    """

    policy: Policy
    project: Path
    exchange_command: tuple[str, ...]
    seed: int = 7
    epoch: int | None = None
    market: Path | None = None
    store_url: str | None = None
    runtime: RuntimeName = "process"

    def exchange_arguments(self) -> list[str]:
        """Return the command line of an exchange that is a process."""
        command = [*self.exchange_command, "--port", "0", *self.exchange_options()]
        if self.market is not None:
            command += ["--market", str(self.market.resolve())]
        return command

    def exchange_options(self) -> list[str]:
        """Return what any exchange is told, less the file of recorded bars."""
        options = ["--stepped", "--seed", str(self.seed), "--history", str(HISTORY_BARS)]
        for symbol in self.policy.symbols:
            options += ["--symbol", symbol]
        if self.epoch is not None:
            options += ["--epoch", str(self.epoch)]
        return options

    def runtime_in(self, folder: Path) -> Runtime:
        """Return what one play is made of, not yet started; its files are kept in a folder."""
        if self.runtime == "compose":
            return Containers(
                self.policy,
                project=self.project,
                folder=folder,
                exchange_options=self.exchange_options(),
                market=self.market,
            )
        return Processes(
            self.policy,
            project=self.project,
            folder=folder,
            exchange_command=self.exchange_arguments(),
            store_url=self.store_url,
        )


@dataclass(frozen=True)
class Subject:
    """What is played and judged: a scenario, and the crash points that are added to it.

    Parameters
    ----------
    name : str
        What it is called in the verdict.
    scenario : Scenario
        What is done.
    crash_points : Sequence[CrashPoint]
        Where the node is killed besides.

    """

    name: str
    scenario: Scenario
    crash_points: Sequence[CrashPoint] = ()

    def verdict(
        self, evidence: Evidence, *, failure: str = "", skipped: str = ""
    ) -> ScenarioVerdict:
        """Judge what was recorded of it."""
        reached = {f"crash point {n + 1}" for n in range(len(self.crash_points))}
        return decide(
            self.name,
            self.scenario.purpose,
            self.scenario.needs | reached,
            evidence,
            failure=failure,
            skipped=skipped,
            kills_needed=self.scenario.kills,
            leave_out=self.scenario.leave_out,
        )


async def play_case(
    setting: Setting, subject: Subject, folder: Path, reference: Path | None = None
) -> ScenarioVerdict:
    """Play one subject and judge it; try once more if nothing could be said about the node.

    Parameters
    ----------
    setting : Setting
        Where and against what.
    subject : Subject
        What is played.
    folder : Path
        A folder for what is recorded, which does not exist yet.
    reference : Path, optional
        The folder of an undisturbed play of the same scenario. Without one it is played first, into
        ``undisturbed/``.

    """
    verdict = await _attempt(setting, subject, folder, reference)
    if verdict.outcome != "inconclusive":
        return verdict
    # The first attempt stays to be looked at, and its reason is told: a retry must not hide it.
    _set_aside(folder)
    again = await _attempt(setting, subject, folder, reference)
    return replace(again, attempts=2, first_reason=verdict.reason)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)


def _set_aside(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}-attempt-1"))


async def _attempt(
    setting: Setting, subject: Subject, folder: Path, reference: Path | None
) -> ScenarioVerdict:
    _make(folder)
    ending = Ending()
    if reference is None and subject.scenario.is_compared:
        reference = folder / UNDISTURBED
        _make(reference)
        ending = await play_undisturbed(setting, subject.scenario, reference)
    if not ending.skipped:
        failed = ending.failure
        ending = await _play(setting, subject.scenario, folder, points=subject.crash_points)
        ending = replace(ending, failure=ending.failure or failed)
    ending.write(folder)
    evidence = read_evidence(folder, setting.policy, reference)
    return subject.verdict(evidence, failure=ending.failure, skipped=ending.skipped)


@dataclass(frozen=True)
class Ending:
    """How a play ended, beyond what the node did.

    Parameters
    ----------
    failure : str
        How the environment failed; empty if it did not.
    skipped : str
        What the scenario needs and is not to be had here; empty if all is.

    """

    failure: str = ""
    skipped: str = ""

    def write(self, folder: Path) -> None:
        """Keep it, so that the folder is judged in the same way again."""
        for name, text in ((FAILURE, self.failure), (SKIPPED, self.skipped)):
            if text:
                (folder / name).write_text(text + "\n", encoding="utf-8")


def read_ending(folder: Path) -> Ending:
    """Read how the play in a folder ended."""

    def text(name: str) -> str:
        path = folder / name
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""

    return Ending(text(FAILURE), text(SKIPPED))


async def play_undisturbed(setting: Setting, scenario: Scenario, folder: Path) -> Ending:
    """Play a scenario without its kills and losses, into an empty folder."""
    ending = await _play(setting, scenario, folder, disturbed=False)
    return replace(ending, failure=f"Undisturbed: {ending.failure}") if ending.failure else ending


async def _play(
    setting: Setting,
    scenario: Scenario,
    folder: Path,
    *,
    disturbed: bool = True,
    points: Sequence[CrashPoint] = (),
) -> Ending:
    runtime = setting.runtime_in(folder)
    world = World(setting.policy, runtime, folder, disturbed=disturbed, crash_points=points)
    failure = skipped = ""
    try:
        async with asyncio.timeout(PLAY_SECONDS):
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
    except Unsupported as reason:
        skipped = str(reason)
    except Inconclusive as reason:
        failure = world.environment_failure() or str(reason)
    except TimeoutError:
        failure = f"The play was not over after {PLAY_SECONDS:g} s."
    except UsageError:
        raise
    except Exception as error:
        # Whatever else goes wrong is the drill's or the machine's failure, never the node's.
        failure = world.environment_failure() or (
            f"The drill failed: {type(error).__name__}: {error}."
        )
    finally:
        try:
            await world.close()
        except Exception as error:
            failure = failure or f"The play did not end cleanly: {error}."
    return Ending(failure, skipped)


def read_evidence(folder: Path, policy: Policy, reference: Path | None) -> Evidence:
    """Read what one play left in its folder, and what the undisturbed one left in its own."""
    # A reference that was cut short would make every later change look like one too many.
    whole = reference is not None and any(
        r.kind == "played" for r in read_file(reference / "history.jsonl")
    )
    return from_records(
        policy,
        read_file(folder / "history.jsonl"),
        read_file(folder / "exchange.jsonl"),
        read_file(reference / "exchange.jsonl") if reference is not None and whole else None,
    )


def read_file(path: Path) -> list[Record]:
    """Read the records of a file; none when there is no file."""
    if not path.exists():
        return []
    return read_records(path.read_text(encoding="utf-8").splitlines())
