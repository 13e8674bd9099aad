"""The node's lives: spoiled histories and the check that names each; and what is allowed."""

from dataclasses import replace

import pytest

from drill.evidence_builder import (
    SECOND,
    broken,
    eventful,
    evidence,
    fault,
    life,
    looked_at,
)
from recovery_drill.record.evidence import Evidence, FaultSpan, LateWait, Life

TRADES = (("trading", 13 * SECOND),)
PAUSES = ((3 * SECOND, 20 * SECOND),)
RETURNS = (("trading", SECOND), ("degraded", 9 * SECOND))
TRACEBACK = "RuntimeError: no such order"


def second(**changes: object) -> Life:
    """Return a second life that began at 11 s, traded at 13 s and was stopped at 60 s."""
    whole = {
        "number": 2,
        "started_ns": 11 * SECOND,
        "stages": TRADES,
        "ended_ns": 60 * SECOND,
        "exit_code": 0,
        "how": "stopped",
        **changes,
    }
    return life(**whole)


def lives(*more: Life, faults: tuple[FaultSpan, ...] = ()) -> Evidence:
    """Return the sound history with more lives."""
    return evidence(lives=(life(), *more), faults=faults)


def ended(code: int, said: str | None) -> Evidence:
    """Return a history whose second life ended by itself."""
    return lives(second(how="by itself", exit_code=code, said=said))


