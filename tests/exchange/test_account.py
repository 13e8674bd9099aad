"""Position, profit and fee arithmetic."""

from decimal import Decimal as Dec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated_exchange.account.booking import booked, commission


@pytest.mark.parametrize(
    ("position", "entry", "change", "price", "after", "mean", "realized"),
    [
        ("0", "0", "2", "100", "2", "100", "0"),
        ("2", "100", "2", "110", "4", "105", "0"),
        ("-1", "100", "-3", "80", "-4", "85", "0"),
        ("4", "105", "-1", "115", "3", "105", "10"),
        ("4", "105", "-4", "100", "0", "0", "-20"),
        ("-4", "85", "1", "80", "-3", "85", "5"),
        ("3", "100", "-5", "90", "-2", "90", "-30"),
        ("-3", "100", "5", "90", "2", "90", "30"),
    ],
)
def test_a_fill_opens_adds_closes_and_turns(
    position: str, entry: str, change: str, price: str, after: str, mean: str, realized: str
) -> None:
    result = booked(Dec(position), Dec(entry), Dec(change), Dec(price))
    assert result.position == Dec(after)
    assert result.entry_price == Dec(mean)
    assert result.realized_pnl == Dec(realized)


def test_a_maker_pays_less_than_a_taker() -> None:
    assert commission(Dec("0.010"), Dec(60000), maker=False) == Dec("0.3")
    assert commission(Dec("0.010"), Dec(60000), maker=True) == Dec("0.12")


@given(
    st.lists(
        st.tuples(st.integers(-9, 9).filter(bool), st.integers(90, 110)), min_size=1, max_size=20
    )
)
def test_money_is_conserved(fills: list[tuple[int, int]]) -> None:
    position, entry, realized, paid = Dec(0), Dec(0), Dec(0), Dec(0)
    for change, price in fills:
        result = booked(position, entry, Dec(change), Dec(price))
        position, entry = result.position, result.entry_price
        realized += result.realized_pnl
        paid += Dec(change) * Dec(price)
    worth = position * 100
    assert abs(realized + position * (100 - entry) - (worth - paid)) < Dec("0.00001")
