"""Positions and fills: spoiled histories and the check that names each; and what is allowed."""

from dataclasses import replace

import pytest

from drill.evidence_builder import (
    SECOND,
    broken,
    eventful,
    evidence,
    fault,
    fill_row,
    ledger,
    look,
    looked_at,
    node_order,
    node_stop,
    snapshot,
    sound_journal,
    state,
    with_ledger,
    with_state,
)

CHECK = "position-is-sum-of-fills"
TORN_STORE = look(positions={"BTCUSDT-PERP.BINANCE-EMA-001": []})


def owned(*shares: tuple[str, str]) -> dict[str, object]:
    """Return the node's positions, by owner."""
    rows = [{"symbol": "BTCUSDT", "quantity": q, "strategy_id": name} for name, q in shares]
    return {"positions": rows}


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
        with_state(**owned(("EXTERNAL", "0.010"))),
        "position-has-one-owner",
        "A position in BTCUSDT belongs to no strategy after restart 1: 0.010 to EXTERNAL.",
        id="position-of-nobody",
    ),
    pytest.param(
        with_state(**owned(("EMA-001", "0.020"), ("GRID-001", "-0.010"))),
        "position-has-one-owner",
        "A position in BTCUSDT has 2 owners after restart 1: 0.020 to EMA-001, -0.010 to GRID-001.",
        id="position-split",
    ),
    pytest.param(
        evidence(
            snapshots=(
                snapshot(when="before kill 1"),
                snapshot(state=state(**owned(("EMA-000", "0.010")))),
            )
        ),
        "position-has-one-owner",
        "The position in BTCUSDT belongs to EMA-000 after restart 1, and belonged to EMA-001 "
        "before.",
        id="position-handed-over",
    ),
    pytest.param(
        with_state(positions=[]),
        "position-is-sum-of-fills",
        "The node holds 0 BTCUSDT after restart 1, but the fills that it has of it add up to "
        "0.010.",
        id="torn-in-the-node",
    ),
    pytest.param(
        with_state(orders=[node_order(trade_ids=[]), node_stop()]),
        "position-is-sum-of-fills",
        "The node holds 0.010 BTCUSDT after restart 1, but the fills that it has of it add up to "
        "0.",
        id="position-without-its-fill",
    ),
    pytest.param(
        eventful(store_looks=(TORN_STORE,)),
        "position-is-sum-of-fills",
        "The fills of the positions in BTCUSDT that the store has add up to 0 before kill 1, but "
        "the node holds 0.010.",
        id="torn-in-the-store",
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
]


def test_what_is_left_of_an_owner_that_is_flat_is_no_second_owner() -> None:
    found = with_state(**owned(("EXTERNAL", "0"), ("EMA-001", "0.010")))
    assert "position-has-one-owner" not in broken(found)


def test_a_position_may_have_another_owner_in_another_symbol() -> None:
    other = {"symbol": "ETHUSDT", "quantity": "1", "strategy_id": "EXTERNAL"}
    found = with_state(positions=[*owned(("EMA-001", "0.010"))["positions"], other])  # type: ignore[misc]  # a list, as built above
    assert "position-has-one-owner" not in broken(found)


def test_partial_fills_in_both_directions_add_up() -> None:
    fills = [
        fill_row(position_after="0.010"),
        fill_row(trade_id="2", side="SELL", quantity="0.004", position_after="0.006"),
    ]
    held = [{"symbol": "BTCUSDT", "quantity": "0.006", "entry_price": "60000"}]
    found = evidence(
        snapshots=(
            snapshot(
                state=state(
                    **owned(("EMA-001", "0.006")),
                    orders=[node_order(), node_stop(trade_ids=["2"], filled="0.004")],
                ),
                ledger=ledger(positions=held, fills=fills),
            ),
        )
    )
    assert "position-is-sum-of-fills" not in broken(found)


@pytest.mark.parametrize(
    ("store_look", "why"),
    [
        (look(positions={}, behind="The store lacks the position."), "it had not caught up"),
        (look(positions={}, mono_ns=25 * SECOND), "something was done to it"),
        (look(positions={}, mono_ns=SECOND), "nobody has seen the node before"),
    ],
)
def test_the_stored_position_is_looked_at_only_if_it_can_be_judged(
    store_look: object, why: str
) -> None:
    found = eventful(store_looks=(store_look,))
    assert "position-is-sum-of-fills" not in broken(found), why
    assert looked_at(found)["position-is-sum-of-fills"] == 3


def test_the_stored_position_is_not_compared_with_a_snapshot_of_before_a_fill() -> None:
    sound = eventful(store_looks=(TORN_STORE,))
    early = (snapshot(when="at bar 1", mono_ns=3 * SECOND, ledger=ledger(seq=2)),)
    found = evidence(snapshots=early, store_looks=sound.store_looks)
    assert "position-is-sum-of-fills" not in broken(found)


def test_positions_of_other_symbols_are_not_added_up() -> None:
    positions = {**look().positions, "BTCUSDT_240329.BINANCE-EMA-001": [("9", "BUY", "5")]}
    assert broken(eventful(store_looks=(look(positions=positions),))) == {}


def test_only_a_fault_of_the_store_excuses_the_store() -> None:
    late = look(positions={}, mono_ns=25 * SECOND)
    assert CHECK in broken(eventful(store_looks=(late,), faults=(fault(of_store=False),)))


def test_a_snapshot_of_a_silent_node_says_nothing_about_the_store() -> None:
    silent = snapshot(when="at bar 2", state=None, mono_ns=17 * SECOND)
    found = eventful(store_looks=(look(positions={}, mono_ns=18 * SECOND),))
    assert CHECK in broken(replace(found, snapshots=(*found.snapshots, silent)))


@pytest.mark.parametrize(
    ("seq", "moment", "judged"),
    [
        pytest.param(4, 5 * SECOND, False, id="the-position-changed-between"),
        pytest.param(5, 5 * SECOND, True, id="an-order-changed-between"),
        pytest.param(6, 5 * SECOND, True, id="the-position-changed-later"),
    ],
)
def test_the_stored_position_is_judged_if_the_position_stood_still(
    seq: int, moment: int, judged: bool
) -> None:
    found = evidence(
        journal=tuple(sound_journal().holds("0").records),
        snapshots=(snapshot(ledger=ledger(seq=seq), mono_ns=4 * SECOND),),
        store_looks=(look(positions={}, mono_ns=moment),),
    )
    assert (CHECK in broken(found)) == judged
