"""What happened without the kills: spoiled histories, and what is allowed."""

from dataclasses import replace

import pytest

from drill.evidence_builder import (
    Journal,
    broken,
    evidence,
    looked_at,
    order_row,
    sound_journal,
)

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


def two_symbols(*names: str, wallet: str = "9970", quantity: str = "0.010") -> Journal:
    """Return positions opened in this order; both share a wallet."""
    journal, left = Journal(), {"BTCUSDT": quantity, "ETHUSDT": "0.100"}
    for number, name in enumerate(names, start=1):
        after = wallet if number == len(names) else "9985"
        row = order_row(symbol=name, client_order_id=f"{name}-E0", exchange_order_id=str(number))
        journal.add("order.accepted", **row)
        journal.add("position.changed", symbol=name, quantity=left[name], wallet=after)
    return journal


def compared(here: Journal, there: Journal) -> tuple[str, ...]:
    found = evidence(journal=tuple(here.records), reference=tuple(there.records))
    return broken(found).get("equals-undisturbed", ())


def test_which_of_two_symbols_is_first_is_no_promise() -> None:
    here, there = two_symbols("ETHUSDT", "BTCUSDT"), two_symbols("BTCUSDT", "ETHUSDT")
    assert compared(here, there) == ()


def test_each_of_two_symbols_is_compared() -> None:
    there = two_symbols("BTCUSDT", "ETHUSDT")
    (other,) = compared(two_symbols("ETHUSDT", "BTCUSDT", quantity="0.020"), there)
    assert other == (
        "Undisturbed, change 2 in BTCUSDT is a position of 0.010 BTCUSDT at None; with the kills "
        "it was a position of 0.020 BTCUSDT at None."
    )
    (lost,) = compared(two_symbols("BTCUSDT", "BTCUSDT"), there)
    assert lost.startswith("Undisturbed, change 3 in BTCUSDT is none;")
    (gone,) = compared(two_symbols("BTCUSDT"), there)
    assert gone.startswith("Undisturbed, change 1 in ETHUSDT is order.accepted ETHUSDT-E0")


def test_the_wallet_that_two_symbols_share_is_compared_at_the_end() -> None:
    there = two_symbols("BTCUSDT", "ETHUSDT")
    (sentence,) = compared(two_symbols("ETHUSDT", "BTCUSDT", wallet="9969"), there)
    assert sentence == (
        "Undisturbed, 9970 is in the wallet at the end; with the kills it was 9969."
    )


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
