"""Nodes promise different things, and each is judged by what it promises."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from drill.evidence_builder import (
    BAR,
    POLICY,
    SECOND,
    Journal,
    broken,
    evidence,
    flat_ledger,
    life,
    node_order,
    order_row,
    snapshot,
    sound_journal,
    state,
    stop_row,
)
from recovery_drill.checks import judge
from recovery_drill.checks.decide import decide
from recovery_drill.checks.fit import denials, never_settled, never_traded, silent, stuck
from recovery_drill.checks.undisturbed import incomparable
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.machine import LateSpan
from recovery_drill.record.model import NodeState, Record
from recovery_drill.record.policy import Policy
from recovery_drill.record.traded import Traded
from recovery_drill.store.view import StoreView, caught_up, store_look_data

MINUTE = 60_000
ORDER = "EMA001-1704085259-E0"
FILLED = {"type": "OrderFilled", "trade_id": "1", "last_qty": "0.010", "order_side": "BUY"}


def promises(**changes: Any) -> Policy:
    return msgspec.structs.replace(POLICY, **changes)


def journal_of(prefix: str, *, stop_first: bool = False, price: str = "59000") -> list[Record]:
    """A grid's two orders, then a bar, then an entry and its stop."""
    ids = {"client_order_id": f"{prefix}-2", "exchange_order_id": "12"}
    buy = {"client_order_id": f"{prefix}-1", "price": "58000", "exchange_order_id": "13"}
    sell = {"client_order_id": f"{prefix}-3", "price": "62000", "exchange_order_id": "14"}
    journal = Journal()
    for row in (sell, buy) if stop_first else (buy, sell):
        journal.add("order.accepted", **order_row(type="LIMIT", status="NEW", **row))
    journal.add("market.bar_closed", symbol="BTCUSDT")
    journal.add("conditional.accepted", **stop_row(**ids, trigger_price=price))
    journal.add("market.bar_closed", symbol="BTCUSDT")
    return journal.records


def compared(ledger: str, here: list[Record], there: list[Record]) -> dict[str, tuple[str, ...]]:
    found = evidence(
        policy=promises(ledger=ledger, protective_stop=False, intent=None),
        journal=tuple(here),
        reference=tuple(there),
    )
    return {name: said for name, said in broken(found).items() if name == "equals-undisturbed"}


def test_ids_that_carry_the_time_are_compared_only_where_they_are_promised() -> None:
    first, second = journal_of("O-20260101-120000"), journal_of("O-20260101-120003")
    assert compared("ids", second, first)
    assert not compared("orders", second, first)
    assert not compared("outcome", second, first)


def test_between_two_moves_of_the_market_the_sequence_is_no_promise_without_ids() -> None:
    first, second = journal_of("O"), journal_of("O", stop_first=True)
    assert compared("ids", second, first)
    assert not compared("orders", second, first)


def test_another_price_is_seen_without_ids() -> None:
    (said,) = compared("orders", journal_of("A", price="59001"), journal_of("B"))[
        "equals-undisturbed"
    ]
    assert said == (
        "Undisturbed, change 3 at the exchange is conditional.accepted (SELL 0.010 STOP_MARKET at "
        "59000); with the kills it was conditional.accepted (SELL 0.010 STOP_MARKET at 59001)."
    )


def test_what_differs_is_named_where_the_words_are_the_same() -> None:
    first, second = Journal(), Journal()
    for journal, reduces in ((first, True), (second, False)):
        journal.add("order.accepted", **order_row(reduce_only=reduces))
    (said,) = compared("orders", second.records, first.records)["equals-undisturbed"]
    assert said.endswith(": reduce_only is True and was False.")


@pytest.mark.parametrize(
    ("quantity", "stops", "told"),
    [
        ("0.010", "SELL 0.010", None),
        ("0", "SELL 0.010", "a position of 0 and these stops: SELL 0.010"),
        ("0.010", "none", "a position of 0.01 and these stops: none"),
    ],
)
def test_an_outcome_is_the_position_and_its_stops(
    quantity: str, stops: str, told: str | None
) -> None:
    there = sound_journal().records
    here = Journal().entered().holds(quantity)
    if stops != "none":
        here.stop("accepted", trigger_price="58123")
    found = compared("outcome", here.records, there)
    if told is None:
        assert not found
    else:
        assert found["equals-undisturbed"][0].endswith(f"with the kills it ended with {told}.")


def early(**changes: Any) -> Evidence:
    """A difference at the journal's first change, some seconds before or after the first kill."""
    there = tuple(journal_of("O", price="59001"))
    return evidence(journal=tuple(journal_of("O")), reference=there, **changes)


