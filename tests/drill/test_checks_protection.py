"""Stops and other exits: spoiled histories and the check that names each; and what is allowed."""

import pytest

from drill.evidence_builder import (
    Journal,
    broken,
    evidence,
    fill_row,
    flat_ledger,
    ledger,
    node_stop,
    order_row,
    snapshot,
    sound_journal,
    state,
    stop_row,
    with_ledger,
    without_stop_promise,
)
from recovery_drill.checks import judge

FLAT = state(positions=[], orders=[])

TAKE_PROFIT = {
    "type": "TAKE_PROFIT_MARKET",
    "exchange_order_id": "13",
    "client_order_id": "EMA001-1704085259-T0",
}
STOP_ENTRY = {
    "reduce_only": False,
    "exchange_order_id": "14",
    "client_order_id": "EMA001-1704085319-E0",
}

SPOILED = [
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
        evidence(after_stop=ledger(orders=[order_row()])),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT has 0 working stops instead of one after it was asked to "
        "stop: none.",
        id="protection-gone-with-the-node",
    ),
    pytest.param(
        evidence(
            left=(
                snapshot(when="after it has ended by itself", state=None),
                snapshot(
                    when="after it has ended again", state=None, ledger=ledger(orders=[order_row()])
                ),
            )
        ),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT has 0 working stops instead of one after it has ended again: "
        "none.",
        id="ended-in-the-midst",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .stop("accepted", **TAKE_PROFIT)
            .stop("accepted", **STOP_ENTRY)
            .stop("closed", status="CANCELED")
            .records
        ),
        "one-protective-stop",
        "A position of 0.010 BTCUSDT that had been protected had 0 working stops (last change: "
        "EMA001-1704085259-S0).",
        id="what-is-no-stop-does-not-protect",
    ),
    pytest.param(
        evidence(
            snapshots=(
                snapshot(
                    state=state(positions=[], orders=[node_stop()]),
                    ledger=flat_ledger(orders=[stop_row()]),
                ),
            )
        ),
        "no-exit-without-position",
        "No BTCUSDT is held after restart 1, but an exit is working: "
        "EMA001-1704085259-S0 STOP_MARKET SELL 0.010.",
        id="stop-without-position",
    ),
    pytest.param(
        evidence(
            policy=without_stop_promise(),
            snapshots=(snapshot(state=FLAT, ledger=flat_ledger()),),
            after_stop=flat_ledger(
                orders=[
                    stop_row(type="TAKE_PROFIT_MARKET", client_order_id="T0"),
                    order_row(
                        type="LIMIT",
                        status="NEW",
                        filled="0",
                        reduce_only=True,
                        client_order_id="X0",
                    ),
                    stop_row(close_position=True, reduce_only=False, client_order_id="C0"),
                ]
            ),
        ),
        "no-exit-without-position",
        "No BTCUSDT is held after it was asked to stop, but an exit is working: "
        "T0 TAKE_PROFIT_MARKET SELL 0.010, X0 LIMIT BUY 0.010, C0 STOP_MARKET SELL "
        "0.010.",
        id="exits-left-by-a-stopped-node",
    ),
]


def test_an_entry_may_rest_where_nothing_is_held() -> None:
    resting = order_row(type="LIMIT", status="NEW", filled="0")
    found = evidence(snapshots=(snapshot(ledger=flat_ledger(orders=[resting])),))
    assert "no-exit-without-position" not in broken(found)


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


def fired_beside_a_fill() -> Journal:
    """A resting order fills a moment before the stop does, which was for less."""
    fired = order_row(exchange_order_id="15", client_order_id="EMA001-1704085259-S0", side="SELL")
    return (
        sound_journal()
        .holds("0.020")
        .stop("triggered", triggered_order_id="15", status="TRIGGERED")
        .add("order.filled", **fired, fill=fill_row(side="SELL", position_after="0.010"))
        .holds("0.010")
        .stop("closed", status="FINISHED")
    )


def test_what_a_stop_has_left_is_to_be_protected_anew() -> None:
    protected = fired_beside_a_fill().stop("accepted", exchange_order_id="16")
    assert "one-protective-stop" not in broken(evidence(journal=tuple(protected.records)))


def test_what_a_stop_has_left_and_was_protected_anew_stays_so() -> None:
    journal = (
        fired_beside_a_fill()
        .stop("accepted", exchange_order_id="16", client_order_id="N-S1")
        .stop("closed", exchange_order_id="16", client_order_id="N-S1", status="CANCELED")
    )
    (sentence,) = broken(evidence(journal=tuple(journal.records)))["one-protective-stop"]
    assert sentence.endswith("had 0 working stops (last change: N-S1).")


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
    (result,) = [r for r in judge(found) if r.name == "one-protective-stop"]
    assert (result.evaluated, result.broken) == (0, ())
    assert result.left_out == "the policy promises no protective stop"


def test_a_stop_for_the_whole_position_has_no_quantity_of_its_own() -> None:
    whole = stop_row(close_position=True, reduce_only=False, quantity="0")
    assert broken(with_ledger(orders=[order_row(), whole])) == {}


@pytest.mark.parametrize("quantity", ["0", "-0.010"])
def test_a_new_position_may_wait_for_its_stop_as_the_first_did(quantity: str) -> None:
    journal = sound_journal().holds(quantity).stop("closed", status="CANCELED").holds("-0.010")
    journal.stop("accepted", **TAKE_PROFIT)
    assert "one-protective-stop" not in broken(evidence(journal=tuple(journal.records)))


def test_a_stop_that_fills_in_parts_protects_what_is_left() -> None:
    fired = order_row(exchange_order_id="15", client_order_id="EMA001-1704085259-S0", side="SELL")
    journal = (
        sound_journal()
        .stop("triggered", triggered_order_id="15", status="TRIGGERED")
        .add(
            "order.filled",
            **{**fired, "status": "PARTIALLY_FILLED", "filled": "0.004"},
            fill=fill_row(side="SELL", quantity="0.004", position_after="0.006"),
        )
        .holds("0.006")
        .stop("accepted", **TAKE_PROFIT)
    )
    assert "one-protective-stop" not in broken(evidence(journal=tuple(journal.records)))