SPOILED = [
    pytest.param(
        evidence(lives=(life(how="by itself", exit_code=1),)),
        "no-zombie",
        "Life 1 of the node ended by itself with code 1 in trading.",
        id="died",
    ),
    pytest.param(
        evidence(
            lives=(life(stages=(("reconcile", SECOND),), how="stopped", exit_code=0),), journal=()
        ),
        "no-zombie",
        "Life 1 of the node never traded: it was last in reconcile.",
        id="zombie",
    ),
    pytest.param(
        evidence(
            lives=(life(stages=(("trading", 61 * SECOND),), ended_ns=99 * SECOND),), journal=()
        ),
        "no-zombie",
        "Life 1 of the node took 61.0 s to trade, of 60 s allowed.",
        id="too-slow",
    ),
    pytest.param(
        evidence(lives=(life(how="stopped", exit_code=1),)),
        "no-zombie",
        "Life 1 of the node was asked to stop and ended with code 1 instead of 0.",
        id="stopped-badly",
    ),
    pytest.param(
        evidence(unsettled=(LateWait("it waits for ever"),)),
        "no-zombie",
        "The node did not come to rest: it waits for ever.",
        id="never-at-rest",
    ),
    pytest.param(
        lives(
            second(how="by itself", exit_code=75, ended_ns=95 * SECOND),
            faults=(fault(),),
        ),
        "no-zombie",
        "Life 2 of the node ended by itself with code 75 in trading.",
        id="ended-long-after-the-outage",
    ),
    pytest.param(
        lives(
            second(how="by itself", exit_code=75, ended_ns=15 * SECOND),
            faults=(fault(name="store.lost", began_ns=10 * SECOND, ended_ns=10 * SECOND + 1),),
        ),
        "no-zombie",
        "Life 2 of the node ended by itself with code 75 in trading.",
        id="ended-when-all-was-well-again",
    ),
    pytest.param(
        evidence(
            lives=(life(), second()),
            unsettled=(LateWait("it waits for ever", 15 * SECOND),),
            faults=(fault(began_ns=10 * SECOND, ended_ns=10 * SECOND + 1),),
        ),
        "no-zombie",
        "The node did not come to rest: it waits for ever.",
        id="never-at-rest-when-all-was-well-again",
    ),
    pytest.param(
        lives(second(how="by itself", exit_code=1, ended_ns=25 * SECOND), faults=(fault(),)),
        "no-zombie",
        "Life 2 of the node ended by itself with code 1 in trading.",
        id="outage-as-a-defect",
    ),
    pytest.param(
        evidence(unsettled=(LateWait("it waits for ever", 41 * SECOND),), faults=(fault(),)),
        "no-zombie",
        "The node did not come to rest: it waits for ever.",
        id="never-at-rest-after-the-outage",
    ),
    pytest.param(
        lives(second(how="by itself", exit_code=75, rival=True)),
        "no-zombie",
        "Life 2 of the node ended by itself with code 75 in trading.",
        id="rival-that-traded-and-gave-up",
    ),
    pytest.param(
        evidence(lives=(life(ended_ns=13 * SECOND + 1), second())),
        "one-node-trades",
        "Lives 1 and 2 of the node traded at the same time.",
        id="two-at-once",
    ),
    pytest.param(
        evidence(
            lives=(
                life(how="stopped", exit_code=0, ended_ns=None, pauses=PAUSES),
                second(ended_ns=None),
            ),
        ),
        "one-node-trades",
        "Lives 1 and 2 of the node traded at the same time.",
        id="paused-and-trading-again",
    ),
    pytest.param(
        evidence(
            lives=(
                life(stages=(*RETURNS, ("trading", 20 * SECOND)), ended_ns=30 * SECOND),
                second(ended_ns=16 * SECOND),
            )
        ),
        "one-node-trades",
        "Lives 1 and 2 of the node traded at the same time.",
        id="degraded-beside-another",
    ),
    pytest.param(
        evidence(
            lives=(life(ended_ns=14 * SECOND), second()),
            faults=(fault(began_ns=3 * SECOND),),
        ),
        "one-node-trades",
        "Lives 1 and 2 of the node traded at the same time.",
        id="two-at-once-while-the-store-is-away",
    ),
    pytest.param(
        evidence(
            lives=(
                life(pauses=PAUSES),
                second(),
                second(number=3, ended_ns=24 * SECOND, stages=(("trading", 14 * SECOND),)),
            ),
        ),
        "one-node-trades",
        "Lives 2 and 3 of the node traded at the same time.",
        id="two-at-once-while-a-third-is-paused",
    ),
    pytest.param(
        lives(second(rival=True, turn_ns=12 * SECOND, stages=(("lease", 11 * SECOND),))),
        "no-zombie",
        "Life 2 of the node never traded: it was last in lease.",
        id="stood-by-in-vain",
    ),
    pytest.param(
        lives(second(rival=True, turn_ns=12 * SECOND, stages=(("trading", 80 * SECOND),))),
        "no-zombie",
        "Life 2 of the node took 68.0 s to trade, of 60 s allowed.",
        id="took-over-too-late",
    ),
    pytest.param(
        evidence(
            lives=(life(how="by itself", exit_code=1, replaced_ns=5 * SECOND, pauses=PAUSES),)
        ),
        "no-zombie",
        "Life 1 of the node ended by itself with code 1 in trading.",
        id="replaced-and-ended-as-a-defect",
    ),
    pytest.param(
        ended(0, "Stopped."),
        "failure-is-told",
        "Life 2 of the node ended by itself with code 0, which is none of 1, 70, 75, 78.",
        id="ended-as-if-asked",
    ),
    pytest.param(
        ended(-11, "Connected."),
        "failure-is-told",
        "Life 2 of the node ended by itself with code -11, which is none of 1, 70, 75, 78.",
        id="crashed",
    ),
    pytest.param(
        ended(75, ""),
        "failure-is-told",
        "Life 2 of the node ended by itself with code 75 and wrote no line that says why.",
        id="ended-silently",
    ),
    pytest.param(
        ended(1, TRACEBACK),
        "failure-is-told",
        "Life 2 of the node ended by itself with code 1 and left a traceback, not a line that says "
        f"why: {TRACEBACK}.",
        id="ended-with-a-traceback",
    ),
    pytest.param(
        lives(second(), faults=(fault(),)),
        "loss-is-noticed",
        "Life 2 of the node was still trading 5 s into store.pause.",
        id="traded-on",
    ),
    pytest.param(
        lives(
            second(stages=(*TRADES, ("degraded", 26 * SECOND)), ended_ns=None), faults=(fault(),)
        ),
        "loss-is-noticed",
        "Life 2 of the node was still trading 5 s into store.pause.",
        id="noticed-too-late",
    ),
    pytest.param(
        lives(second(how="by itself", exit_code=1, ended_ns=22 * SECOND), faults=(fault(),)),
        "loss-is-noticed",
        "Life 2 of the node ended with code 1 2.0 s into store.pause, instead of leaving trading, "
        "or ending with 75, within 5 s.",
        id="died-of-the-loss",
    ),
    pytest.param(
        lives(second(stages=(("trading", 22 * SECOND),)), faults=(fault(),)),
        "loss-is-noticed",
        "Life 2 of the node was still trading 5 s into store.pause.",
        id="began-to-trade-without",
    ),
    pytest.param(
        lives(
            second(stages=(*TRADES, ("degraded", 15 * SECOND), ("trading", 21 * SECOND))),
            faults=(fault(),),
        ),
        "loss-is-noticed",
        "Life 2 of the node was still trading 5 s into store.pause.",
        id="came-back-to-trading-without",
    ),
    pytest.param(
        lives(second(), faults=(fault(ended_ns=None),)),
        "loss-is-noticed",
        "Life 2 of the node was still trading 5 s into store.pause.",
        id="traded-on-to-the-end",
    ),
    pytest.param(
        lives(second(how="by itself", exit_code=75, ended_ns=26 * SECOND), faults=(fault(),)),
        "loss-is-noticed",
        "Life 2 of the node ended with code 75 6.0 s into store.pause, instead of leaving trading, "
        "or ending with 75, within 5 s.",
        id="ended-too-late",
    ),
]


