"""Each check holds on a sound history and breaks, with its own sentence, on each spoiled one."""

from dataclasses import replace

import msgspec
import pytest

from drill import (
    test_checks_life,
    test_checks_orders,
    test_checks_position,
    test_checks_protection,
    test_checks_refusals,
    test_checks_restart,
    test_checks_store,
    test_checks_undisturbed,
    test_checks_wrong,
)
from drill.evidence_builder import (
    POLICY,
    broken,
    eventful,
    evidence,
    flat_ledger,
    life,
    looked_at,
    snapshot,
    state,
)
from recovery_drill.checks import CHECKS, judge
from recovery_drill.failures import UsageError
from recovery_drill.record.evidence import Evidence, trimmed

SPOILED = [
    *test_checks_position.SPOILED,
    *test_checks_orders.SPOILED,
    *test_checks_protection.SPOILED,
    *test_checks_life.SPOILED,
    *test_checks_refusals.SPOILED,
    *test_checks_restart.SPOILED,
    *test_checks_store.SPOILED,
    *test_checks_undisturbed.SPOILED,
    *test_checks_wrong.SPOILED,
]


def test_every_check_holds_and_looks_at_something_in_a_sound_history() -> None:
    assert broken(eventful()) == {}
    assert all(looked_at(eventful()).values()), looked_at(eventful())


def test_the_checks_that_always_look_need_no_events() -> None:
    found = looked_at(evidence())
    assert broken(evidence()) == {}
    assert all(found[name] for name, check in CHECKS.items() if check.always), found


def test_every_check_holds_for_a_flat_node() -> None:
    flat = snapshot(state=state(positions=[], orders=[]), ledger=flat_ledger())
    assert broken(evidence(snapshots=(flat,), journal=())) == {}


@pytest.mark.parametrize(("spoiled", "check", "sentence"), SPOILED)
def test_a_spoiled_history_breaks_the_check_that_names_it(
    spoiled: Evidence, check: str, sentence: str
) -> None:
    assert sentence in broken(spoiled).get(check, ()), broken(spoiled)


def test_every_check_is_broken_by_some_spoiled_history() -> None:
    assert {param.values[1] for param in SPOILED} == set(CHECKS)


def test_a_check_left_out_looks_at_nothing_and_says_why() -> None:
    policy = msgspec.structs.replace(POLICY, leave_out={"no-zombie": "it is slow here"})
    spoiled = evidence(policy=policy, lives=(life(how="by itself", exit_code=1),))
    (result,) = [r for r in judge(spoiled) if r.name == "no-zombie"]
    assert (result.evaluated, result.broken, result.left_out) == (0, (), "it is slow here")


def test_a_scenario_may_leave_a_check_out_and_the_policy_s_reason_goes_first() -> None:
    policy = msgspec.structs.replace(POLICY, leave_out={"no-zombie": "it is slow here"})
    own = {"no-zombie": "it is killed here", "one-node-trades": "there are two"}
    left_out = {r.name: r.left_out for r in judge(evidence(policy=policy, leave_out=own))}
    assert left_out["no-zombie"] == "it is slow here"
    assert left_out["one-node-trades"] == "there are two"
    assert left_out["no-order-in-limbo"] is None


def test_leaving_out_a_check_that_does_not_exist_is_refused() -> None:
    policy = msgspec.structs.replace(POLICY, leave_out={"no-such-check": "because"})
    with pytest.raises(UsageError, match="no-such-check cannot be left out"):
        judge(evidence(policy=policy))


# What shows only in closed orders and old fills shows in whole snapshots only.
NEEDS_WHOLE = ("fill-invented", "closed-order-forgotten", "order-made-up", "order-closed")


@pytest.mark.parametrize(
    ("spoiled", "check", "sentence"), [p for p in SPOILED if p.id not in NEEDS_WHOLE]
)
def test_trimming_a_snapshot_hides_no_broken_promise(
    spoiled: Evidence, check: str, sentence: str
) -> None:
    cut = replace(spoiled, snapshots=tuple(trimmed(s) for s in spoiled.snapshots))
    assert sentence in broken(cut).get(check, ())
