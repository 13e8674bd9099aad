"""The streaming client of ccxt, which others wrote, keeps the book and hears market and orders."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import ccxt
import ccxt.pro
import pytest

from exchange.support import SECONDS, User
from exchange.test_ccxt import BTC, PATHS, is_loopback, texts
from signing import KEY, SECRET


@contextlib.asynccontextmanager
async def client(user: User) -> AsyncIterator[Any]:
    """Connect ccxt to an exchange, and to nothing else."""
    options = {"fetchCurrencies": False}  # its one question to another service
    made = ccxt.pro.binanceusdm(
        {"apiKey": KEY, "secret": SECRET, "options": options, "enableRateLimit": False}
    )
    sockets: dict[str, Any] = dict.fromkeys(("linear", "future"), f"{user.ws}/ws")  # by its version
    sockets = {"ws": sockets | {"ws-api": {"future": f"{user.ws}/ws-fapi/v1"}}}
    made.urls = {"api": {name: f"{user.http}{path}" for name, path in PATHS.items()} | sockets}
    assert all(is_loopback(url) for url in texts(made.urls))
    assert not any((made.proxy, made.httpProxy, made.httpsProxy, made.aiohttp_trust_env))
    try:
        await made.load_markets()
        yield made
    finally:
        await made.close()


async def heard(user: User, *questions: Coroutine[Any, Any, Any]) -> Any:
    """Let the market go on until all that a client watches is heard."""
    told = asyncio.gather(*questions)
    async with asyncio.timeout(SECONDS):
        while not told.done():
            await user.step()
    return told.result()


async def test_it_keeps_the_book(user: User) -> None:
    async with client(user) as trader:
        await heard(user, trader.watch_order_book(BTC))
        await user.order("BUY", "5")
        kept, now = trader.orderbooks[BTC], await trader.fetch_order_book(BTC, 1000)
        async with asyncio.timeout(SECONDS):
            while kept["nonce"] < now["nonce"]:  # an update is still on its way
                now = await trader.fetch_order_book(BTC, 1000)
        assert (list(kept["bids"]), list(kept["asks"])) == (now["bids"], now["asks"])


async def test_it_hears_the_market(user: User) -> None:
    async with client(user) as trader:
        trades, candles, ticker, best = await heard(
            user,
            trader.watch_trades(BTC),
            trader.watch_ohlcv(BTC, "1m"),
            trader.watch_ticker(BTC),
            trader.watch_bids_asks([BTC]),
        )
    assert {trade["symbol"] for trade in trades} == {BTC}
    _, opened, high, low, closed, _ = candles[-1]
    assert low <= min(opened, closed) <= max(opened, closed) <= high
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert best[BTC]["ask"] == pytest.approx(best[BTC]["bid"] + 0.2)


async def test_it_hears_of_its_orders(user: User) -> None:
    async with client(user) as trader:
        watching = asyncio.create_task(trader.watch_orders(BTC))
        async with asyncio.timeout(SECONDS):
            while not watching.done():
                await user.order("BUY", newClientOrderId="mine")
        order = watching.result()[-1]
    assert (order["clientOrderId"], order["symbol"], order["side"]) == ("mine", BTC, "buy")


async def test_it_trades_over_the_websocket_api(user: User) -> None:
    async with client(user) as trader:
        await trader.create_order_ws(BTC, "market", "buy", 0.01)
        resting = await trader.create_order_ws(BTC, "limit", "buy", 0.01, 50_000)
        changed = await trader.edit_order_ws(resting["id"], BTC, "limit", "buy", 0.02, 51_000)
        assert (changed["amount"], changed["price"]) == (0.02, 51_000)
        assert (await trader.fetch_order_ws(resting["id"], BTC))["status"] == "open"
        assert (await trader.cancel_order_ws(resting["id"], BTC))["status"] == "canceled"
        stop = {"stopLossPrice": 50_000, "reduceOnly": True}
        await trader.create_order_ws(BTC, "market", "sell", 0.01, params=stop)
        (position,) = await trader.fetch_positions_ws([BTC])
        assert (position["side"], position["contracts"]) == ("long", 0.01)
        wallet = await trader.fetch_balance_ws({"type": "future"})
        assert wallet["USDT"]["total"] == pytest.approx(100_000, abs=1)
        assert (await trader.fetch_ticker_ws(BTC))["symbol"] == BTC
        assert (await trader.fetch_order_book_ws(BTC, 5))["bids"][0][0] < await user.price()
        with pytest.raises(ccxt.ExchangeError, match="-2019"):
            await trader.create_order_ws(BTC, "limit", "buy", 999, 60_000)
    assert [order["status"] for order in (await user.ledger())["orders"]] == [
        "FILLED", "CANCELED", "NEW",
    ]  # fmt: skip
