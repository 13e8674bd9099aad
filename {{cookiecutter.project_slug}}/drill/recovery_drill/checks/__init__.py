"""The checks: pure functions from evidence to broken promises, one concern each.

A check yields one finding for each thing that it judges: None when the promise was kept, or one
sentence that says how it was broken. They are counted, so that a check that judged nothing shows.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from recovery_drill.checks.exits import no_exit_without_position
from recovery_drill.checks.fill_sum import position_is_sum_of_fills
from recovery_drill.checks.fills import fills_exactly_once
from recovery_drill.checks.health import health_tells_the_truth
from recovery_drill.checks.ids import client_order_ids_unique
from recovery_drill.checks.intents import one_order_per_intent
from recovery_drill.checks.life import no_zombie
from recovery_drill.checks.limbo import no_order_in_limbo
from recovery_drill.checks.loops import refusals_do_not_loop
from recovery_drill.checks.named import wrong_is_named
from recovery_drill.checks.noticed import loss_is_noticed
from recovery_drill.checks.owner import position_has_one_owner
from recovery_drill.checks.position import position_equals_exchange
from recovery_drill.checks.protection import one_protective_stop
from recovery_drill.checks.restart import restart_changes_nothing
from recovery_drill.checks.risk import no_risk_while_degraded
from recovery_drill.checks.singleton import one_node_trades
from recovery_drill.checks.store_behind import store_holds_what_node_holds
from recovery_drill.checks.store_keeps import store_keeps_what_it_has
from recovery_drill.checks.strangers import others_are_left_alone
from recovery_drill.checks.told import failure_is_told
from recovery_drill.checks.undisturbed import equals_undisturbed
from recovery_drill.checks.warm_up import no_decision_before_warm_up
from recovery_drill.failures import UsageError
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.verdict import CheckResult


class Check(NamedTuple):
    """One check.

    Parameters
    ----------
    findings : Callable
        Yields one for each thing that was promised and can be judged.
    always : bool
        Whether every play gives it something to judge, so that one that did not has shown
        nothing. The others wait for what only some plays have: faults, restarts, a store to read.
    timed : bool
        Whether it is about how long something took, so that a late machine can break it.

    """

    findings: Callable[[Evidence], Iterator[str | None]]
    always: bool = False
    timed: bool = False


CHECKS: dict[str, Check] = {
    "position-equals-exchange": Check(position_equals_exchange, always=True),
    "position-has-one-owner": Check(position_has_one_owner),
    "position-is-sum-of-fills": Check(position_is_sum_of_fills),
    "fills-exactly-once": Check(fills_exactly_once, always=True),
    "one-order-per-intent": Check(one_order_per_intent, always=True),
    "client-order-ids-unique": Check(client_order_ids_unique),
    "one-protective-stop": Check(one_protective_stop, always=True),
    "no-exit-without-position": Check(no_exit_without_position),
    "no-order-in-limbo": Check(no_order_in_limbo, always=True),
    "no-decision-before-warm-up": Check(no_decision_before_warm_up, always=True),
    "no-zombie": Check(no_zombie, always=True, timed=True),
    "one-node-trades": Check(one_node_trades),
    "restart-changes-nothing": Check(restart_changes_nothing),
    "store-holds-what-node-holds": Check(store_holds_what_node_holds, timed=True),
    "store-keeps-what-it-has": Check(store_keeps_what_it_has),
    "failure-is-told": Check(failure_is_told),
    "loss-is-noticed": Check(loss_is_noticed, timed=True),
    "no-risk-while-degraded": Check(no_risk_while_degraded),
    "health-tells-the-truth": Check(health_tells_the_truth),
    "wrong-is-named": Check(wrong_is_named, timed=True),
    "refusals-do-not-loop": Check(refusals_do_not_loop),
    "others-are-left-alone": Check(others_are_left_alone),
    "equals-undisturbed": Check(equals_undisturbed, always=True),
}


def judge(evidence: Evidence) -> tuple[CheckResult, ...]:
    """Run every check over the evidence, less those that policy or scenario leave out.

    Where both leave one out, the policy's reason is told.

    Raises
    ------
    UsageError
        If a check is left out that does not exist.

    """
    left_out = {**evidence.leave_out, **evidence.policy.leave_out}
    if not evidence.policy.protective_stop:
        left_out.setdefault("one-protective-stop", "the policy promises no protective stop")
    if evidence.policy.intent is None:
        left_out.setdefault(
            "one-order-per-intent", "the policy names no intent: its order ids tell no decision"
        )
    if unknown := sorted(set(left_out) - set(CHECKS)):
        raise UsageError(
            f"{', '.join(unknown)} cannot be left out: the checks are {', '.join(CHECKS)}."
        )
    results = []
    for name, check in CHECKS.items():
        if name in left_out:
            results.append(CheckResult(name, 0, (), left_out[name]))
            continue
        findings = list(check.findings(evidence))
        broken = tuple(dict.fromkeys(f for f in findings if f is not None))
        results.append(CheckResult(name, len(findings), broken))
    return tuple(results)