@pytest.mark.parametrize(
    ("number", "code", "held"),
    [(1, 1, True), (2, 78, True), (2, 1, False), (1, 0, False), (1, -11, False)],
)
def test_a_node_that_never_traded_is_a_zombie_only_if_it_could_have(
    number: int, code: int, held: bool
) -> None:
    ended = life(number=number, how="by itself", exit_code=code, stages=())
    assert ("no-zombie" not in broken(evidence(lives=(ended,), journal=()))) == held


@pytest.mark.parametrize("stages", [(), (("trading", 2 * SECOND),)])
def test_a_node_that_dies_with_its_environment_is_not_to_blame(
    stages: tuple[tuple[str, int], ...],
) -> None:
    ended = life(how="with its environment", exit_code=75, stages=stages)
    assert "no-zombie" not in broken(evidence(lives=(ended,)))


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(second(how="by itself", exit_code=75, ended_ns=22 * SECOND), id="ended"),
        pytest.param(second(how="stopped", exit_code=75, ended_ns=22 * SECOND), id="raced"),
        pytest.param(second(how="by itself", exit_code=75, ended_ns=89 * SECOND), id="soon-after"),
        pytest.param(second(stages=(("trading", 99 * SECOND),), ended_ns=None), id="late"),
        pytest.param(second(stages=(("connect", 12 * SECOND),)), id="never"),
    ],
)
def test_under_a_fault_a_node_may_be_late_or_end_to_be_started_again(allowed: Life) -> None:
    assert "no-zombie" not in broken(lives(allowed, faults=(fault(),)))
    assert "no-zombie" in broken(lives(allowed))


def test_liveness_counts_only_outside_a_fault() -> None:
    waits = (LateWait("it waits", 25 * SECOND), LateWait("it still waits", 39 * SECOND))
    assert "no-zombie" not in broken(evidence(unsettled=waits, faults=(fault(),)))
    assert len(broken(evidence(unsettled=waits))["no-zombie"]) == 2


@pytest.mark.parametrize(("how", "code"), [("by itself", 75), ("stopped", 0), ("killed", -9)])
def test_a_rival_need_not_trade(how: str, code: int) -> None:
    rival = second(rival=True, stages=(("preflight", 12 * SECOND),), how=how, exit_code=code)
    assert "no-zombie" not in broken(lives(rival))


