"""What makes a scenario held, broken or inconclusive."""

from dataclasses import replace

import pytest

from drill.evidence_builder import SECOND, evidence, fault, life, with_state
from recovery_drill.checks.decide import decide
from recovery_drill.record.evidence import Evidence, LateWait
from recovery_drill.record.verdict import EXIT_CODES, ScenarioVerdict, Verdict

NEEDS = frozenset({"position"})


def scenario(found: Evidence, failure: str = "") -> ScenarioVerdict:
    return decide("kill-holding-position", "purpose", NEEDS, found, failure=failure)


def unplayed() -> Evidence:
    """Return what is there of a scenario that was not begun."""
    return evidence(lives=(), snapshots=(), journal=(), reference=None, played=False)


def sound() -> Evidence:
    second = life(number=2, started_ns=11 * SECOND, ended_ns=30 * SECOND, exit_code=0)
    second = replace(second, how="stopped", stages=(("trading", 13 * SECOND),))
    return evidence(lives=(life(), second), seen=NEEDS)


def test_a_sound_history_that_saw_its_purpose_is_held() -> None:
    verdict = scenario(sound())
    assert (verdict.outcome, verdict.reason, verdict.kills, verdict.fills) == ("held", "", 1, 1)
    assert verdict.seconds_down == 3.0
    assert verdict.seconds_to_trading == 2.0


def test_a_node_is_down_until_it_trades_again_however_often_it_is_killed_meanwhile() -> None:
    first, last = sound().lives
    between = life(number=2, started_ns=11 * SECOND, ended_ns=12 * SECOND, stages=())
    lives = (first, between, replace(last, number=3, started_ns=12 * SECOND))
    assert scenario(replace(sound(), lives=lives)).seconds_down == 3.0


def test_a_scenario_that_did_not_see_its_purpose_is_inconclusive() -> None:
    verdict = scenario(replace(sound(), seen=frozenset()))
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "The scenario did not see what it is for: position."


def test_a_scenario_without_a_proven_kill_is_inconclusive() -> None:
    lives = (replace(sound().lives[0], how="stopped", exit_code=0), sound().lives[1])
    verdict = scenario(replace(sound(), lives=lives))
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "No kill was proven.")


def test_a_scenario_that_kills_nothing_on_purpose_needs_no_kill() -> None:
    lives = (replace(sound().lives[0], how="stopped", exit_code=0), sound().lives[1])
    unkilled = replace(sound(), lives=lives)
    assert decide("stop", "purpose", NEEDS, unkilled, kills_needed=False).outcome == "held"


def test_what_is_not_to_be_had_here_is_skipped() -> None:
    verdict = decide("lose-power", "purpose", NEEDS, unplayed(), skipped="The store is too old.")
    assert (verdict.outcome, verdict.reason) == ("skipped", "The store is too old.")


def test_what_broke_before_a_scenario_was_skipped_is_told() -> None:
    found = with_state(positions=[])
    assert decide("lose-power", "", NEEDS, found, skipped="It is too old.").outcome == "broken"


def test_a_scenario_s_own_reasons_leave_checks_out() -> None:
    spoiled = replace(sound(), lives=(life(how="by itself", exit_code=1), sound().lives[1]))
    reasons = {"no-zombie": "the node is asked for what it cannot do"}
    verdict = decide("ask", "", NEEDS, spoiled, kills_needed=False, leave_out=reasons)
    assert verdict.outcome == "held"
    assert {c.name: c.left_out for c in verdict.checks}["no-zombie"] == reasons["no-zombie"]


def test_crash_points_are_told() -> None:
    points = ("order.new entry, processed", "stage reconcile, reached")
    assert scenario(replace(sound(), crash_points=points)).crash_points == points


def test_a_check_that_waits_for_events_may_look_at_nothing() -> None:
    idle = [c.name for c in scenario(sound()).checks if not c.evaluated]
    assert "loss-is-noticed" in idle
    assert "store-holds-what-node-holds" in idle


def test_a_check_that_looked_at_nothing_makes_it_inconclusive() -> None:
    verdict = scenario(replace(sound(), journal=(), reference=()))
    assert verdict.outcome == "inconclusive"
    assert verdict.reason.startswith("Checks that had nothing to judge: one-order-per-intent")


def test_a_scenario_that_was_not_played_to_its_end_is_not_held() -> None:
    cut = replace(sound(), played=False)
    assert scenario(cut).outcome == "inconclusive"
    assert scenario(cut).reason == "The scenario was not played to its end."
    disagreed = replace(cut, disagreed=("after restart 1 the node holds 1, the exchange 2",))
    assert scenario(disagreed).reason.startswith("Play ended early: after restart 1 the node")
    need_not = fault(began_ns=4, must_notice=False)
    excused = replace(cut, unsettled=(LateWait("it waits", 5),), faults=(need_not,))
    assert scenario(excused).reason == "Play ended early: it waits."


def test_without_the_undisturbed_run_nothing_is_held() -> None:
    verdict = scenario(replace(sound(), reference=None))
    assert verdict.outcome == "inconclusive"
    assert verdict.reason == "Checks that had nothing to judge: equals-undisturbed."


def test_a_failed_environment_is_inconclusive() -> None:
    verdict = scenario(sound(), failure="The exchange ended.")
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "The exchange ended.")


def test_a_broken_promise_outweighs_a_failed_environment() -> None:
    found = replace(with_state(positions=[]), seen=NEEDS)
    assert scenario(found, failure="The exchange ended.").outcome == "broken"


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (("held", "held"), "held"),
        (("held", "inconclusive"), "inconclusive"),
        (("inconclusive", "broken"), "broken"),
        (("held", "skipped"), "held"),
        (("broken", "skipped"), "broken"),
        (("skipped", "skipped"), "inconclusive"),
        ((), "inconclusive"),
    ],
)
def test_a_run_is_as_bad_as_its_worst_scenario(outcomes: tuple[str, ...], whole: str) -> None:
    held = scenario(sound())
    verdict = Verdict(seed=7, scenarios=tuple(replace(held, outcome=o) for o in outcomes))  # type: ignore[arg-type]  # the parameters are outcomes
    assert verdict.outcome == whole


def test_exit_codes_are_those_of_the_contract() -> None:
    assert EXIT_CODES == {"held": 0, "broken": 1, "inconclusive": 3}
