"""From evidence to verdict: held, broken, inconclusive or skipped."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from recovery_drill.checks import CHECKS, judge
from recovery_drill.checks.lateness import allowing_for, why_late
from recovery_drill.checks.undisturbed import incomparable
from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.verdict import CheckResult, Outcome, ScenarioVerdict

LIMBO = "no-order-in-limbo"
UNEQUAL = "equals-undisturbed"


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
    is_compared = UNEQUAL not in {**evidence.leave_out, **evidence.policy.leave_out}
    why_not = incomparable(evidence) if is_compared else None
    if why_not is not None:
        evidence = replace(evidence, leave_out={**evidence.leave_out, UNEQUAL: why_not})
    checks, late = judge(evidence), ""
    if evidence.late and any(check.broken for check in checks):
        allowed = _allowing_for_lateness(evidence, checks)
        late = "" if allowed == checks else why_late(evidence, checks)
        checks = allowed
    reason = (
        late or skipped or failure or _not_shown(needs, evidence, checks, kills_needed=kills_needed)
    )
    reason = reason or why_not or ""
    if any(check.broken for check in checks):
        outcome: Outcome = "broken"
    elif skipped:
        outcome = "skipped"
    else:
        outcome = "inconclusive" if reason else "held"
    trading = [(life, life.reached(Stage.TRADING)) for life in evidence.lives]
    starts = [(at - life.due_ns) / 1e9 for life, at in trading if at is not None]
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


def _allowing_for_lateness(
    evidence: Evidence, checks: tuple[CheckResult, ...]
) -> tuple[CheckResult, ...]:
    """Judge again what was broken, as if the machine's lateness were a fault; see `lateness`."""
    again = {
        timed: {c.name: c for c in judge(allowing_for(evidence, timed=timed))}
        for timed in (True, False)
    }
    return tuple(again[CHECKS[c.name].timed][c.name] if c.broken else c for c in checks)


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
    always = {name for name, check in CHECKS.items() if check.always}
    if not evidence.policy.protective_stop:
        always.discard(LIMBO)  # a node without stops may have no order open at rest
    idle = [c.name for c in checks if c.name in always and not c.evaluated and c.left_out is None]
    return f"Checks that had nothing to judge: {', '.join(idle)}." if idle else ""
