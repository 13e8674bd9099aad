"""No node is blamed for its machine, and no machine for its node."""

import asyncio
import sys
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from drill.evidence_builder import (
    POLICY,
    SECOND,
    Journal,
    evidence,
    fault,
    life,
    look,
    order_row,
    snapshot,
    sound_journal,
    state,
)
from processes import Process
from recovery_drill.checks.decide import decide
from recovery_drill.proc.machine import Waiting, measure
from recovery_drill.record.evidence import Evidence, LateWait, Named
from recovery_drill.record.machine import (
    EXPECTED,
    LATE,
    Figures,
    LateSpan,
    late_spans,
    machine_of,
    scaled,
)
from recovery_drill.record.model import Record
from recovery_drill.record.verdict import ScenarioVerdict

LATE_AT_28 = (LateSpan(24 * SECOND, 28 * SECOND, 3.5),)


def beat(at: float, lost: float, over: float = 0.5) -> Record:
    data = {"seconds": lost, "over": over}
    return Record(1, 1, int(at * SECOND), 0, None, "drill", LATE, data)


def judged(found: Evidence) -> ScenarioVerdict:
    return decide("random", "purpose", frozenset(), found, kills_needed=False)


def trading(**changes: Any) -> Evidence:
    """Return a node that trades from its second second to its sixtieth."""
    first = life(ended_ns=60 * SECOND, exit_code=0, how="stopped")
    return evidence(**{"lives": (first,), "snapshots": (snapshot(),), **changes})


def test_a_machine_as_quick_as_expected_keeps_its_budgets() -> None:
    machine = machine_of(EXPECTED)
    assert machine.factor == 1.0
    assert scaled(POLICY, machine) is POLICY


def test_a_quicker_machine_does_not_shorten_them() -> None:
    assert machine_of(Figures(0.01, 0.001, 0.01)).factor == 1.0


@pytest.mark.parametrize("slow", ["process_seconds", "flush_seconds", "loop_seconds"])
def test_the_slowest_of_three_figures_makes_every_budget_longer(slow: str) -> None:
    machine = machine_of(EXPECTED._replace(**{slow: getattr(EXPECTED, slow) * 2}))
    assert machine.factor == 2.0
    assert "2 times as long" in machine.sentence
    budgets = scaled(POLICY, machine).budgets
    assert msgspec.structs.astuple(budgets) == (120.0, 20.0, 10.0, 10.0, 20.0)


def test_budgets_do_not_grow_without_end() -> None:
    assert machine_of(Figures(100, 100, 100)).factor == 6.0


@pytest.mark.processes
async def test_this_machine_can_be_measured() -> None:
    assert 1.0 <= (await measure()).factor <= 6.0


def test_what_was_lost_in_a_row_counts_together() -> None:
    (span,) = late_spans([beat(10, 0.5), beat(10.5, 0.5), beat(12, 0.25)])
    assert span == LateSpan(int(9.5 * SECOND), 12 * SECOND, 1.25)


def test_a_hiccup_is_not_lateness() -> None:
    assert late_spans([beat(10, 0.4), beat(20, 0.4)]) == ()


TIMED: dict[str, Evidence] = {
    "no-zombie": trading(unsettled=(LateWait("the node did not decide", 30 * SECOND),)),
    "store-holds-what-node-holds": trading(
        store_looks=(look(behind="Order E0 is not in the store.", mono_ns=30 * SECOND),)
    ),
    "loss-is-noticed": trading(faults=(fault(),)),
    "wrong-is-named": trading(named=(Named("store", 5, mono_ns=30 * SECOND),)),
}


@pytest.mark.parametrize("check", TIMED)
def test_what_took_too_long_is_broken_on_time_and_inconclusive_when_late(check: str) -> None:
    on_time = judged(TIMED[check])
    assert (on_time.outcome, [c.name for c in on_time.checks if c.broken]) == ("broken", [check])
    late = judged(replace(TIMED[check], late=LATE_AT_28))
    assert late.outcome == "inconclusive"
    assert late.broken == ()
    assert late.reason.startswith("The machine was late by 3.5 s, and that alone may have broken")
    assert on_time.broken[0] in late.reason


@pytest.mark.parametrize("check", TIMED)
def test_a_machine_that_was_late_at_another_time_excuses_nothing(check: str) -> None:
    early = (LateSpan(3 * SECOND, 4 * SECOND, 1.0),)
    assert judged(replace(TIMED[check], late=early)).outcome == "broken"


def sent_twice() -> Evidence:
    again = order_row(exchange_order_id="13", client_order_id="EMA001-1704085259-E1")
    journal = sound_journal().entered(**again)
    return trading(journal=tuple(journal.records))


def naked() -> Evidence:
    journal: Journal = sound_journal().stop("closed", status="CANCELED")
    return trading(journal=tuple(journal.records))


@pytest.mark.parametrize("real", [sent_twice(), naked()], ids=["sent twice", "without its stop"])
def test_a_real_break_stays_broken_however_late_the_machine_was(real: Evidence) -> None:
    slow = replace(real, unsettled=TIMED["no-zombie"].unsettled, late=LATE_AT_28)
    before = [c.name for c in judged(real).checks if c.broken]
    verdict = judged(slow)
    assert verdict.outcome == "broken"
    # What time alone may have broken is not held against the node beside it.
    assert [c.name for c in verdict.checks if c.broken] == before


def test_what_is_wrong_at_rest_stays_broken_and_what_a_wait_ran_out_on_does_not() -> None:
    elsewhere = state(positions=[])
    at_rest = snapshot(state=elsewhere, mono_ns=28 * SECOND)
    assert judged(trading(snapshots=(at_rest,), late=LATE_AT_28)).outcome == "broken"
    ran_out = replace(at_rest, overdue=True)
    assert judged(trading(snapshots=(ran_out,))).outcome == "broken"
    late = judged(trading(snapshots=(snapshot(), ran_out), late=LATE_AT_28))
    assert late.outcome == "inconclusive"


def test_a_node_that_ended_with_a_defect_is_not_excused() -> None:
    ended = life(ended_ns=28 * SECOND, exit_code=1, how="by itself", said="It is a defect.")
    assert judged(evidence(lives=(ended,), late=LATE_AT_28)).outcome == "broken"


def test_one_killed_because_it_did_not_end_in_time_is_excused_when_late() -> None:
    ended = life(ended_ns=28 * SECOND, exit_code=-9, how="stopped")
    assert judged(evidence(lives=(ended,))).outcome == "broken"
    assert judged(evidence(lives=(ended,), late=LATE_AT_28)).outcome == "inconclusive"


SPIN = "while True: pass"


@pytest.mark.processes
async def test_processes_that_get_no_processor_are_seen() -> None:
    waiting = Waiting()
    spinning = [Process([sys.executable, "-c", SPIN]) for _ in range(8)]
    pids = [each.pid for each in spinning]
    waiting.seconds(pids)
    await asyncio.sleep(1.0)
    assert waiting.seconds(pids) > 0.3


@pytest.mark.processes
async def test_a_process_that_waits_for_something_else_has_lost_nothing() -> None:
    idle = Process([sys.executable, "-c", "import time; time.sleep(60)"])
    await asyncio.sleep(1.0)
    waiting = Waiting()
    waiting.seconds([idle.pid])
    await asyncio.sleep(1.0)
    assert waiting.seconds([idle.pid]) < 0.3
