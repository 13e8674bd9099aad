"""Three answers at a glance: each is yes only where the node knows that it is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from node.baked import module

ANSWERS = module("face.answers")
ROWS = module("plan.rows")
STATUS = module("face.status")
FILLS = module("face.last_fills")
Stage = module("face.stages").Stage
Look = module("face.compared").Look
LastLook = module("face.compared").LastLook
Condition = module("face.conditions").Condition

NOW = 1_000.0
HELD = Decimal("0.010")
YES, NO, UNKNOWN = ANSWERS.Verdict.YES, ANSWERS.Verdict.NO, ANSWERS.Verdict.UNKNOWN
DIFFERENCE = "The position of BTCUSDT is 0 at the exchange, and 0.010 here."


def stop(**changes: Any) -> Any:
    row = ROWS.OrderRow(
        client_order_id="1abcdefg-1704085259-S0",
        exchange_order_id="7",
        symbol="BTCUSDT",
        type="STOP_MARKET",
        side="SELL",
        status="ACCEPTED",
        quantity=HELD,
        filled=Decimal(0),
        reduce_only=True,
        trigger_price=Decimal("41000.5"),
    )
    return replace(row, **changes)


def position(quantity: Decimal = HELD) -> Any:
    return ROWS.PositionRow("BTCUSDT", quantity, "TargetStrategy-ema", Decimal(42000), 0)


def known(*orders: Any, held: Decimal = HELD, **changes: Any) -> Any:
    rows = ROWS.Rows(orders=orders, positions=(position(held),) if held else ())
    held_then = {"BTCUSDT": held} if held else {}
    usual = {"stage": Stage.TRADING, "now": NOW, "look": Look(NOW - 2, (), held_then), "rows": rows}
    return ANSWERS.Known(**{**usual, **changes})


def verdicts(what: Any) -> list[Any]:
    return [each.verdict for each in ANSWERS.answers(what)]


def test_all_is_well() -> None:
    assert verdicts(known(stop())) == [YES, YES, YES]
    assert verdicts(known(held=Decimal(0))) == [YES, YES, YES]


def test_a_node_that_is_not_up_claims_nothing() -> None:
    for stage in (Stage.PREFLIGHT, Stage.LOAD, Stage.RECONCILE):
        what = known(held=Decimal(0), stage=stage, look=None)
        assert verdicts(what) == [UNKNOWN, UNKNOWN, NO]
    assert verdicts(known(stop(), stage=Stage.REFUSED, reason="No."))[2] is NO


# -- Does the position equal the exchange's? -------------------------------------------------------


def test_an_old_comparison_tells_nothing_of_now() -> None:
    answer = ANSWERS.equals(known(stop(), look=Look(NOW - 60, (), {"BTCUSDT": HELD})))
    assert answer.verdict is UNKNOWN
    assert "60 s ago" in answer.sentence


def test_a_difference_counts_when_it_is_found_twice() -> None:
    last, rows = LastLook(), known(stop()).rows
    last.tell(NOW - 2, rows, [DIFFERENCE])
    assert ANSWERS.equals(known(stop(), look=last.now)).verdict is UNKNOWN
    last.tell(NOW - 1, rows, [DIFFERENCE])
    answer = ANSWERS.equals(known(stop(), look=last.now))
    assert (answer.verdict, answer.sentence) == (NO, DIFFERENCE)
    assert ANSWERS.safe_to_restart(known(stop(), look=last.now)).verdict is NO
    last.tell(NOW, rows, [])
    last.tell(NOW, rows, [DIFFERENCE])
    assert ANSWERS.equals(known(stop(), look=last.now)).verdict is UNKNOWN


def test_a_position_that_has_changed_since_was_not_compared() -> None:
    before = Look(NOW - 2, (), {"BTCUSDT": Decimal("0.020")})
    assert ANSWERS.equals(known(stop(), look=before)).verdict is UNKNOWN


# -- Is it protected? ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "CANCELED"},
        {"status": "PENDING_CANCEL"},
        {"side": "BUY"},
        {"reduce_only": False},
        {"symbol": "ETHUSDT"},
        {"type": "LIMIT"},
        {"quantity": Decimal("0.009")},
        {"filled": Decimal("0.001")},
    ],
    ids=str,
)
def test_only_a_working_stop_of_the_whole_protects(wrong: dict[str, Any]) -> None:
    what = known(stop(**wrong))
    assert ANSWERS.protected(what).verdict is NO
    assert ANSWERS.safe_to_restart(what).verdict is NO


def test_stops_add_up_and_one_that_closes_all_has_no_quantity() -> None:
    parts = [stop(quantity=Decimal("0.004")), stop(quantity=Decimal("0.006"))]
    assert ANSWERS.protected(known(*parts)).verdict is YES
    assert ANSWERS.protected(known(stop(quantity=Decimal(0)))).verdict is YES
    assert ANSWERS.protected(known(stop(side="BUY"), held=-HELD)).verdict is YES


def test_a_stop_on_its_way_is_neither_yes_nor_no() -> None:
    assert ANSWERS.protected(known(stop(status="SUBMITTED"))).verdict is UNKNOWN


def test_a_line_without_stops_is_still_not_protected() -> None:
    answer = ANSWERS.protected(known(bare_symbols=["BTCUSDT"]))
    assert answer.verdict is NO
    assert "asks for none" in answer.sentence


# -- Is it safe to restart? ------------------------------------------------------------------------


def test_what_is_on_its_way_is_waited_for() -> None:
    market = stop(type="MARKET", status="SUBMITTED", reduce_only=False, side="BUY")
    assert ANSWERS.safe_to_restart(known(stop(), market)).verdict is NO
    assert ANSWERS.safe_to_restart(known(stop(), pending_looks=1)).verdict is NO


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("store", NO), ("exchange", NO), ("outcomes", NO), ("memory of BTCUSDT", NO), ("new", NO),
     ("halt", YES), ("halt of BTCUSDT", YES), ("limits", YES)],
)  # fmt: skip
def test_what_is_wrong_speaks_against_it_unless_it_only_stays(name: str, verdict: Any) -> None:
    condition = Condition(name, "Something is so.", "It is waited for.", 0)
    answer = ANSWERS.safe_to_restart(known(stop(), conditions=[condition]))
    assert answer.verdict is verdict
    assert "Something is so." in answer.sentence


# -- What the page shows besides -------------------------------------------------------------------


def test_a_thinned_curve_keeps_its_ends_and_extremes() -> None:
    curve = [(i, Decimal(i % 97 - 40)) for i in range(5_000)]
    curve[1_234], curve[3_210] = (1_234, Decimal(-900)), (3_210, Decimal(800))
    thin = STATUS.thinned(curve)
    assert len(thin) <= STATUS.MOST_POINTS
    assert {curve[1_234], curve[3_210], curve[-1]} <= set(thin)
    assert [at for at, _ in thin] == sorted(at for at, _ in thin)
    assert STATUS.thinned(curve[:5]) == curve[:5]


def fill(number: int, at_ms: int = 0) -> Any:
    one = Decimal(1)
    return ROWS.FillRow("BTCUSDT", str(number), "x", "BUY", one, one, one, "USDT", at_ms or number)


def test_each_fill_is_kept_once_and_the_oldest_go() -> None:
    fills = FILLS.LastFills()
    assert fills.hear(fill(5))
    assert not fills.hear(fill(5))
    fills.begin([fill(number) for number in range(1, 6)])
    assert [each.trade_id for each in fills.newest_first(3)] == ["5", "4", "3"]
    for number in range(6, FILLS.MOST + 20):
        fills.hear(fill(number))
    assert len(fills.newest_first()) == FILLS.MOST
    fills.brought("BTCUSDT 7", Decimal(2))
    fills.brought("BTCUSDT 7", Decimal(3))
    assert fills.profit("BTCUSDT 7") == 5
