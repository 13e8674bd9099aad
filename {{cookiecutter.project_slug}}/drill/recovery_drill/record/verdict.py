"""What a drill has shown: held, broken, inconclusive or skipped; ``verdict.json`` is made of it."""

from dataclasses import dataclass
from typing import Literal

from recovery_drill.record.contract import DrillCode
from recovery_drill.record.drilled import Drilled
from recovery_drill.record.machine import Machine
from recovery_drill.record.model import SCHEMA

Outcome = Literal["held", "broken", "inconclusive", "skipped"]
# Of whole runs, which are never skipped.
EXIT_CODES: dict[Outcome, int] = {
    "held": DrillCode.HELD,
    "broken": DrillCode.BROKEN,
    "inconclusive": DrillCode.INCONCLUSIVE,
}


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Parameters
    ----------
    name : str
        The check.
    evaluated : int
        How many things it judged.
    broken : tuple[str, ...]
        A sentence for each broken promise.
    left_out : str or None
        Why the policy or the scenario leaves the check out; then nothing was judged.

    """

    name: str
    evaluated: int
    broken: tuple[str, ...]
    left_out: str | None = None


@dataclass(frozen=True)
class ScenarioVerdict:
    """What one scenario showed.

    Parameters
    ----------
    name, purpose : str
        The scenario.
    outcome : str
        `broken` if any check found something; `skipped` if what it needs is not to be had here;
        `inconclusive` if the drill could not do what it is for.
    checks : tuple[CheckResult, ...]
        Every check, in order.
    kills, fills : int
        Proven kills; fills on the exchange's ledger.
    seconds_down : float or None
        Longest time from a kill until the node traded again.
    seconds_to_trading : float or None
        Longest time from a start of the node until it traded.
    reason : str
        Why it is inconclusive or skipped; empty otherwise.
    attempts : int
        How often it was tried: an inconclusive one is tried once more.
    first_reason : str
        Why the first attempt was inconclusive, when there were two.
    crash_points : tuple[str, ...]
        The boundaries at which the node was killed, in order.

    """

    name: str
    purpose: str
    outcome: Outcome
    checks: tuple[CheckResult, ...]
    kills: int
    fills: int
    seconds_down: float | None
    seconds_to_trading: float | None
    reason: str = ""
    attempts: int = 1
    first_reason: str = ""
    crash_points: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """Every broken promise."""
        return tuple(sentence for check in self.checks for sentence in check.broken)


@dataclass(frozen=True)
class Verdict:
    """What a whole run showed, and of what; None where nobody noted that."""

    seed: int
    scenarios: tuple[ScenarioVerdict, ...]
    schema: int = SCHEMA
    drilled: Drilled | None = None
    machine: Machine | None = None

    @property
    def outcome(self) -> Outcome:
        """The worst of the scenarios: a broken promise outweighs an inconclusive one.

        Skipped ones do not count, so that a run of nothing else has shown nothing.
        """
        found = {scenario.outcome for scenario in self.scenarios} - {"skipped"}
        if "broken" in found:
            return "broken"
        return "inconclusive" if "inconclusive" in found or not found else "held"
