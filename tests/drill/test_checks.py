"""Each check holds on a sound history and breaks, with its own sentence, on each spoiled one."""

from dataclasses import replace

import msgspec
import pytest

from drill.evidence_builder import (
    POLICY,
    SECOND,
    Journal,
    evidence,
    fill_row,
    flat_ledger,
    ledger,
    life,
    node_order,
    node_stop,
    order_row,
    snapshot,
    sound_journal,
    state,
    stop_row,
    with_ledger,
    with_state,
    without_stop_promise,
)
from recovery_drill.checks import CHECKS, judge
from recovery_drill.evidence import Evidence, LateWait, trimmed
from recovery_drill.failures import UsageError


def broken(found: Evidence) -> dict[str, tuple[str, ...]]:
    return {result.name: result.broken for result in judge(found) if result.broken}


def test_every_check_holds_and_looks_at_something_in_a_sound_history() -> None:
    for result in judge(evidence()):
        assert result.broken == ()
        assert result.evaluated > 0, result.name


def test_every_check_holds_for_a_flat_node() -> None:
    flat = snapshot(state=state(positions=[], orders=[]), ledger=flat_ledger())
    assert broken(evidence(snapshots=(flat,), journal=())) == {}


SPOILED = [
    pytest.param(
        with_state(positions=[]),
        "position-equals-exchange",
        "The node holds 0 BTCUSDT after restart 1, but the exchange holds 0.010.",
        id="position-forgotten",
    ),
    pytest.param(
        with_ledger(positions=[{"symbol": "BTCUSDT", "quantity": "0.020", "entry_price": "60000"}]),
        "position-equals-exchange",
        "The node holds 0.010 BTCUSDT after restart 1, but the exchange holds 0.020.",
        id="position-doubled",
    ),
    pytest.param(
        evidence(snapshots=(snapshot(state=None),)),
        "position-equals-exchange",
        "The node did not say what it holds after restart 1: the exchange holds 0.010 BTCUSDT.",
        id="node-silent",
    ),
    pytest.param(
        with_state(orders=[node_order(trade_ids=[]), node_stop()]),
        "fills-exactly-once",
        "Fill 1 (BUY 0.010 BTCUSDT of EMA001-1704085259-E0) is in the node 0 times instead of once "
        "after restart 1.",
        id="fill-lost",
    ),
    pytest.param(
        with_state(
            orders=[node_order(), node_order(client_order_id="EMA001-1704085259-E1"), node_stop()]
        ),
        "fills-exactly-once",
        "Fill 1 (BUY 0.010 BTCUSDT of EMA001-1704085259-E0) is in the node 2 times instead of once "
        "after restart 1.",
        id="fill-twice",
    ),
    pytest.param(
        with_state(
            orders=[
                node_order(),
                node_stop(),
                node_order(client_order_id="S-1", side="SELL", trade_ids=["S-99"]),
            ]
        ),
        "fills-exactly-once",
        "The node holds fill S-99 of order S-1 (SELL 0.010) after restart 1, which the exchange "
        "never made.",
        id="fill-invented",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .entered(exchange_order_id="21", client_order_id="EMA001-1704085259-E1")
            .records
        ),
        "one-order-per-intent",
        "Order EMA001-1704085259-E1 repeats decision EMA001-1704085259-E, which order "
        "EMA001-1704085259-E0 had already carried out (0.010 filled).",
        id="decision-repeated",
    ),
    pytest.param(
        evidence(
            journal=Journal()
            .add("order.accepted", **order_row(status="NEW", filled="0", type="LIMIT"))
            .add(
                "order.accepted",
                **order_row(
                    status="NEW",
                    filled="0",
                    exchange_order_id="21",
                    client_order_id="EMA001-1704085259-E1",
                ),
            )
            .records
        ),
        "one-order-per-intent",
        "Order EMA001-1704085259-E1 repeats decision EMA001-1704085259-E while order "
        "EMA001-1704085259-E0 was still open.",
        id="decision-repeated-while-open",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .entered(exchange_order_id="21", client_order_id="O-20240101-1")
            .records
        ),
        "one-order-per-intent",
        "Order O-20240101-1 (BUY 0.010 BTCUSDT) names no decision, so nobody can tell whether it "
        "repeats one.",
        id="id-without-decision",
    ),
    pytest.param(
        with_ledger(orders=[order_row()]),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT has 0 working stops instead of one after restart 1: none.",
        id="naked",
    ),
    pytest.param(
        with_ledger(
            orders=[
                order_row(),
                stop_row(),
                stop_row(client_order_id="EMA001-1704085259-S1", exchange_order_id="13"),
            ]
        ),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT has 2 working stops instead of one after restart 1: "
        "EMA001-1704085259-S0 SELL 0.010, EMA001-1704085259-S1 SELL 0.010.",
        id="stop-doubled",
    ),
    pytest.param(
        with_ledger(orders=[order_row(), stop_row(side="BUY")]),
        "one-protective-stop",
        "The stop of 0.010 BTCUSDT is on the wrong side after restart 1: "
        "EMA001-1704085259-S0 BUY 0.010.",
        id="stop-on-wrong-side",
    ),
    pytest.param(
        with_ledger(orders=[order_row(), stop_row(quantity="0.005")]),
        "one-protective-stop",
        "The stop of 0.010 BTCUSDT is for 0.005 after restart 1: EMA001-1704085259-S0 SELL 0.005.",
        id="stop-too-small",
    ),
    pytest.param(
        evidence(
            snapshots=(
                snapshot(
                    state=state(positions=[], orders=[node_stop()]),
                    ledger=ledger(positions=[], fills=[]),
                ),
            )
        ),
        "one-protective-stop",
        "No BTCUSDT is held after restart 1, but a stop is working: "
        "EMA001-1704085259-S0 SELL 0.010.",
        id="stop-without-position",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .stop("closed", status="CANCELED")
            .stop("accepted", exchange_order_id="13", client_order_id="EMA001-1704085319-S0")
            .records
        ),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT that had been protected had 0 working stops (last change: "
        "EMA001-1704085259-S0).",
        id="naked-for-a-moment",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .stop("accepted", exchange_order_id="13", client_order_id="EMA001-1704085319-S0")
            .stop("accepted", exchange_order_id="14", client_order_id="EMA001-1704085379-S0")
            .records
        ),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT that had been protected had 3 working stops (last change: "
        "EMA001-1704085379-S0).",
        id="stops-pile-up",
    ),
    pytest.param(
        with_state(orders=[node_order(), node_stop(status="SUBMITTED")]),
        "no-order-in-limbo",
        "Order EMA001-1704085259-S0 is stuck in SUBMITTED in the node after restart 1.",
        id="stuck",
    ),
    pytest.param(
        with_state(orders=[node_order(), node_stop(), node_stop(client_order_id="GHOST-S0")]),
        "no-order-in-limbo",
        "Order GHOST-S0 is ACCEPTED in the node after restart 1, but not working on the exchange.",
        id="ghost",
    ),
    pytest.param(
        with_state(orders=[node_order()]),
        "no-order-in-limbo",
        "Order EMA001-1704085259-S0 is working on the exchange after restart 1, and the node does "
        "not know it.",
        id="unknown-to-the-node",
    ),
    pytest.param(
        evidence(
            journal=Journal()
            .asked("klines.read", rows=59)
            .asked("order.new", leg="entry", client_order_id="E0")
            .records
        ),
        "no-decision-before-warm-up",
        "Life 1 of the node sent order E0 after 59 of 60 warm-up bars.",
        id="cold",
    ),
    pytest.param(
        evidence(lives=(life(stages=(("warmup", SECOND), ("trading", 9 * SECOND))),)),
        "no-decision-before-warm-up",
        "Life 1 of the node sent order EMA001-1704085259-E0 before it said that it trades.",
        id="too-early",
    ),
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
        evidence(after_stop=ledger(orders=[order_row()])),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT has 0 working stops instead of one after it was asked to "
        "stop: none.",
        id="protection-gone-with-the-node",
    ),
    pytest.param(
        evidence(reference=tuple(sound_journal().entered(exchange_order_id="21").records)),
        "equals-undisturbed",
        "Undisturbed, change 4 at the exchange is order.accepted EMA001-1704085259-E0 (BUY 0.010 "
        "MARKET at 60000); with the kills it was none.",
        id="decision-forgotten",
    ),
    pytest.param(
        evidence(reference=tuple(Journal().entered(quantity="0.020").stop("accepted").records)),
        "equals-undisturbed",
        "Undisturbed, change 1 at the exchange is order.accepted EMA001-1704085259-E0 (BUY 0.020 "
        "MARKET at 60000); with the kills it was order.accepted EMA001-1704085259-E0 (BUY 0.010 "
        "MARKET at 60000).",
        id="another-quantity",
    ),
    pytest.param(
        evidence(
            reference=tuple(Journal().entered().stop("accepted", trigger_price="58000").records)
        ),
        "equals-undisturbed",
        "Undisturbed, change 3 at the exchange is conditional.accepted EMA001-1704085259-S0 (SELL "
        "0.010 STOP_MARKET at 58000); with the kills it was conditional.accepted "
        "EMA001-1704085259-S0 (SELL 0.010 STOP_MARKET at 59000).",
        id="another-stop-price",
    ),
    pytest.param(
        evidence(unsettled=(LateWait("it waits for ever"),)),
        "no-zombie",
        "The node did not come to rest: it waits for ever.",
        id="never-at-rest",
    ),
]


