"""What happened without the kills: spoiled histories, and what is allowed."""

from dataclasses import replace

import pytest

from drill.evidence_builder import Journal, broken, evidence, looked_at, sound_journal

SPOILED = [
    pytest.param(
        evidence(reference=tuple(sound_journal().entered(exchange_order_id="21").records)),
        "equals-undisturbed",
        "Undisturbed, change 5 at the exchange is order.accepted EMA001-1704085259-E0 (BUY 0.010 "
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
        "Undisturbed, change 4 at the exchange is conditional.accepted EMA001-1704085259-S0 (SELL "
        "0.010 STOP_MARKET at 58000); with the kills it was conditional.accepted "
        "EMA001-1704085259-S0 (SELL 0.010 STOP_MARKET at 59000).",
        id="another-stop-price",
    ),
    pytest.param(
        evidence(
            reference=tuple(
                sound_journal()
                .add("position.changed", symbol="BTCUSDT", quantity="0", wallet="9990")
                .records
            ),
            journal=tuple(
                sound_journal()
                .add("position.changed", symbol="BTCUSDT", quantity="0", wallet="9980")
                .records
            ),
        ),
        "equals-undisturbed",
        "Undisturbed, change 5 at the exchange is a position of 0 BTCUSDT at None with 9990 in the "
        "wallet; with the kills it was a position of 0 BTCUSDT at None with 9980 in the wallet.",
        id="another-wallet",
    ),
]


def test_play_that_ended_early_is_compared_as_far_as_it_went() -> None:
    longer = tuple(sound_journal().entered(exchange_order_id="21").records)
    cut = evidence(reference=longer, played=False)
    assert "equals-undisturbed" not in broken(cut)


def test_play_that_was_ended_on_purpose_is_compared_as_far_as_its_market_went() -> None:
    whole = sound_journal().add("market.price", symbol="BTCUSDT")
    cut = evidence(
        journal=tuple(whole.records),
        reference=tuple(
            sound_journal()
            .add("market.price", symbol="BTCUSDT")
            .add("market.bar_closed", symbol="BTCUSDT")
            .entered(exchange_order_id="21", client_order_id="EMA001-1704085319-E0")
            .records
        ),
        ended_early=True,
    )
    assert "equals-undisturbed" not in broken(cut)
    assert looked_at(cut)["equals-undisturbed"] == 4
    assert "equals-undisturbed" in broken(replace(cut, ended_early=False))


def test_what_was_due_before_play_was_ended_on_purpose_is_missed() -> None:
    due = sound_journal().entered(exchange_order_id="21", client_order_id="EMA001-1704085319-E0")
    cut = evidence(reference=tuple(due.records), ended_early=True)
    assert broken(cut)["equals-undisturbed"][0].endswith("with the kills it was none.")
