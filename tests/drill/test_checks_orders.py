"""Orders and decisions: spoiled histories and the check that names each; and what is allowed."""

import pytest

from drill.evidence_builder import (
    SECOND,
    Journal,
    broken,
    evidence,
    ledger,
    life,
    node_order,
    node_stop,
    order_row,
    snapshot,
    sound_journal,
    state,
    stop_row,
    with_state,
)

SEND = {"leg": "entry", "client_order_id": "E0"}

SPOILED = [
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
        evidence(journal=sound_journal().entered(exchange_order_id="21").records),
        "client-order-ids-unique",
        "Client order id EMA001-1704085259-E0 names order 11 and order 21 of the exchange.",
        id="id-used-again",
    ),
    pytest.param(
        evidence(
            journal=sound_journal()
            .stop("closed", status="CANCELED")
            .stop("accepted", exchange_order_id="13")
            .records
        ),
        "client-order-ids-unique",
        "Client order id EMA001-1704085259-S0 names order 12 and order 13 of the exchange.",
        id="stop-id-used-again",
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
        with_state(orders=[node_order(), node_stop(exchange_order_id="99")]),
        "no-order-in-limbo",
        "Order EMA001-1704085259-S0 is number 99 in the node after restart 1, but 12 on the "
        "exchange.",
        id="another-number",
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
]


def test_a_node_need_not_know_the_exchange_s_number_of_an_order() -> None:
    found = with_state(orders=[node_order(), node_stop(exchange_order_id=None)])
    assert "no-order-in-limbo" not in broken(found)


def test_what_a_stop_turned_into_may_keep_the_stop_s_number_in_the_node() -> None:
    journal = sound_journal().stop("triggered", triggered_order_id="15", status="TRIGGERED")
    fired = stop_row(kind="order", exchange_order_id="15", filled="0.004", type="MARKET")
    found = evidence(
        journal=tuple(journal.records),
        snapshots=(
            snapshot(
                ledger=ledger(orders=[order_row(), {**fired, "status": "PARTIALLY_FILLED"}]),
                state=state(
                    orders=[node_order(), node_stop(status="PARTIALLY_FILLED", filled="0.004")]
                ),
            ),
        ),
    )
    assert "no-order-in-limbo" not in broken(found)


def test_a_decision_may_be_tried_again_after_a_rejection() -> None:
    journal = (
        Journal()
        .add("order.accepted", **order_row(status="NEW", filled="0"))
        .add("order.closed", **order_row(status="EXPIRED", filled="0"))
        .entered(exchange_order_id="21", client_order_id="EMA001-1704085259-E1")
    )
    assert "one-order-per-intent" not in broken(evidence(journal=tuple(journal.records)))


def exited_twice(*, between: bool) -> Journal:
    """Return a journal in which an exit is sent twice, with another bot's trade between or not."""
    exit_row = {"side": "SELL", "reduce_only": True}
    journal = sound_journal().entered(
        exchange_order_id="21", client_order_id="EMA001-1704085259-X0", **exit_row
    )
    if between:
        journal.entered(exchange_order_id="22", client_order_id="web_1")
    return journal.entered(
        exchange_order_id="23", client_order_id="EMA001-1704085259-X1", **exit_row
    )


def test_an_exit_may_be_repeated_once_something_else_has_filled() -> None:
    allowed = broken(evidence(journal=exited_twice(between=True).records))
    assert not any("X1 repeats" in sentence for sentence in allowed.get("one-order-per-intent", ()))
    [sentence] = broken(evidence(journal=exited_twice(between=False).records))[
        "one-order-per-intent"
    ]
    assert sentence.startswith("Order EMA001-1704085259-X1 repeats decision EMA001-1704085259-X")


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
    found = broken(evidence(journal=tuple(journal.records)))
    assert "one-order-per-intent" not in found
    assert "client-order-ids-unique" not in found


def test_another_symbol_s_ids_are_left_alone() -> None:
    journal = sound_journal()
    for number in ("31", "32"):
        journal.entered(exchange_order_id=number, client_order_id="O-1", symbol="ETHUSDT")
    assert "client-order-ids-unique" not in broken(evidence(journal=tuple(journal.records)))