def test_a_difference_before_the_first_kill_is_the_node_s_own_way() -> None:
    late = early(lives=(life(ended_ns=60 * SECOND, how="killed"),))
    said = incomparable(late)
    assert said is not None
    assert "; this time it was conditional.accepted O-2 (SELL 0.010" in said
    verdict = decide("x", "y", frozenset(), late, kills_needed=False)
    result = next(c for c in verdict.checks if c.name == "equals-undisturbed")
    assert result.left_out is not None
    assert result.left_out.startswith("The node did otherwise than in the undisturbed play before")


def test_what_a_kill_has_kept_from_happening_is_not_the_node_s_own_way() -> None:
    """Sorted, what is missing lets another change of the same moment stand in its place."""
    there = journal_of("O")
    here = [there[0], *there[2:]]
    killed = there[1].mono_ns + 1
    found = evidence(
        policy=promises(ledger="orders"),
        journal=tuple(here),
        reference=tuple(there),
        lives=(life(ended_ns=killed, how="killed"),),
    )
    assert incomparable(found) is None
    assert incomparable(replace(found, lives=(life(ended_ns=60 * SECOND),))) is not None


def test_a_difference_after_the_first_kill_is_a_broken_promise() -> None:
    soon = early(lives=(life(ended_ns=1, how="killed"),))
    assert incomparable(soon) is None
    assert "equals-undisturbed" in broken(soon)


def test_a_difference_after_a_fault_of_the_exchange_is_a_broken_promise() -> None:
    there = journal_of("O", price="59001")
    odd = Record(
        **{**msgspec.structs.asdict(there[0]), "kind": "fault.armed", "data": {"name": "odd_bar"}}
    )
    here = [odd, *journal_of("O")]
    kept = life(ended_ns=60 * SECOND)
    found = evidence(journal=tuple(here), reference=tuple(there), lives=(kept,))
    assert incomparable(found) is None
    # Where both plays have it, it has done nothing.
    both = replace(found, reference=(odd, *there))
    assert incomparable(both) is not None


DEGRADED = (("trading", 1), ("degraded", 30 * SECOND), ("trading", 32 * SECOND))
KILLED = {"ended_ns": 1, "how": "killed"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"reference_degraded": True}, "In the undisturbed play the node was degraded"),
        ({"lives": (life(**KILLED), life(number=2, started_ns=3, stages=DEGRADED))}, None),
        (
            {
                "lives": (life(**KILLED), life(number=2, started_ns=3, stages=DEGRADED)),
                "late": (LateSpan(28 * SECOND, 29 * SECOND, 1.0),),
            },
            "This time the node was degraded",
        ),
    ],
)
def test_a_node_that_was_degraded_by_itself_is_not_compared(
    changes: dict[str, Any], told: str | None
) -> None:
    """And one that a kill has degraded is: it has to come back as if nothing had been."""
    found = early(**{"lives": (life(**KILLED),), **changes})
    assert "equals-undisturbed" in broken(found)
    said = incomparable(found)
    if told is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith(told)
        verdict = decide("x", "y", frozenset(), found, kills_needed=False)
        result = next(c for c in verdict.checks if c.name == "equals-undisturbed")
        assert (result.broken, result.left_out) == ((), said)
        # Where equality is not promised anyway, it is nothing to speak of.
        free = replace(found, leave_out={"equals-undisturbed": "Not promised."})
        verdict = decide("x", "y", frozenset(), free, kills_needed=False)
        assert "the node was degraded" not in verdict.reason


def test_a_node_that_has_no_orders_at_rest_has_not_shown_nothing() -> None:
    flat = snapshot(state=state(orders=[], positions=[]), ledger=flat_ledger())
    resting = evidence(snapshots=(flat,), policy=promises(protective_stop=False))
    assert "nothing to judge: no-order-in-limbo" not in reason_of(resting)
    assert "no-order-in-limbo" in reason_of(replace(resting, policy=POLICY))


def reason_of(found: Evidence) -> str:
    return decide("x", "y", frozenset(), found, kills_needed=False).reason


def test_what_is_not_promised_is_not_evaluated_and_says_why() -> None:
    found = judge(evidence(policy=promises(intent=None, protective_stop=False)))
    left = {result.name: result.left_out for result in found if result.left_out}
    assert left == {
        "one-order-per-intent": "the policy names no intent: its order ids tell no decision",
        "one-protective-stop": "the policy promises no protective stop",
    }


# -- what a node has decided --------------------------------------------------------------------


def heard(bar: int | None, *, seconds: int = 60) -> NodeState:
    return msgspec.structs.replace(
        state(), decided_bar={"BTCUSDT": bar}, traded=(Traded("A", "BTCUSDT", seconds, 0),)
    )


def test_a_node_that_decides_as_it_hears_owes_nothing_before_the_first_bar() -> None:
    assert heard(None).has_decided("BTCUSDT", BAR, since=BAR)
    assert not heard(None).has_decided("BTCUSDT", BAR + MINUTE, since=BAR)
    assert heard(BAR + MINUTE).has_decided("BTCUSDT", BAR + MINUTE, since=BAR)
    assert not heard(BAR).has_decided("BTCUSDT", BAR + MINUTE, since=BAR + MINUTE)