@pytest.mark.parametrize(
    "first",
    [
        life(how="stopped", stages=(("trading", SECOND), ("stopping", 12 * SECOND)), ended_ns=None),
        life(how="by itself", stages=(("trading", SECOND), ("refused", 9 * SECOND)), ended_ns=None),
        life(stages=(("warmup", SECOND), ("stopping", 20 * SECOND)), ended_ns=None),
        life(stages=(("warmup", SECOND), ("trading", 61 * SECOND)), ended_ns=None),
    ],
)
def test_a_life_that_has_left_trading_does_not_trade(first: Life) -> None:
    assert "one-node-trades" not in broken(evidence(lives=(first, second())))


def test_a_paused_life_does_not_trade_and_may_take_a_moment_to_find_out() -> None:
    moving = life(how="by itself", exit_code=75, ended_ns=24 * SECOND)
    paused = replace(moving, pauses=PAUSES)
    assert "one-node-trades" not in broken(evidence(lives=(paused, second())))
    assert "one-node-trades" in broken(evidence(lives=(moving, second())))


def test_one_that_stands_by_has_all_its_time_from_its_turn_on() -> None:
    standing_by = second(rival=True, started_ns=SECOND, turn_ns=79 * SECOND)
    takes_over = replace(standing_by, stages=(("trading", 80 * SECOND),), ended_ns=81 * SECOND)
    assert "no-zombie" not in broken(lives(takes_over))
    never_asked = second(rival=True, stages=(("lease", 12 * SECOND),), how="killed", exit_code=-9)
    assert "no-zombie" not in broken(lives(never_asked))


def test_one_whose_place_was_taken_ends_by_itself() -> None:
    replaced = life(how="by itself", exit_code=75, replaced_ns=5 * SECOND)
    assert "no-zombie" not in broken(evidence(lives=(replaced,)))
    assert "no-zombie" in broken(evidence(lives=(replace(replaced, replaced_ns=None),)))


@pytest.mark.parametrize("code", [1, 70, 75, 78])
def test_a_life_that_says_why_it_ended_has_told(code: int) -> None:
    found = ended(code, "The store at redis://127.0.0.1:6379 does not answer: Error 111.")
    assert "failure-is-told" not in broken(found)
    assert looked_at(found)["failure-is-told"] == 1


def test_where_nobody_noted_what_a_node_said_it_is_not_judged() -> None:
    assert looked_at(ended(75, None))["failure-is-told"] == 0


@pytest.mark.parametrize(
    ("found", "judged"),
    [
        pytest.param(lives(second(), faults=(fault(ended_ns=24 * SECOND),)), 0, id="short"),
        pytest.param(lives(second(), faults=(fault(must_notice=False),)), 0, id="need-not"),
        pytest.param(lives(second(ended_ns=24 * SECOND), faults=(fault(),)), 0, id="stopped"),
        pytest.param(lives(second(ended_ns=19 * SECOND), faults=(fault(),)), 0, id="before"),
        pytest.param(lives(second(stages=()), faults=(fault(),)), 0, id="never-traded"),
        pytest.param(
            lives(second(stages=(("warmup", 22 * SECOND),)), faults=(fault(),)), 0, id="warming-up"
        ),
        pytest.param(
            lives(second(stages=(*TRADES, ("degraded", 15 * SECOND))), faults=(fault(),)),
            0,
            id="had-left-before",
        ),
        pytest.param(
            lives(second(stages=(*TRADES, ("degraded", 24 * SECOND))), faults=(fault(),)),
            1,
            id="degraded",
        ),
        pytest.param(
            lives(second(how="by itself", exit_code=75, ended_ns=24 * SECOND), faults=(fault(),)),
            1,
            id="ended",
        ),
        pytest.param(eventful(), 1, id="degraded-and-ended"),
    ],
)
def test_a_loss_that_is_noticed_or_need_not_be(found: Evidence, judged: int) -> None:
    assert "loss-is-noticed" not in broken(found)
    assert looked_at(found)["loss-is-noticed"] == judged


def test_a_node_that_could_not_start_at_all_need_not_say_why() -> None:
    silent = {"exit_code": 1, "how": "by itself", "said": "", "stages": ()}
    first, later = evidence(lives=(life(**silent),)), life(number=2, **silent)
    assert looked_at(first)["failure-is-told"] == 0
    assert "failure-is-told" in broken(evidence(lives=(life(), later)))
