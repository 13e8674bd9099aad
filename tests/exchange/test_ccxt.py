"""A client that others wrote, ccxt, trades on the exchange and finds what it expects."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support
import pytest

from exchange.support import User, exchange
from signing import KEY, SECRET
from simulated_exchange.protocol.endpoints import ENDPOINTS

BTC = "BTC/USDT:USDT"
PATHS = {
    f"fapi{security}{version}": f"/fapi/v{version[1:] or 1}"
    for security in ("Public", "Private")
    for version in ("", "V2", "V3")
}


class Client(ccxt.async_support.binanceusdm):  # type: ignore[misc] # comes without types
    """The stock client, which tells markets apart by their host names: here all is one market."""

    def get_exceptions_by_url(self, url: str, exactOrBroad: str) -> Any:  # noqa: N803 - its name
        return self.exceptions["linear"].get(exactOrBroad, {})


def texts(content: Any) -> Iterator[str]:
    """Return every text in nested dictionaries."""
    if isinstance(content, dict):
        for value in content.values():
            yield from texts(value)
    else:
        yield str(content)


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname == "127.0.0.1"


@contextlib.asynccontextmanager
async def client(user: User, secret: str = SECRET, key: str = KEY) -> AsyncIterator[Client]:
    """Connect ccxt to an exchange, and to nothing else."""
    options = {"fetchCurrencies": False}  # its one question to another service
    made = Client({"apiKey": key, "secret": secret, "options": options, "enableRateLimit": False})
    made.urls = {"api": {name: f"{user.http}{path}" for name, path in PATHS.items()}}
    assert all(is_loopback(url) for url in texts(made.urls))
    assert not any((made.proxy, made.httpProxy, made.httpsProxy, made.aiohttp_trust_env))
    try:
        yield made
    finally:
        await made.close()


def test_another_host_is_seen() -> None:
    stock = ccxt.async_support.binanceusdm()
    assert not all(is_loopback(url) for url in texts(stock.urls["api"]))


async def test_the_market(user: User) -> None:
    async with client(user) as trader:
        market = (await trader.load_markets())[BTC]
        assert (market["linear"], market["contractSize"], market["active"]) == (True, 1, True)
        assert market["precision"] == {**market["precision"], "price": 0.1, "amount": 0.001}
        assert market["limits"]["cost"]["min"] == 100
        price = await user.price()
        ticker = await trader.fetch_ticker(BTC)
        assert ticker["last"] == price
        book = await trader.fetch_order_book(BTC, 5)
        assert book["bids"][0][0] == pytest.approx(price - 0.1)
        assert book["asks"][0][0] == pytest.approx(price + 0.1)
        assert [len(book["bids"]), len(book["asks"])] == [5, 5]
        bars = await trader.fetch_ohlcv(BTC, "1m", limit=3)
        assert [bar[0] - bars[0][0] for bar in bars] == [0, 60_000, 120_000]
        assert bars[-1][4] == price
        assert all(bar[3] <= min(bar[1], bar[4]) <= max(bar[1], bar[4]) <= bar[2] for bar in bars)


async def test_a_limit_order(user: User) -> None:
    async with client(user) as trader:
        await trader.load_markets()
        placed = await trader.create_order(BTC, "limit", "buy", 0.01, 59_000)
        assert (placed["status"], placed["filled"], placed["timeInForce"]) == ("open", 0, "GTC")
        amended = await trader.edit_order(placed["id"], BTC, "limit", "buy", 0.02, 58_500)
        assert (amended["id"], amended["amount"]) == (placed["id"], 0.02)
        [opened] = await trader.fetch_open_orders(BTC)
        assert (opened["amount"], opened["price"], opened["side"]) == (0.02, 58_500, "buy")
        assert opened["clientOrderId"] == placed["clientOrderId"]
        assert (await trader.fetch_balance())["USDT"]["used"] == pytest.approx(58_500 * 0.02 / 20)
        cancelled = await trader.cancel_order(placed["id"], BTC)
        assert (cancelled["status"], cancelled["remaining"]) == ("canceled", 0.02)
        assert await trader.fetch_open_orders(BTC) == []
        told = await trader.fetch_order(placed["id"], BTC)
        assert (told["status"], told["filled"]) == ("canceled", 0)


async def test_a_position_from_start_to_end(user: User) -> None:
    async with client(user) as trader:
        await trader.load_markets()
        assert (await trader.fetch_balance())["USDT"]["total"] == 100_000
        assert int((await trader.set_leverage(10, BTC))["leverage"]) == 10
        assert (await trader.fetch_leverage(BTC))["longLeverage"] == 10
        price = await user.price()

        bought = await trader.create_order(BTC, "market", "buy", 0.01)
        assert (bought["status"], bought["filled"]) == ("closed", 0.01)
        assert bought["average"] == pytest.approx(price + 0.1)

        [position] = await trader.fetch_positions([BTC])
        assert (position["side"], position["contracts"]) == ("long", 0.01)
        assert position["entryPrice"] == bought["average"]
        assert position["unrealizedPnl"] == pytest.approx(-0.1 * 0.01)
        assert position["initialMargin"] == pytest.approx(price * 0.01 / 10)
        assert position["maintenanceMarginPercentage"] == 0.004

        guarded = {"triggerPrice": 59_000, "reduceOnly": True}
        stop = await trader.create_order(BTC, "market", "sell", 0.01, None, guarded)
        trigger = {"trigger": True}
        [waiting] = await trader.fetch_open_orders(BTC, params=trigger)
        asked = await trader.fetch_order(stop["id"], BTC, trigger)
        for told in (stop, waiting, asked):
            assert (told["id"], told["status"], told["triggerPrice"]) == (
                stop["id"],
                "open",
                59_000,
            )
            assert (told["type"], told["reduceOnly"], told["amount"]) == ("market", True, 0.01)
        await trader.cancel_order(stop["id"], BTC, trigger)
        assert (await trader.fetch_order(stop["id"], BTC, trigger))["status"] == "canceled"
        assert await trader.fetch_open_orders(BTC, params=trigger) == []

        sold = await trader.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
        assert (sold["status"], sold["average"]) == ("closed", pytest.approx(price - 0.1))
        assert await trader.fetch_positions([BTC]) == []

        orders = await trader.fetch_orders(BTC)
        assert [order["id"] for order in orders] == [bought["id"], sold["id"]]
        assert [order["status"] for order in orders] == ["closed", "closed"]
        trades = await trader.fetch_my_trades(BTC)
        assert [trade["order"] for trade in trades] == [bought["id"], sold["id"]]
        assert [trade["side"] for trade in trades] == ["buy", "sell"]
        assert all(trade["takerOrMaker"] == "taker" for trade in trades)
        paid = sum(trade["fee"]["cost"] for trade in trades)
        assert paid == pytest.approx(2 * price * 0.01 * 0.0005)
        assert trades[-1]["fee"]["currency"] == "USDT"
        wallet = (await trader.fetch_balance())["USDT"]["total"]
        assert wallet == pytest.approx(100_000 - 0.2 * 0.01 - paid)
        signs = {"in": 1, "out": -1}
        entries = await trader.fetch_ledger("USDT")
        booked = sum(entry["amount"] * signs[entry["direction"]] for entry in entries)
        assert booked == pytest.approx(wallet - 100_000)


async def test_a_stop_that_triggers(user: User) -> None:
    async with client(user) as trader:
        await trader.load_markets()
        await trader.create_order(BTC, "market", "buy", 0.01)
        given = {"stopLossPrice": 59_000, "closePosition": True}
        stop = await trader.create_order(BTC, "market", "sell", None, None, given)
        await user.wick(58_900)
        assert (await trader.fetch_order(stop["id"], BTC, {"trigger": True}))["status"] == "closed"
        assert await trader.fetch_positions([BTC]) == []
        [last] = (await trader.fetch_my_trades(BTC))[1:]
        assert (last["side"], last["price"]) == ("sell", pytest.approx(58_999.9))


async def test_several_orders_at_once(user: User) -> None:
    async with client(user) as trader:
        await trader.load_markets()
        given = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01}
        placed = await trader.create_orders([{**given, "price": at} for at in (59_000, 58_000)])
        assert [(order["status"], order["price"]) for order in placed] == [
            ("open", 59_000),
            ("open", 58_000),
        ]
        ids = [order["id"] for order in placed]
        ended = await trader.cancel_orders(ids, BTC)
        assert [(order["id"], order["status"]) for order in ended] == [
            (key, "canceled") for key in ids
        ]
        await trader.create_order(BTC, "limit", "buy", 0.01, 59_000)
        await trader.cancel_all_orders(BTC)
        assert await trader.fetch_open_orders(BTC) == []


async def test_refusals_are_its_exceptions(user: User) -> None:
    async with client(user) as trader:
        await trader.load_markets()
        with pytest.raises(ccxt.InsufficientFunds, match="-2019"):
            await trader.create_order(BTC, "limit", "buy", 100, 59_000)
        named = {"newClientOrderId": "same"}
        await trader.create_order(BTC, "limit", "buy", 0.01, 59_000, named)
        with pytest.raises(ccxt.InvalidOrder, match="-4116"):
            await trader.create_order(BTC, "limit", "buy", 0.01, 59_000, named)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await trader.cancel_order("999", BTC)
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await trader.fetch_order("999", BTC)
        with pytest.raises(ccxt.OrderNotFillable, match="-5022"):
            await trader.create_order(BTC, "limit", "buy", 0.01, 60_900, {"postOnly": True})
        with pytest.raises(ccxt.OrderImmediatelyFillable, match="-2021"):
            await trader.create_order(BTC, "market", "sell", 0.01, None, {"triggerPrice": 70_000})
        with pytest.raises(ccxt.InvalidOrder, match="-2022"):
            await trader.create_order(BTC, "market", "sell", 0.01, None, {"reduceOnly": True})
        trader.nonce = lambda: int((time.time() - 60) * 1000)
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await trader.fetch_balance()


async def test_wrong_keys_are_its_exceptions(user: User) -> None:
    async with client(user, secret="wrong") as trader:
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await trader.fetch_balance()
    async with client(user, key="wrong") as trader:
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await trader.fetch_balance()


async def test_too_many_requests_are_its_exception() -> None:
    weighs_more = ("--weight-limit", "4")
    async with exchange("--stepped", *weighs_more) as user, client(user) as trader:
        await trader.load_markets()
        with pytest.raises(ccxt.DDoSProtection, match=r"429.*-1003"):
            await trader.fetch_balance()


def test_it_knows_no_request_that_is_unknown_here() -> None:
    known = ccxt.async_support.binanceusdm().api
    asked = {
        f"{method.upper()} {PATHS[name]}/{path}"
        for name in PATHS
        for method, paths in known[name].items()
        for path in paths
        if not path.startswith("apiReferral/")  # for brokers
    }
    # The real exchange no longer knows these: they have a second and third version.
    ended = {f"GET /fapi/v1/{path}" for path in ("account", "balance", "positionRisk")}
    assert asked - set(ENDPOINTS) == ended
