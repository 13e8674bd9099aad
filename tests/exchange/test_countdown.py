"""The dead man's switch: who does not say in time that he is there loses his open orders."""

import asyncio
from pathlib import Path

from exchange.support import SECONDS, User, exchange

BTC = {"symbol": "BTCUSDT"}
RESTING = {"type": "LIMIT", "timeInForce": "GTC", "price": "50000"}


async def begin(user: User, milliseconds: int) -> None:
    answer = await user.ask("POST", "v1/countdownCancelAll", **BTC, countdownTime=milliseconds)
    assert answer == {**BTC, "countdownTime": str(milliseconds)}


async def until_cancelled(user: User) -> None:
    async with asyncio.timeout(SECONDS):
        while await user.ask("GET", "v1/openOrders", **BTC):  # noqa: ASYNC110 it must be asked
            await asyncio.sleep(0.02)


async def test_silence_cancels_the_orders_of_the_symbol() -> None:
    async with (
        exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as user,
        user.listening() as stream,
    ):
        await user.order("BUY", **RESTING, newClientOrderId="A")
        other = {"type": "LIMIT", "timeInForce": "GTC", "price": "2900", "symbol": "ETHUSDT"}
        await user.order("BUY", "1", **other)
        await user.conditional("SELL", "STOP_MARKET", "55000", clientAlgoId="S")
        await begin(user, 300)
        await until_cancelled(user)
        while (event := await stream.next()).get("o", {}).get("x") != "CANCELED":
            pass
        assert event["o"]["c"] == "A"
        assert len(await user.ask("GET", "v1/openOrders")) == 1, "the other symbol's stays"
        assert len(await user.ask("GET", "v1/openAlgoOrders")) == 1, "so do conditional ones"
        begun, ended = [r["data"]["until_ms"] for r in await user.journal("countdown.changed")]
        assert (begun > 0, ended) == (True, 0)
        await user.order("BUY", **RESTING)
        assert len(await user.ask("GET", "v1/openOrders", **BTC)) == 1, "it is over"


async def test_a_sign_of_life_begins_it_anew_and_zero_ends_it(user: User) -> None:
    await user.order("BUY", **RESTING)
    await begin(user, 600)
    for _ in range(4):
        await asyncio.sleep(0.2)
        await begin(user, 600)
    assert len(await user.ask("GET", "v1/openOrders", **BTC)) == 1
    await begin(user, 0)
    await asyncio.sleep(0.8)
    assert len(await user.ask("GET", "v1/openOrders", **BTC)) == 1


async def test_it_outlives_the_exchange(tmp_path: Path) -> None:
    async with exchange("--stepped", "--state", str(tmp_path)) as user:
        await user.order("BUY", **RESTING)
        await begin(user, 10_000)
        await begin(user, 1_000)
    async with exchange("--stepped", "--state", str(tmp_path)) as user:
        await until_cancelled(user)


async def test_lengths_that_cannot_be(user: User) -> None:
    asked = ("POST", "v1/countdownCancelAll")
    assert await user.refused(*asked, **BTC) == -1102
    assert await user.refused(*asked, **BTC, countdownTime="soon") == -1102
    assert await user.refused(*asked, **BTC, countdownTime=-1) == -1130
    assert await user.refused(*asked, symbol="X", countdownTime=1) == -1121