@pytest.mark.parametrize(("spoiled", "check", "sentence"), SPOILED)
def test_a_spoiled_history_breaks_the_check_that_names_it(
    spoiled: Evidence, check: str, sentence: str
) -> None:
    assert sentence in broken(spoiled).get(check, ()), broken(spoiled)


def test_every_check_is_broken_by_some_spoiled_history() -> None:
    assert {param.values[1] for param in SPOILED} == set(CHECKS)


def test_a_decision_may_be_tried_again_after_a_rejection() -> None:
    journal = (
        Journal()
        .add("order.accepted", **order_row(status="NEW", filled="0"))
        .add("order.closed", **order_row(status="EXPIRED", filled="0"))
        .entered(exchange_order_id="21", client_order_id="EMA001-1704085259-E1")
    )
    assert "one-order-per-intent" not in broken(evidence(journal=tuple(journal.records)))


@pytest.mark.parametrize(("number", "code", "held"), [(1, 1, True), (2, 78, True), (2, 1, False)])
def test_a_node_that_never_traded_is_a_zombie_only_if_it_could_have(
    number: int, code: int, held: bool
) -> None:
    ended = life(number=number, how="by itself", exit_code=code, stages=())
    assert ("no-zombie" not in broken(evidence(lives=(ended,), journal=()))) == held