def test_one_that_says_nothing_has_decided_nothing() -> None:
    silent_node = msgspec.structs.replace(state(), decided_bar={})
    assert not silent_node.has_decided("BTCUSDT", BAR, since=BAR)


def test_bars_that_are_longer_are_owed_when_they_close() -> None:
    hour = 60 * MINUTE
    start = BAR - (BAR + 1) % hour + hour
    assert heard(None, seconds=3600).has_decided("BTCUSDT", start - MINUTE, since=start - hour)
    assert not heard(None, seconds=3600).has_decided("BTCUSDT", start, since=start - MINUTE)


# -- what the store has -------------------------------------------------------------------------


def stored(*events: str, **fill: str) -> StoreView:
    rows = tuple(FILLED if name == "OrderFilled" else {"type": name} for name in events)
    return StoreView({ORDER: rows}, {fill.pop("id", "B"): ({**FILLED, **fill},)} if fill else {})


@pytest.mark.parametrize("after", ["OrderCancelRejected", "OrderUpdated", "OrderPendingCancel"])
def test_what_was_asked_too_late_does_not_undo_the_end_of_an_order(after: str) -> None:
    node = state(orders=[node_order()], positions=[])
    assert caught_up(node, stored("OrderAccepted", "OrderFilled", after)) is None
    expired = state(orders=[node_order(status="EXPIRED", trade_ids=[])], positions=[])
    assert caught_up(expired, stored("OrderAccepted", "OrderExpired", after)) is None
    assert caught_up(expired, stored("OrderAccepted", after)) is not None


@pytest.mark.parametrize("name", ["BTCUSDT-PERP.BINANCE-BOTH", "P-20260101-120000-001-000-1"])
def test_a_position_is_known_by_its_fills_whatever_it_is_called(name: str) -> None:
    held = {"symbol": "BTCUSDT", "quantity": "0.010", "strategy_id": "EMA-001"}
    node = state(orders=[], positions=[held])
    fill = {**FILLED, "instrument_id": "BTCUSDT-PERP.BINANCE", "strategy_id": "EMA-001"}
    view = StoreView({}, {name: (fill,)})
    assert caught_up(node, view) is None
    other = StoreView({}, {name: ({**fill, "strategy_id": "EXTERNAL"},)})
    assert caught_up(node, other) == "The store lacks the position of 0.010 BTCUSDT."
    (kept,) = store_look_data(view, "then", None)["positions"]
    assert kept.startswith("BTCUSDT-PERP.BINANCE")


# -- what a node must fulfil --------------------------------------------------------------------


def denied(reason: str) -> NodeState:
    return state(orders=[node_order(status="DENIED", reason=reason)], positions=[])


def test_orders_that_the_engine_denied_are_told() -> None:
    said = denials(denied("NOTIONAL_EXCEEDS_FREE_BALANCE"))
    assert said == (
        "The node's engine denied 1 of its orders: NOTIONAL_EXCEEDS_FREE_BALANCE (1 times)."
    )
    assert said in never_traded(POLICY, denied("NOTIONAL_EXCEEDS_FREE_BALANCE"), 120)
    assert denials(state()) == ""


def test_each_message_says_what_is_seen_and_what_a_node_must_fulfil() -> None:
    deaf = msgspec.structs.replace(state(), decided_bar={}, notes=("1 question has no answer.",))
    told = never_settled(POLICY, deaf, "the node did not decide bar 1")
    assert told.startswith("The node did not decide bar 1. 1 question has no answer. It hears no")
    assert 'say epoch = "now"' in told
    now = msgspec.structs.replace(POLICY, epoch="now")
    assert "The market begins long ago" not in never_traded(now, deaf, 120)
    for message in (told, silent(25, ""), stuck(25, ["it failed"]), never_traded(now, None, 120)):
        assert "python -m recovery_drill.kit FILE" in message.splitlines()[-1]
        assert "(4) trades the policy's symbols" in message.splitlines()[-1]


def test_a_market_near_now_has_room_and_history() -> None:
    import time

    policy = promises(epoch="now")
    begins = policy.epoch_ms()
    assert begins is not None
    ahead = time.time() * 1000 - (begins + policy.history * MINUTE)
    assert 720 * MINUTE <= ahead < 723 * MINUTE
    assert promises(epoch=5).epoch_ms() == 5
    assert (promises().epoch_ms(), promises().history) == (None, 300)
    assert promises(epoch="now", history_bars=9).history == 9
    assert Decimal(policy.history) == 2880


def test_the_evidence_of_these_tests_is_sound() -> None:
    assert not broken(replace(evidence(), reference=None))
