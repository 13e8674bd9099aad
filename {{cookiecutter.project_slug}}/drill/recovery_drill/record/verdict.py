"""From evidence to verdict: held, broken, inconclusive or skipped; pure.

``verdict.json`` holds what stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from recovery_drill.checks import CHECKS, CheckResult, judge
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import SCHEMA

Outcome = Literal["held", "broken", "inconclusive", "skipped"]
# Of whole runs, which are never skipped.
EXIT_CODES: dict[Outcome, int] = {"held": 0, "broken": 1, "inconclusive": 3}


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
    """What a whole run showed."""

    seed: int
    scenarios: tuple[ScenarioVerdict, ...]
    schema: int = SCHEMA

    @property
    def outcome(self) -> Outcome:
        """The worst of the scenarios: a broken promise outweighs an inconclusive one.

        Skipped ones do not count, so that a run of nothing else has shown nothing.
        """
        found = {scenario.outcome for scenario in self.scenarios} - {"skipped"}
        if "broken" in found:
            return "broken"
        return "inconclusive" if "inconclusive" in found or not found else "held"


def decide(
    name: str,
    purpose: str,
    needs: frozenset[str],
    evidence: Evidence,
    *,
    failure: str = "",
    skipped: str = "",
    kills_needed: bool = True,
    leave_out: Mapping[str, str] = MappingProxyType({}),
) -> ScenarioVerdict:
    """Judge one scenario.

    Parameters
    ----------
    name, purpose : str
        The scenario.
    needs : frozenset[str]
        What must have been seen for it to mean anything.
    evidence : Evidence
        What was recorded.
    failure : str
        How the environment failed, if it did.
    skipped : str
        What the scenario needs and cannot have here, if so.
    kills_needed : bool
        Whether it shows nothing without a proven kill.
    leave_out : Mapping[str, str]
        Checks that do not apply to the scenario, each with the reason.

    """
    evidence = replace(evidence, leave_out={**evidence.leave_out, **leave_out})
    checks = judge(evidence)
    reason = skipped or failure or _not_shown(needs, evidence, checks, kills_needed=kills_needed)
    if any(check.broken for check in checks):
        outcome: Outcome = "broken"
    elif skipped:
        outcome = "skipped"
    else:
        outcome = "inconclusive" if reason else "held"
    trading = [(life, life.reached("trading")) for life in evidence.lives]
    starts = [(at - life.started_ns) / 1e9 for life, at in trading if at is not None]
    downs = [
        (min(after) - life.ended_ns) / 1e9
        for life in evidence.kills
        if life.ended_ns is not None
        and (after := [at for _, at in trading if at is not None and at > life.ended_ns])
    ]
    return ScenarioVerdict(
        name=name,
        purpose=purpose,
        outcome=outcome,
        checks=checks,
        kills=len(evidence.kills),
        fills=sum(record.kind == "order.filled" for record in evidence.journal),
        seconds_down=round(max(downs), 3) if downs else None,
        seconds_to_trading=round(max(starts), 3) if starts else None,
        reason="" if outcome == "broken" else reason,
        crash_points=evidence.crash_points,
    )


def _not_shown(
    needs: frozenset[str],
    evidence: Evidence,
    checks: tuple[CheckResult, ...],
    *,
    kills_needed: bool,
) -> str:
    ended_by = [*evidence.disagreed, *(wait.what for wait in evidence.unsettled)]
    if ended_by and not evidence.played:
        return f"Play ended early: {ended_by[0]}."
    if not evidence.played:
        return "The scenario was not played to its end."
    if missing := sorted(needs - evidence.seen):
        return f"The scenario did not see what it is for: {', '.join(missing)}."
    if kills_needed and not evidence.kills:
        return "No kill was proven."
    idle = [
        c.name for c in checks if CHECKS[c.name].always and not c.evaluated and c.left_out is None
    ]
    return f"Checks that looked at nothing: {', '.join(idle)}." if idle else ""