def test_the_order_that_a_stop_turns_into_is_no_decision() -> None:
    journal = (
        sound_journal()
        .stop("triggered", triggered_order_id="15", status="TRIGGERED")
        .add(
            "order.accepted",
            **order_row(
                exchange_order_id="15", client_order_id="EMA001-1704085259-S0", side="SELL"
            ),
        )
    )
    assert "one-order-per-intent" not in broken(evidence(journal=tuple(journal.records)))


def test_a_stop_that_fires_leaves_nobody_naked() -> None:
    fired = order_row(exchange_order_id="15", client_order_id="EMA001-1704085259-S0", side="SELL")
    journal = (
        sound_journal()
        .stop("triggered", triggered_order_id="15", status="TRIGGERED")
        .add("order.filled", **fired, fill=fill_row(side="SELL", position_after="0"))
        .holds("0")
        .stop("closed", status="FINISHED")
    )
    flat = snapshot(state=state(positions=[], orders=[]), ledger=flat_ledger())
    assert broken(evidence(snapshots=(flat,), journal=tuple(journal.records))) == {}


def test_a_stop_of_the_old_side_does_not_protect_the_new_position() -> None:
    journal = (
        sound_journal()
        .holds("-0.010")
        .stop("accepted", exchange_order_id="13", client_order_id="N-S0", side="BUY")
        .stop("closed", exchange_order_id="13", client_order_id="N-S0", side="BUY")
    )
    sentences = broken(evidence(journal=tuple(journal.records)))["one-protective-stop"]
    assert sentences == (
        "A position of -0.010 BTCUSDT that had been protected had 0 working stops (last change: "
        "N-S0).",
    )


def test_a_node_that_dies_with_its_environment_is_not_to_blame() -> None:
    ended = life(how="with its environment", exit_code=75)
    assert "no-zombie" not in broken(evidence(lives=(ended,)))


def test_orders_of_symbols_that_are_not_drilled_are_left_alone() -> None:
    other = node_stop(client_order_id="OTHER-S0", symbol="ETHUSDT")
    found = with_state(orders=[node_order(), node_stop(), other])
    assert "no-order-in-limbo" not in broken(found)


def test_play_that_ended_early_is_compared_as_far_as_it_went() -> None:
    longer = tuple(sound_journal().entered(exchange_order_id="21").records)
    cut = evidence(reference=longer, played=False)
    assert "equals-undisturbed" not in broken(cut)


def test_one_stop_may_replace_another() -> None:
    journal = (
        sound_journal()
        .stop("accepted", exchange_order_id="13", client_order_id="EMA001-1704085319-S0")
        .stop("closed", status="CANCELED")
    )
    assert "one-protective-stop" not in broken(evidence(journal=tuple(journal.records)))


def test_a_project_that_promises_no_stop_is_not_asked_for_one() -> None:
    naked = with_ledger(orders=[order_row()])
    found = evidence(policy=without_stop_promise(), snapshots=naked.snapshots)
    assert "one-protective-stop" not in broken(found)


def test_a_check_left_out_looks_at_nothing_and_says_why() -> None:
    policy = msgspec.structs.replace(POLICY, leave_out={"no-zombie": "it is slow here"})
    spoiled = evidence(policy=policy, lives=(life(how="by itself", exit_code=1),))
    (result,) = [r for r in judge(spoiled) if r.name == "no-zombie"]
    assert (result.evaluated, result.broken, result.left_out) == (0, (), "it is slow here")


def test_leaving_out_a_check_that_does_not_exist_is_refused() -> None:
    policy = msgspec.structs.replace(POLICY, leave_out={"no-such-check": "because"})
    with pytest.raises(UsageError, match="no-such-check cannot be left out"):
        judge(evidence(policy=policy))


# Fills that were never made show in whole snapshots only.
@pytest.mark.parametrize(
    ("spoiled", "check", "sentence"), [p for p in SPOILED if p.id != "fill-invented"]
)
def test_trimming_a_snapshot_hides_no_broken_promise(
    spoiled: Evidence, check: str, sentence: str
) -> None:
    cut = replace(spoiled, snapshots=tuple(trimmed(s) for s in spoiled.snapshots))
    assert sentence in broken(cut).get(check, ())