def test_the_exchange_may_use_its_own_id_again() -> None:
    journal = sound_journal()
    for number in ("31", "32"):
        journal.entered(exchange_order_id=number, client_order_id="adl_autoclose")
    assert "client-order-ids-unique" not in broken(evidence(journal=tuple(journal.records)))


def test_orders_of_symbols_that_are_not_drilled_are_left_alone() -> None:
    other = node_stop(client_order_id="OTHER-S0", symbol="ETHUSDT")
    found = with_state(orders=[node_order(), node_stop(), other])
    assert "no-order-in-limbo" not in broken(found)


def test_what_is_sent_beside_a_rival_is_the_other_node_s() -> None:
    for stages in ((), (("trading", 30 * SECOND),)):
        rival = life(number=2, started_ns=SECOND, rival=True, stages=stages, ended_ns=None)
        assert "no-decision-before-warm-up" not in broken(evidence(lives=(life(), rival)))


def test_a_rival_that_took_over_is_asked_for_its_bars() -> None:
    journal = Journal().asked("order.new", leg="entry", client_order_id="E0")
    rival = life(number=2, started_ns=0, rival=True, ended_ns=None)
    found = evidence(lives=(rival,), journal=tuple(journal.records))
    assert broken(found)["no-decision-before-warm-up"] == (
        "Life 2 of the node sent order E0 after 0 of 60 warm-up bars.",
    )


@pytest.mark.parametrize(
    "journal",
    [
        pytest.param(Journal().asked("orders.all", rows=60).asked("order.new", **SEND), id="rows"),
        pytest.param(
            Journal()
            .add("request", request="klines.read", symbol="ETHUSDT", rows=60)
            .asked("order.new", **SEND),
            id="another-symbol",
        ),
        pytest.param(
            Journal().asked("order.new", **SEND).asked("klines.read", rows=60), id="too-late"
        ),
    ],
)
def test_what_are_no_bars_of_the_node_s_symbols_before_the_order_warms_nothing(
    journal: Journal,
) -> None:
    found = broken(evidence(journal=tuple(journal.records)))
    assert found["no-decision-before-warm-up"] == (
        "Life 1 of the node sent order E0 after 0 of 60 warm-up bars.",
    )


def test_each_life_asks_for_its_own_bars() -> None:
    journal = Journal().asked("klines.read", rows=60).asked("order.new", **SEND)
    journal.mono_ns = 13 * SECOND
    journal.asked("order.new", **{**SEND, "client_order_id": "E1"}).asked("klines.read", rows=60)
    second = life(
        number=2, started_ns=11 * SECOND, stages=(("trading", 13 * SECOND),), ended_ns=None
    )
    found = broken(evidence(lives=(life(), second), journal=tuple(journal.records)))
    assert found["no-decision-before-warm-up"] == (
        "Life 2 of the node sent order E1 after 0 of 60 warm-up bars.",
    )


def test_a_life_that_never_traded_must_send_nothing() -> None:
    warming = life(stages=(("warmup", SECOND),))
    assert broken(evidence(lives=(warming,)))["no-decision-before-warm-up"] == (
        "Life 1 of the node sent order EMA001-1704085259-E0 before it said that it trades.",
    )


def test_the_last_word_of_the_life_before_is_not_charged_to_the_next() -> None:
    journal = Journal().asked("klines.read", rows=60).asked("order.new", **SEND)
    journal.mono_ns = 11 * SECOND
    journal.asked("order.new", **{**SEND, "client_order_id": "E1"})
    for connected, charged in ((12 * SECOND, False), (11 * SECOND, True)):
        stages = (("connect", connected), ("trading", 14 * SECOND))
        second = life(number=2, started_ns=11 * SECOND, stages=stages, ended_ns=None)
        found = broken(evidence(lives=(life(), second), journal=tuple(journal.records)))
        assert ("no-decision-before-warm-up" in found) is charged
