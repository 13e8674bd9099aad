"""One play: a scenario in a world of its own, judged by what it left in its folder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recovery_drill.checks.decide import decide
from recovery_drill.failures import Disagreement, Inconclusive, Unsettled, Unsupported, UsageError
from recovery_drill.play.ground import Ground
from recovery_drill.play.scenario import Scenario
from recovery_drill.play.world import World
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record, read_records
from recovery_drill.record.policy import Policy
from recovery_drill.record.rebuild import from_records, was_degraded
from recovery_drill.record.verdict import ScenarioVerdict

UNDISTURBED = "undisturbed"
FAILURE, SKIPPED = "failure.txt", "skipped.txt"


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
    ground: Ground, subject: Subject, folder: Path, reference: Path | None = None
) -> ScenarioVerdict:
    """Play one subject and judge it; try once more if nothing could be said about the node.

    Parameters
    ----------
    ground : Ground
        Where and against what.
    subject : Subject
        What is played.
    folder : Path
        A folder for what is recorded, which does not exist yet.
    reference : Path, optional
        The folder of an undisturbed play of the same scenario. Without one it is played first, into
        ``undisturbed/``.

    """
    verdict = await _attempt(ground, subject, folder, reference)
    if verdict.outcome != "inconclusive":
        return verdict
    # The first attempt stays to be read, and its reason is told: a retry must not hide it.
    _set_aside(folder)
    again = await _attempt(ground, subject, folder, reference)
    return replace(again, attempts=2, first_reason=verdict.reason)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)


def _set_aside(folder: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}-attempt-1"))


async def _attempt(
    ground: Ground, subject: Subject, folder: Path, reference: Path | None
) -> ScenarioVerdict:
    _make(folder)
    ending = Ending()
    if reference is None and subject.scenario.is_compared:
        reference = folder / UNDISTURBED
        _make(reference)
        ending = await play_undisturbed(ground, subject.scenario, reference)
    if not ending.skipped:
        failed = ending.failure
        ending = await _play(ground, subject.scenario, folder, points=subject.crash_points)
        ending = replace(ending, failure=ending.failure or failed)
    ending.write(folder)
    evidence = read_evidence(folder, ground.judged_by, reference)
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


async def play_undisturbed(ground: Ground, scenario: Scenario, folder: Path) -> Ending:
    """Play a scenario without its kills and losses, into an empty folder.

    It is what all else is compared with: where the node was degraded for a while, though nothing
    was done to it, it is played once more.
    """
    ending = await _play(ground, scenario, folder, disturbed=False)
    if not ending.skipped and was_degraded(read_file(folder / "history.jsonl")):
        _set_aside(folder)
        _make(folder)
        ending = await _play(ground, scenario, folder, disturbed=False)
    return replace(ending, failure=f"Undisturbed: {ending.failure}") if ending.failure else ending


async def _play(
    ground: Ground,
    scenario: Scenario,
    folder: Path,
    *,
    disturbed: bool = True,
    points: Sequence[CrashPoint] = (),
) -> Ending:
    runtime = ground.runtime_in(folder, replicated=scenario.needs_replicas)
    world = World(ground.judged_by, runtime, folder, disturbed=disturbed, crash_points=points)
    failure = skipped = ""
    seconds = scenario.seconds * ground.machine.factor
    try:
        async with asyncio.timeout(seconds):
            if why := scenario.unavailable(runtime):
                raise Unsupported(why)
            await world.open()
            await scenario.play(world)
            # The last life is stopped, not killed: it must also know how to end.
            await world.stop_node()
        world.history.record("drill", "played", {"what": scenario.name})
    except (Unsettled, Disagreement) as reason:
        # A node whose exchange or store has died is not to blame for what it does then.
        failure = world.environment_failure()
        if not failure:
            world.history.record("drill", reason.kind, {"what": str(reason)})
    except Unsupported as reason:
        skipped = str(reason)
    except Inconclusive as reason:
        failure = world.environment_failure() or str(reason)
    except TimeoutError:
        failure = f"The play was not over after {seconds:g} s."
    except UsageError:
        # Nor is one unfit to be drilled whose exchange or store has died.
        failure = world.environment_failure()
        if not failure:
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
    told = read_file(reference / "history.jsonl") if reference is not None else []
    # A reference that was cut short would make every later change one too many.
    whole = any(r.kind == "played" for r in told)
    return from_records(
        policy,
        read_file(folder / "history.jsonl"),
        read_file(folder / "exchange.jsonl"),
        read_file(reference / "exchange.jsonl") if reference is not None and whole else None,
        reference_history=told,
    )


def read_file(path: Path) -> list[Record]:
    """Read the records of a file; none when there is no file."""
    if not path.exists():
        return []
    return read_records(path.read_text(encoding="utf-8").splitlines())
