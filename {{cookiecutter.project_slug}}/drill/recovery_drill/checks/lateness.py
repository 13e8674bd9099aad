"""What a late machine may have broken, and what it cannot have: evidence with allowance made.

A check that is about time counts a time in which the machine was late as one in which the node's
surroundings were disturbed, as it does with a fault. All other checks judge what they always do,
but for what was seen because a wait had run out meanwhile: had the machine been on time, it would
have been looked at later, or not at all. So an order that was sent twice stays an order sent twice.
"""

import signal
from dataclasses import replace

from recovery_drill.record.evidence import Evidence, FaultSpan, Life
from recovery_drill.record.machine import LATE, LateSpan
from recovery_drill.record.verdict import CheckResult

STOP_SECONDS = 10.0
"""How long a node has to end when it is asked to."""


def allowing_for(evidence: Evidence, *, timed: bool) -> Evidence:
    """Return the evidence that a check is given where the machine was late.

    Parameters
    ----------
    evidence : Evidence
        As it was recorded.
    timed : bool
        Whether it is for a check that is about time.

    """
    budgets = evidence.policy.budgets
    if not timed:
        settle = budgets.settle_seconds
        return replace(
            evidence,
            snapshots=tuple(
                s
                for s in evidence.snapshots
                if not (s.overdue and _late(evidence, s.mono_ns, settle))
            ),
        )
    # What is missed at the end of a wait was late at any time of it.
    more = int(max(budgets.store_seconds, budgets.notice_seconds) * 1e9)
    faults = tuple(
        replace(fault, must_notice=fault.must_notice and not _meets(evidence, fault))
        for fault in evidence.faults
    )
    return replace(
        evidence,
        faults=(
            *faults,
            *(FaultSpan(LATE, s.from_ns, s.to_ns + more, of_store=True) for s in evidence.late),
        ),
        lives=tuple(_excused(evidence, life) for life in evidence.lives),
        named=tuple(n for n in evidence.named if not _late(evidence, n.mono_ns, n.within_seconds)),
    )


def why_late(evidence: Evidence, checks: tuple[CheckResult, ...]) -> str:
    """Say by how much the machine was late, and what was broken because of it alone, perhaps."""
    lost = sum(span.seconds for span in evidence.late)
    broken = next(sentence for check in checks for sentence in check.broken)
    return f"The machine was late by {lost:.1f} s, and that alone may have broken this: {broken}"


def _late(evidence: Evidence, at_ns: int, seconds: float) -> bool:
    since = at_ns - int(seconds * 1e9)
    return any(span.from_ns <= at_ns and span.to_ns >= since for span in evidence.late)


def _meets(evidence: Evidence, fault: FaultSpan) -> bool:
    def touches(span: LateSpan) -> bool:
        return fault.touches(span.from_ns, span.to_ns)

    return any(map(touches, evidence.late))


def _excused(evidence: Evidence, life: Life) -> Life:
    """Let one that was killed because it did not end in time count as killed."""
    ran_out = life.how == "stopped" and life.exit_code == -signal.SIGKILL
    if ran_out and life.ended_ns is not None and _late(evidence, life.ended_ns, STOP_SECONDS):
        return replace(life, how="killed")
    return life
