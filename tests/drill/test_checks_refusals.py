"""What is refused, said, and not one's own: spoiled histories, and what is allowed."""

import msgspec
import pytest

from drill.evidence_builder import (
    POLICY,
    SYMBOL,
    Journal,
    broken,
    evidence,
    fill_row,
    ledger,
    looked_at,
    node_order,
    node_stop,
    order_row,
    snapshot,
    sound_journal,
    state,
    stop_row,
)
from recovery_drill.record.agreement import disagreement
from recovery_drill.record.evidence import Evidence, Named

NAMED, LOOPS, ALONE = "wrong-is-named", "refusals-do-not-loop", "others-are-left-alone"
SAID = Named(SYMBOL, 5, f"{SYMBOL}: The exchange refuses entries of {SYMBOL}.", 503)
OTHERS = {"client_order_id": "web_9", "exchange_order_id": "90", "reduce_only": False}


def refuse(journal: Journal, leg: str, code: int = -4045) -> Journal:
    """Let an order be refused."""
    request = "conditional.new" if leg == "stop" else "order.new"
    return journal.add("request", request=request, symbol=SYMBOL, leg=leg, status=400, code=code)


def round_trip(
    journal: Journal, number: int, *, closed_by: str = "", stops_refused: int = 5
) -> Journal:
    """Enter, have stops refused, and be flat again by another order."""
    entry = order_row(exchange_order_id=f"{number}1", client_order_id=f"EMA001-{number}-E0")
    left = order_row(
        exchange_order_id=f"{number}2",
        client_order_id=closed_by or f"EMA001-{number}-X0",
        side="SELL",
        reduce_only=True,
    )
    journal.add("order.filled", **entry, fill=fill_row(trade_id=f"{number}1"))
    for _ in range(stops_refused):
        refuse(journal, "stop")
    fill = fill_row(trade_id=f"{number}2", side="SELL", position_after="0.000")
    return journal.add("order.filled", **left, fill=fill)


def bars(journal: Journal, count: int) -> Journal:
    """Let bars close."""
    for _ in range(count):
        journal.add("market.bar_closed", symbol=SYMBOL)
    return journal


def trips(count: int, *, apart: int = 1) -> Journal:
    """Enter in vain so many times, so many bars apart."""
    journal = Journal()
    for number in range(count):
        bars(round_trip(journal, number), apart)
    return journal


def refused(count: int) -> Journal:
    """Have so many orders refused within a bar."""
    journal = bars(Journal(), 1)
    for number in range(count):
        refuse(journal, "entry" if number % 2 else "stop", -2019 if number % 2 else -2021)
    return bars(journal, 1)


def others(*records: tuple[str, dict[str, object]]) -> Evidence:
    """Return a history in which another hand's stop works, and then this happens."""
    journal = sound_journal().add("conditional.accepted", **stop_row(**OTHERS))
    for kind, row in records:
        journal.add(kind, **row)
    return evidence(journal=journal.records)


def alone(journal: Journal, **changes: object) -> dict[str, tuple[str, ...]]:
    """Return what of the check of loops a journal breaks."""
    policy = msgspec.structs.replace(POLICY, **changes)
    found = broken(evidence(policy=policy, journal=journal.records))
    return {name: sentences for name, sentences in found.items() if name == LOOPS}


def named(*said: Named) -> Evidence:
    """Return the sound history in which the node had something to say."""
    return evidence(named=said)


ENDED = ("conditional.closed", stop_row(**OTHERS, status="CANCELED"))
CANCEL = {"symbol": SYMBOL, "status": 200, "code": None, "client_order_id": "web_9"}

SPOILED = [
    pytest.param(
        named(Named(SYMBOL, 5)),
        NAMED,
        f"The node said nothing of {SYMBOL} at /state within 5 s.",
        id="kept-silent",
    ),
    pytest.param(
        named(Named("clock", 20, ended=1)),
        NAMED,
        "The node said nothing of clock at /state within 20 s.",
        id="fell-over-instead",
    ),
    pytest.param(
        named(Named(SYMBOL, 5, SAID.sentence, 200)),
        NAMED,
        f"The node said `{SAID.sentence}`, and /health answered 200 all the same.",
        id="healthy-all-the-same",
    ),
    pytest.param(
        evidence(journal=trips(4).records),
        LOOPS,
        f"Within 10 bars 4 entries in {SYMBOL} were left again because their stops were refused, "
        "of 3 allowed; that cost 2.4 of commission.",
        id="entered-in-vain",
    ),
    pytest.param(
        evidence(journal=trips(5, apart=3).records),
        LOOPS,
        f"Within 10 bars 4 entries in {SYMBOL} were left again because their stops were refused, "
        "of 3 allowed; that cost 2.4 of commission.",
        id="entered-in-vain-now-and-then",
    ),
    pytest.param(
        evidence(journal=refused(31).records),
        LOOPS,
        f"Within one bar 31 orders of {SYMBOL} were refused, of 30 allowed: entry -2019, stop "
        "-2021.",
        id="refused-without-end",
    ),
    pytest.param(
        others(ENDED, ("request", {**CANCEL, "request": "conditional.cancel"})),
        ALONE,
        "The node sent conditional.cancel for web_9, which is not its own.",
        id="stranger-cancelled",
    ),
    pytest.param(
        others(ENDED, ("request", {**CANCEL, "request": "conditional.cancel_all"})),
        ALONE,
        "The node sent conditional.cancel_all for web_9, which is not its own.",
        id="all-cancelled",
    ),
    pytest.param(
        others(
            ("order.amended", order_row(**OTHERS, status="NEW")),
            ("request", {**CANCEL, "request": "order.amend"}),
        ),
        ALONE,
        "The node sent order.amend for web_9, which is not its own.",
        id="stranger-amended",
    ),
]


