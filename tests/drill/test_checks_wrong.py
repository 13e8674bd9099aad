"""A node while something is wrong: spoiled histories and the check that names each."""

import pytest

from drill.evidence_builder import (
    SECOND,
    Journal,
    broken,
    evidence,
    fault,
    life,
    looked_at,
    order_row,
    stop_row,
)
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.health import HealthLook

ENTRY = {"client_order_id": "EMA001-1704085319-E0", "exchange_order_id": "21"}
DEGRADED = (("trading", SECOND), ("degraded", 22 * SECOND), ("trading", 31 * SECOND))
AWAY = "The store is away."
RISK, HEALTH = "no-risk-while-degraded", "health-tells-the-truth"


def accepted(
    seconds: float, what: str = "order", held: str = "0", until: int = 60, **changes: object
) -> Evidence:
    """Return a degraded life in which an order is accepted so many seconds after the start."""
    journal = Journal()
    journal.holds(held)
    journal.mono_ns = int((seconds - 0.5) * SECOND)
    row = order_row if what == "order" else stop_row
    journal.add(f"{what}.accepted", **row(**{"status": "NEW", **ENTRY, **changes}))
    return evidence(
        lives=(life(stages=DEGRADED, ended_ns=until * SECOND),),
        journal=tuple(journal.records),
        faults=(fault(),),
    )


def answered(status: int, stage: str, *wrong: str) -> Evidence:
    """Return a history in which the node answered at /health while its store was away."""
    return evidence(health_looks=(HealthLook("while store.kill lasted", status, stage, wrong),))


def opened(what: str, seconds: float) -> str:
    """Return the sentence about an order that was opened in spite of all."""
    return (
        f"Life 1 of the node opened risk with order EMA001-1704085319-{what} BTCUSDT) "
        f"{seconds:.1f} s after it had said that it is degraded."
    )


SPOILED = [
    pytest.param(accepted(25), RISK, opened("E0 (BUY 0.010", 3), id="entered-while-degraded"),
    pytest.param(
        accepted(25, held="0.010"), RISK, opened("E0 (BUY 0.010", 3), id="added-while-degraded"
    ),
    pytest.param(
        accepted(25, held="-0.004"), RISK, opened("E0 (BUY 0.010", 3), id="turned-while-degraded"
    ),
    pytest.param(
        accepted(25, "conditional", reduce_only=False),
        RISK,
        opened("E0 (SELL 0.010", 3),
        id="conditional-entry-while-degraded",
    ),
    pytest.param(
        answered(200, "degraded", AWAY),
        HEALTH,
        "The node's /health answered 200 while store.kill lasted, when it was in degraded and "
        f"said: {AWAY}",
        id="degraded-and-healthy",
    ),
    pytest.param(
        answered(200, "trading", AWAY),
        HEALTH,
        "The node's /health answered 200 while store.kill lasted, when it was in trading and "
        f"said: {AWAY}",
        id="condition-not-told",
    ),
    pytest.param(
        answered(503, "trading"),
        HEALTH,
        "The node's /health answered 503 while store.kill lasted, when it was in trading and "
        "said: nothing is wrong.",
        id="trading-and-ill",
    ),
]


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(accepted(22.9), id="on its way"),
        pytest.param(accepted(32), id="right again"),
        pytest.param(accepted(25, reduce_only=True), id="reduce-only"),
        pytest.param(accepted(25, held="-0.010"), id="closes"),
        pytest.param(accepted(25, "conditional"), id="protects"),
        pytest.param(accepted(25, close_position=True), id="closes all"),
        pytest.param(accepted(25, symbol="ETHUSDT"), id="another symbol"),
        pytest.param(accepted(25, client_order_id="web_1"), id="another hand"),
    ],
)
def test_a_degraded_node_may_do_what_opens_nothing(allowed: Evidence) -> None:
    assert RISK not in broken(allowed)
    assert looked_at(allowed)[RISK] == 1


def test_what_a_conditional_order_turned_into_was_sent_before() -> None:
    found = accepted(25)
    fired = stop_row(status="TRIGGERED", triggered_order_id="21")
    journal = (*found.journal, *Journal().add("conditional.triggered", **fired).records)
    assert RISK not in broken(evidence(lives=found.lives, journal=journal, faults=found.faults))


def test_what_degrades_a_node_may_be_about_one_symbol_alone() -> None:
    found = accepted(25)
    refused = (fault(name="exchange.refuse-entries", must_notice=False),)
    elsewhere = evidence(lives=found.lives, journal=found.journal, faults=refused)
    assert looked_at(elsewhere)[RISK] == 0


def test_a_node_that_was_degraded_to_its_end_is_judged() -> None:
    stages = DEGRADED[:2]
    whole = evidence(lives=(life(stages=stages, ended_ns=None),), faults=(fault(),))
    assert looked_at(whole)[RISK] == 1


@pytest.mark.parametrize(
    "told", [answered(200, "trading"), answered(503, "degraded", AWAY), answered(503, "warmup")]
)
def test_health_is_200_only_when_all_is_well(told: Evidence) -> None:
    assert HEALTH not in broken(told)
    assert looked_at(told)[HEALTH] == 1
