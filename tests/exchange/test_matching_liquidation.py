"""Liquidation: when the balance is down to the maintenance margin, and by order of a drill."""

from decimal import Decimal as Dec

import pytest

from exchange.core import NAME, OTHER, Core
from simulated_exchange.account import margin
from simulated_exchange.journal.state import replay


def tight(side: str, *bars: tuple[str, str, str, str]) -> Core:
    """A position of 50 at about 100 with 100 USDT behind it: it can lose about 1.6 a piece."""
    core = Core(*bars, wallet="100")
    core.matching.set_leverage(NAME, 125)
    core.order(side, "50")
    return core


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_at_the_liquidation_price_the_balance_is_the_maintenance_margin(side: str) -> None:
    core = Core(wallet="150", names=(NAME, OTHER))
    for name in (NAME, OTHER):
        core.matching.set_leverage(name, 125)
        core.order(side, "50", symbol=name)
    assert margin.maintenance_margin(core.state) == 2 * 50 * 100 * Dec("0.004")
    price = margin.liquidation_price(core.state, NAME)
    assert (price < 100) == (side == "BUY")
    core.book.price = price
    balance = core.state.wallet + margin.unrealized_pnl(core.state)
    assert abs(balance - margin.maintenance_margin(core.state)) < Dec("1e-12")


def test_without_risk_there_is_no_liquidation_price() -> None:
    core = Core()
    assert margin.liquidation_price(core.state, NAME) == 0
    core.order("BUY")
    assert margin.liquidation_price(core.state, NAME) == 0, "it could fall to nothing"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_position_is_liquidated_on_the_way(side: str) -> None:
    core = tight(side)
    price = margin.liquidation_price(core.state, NAME)
    tick = Dec("0.01") * (1 if side == "BUY" else -1)
    core.travel(str(core.book.rules.price(price + tick)))
    assert core.book.position
    core.travel("90" if side == "BUY" else "110")
    assert core.book.position == 0
    assert abs(core.state.fills[-1].price - price) <= Dec("0.02")
    assert core.state.wallet > 0
    assert replay(core.journal.after(0)) == core.state


def test_a_stop_before_the_liquidation_saves_the_rest() -> None:
    core = tight("BUY")
    stop = core.conditional("SELL", "STOP_MARKET", "99", quantity="0", close_position=True)
    core.travel("90")
    assert core.now(stop).status == "FINISHED"
    assert not any(order.liquidation for order in core.state.orders.values())


def test_all_orders_end_and_all_positions_are_closed() -> None:
    core = Core(wallet="150", names=(NAME, OTHER))
    for name in (NAME, OTHER):
        core.matching.set_leverage(name, 125)
        core.order("BUY", "50", symbol=name)
    bid = core.order("BUY", price="97", symbol=OTHER)
    stop = core.conditional("SELL", "STOP_MARKET", "95")
    core.travel("97")
    assert core.now(bid).status == core.now(stop).status == "EXPIRED"
    ends = [event["er"] for event in core.events() if event["X"] == "EXPIRED"]
    assert ends == ["5"]
    assert not any(book.position for book in core.state.books.values())


def test_a_liquidation_is_told_as_the_real_one() -> None:
    core = tight("BUY")
    core.travel("90")
    new, filled = core.events()[-2:]
    assert (new["x"], new["X"]) == ("NEW", "NEW")
    wanted = {
        "c": "autoclose-1000002", "S": "SELL", "o": "MARKET", "f": "GTC", "p": "0", "R": False,
        "x": "CALCULATED", "X": "FILLED", "q": "50.000", "l": "50.000", "z": "50.000", "m": False,
    }  # fmt: skip
    assert wanted.items() <= filled.items()
    assert filled["n"] == str(core.state.fills[-1].commission)
    assert Dec(filled["rp"]) < 0


def test_what_the_wallet_lacks_after_a_gap_is_paid_by_the_insurance_fund() -> None:
    core = tight("BUY", ("90", "91", "89", "90"))
    core.course.walk()
    assert core.book.position == 0
    assert core.state.wallet == 0
    earned = sum(fill.realized_pnl - fill.commission for fill in core.state.fills)
    assert core.state.deposits + earned == 0
    told = core.events("ACCOUNT_UPDATE")[-1]
    assert (told["m"], told["P"]) == ("INSURANCE_CLEAR", [])
    assert Dec(told["B"][0]["bc"]) == core.state.deposits - 100
    assert replay(core.journal.after(0)) == core.state


def test_a_drill_may_liquidate_one_symbol() -> None:
    core = Core(names=(NAME, OTHER))
    core.thin("0.001")
    for name in (NAME, OTHER):
        core.order("SELL", "0.4", symbol=name)
    bid, other = (core.order("BUY", price="97", symbol=name) for name in (NAME, OTHER))
    core.matching.liquidate(NAME)
    assert (core.now(bid).status, core.now(other).status) == ("EXPIRED", "NEW")
    assert (core.book.position, core.state.books[OTHER].position) == (0, Dec("-0.4"))
    assert core.fills()[-1] == (0.4, 100.01), "whole, though the book is thin"


def test_liquidating_nothing_ends_orders_only() -> None:
    core = Core()
    bid = core.order("BUY", price="97")
    core.matching.liquidate(NAME)
    assert core.now(bid).status == "EXPIRED"
    assert not core.state.fills