@pytest.mark.parametrize(
    "said",
    [SAID, Named(SYMBOL, 5, ended=75), Named(SYMBOL, 5, ended=70), Named("web_9", 5, "web_9.")],
    ids=["said", "ended-for-its-supervisor", "refused", "noted"],
)
def test_a_node_may_say_it_in_several_ways(said: Named) -> None:
    assert broken(named(said)) == {}
    assert looked_at(named(said))[NAMED] == 1


@pytest.mark.parametrize(
    "journal",
    [
        pytest.param(trips(3), id="as many as allowed"),
        pytest.param(trips(9, apart=4), id="ever more rarely"),
        pytest.param(refused(30), id="as many refused as allowed"),
    ],
)
def test_trying_again_now_and_then_is_no_loop(journal: Journal) -> None:
    assert alone(journal) == {}
    assert looked_at(evidence(journal=journal.records))[LOOPS]


def test_a_policy_may_allow_fewer_or_more() -> None:
    assert alone(trips(4), vain_entries=4) == {}
    assert alone(trips(3), vain_entries=2)
    assert alone(refused(31), refused_orders=31) == {}
    assert alone(refused(3), refused_orders=2)


def test_a_strategy_that_trades_often_is_no_loop() -> None:
    """Ten round trips in one bar, none of them because anything was refused."""
    journal = Journal()
    for number in range(10):
        round_trip(journal, number, stops_refused=0)
    assert alone(journal) == {}
    assert looked_at(evidence(journal=journal.records))[LOOPS] == 0


def test_a_position_that_was_protected_was_not_entered_in_vain() -> None:
    """Its stop could not be moved, and it was left by its own decision."""
    journal = Journal()
    for number in range(6):
        entry = order_row(exchange_order_id=f"{number}1", client_order_id=f"EMA001-{number}-E0")
        journal.add("order.filled", **entry, fill=fill_row())
        journal.stop("accepted", exchange_order_id=f"{number}3")
        refuse(journal, "stop")
        left = order_row(exchange_order_id=f"{number}2", side="SELL", reduce_only=True)
        journal.add("order.filled", **left, fill=fill_row(side="SELL", position_after="0.000"))
    assert alone(journal) == {}


@pytest.mark.parametrize("by", ["web_7", "stop"])
def test_a_position_that_another_hand_or_a_stop_has_closed_was_not_left(by: str) -> None:
    journal = Journal()
    for number in range(6):
        name = by if by.startswith("web_") else ""
        if not name:
            turned = {"status": "TRIGGERED", "triggered_order_id": f"{number}2"}
            journal.stop("triggered", exchange_order_id=f"{number}3", **turned)
        round_trip(journal, number, closed_by=name)
    assert alone(journal) == {}


def test_another_hand_s_order_need_not_be_known_and_must_not_be_known_wrongly() -> None:
    """What the drill waits for before it judges, and what it judges then."""
    there = ledger(orders=[order_row(), stop_row(), stop_row(**OTHERS)])
    known = state(orders=[node_order(), node_stop(), node_stop(client_order_id="web_9")])
    assert disagreement(state(), there, [SYMBOL]) is None
    assert disagreement(known, there, [SYMBOL]) is None
    assert disagreement(known, ledger(), [SYMBOL]) is not None
    assert broken(evidence(snapshots=(snapshot(ledger=there),))) == {}
    wrong = broken(evidence(snapshots=(snapshot(state=known),)))
    assert list(wrong) == ["no-order-in-limbo"]


def test_what_another_hand_does_to_its_own_orders_is_its_own_affair() -> None:
    by_hand = others(("fault.armed", {"name": "cancel"}), ENDED, ("fault.fired", {}))
    assert broken(by_hand) == {}
    assert looked_at(by_hand)[ALONE] == 1
    own = {**CANCEL, "request": "conditional.cancel", "client_order_id": "EMA001-1704085259-S0"}
    assert broken(others(("request", own))) == {}
