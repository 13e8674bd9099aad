"""Funding: who pays whom, when, how the account is told; and the mark price it is taken from."""

from decimal import Decimal as Dec
from pathlib import Path

import pytest

from exchange.core import NAME, Core, code_of
from exchange.support import EPOCH_MS, User, exchange, refused
from simulated_exchange.journal.state import replay
from simulated_exchange.market.funding import FUNDING_MS, LEAST_DRAWN, MOST_DRAWN, Funding

HOUR_MS = 3_600_000
EIGHT_MS = EPOCH_MS + FUNDING_MS
BARS_TO_EIGHT = 180  # the market begins at five


@pytest.mark.parametrize(
    ("side", "rate", "amount"),
    [("BUY", "0.01", "-2"), ("BUY", "-0.01", "2"), ("SELL", "0.01", "2"), ("SELL", "-0.01", "-2")],
)
def test_who_bought_pays_who_sold_at_a_positive_rate(side: str, rate: str, amount: str) -> None:
    core = Core()
    core.order(side, "2")
    before = core.state.wallet
    core.matching.fund(NAME, Dec(rate))
    assert core.state.wallet - before == Dec(amount)
    (fee,) = core.state.funding_fees
    assert (fee.amount, fee.price, abs(fee.quantity)) == (Dec(amount), Dec(100), Dec(2))
    assert replay(core.journal.after(0)) == core.state


def test_it_is_told_with_the_balance_only() -> None:
    core = Core()
    core.order("BUY", "2")
    core.matching.fund(NAME, Dec("0.01"))
    told = core.events("ACCOUNT_UPDATE")[-1]
    (balance,) = told["B"]
    assert (told["m"], told["P"], float(balance["bc"])) == ("FUNDING_FEE", [], -2)
    assert Dec(balance["wb"]) == Dec(balance["cw"]) == core.state.wallet


def test_without_a_position_only_the_rate_is_told() -> None:
    core = Core()
    core.matching.fund(NAME, Dec("0.01"))
    assert core.told("wallet.funded") == []
    assert [due.rate for due in core.state.funding_rates] == [Dec("0.01")]


def test_it_is_taken_from_the_mark_price() -> None:
    core = Core()
    core.order("BUY", "2")
    core.matching.set_mark(NAME, Dec(50))
    core.matching.fund(NAME, Dec("0.01"))
    assert core.state.funding_fees[0].amount == -1


def test_rates_are_due_every_eight_hours_and_the_same_for_ever() -> None:
    drawn = Funding(7, "drawn")
    rates = [drawn.rate(NAME, hour * HOUR_MS) for hour in range(25)]
    due = [hour for hour, rate in enumerate(rates) if rate is not None]
    assert due == [0, 8, 16, 24]
    assert rates == [Funding(7, "drawn").rate(NAME, hour * HOUR_MS) for hour in range(25)]
    many = [drawn.rate(NAME, at * FUNDING_MS) for at in range(200)]
    assert len(set(many)) > 190
    assert all(rate is not None and LEAST_DRAWN <= rate <= MOST_DRAWN for rate in many)
    assert Funding(8, "drawn").rate(NAME, 0) != drawn.rate(NAME, 0)
    assert Funding(7, "0.0001").rate(NAME, 0) == Dec("0.0001")
    assert Funding(7).rate(NAME, 0) is None


@pytest.mark.parametrize("rate", ["0", "0.04", "-0.04", "NaN", "much"])
def test_rates_that_cannot_be(rate: str) -> None:
    code, said = refused("--funding", rate)
    assert code == 2
    assert f"{rate} is neither drawn nor a number but zero, at most 0.03 either way" in said


