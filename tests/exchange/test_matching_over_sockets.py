"""Matching as a client sees it: partial fills, dates, liquidation, money."""

import time
from decimal import Decimal as Dec
from typing import Any

from exchange.support import User

BTC = {"symbol": "BTCUSDT"}


async def test_one_order_fills_in_parts(user: User) -> None:
    price = await user.price()
    await user.sim("POST", "faults", {"name": "thin", **BTC, "quantity": "0.004"})
    async with user.listening() as stream:
        answer = await user.order("BUY", "0.010", newOrderRespType="RESULT")
        accepted, *told = await stream.take(5)
    assert (answer["status"], answer["executedQty"]) == ("FILLED", "0.010")
    assert accepted["o"]["x"] == "NEW"
    assert [event["e"] for event in told] == ["ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"] * 2
    positions = [event["a"]["P"][0]["pa"] for event in told[::2]]
    assert positions == ["0.004", "0.010"]
    fills = [event["o"] for event in told[1::2]]
    assert [fill["X"] for fill in fills] == ["PARTIALLY_FILLED", "FILLED"]
    assert [fill["L"] for fill in fills] == [f"{price + 0.1:.2f}", f"{price + 0.2:.2f}"]
    rows = await user.ask("GET", "v1/userTrades", **BTC)
    assert [(row["id"], row["price"], row["qty"]) for row in rows] == [
        (fill["t"], fill["L"], fill["l"]) for fill in fills
    ]


async def test_a_partly_filled_order_is_amended_to_its_end(user: User) -> None:
    price = f"{await user.price() + 0.1:.1f}"
    await user.sim("POST", "faults", {"name": "thin", **BTC, "quantity": "0.004"})
    bid = await user.order("BUY", type="LIMIT", timeInForce="GTC", price=price)
    named = {**BTC, "side": "BUY", "orderId": bid["orderId"], "price": price}
    smaller = await user.ask("PUT", "v1/order", **named, quantity="0.006")
    assert (smaller["status"], smaller["executedQty"]) == ("PARTIALLY_FILLED", "0.004")
    ended = await user.ask("PUT", "v1/order", **named, quantity="0.004")
    assert (ended["status"], ended["executedQty"]) == ("CANCELED", "0.004")


async def test_an_order_good_till_a_date(user: User) -> None:
    date = time.time_ns() // 1_000_000 + 700_000
    given: dict[str, Any] = {
        "type": "LIMIT",
        "price": "50000",
        "timeInForce": "GTD",
        "goodTillDate": date,
    }
    async with user.listening() as stream:
        bid = await user.order("BUY", **given)
        assert (bid["timeInForce"], bid["goodTillDate"]) == ("GTD", date - date % 1000)
        await user.step(10)
        assert len(await user.ask("GET", "v1/openOrders", **BTC)) == 1
        await user.step(3)
        expired = (await stream.take(2))[-1]["o"]
    assert (expired["x"], expired["X"], expired["gtd"]) == (
        "EXPIRED",
        "EXPIRED",
        bid["goodTillDate"],
    )
    asked = await user.ask("GET", "v1/order", **BTC, orderId=bid["orderId"])
    assert asked["status"] == "EXPIRED"


async def test_a_conditional_good_till_a_date(user: User) -> None:
    date = time.time_ns() // 1_000_000 + 700_000
    given = {"price": "50000", "timeInForce": "GTD", "goodTillDate": date}
    stop = await user.conditional("SELL", "STOP", "50000", **given)
    await user.step(13)
    asked = await user.ask("GET", "v1/algoOrder", algoId=stop["algoId"])
    assert (asked["algoStatus"], asked["goodTillDate"]) == ("EXPIRED", date - date % 1000)


async def test_a_liquidation(user: User) -> None:
    await user.order("BUY", "1")
    await user.order("BUY", type="LIMIT", timeInForce="GTC", price="50000")
    async with user.listening() as stream:
        await user.sim("POST", "faults", {"name": "liquidate", **BTC})
        expired, accepted, account, filled = await stream.take(4)
    assert (expired["o"]["X"], expired["o"]["er"]) == ("EXPIRED", "5")
    assert (accepted["o"]["x"], accepted["o"]["X"]) == ("NEW", "NEW")
    assert account["a"]["P"][0]["pa"] == "0"
    assert (filled["o"]["x"], filled["o"]["X"]) == ("CALCULATED", "FILLED")
    assert filled["o"]["c"].startswith("autoclose-")
    orders = await user.ask("GET", "v1/allOrders", **BTC)
    assert orders[-1]["clientOrderId"] == filled["o"]["c"]
    assert not await user.ask("GET", "v1/openOrders", **BTC)


async def test_money_to_the_last_digit(user: User) -> None:
    price = Dec((await user.ledger())["prices"]["BTCUSDT"])
    ask, bid = price + Dec("0.1"), price - Dec("0.1")
    paid = [Dec("0.010") * ask * Dec("0.0005"), Dec("0.015") * bid * Dec("0.0005")]
    profits = [Dec(0), Dec("0.010") * (bid - ask)]
    async with user.listening() as stream:
        await user.order("BUY", "0.010")
        await user.order("SELL", "0.015")
        events = [event for event in await stream.take(6) if event.get("o", {}).get("x") != "NEW"]
    wallets = [100_000 - paid[0], 100_000 - sum(paid) + profits[1]]
    accounts, fills = [[event.get(name) for event in events if name in event] for name in "ao"]
    assert [Dec(account["B"][0]["wb"]) for account in accounts] == wallets
    held = [[Dec(account["P"][0][name]) for name in ("pa", "ep", "up")] for account in accounts]
    assert held[0] == [Dec("0.010"), ask, Dec("0.010") * (price - ask)]
    assert held[1] == [Dec("-0.005"), bid, Dec("-0.005") * (price - bid)]
    money = list(zip(profits, paid, strict=True))
    assert [(Dec(fill["rp"]), Dec(fill["n"])) for fill in fills] == money
    trades = await user.ask("GET", "v1/userTrades", symbol="BTCUSDT")
    assert [(Dec(row["realizedPnl"]), Dec(row["commission"])) for row in trades] == money
    income = await user.ask("GET", "v1/income")
    assert sum(Dec(row["income"]) for row in income) == sum(profits) - sum(paid)
    account = await user.ask("GET", "v3/account")
    worth = Dec("0.005") * price
    assert Dec(account["totalWalletBalance"]) == wallets[1]
    assert Dec(account["totalMarginBalance"]) == wallets[1] + held[1][2]
    assert Dec(account["totalInitialMargin"]) == worth / 20
    assert Dec(account["totalMaintMargin"]) == worth * Dec("0.004")
    assert Dec(account["availableBalance"]) == wallets[1] + held[1][2] - worth / 20
    [risk] = await user.ask("GET", "v3/positionRisk")
    assert (Dec(risk["positionAmt"]), Dec(risk["notional"])) == (Dec("-0.005"), -worth)
    assert risk["updateTime"] == trades[1]["time"]
