"""Each way in which the exchange's answers may contradict each other is seen by one comparison."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from node.baked import module
from node.test_audit import order, trade


def fill(number: str, of: str, side: str, price: str, won: str = "0", at_ms: int = 2_000) -> Any:
    rows = module("venue.binance.rows")
    of_it = {"exchange_order_id": of, "side": side, "at_ms": at_ms}
    record = trade(number, quantity=Decimal("0.010"), price=Decimal(price), **of_it)
    return rows.Trade(record, Decimal(won))


def answers() -> Any:
    """A short position that was closed, then a long one with its stop: all agree."""
    names, records = module("venue.binance.contradictions"), module("venue.records")
    held = module("venue.binance.account").Held(
        records.PositionRecord("BTCUSDT", Decimal("0.010"), Decimal(200)), 2_000
    )
    stop = order("stop", "9", kind="conditional", status="NEW", filled=Decimal(0))
    old = order("old", "8", kind="conditional", status="FINISHED", triggered_order_id="2")
    return names.Answers(
        "BTCUSDT",
        risk=held,
        account=held,
        orders={str(n): order(f"order-{n}", str(n)) for n in (1, 2, 3)},
        conditionals={"8": old, "9": stop},
        open_ids=frozenset({"conditional 9"}),
        past_ids=frozenset({"order 1", "order 2", "order 3", "conditional 8", "conditional 9"}),
        trades=[
            fill("1", "1", "SELL", "100"),
            fill("2", "2", "BUY", "90", won="0.1"),
            fill("3", "3", "BUY", "200"),
        ],
        now_ms=3_000,
        since_ms=1_000,
        reaches_all=True,
    )


def without_order(number: str) -> Callable[[Any], None]:
    return lambda told: told.orders.pop(number)


def flat(told: Any) -> None:
    told.risk = told.account = None


def flat_after_an_entry(told: Any) -> None:
    """Say flat where the last trade sells what the one before seems to have bought."""
    flat(told)
    told.trades[2] = fill("3", "3", "SELL", "95")


def another_account(told: Any) -> None:
    told.account = None


def closed_stop(told: Any) -> None:
    told.open_ids = frozenset()


def untold_order(told: Any) -> None:
    told.past_ids -= {"order 3"}


def half_filled(told: Any) -> None:
    told.orders["3"] = replace(told.orders["3"], filled=Decimal("0.005"))


def without_order_of_stop(told: Any) -> None:
    told.conditionals["8"] = replace(told.conditionals["8"], triggered_order_id="7")


def old_trades(told: Any) -> None:
    for each in (told.trades, told.orders):
        each.clear()
    told.conditionals.pop("8")


def another_price(told: Any) -> None:
    told.trades[2] = fill("3", "3", "BUY", "201")


def without_last(told: Any) -> None:
    told.trades.pop()
    told.orders.pop("3")


def two_names(told: Any) -> None:
    told.unlike = [(order("stop", "9"), order("another", "9"))]


def order_to_come(told: Any) -> None:
    told.orders["3"] = replace(told.orders["3"], updated_ms=99_000)


def trade_to_come(told: Any) -> None:
    told.trades[2] = fill("3", "3", "BUY", "200", at_ms=99_000)


CASES = [
    ("unlike", two_names, "and in another that it is another"),
    ("stamps", order_to_come, "the order order-3 is of a time that has not come"),
    ("stamps", trade_to_come, "its trade 3 of BTCUSDT is of a time that has not come"),
    ("positions", another_account, "in another that it is 0"),
    ("open orders", closed_stop, "not among the open orders"),
    ("open orders", untold_order, "does not tell of it yet"),
    ("orders of trades", without_order("1"), "not of its order 1"),
    ("triggered", without_order_of_stop, "has become the order 7"),
    ("fills", half_filled, "tells trades of 0.010"),
    ("trades", flat, "do not add up to it"),
    ("trades", flat_after_an_entry, "has not closed one"),
    ("trades", another_price, "by its trades the price is"),
    ("trades", without_last, "by its trades the price is"),
]


def told_by(told: Any) -> list[str]:
    found: list[str] = module("venue.binance.contradictions").contradictions(told)
    return found


def test_answers_that_agree() -> None:
    assert told_by(answers()) == []


@pytest.mark.parametrize(("name", "change", "words"), CASES)
def test_one_comparison_sees_it(
    name: str, change: Callable[[Any], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = answers()
    change(told)
    [sentence] = told_by(told)
    assert words in sentence
    monkeypatch.delitem(module("venue.binance.contradictions").COMPARISONS, name)
    assert told_by(told) == []


def test_no_comparison_is_left_out() -> None:
    names = {name for name, _, _ in CASES}
    assert names == set(module("venue.binance.contradictions").COMPARISONS)


def test_an_order_that_is_not_told_though_a_trade_or_a_stop_names_it() -> None:
    told = answers()
    told.orders.pop("2")
    of_trade, of_stop = told_by(told)
    assert "not of its order 2" in of_trade
    assert "has become the order 2" in of_stop


def test_a_position_that_is_older_than_all_trades_is_believed() -> None:
    told = answers()
    old_trades(told)
    told.risk = replace(told.risk, updated_ms=500)
    assert told_by(told) == []
    told.risk = replace(told.risk, updated_ms=2_000)
    [sentence] = told_by(told)
    assert "do not add up to it" in sentence


def test_a_position_is_followed_through_changes_of_side() -> None:
    names = module("venue.binance.contradictions")
    turned = [
        fill("1", "1", "SELL", "100"),
        fill("2", "2", "BUY", "110"),
        fill("3", "3", "BUY", "130"),
    ]
    turned[1] = replace(turned[1], record=replace(turned[1].record, quantity=Decimal("0.020")))
    assert names.first_since_flat(Decimal("0.020"), turned) == 1
    assert names.average_price(Decimal("0.020"), turned[1:]) == 120
    sold = [*turned, fill("4", "4", "SELL", "150", won="0.3")]
    assert names.average_price(Decimal("0.010"), sold[1:]) == 120