async def test_it_is_paid_at_its_hour_and_told_everywhere() -> None:
    async with exchange("--stepped", "--funding", "0.0001") as user, user.listening() as stream:
        await user.order("BUY", "0.100")
        await user.step(BARS_TO_EIGHT - 1)
        assert (await user.ledger())["funding"] == []
        before = Dec((await user.ledger())["wallet"]["USDT"])
        await user.step()
        ledger = await user.ledger()
        (fee,) = ledger["funding"]
        amount = -Dec("0.1") * Dec(fee["price"]) * Dec("0.0001")
        assert Dec(fee["amount"]) == amount == Dec(ledger["wallet"]["USDT"]) - before
        event = await stream.until(e="ACCOUNT_UPDATE")
        while event["a"]["m"] == "ORDER":
            event = await stream.until(e="ACCOUNT_UPDATE")
        assert (event["a"]["m"], event["a"]["P"]) == ("FUNDING_FEE", [])
        assert Dec(event["a"]["B"][0]["bc"]) == amount
        (due,) = (await user.raw("GET", "/fapi/v1/fundingRate", "symbol=BTCUSDT"))[1]
        assert (due["fundingTime"], due["fundingRate"]) == (fee["market_ms"], "0.00010000")
        assert 0 <= due["fundingTime"] - EIGHT_MS < 1_000
        since = f"symbol=BTCUSDT&startTime={due['fundingTime'] + 1}"
        assert (await user.raw("GET", "/fapi/v1/fundingRate", since))[1] == []
        mark = (await user.raw("GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT"))[1]
        assert (mark["lastFundingRate"], mark["nextFundingTime"]) == (
            "0.00010000", EIGHT_MS + FUNDING_MS,
        )  # fmt: skip
        rows = await user.ask("GET", "v1/income", incomeType="FUNDING_FEE")
        assert [(row["income"], row["tradeId"], row["time"]) for row in rows] == [
            (fee["amount"], "", fee["market_ms"])
        ]
        every = await user.ask("GET", "v1/income")
        assert [row["incomeType"] for row in every] == ["COMMISSION", "FUNDING_FEE"]


async def test_a_restart_forgets_no_funding(tmp_path: Path) -> None:
    arguments = ("--stepped", "--state", str(tmp_path), "--funding", "drawn")
    async with exchange(*arguments) as user:
        await user.order("BUY")
        await user.step(BARS_TO_EIGHT)
        before = await user.ledger()
    async with exchange(*arguments) as user:
        assert await user.ledger() == before | {"seq": (await user.ledger())["seq"]}
        assert len(before["funding"]) == 1
    code, said = refused("--stepped", "--state", str(tmp_path))
    assert (code, "began with another --funding" in said) == (2, True)


async def test_a_funding_by_order(user: User) -> None:
    await user.order("BUY", "0.100")
    price = Dec(str(await user.price()))
    await user.arm("funding", symbol="BTCUSDT", rate="-0.001")
    (fee,) = (await user.ledger())["funding"]
    assert Dec(fee["amount"]) == Dec("0.1") * price * Dec("0.001")


# The mark price, and the band that is measured from it


@pytest.mark.parametrize(("mark", "side", "code"), [("94", "BUY", -4131), ("106", "SELL", -4131)])
def test_a_market_order_beyond_the_band_is_refused(mark: str, side: str, code: int) -> None:
    core = Core()
    core.matching.set_mark(NAME, Dec(mark))
    assert code_of(lambda: core.order(side)) == code
    assert core.order("SELL" if side == "BUY" else "BUY").status == "FILLED"
    core.matching.set_mark(NAME, None)
    assert core.order(side).status == "FILLED"


def test_a_limit_price_is_measured_from_the_mark_price() -> None:
    core = Core()
    core.matching.set_mark(NAME, Dec(94))
    assert code_of(lambda: core.order("BUY", price="98.71")) == -4016
    assert core.order("BUY", price="98.70").status == "NEW"
    core.matching.set_mark(NAME, Dec(108))
    assert code_of(lambda: core.order("SELL", price="102.59")) == -4024
    assert core.order("SELL", price="102.60").status == "NEW"


def test_a_stop_that_triggers_beyond_the_band_is_rejected() -> None:
    core = Core()
    core.order("BUY")
    stop = core.conditional("SELL", "STOP_MARKET", "98", reduce_only=True)
    core.matching.set_mark(NAME, Dec(106))
    core.wick("97.9")
    assert core.now(stop).status == "REJECTED"
    assert core.book.position == 1
    (told,) = [e for e in core.events("ALGO_UPDATE") if e["X"] == "REJECTED"]
    assert "PERCENT_PRICE" in told["rm"]


async def test_the_mark_price_is_told_until_it_is_released(user: User) -> None:
    async with user.listening("/ws/btcusdt@markPrice") as stream:
        last = float((await stream.next())["p"])
        key = (await user.arm("mark", symbol="BTCUSDT", price=50_000))["id"]
        assert float((await stream.next())["p"]) == 50_000
        mark = (await user.raw("GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT"))[1]
        assert (float(mark["markPrice"]), float(mark["indexPrice"])) == (50_000, last)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
        assert await user.refused("POST", "v1/order", **order) == -4131
        await user.release(key)
        assert float((await stream.next())["p"]) == last
        await user.order("BUY")
