"""The checks: pure functions from evidence to broken promises, one concern each.

A check yields one `Finding` for each thing it looked at: None when the promise held, or one
sentence that says how it was broken. How many things it looked at is counted, so that a check that
saw nothing shows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recovery_drill.checks.fills import fills_exactly_once
from recovery_drill.checks.intents import one_order_per_intent
from recovery_drill.checks.life import no_zombie
from recovery_drill.checks.limbo import no_order_in_limbo
from recovery_drill.checks.position import position_equals_exchange
from recovery_drill.checks.protection import one_protective_stop
from recovery_drill.checks.undisturbed import equals_undisturbed
from recovery_drill.checks.warm_up import no_decision_before_warm_up
from recovery_drill.evidence import Evidence
from recovery_drill.failures import UsageError

Check = Callable[[Evidence], Iterator[str | None]]

CHECKS: dict[str, Check] = {
    "position-equals-exchange": position_equals_exchange,
    "fills-exactly-once": fills_exactly_once,
    "one-order-per-intent": one_order_per_intent,
    "one-protective-stop": one_protective_stop,
    "no-order-in-limbo": no_order_in_limbo,
    "no-decision-before-warm-up": no_decision_before_warm_up,
    "no-zombie": no_zombie,
    "equals-undisturbed": equals_undisturbed,
}


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Parameters
    ----------
    name : str
        The check.
    evaluated : int
        How many things it looked at.
    broken : tuple[str, ...]
        A sentence for each broken promise.
    left_out : str or None
        Why the project's policy leaves the check out; then nothing was looked at.

    """

    name: str
    evaluated: int
    broken: tuple[str, ...]
    left_out: str | None = None


def judge(evidence: Evidence) -> tuple[CheckResult, ...]:
    """Run every check over the evidence.

    Raises
    ------
    UsageError
        If the policy leaves out a check that does not exist.

    """
    left_out = evidence.policy.leave_out
    if unknown := sorted(set(left_out) - set(CHECKS)):
        raise UsageError(
            f"The policy leaves out {', '.join(unknown)}, but the checks are {', '.join(CHECKS)}."
        )
    results = []
    for name, check in CHECKS.items():
        if name in left_out:
            results.append(CheckResult(name, 0, (), left_out[name]))
            continue
        findings = list(check(evidence))
        broken = tuple(dict.fromkeys(f for f in findings if f is not None))
        results.append(CheckResult(name, len(findings), broken))
    return tuple(results)
