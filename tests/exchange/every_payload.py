"""One session with an exchange in which it sends everything that it can send."""

import asyncio
import functools
from collections import defaultdict
from typing import Any

from exchange.support import User, exchange
from signing import KEY

Said = dict[str, list[Any]]
"""Payloads by what they are: ``GET /fapi/v1/order``, ``ORDER_TRADE_UPDATE TRADE FILLED``, …"""

MARKET_STREAMS = (
    "bookTicker", "depth", "depth@100ms", "depth5", "ticker", "miniTicker", "aggTrade", "trade",
    "markPrice", "markPrice@1s", "kline_1m", "kline_5m", "forceOrder",
)  # fmt: skip
ALL_STREAMS = ("!bookTicker", "!ticker@arr", "!miniTicker@arr", "!markPrice@arr", "!forceOrder@arr")


class Listener(User):
    """A client that keeps whatever it is answered."""

    said: Said

    async def raw(
        self, method: str, path: str, query: str = "", key: str = KEY, body: str | None = None
    ) -> tuple[int, Any]:
        status, answer = await super().raw(method, path, query, key, body)
        if status == 200:
            self.said[f"{method} {path}"].append(answer)
        return status, answer


@functools.cache
def every_payload() -> Said:
    return asyncio.run(_session())


def kind_of(event: Any) -> str:
    """Name an event of the user stream by what it tells."""
    order = event.get("o", {})
    return " ".join(
        word for word in (event["e"], order.get("x"), order.get("X"), event.get("a", {}).get("m"))
        if word
    )  # fmt: skip


async def _session() -> Said:
    async with exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as plain:
        user = Listener(plain.http, plain.ws, plain.session)
        user.said = defaultdict(list)
        names = [f"btcusdt@{name}" for name in MARKET_STREAMS]
        market_path = "/stream?streams=" + "/".join([*names, *ALL_STREAMS])
        async with user.listening() as account, user.listening(market_path) as market:
            await _trade(user)
            await _ask_everything(user)
            await user.sim("POST", "faults", {"name": "expire_listen_key"})
            while not user.said["listenKeyExpired"]:
                event = await account.next()
                user.said[kind_of(event)].append(event)
            await user.ask("POST", "v1/listenKey")
            await user.ask("DELETE", "v1/listenKey")
            await market.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 7})
            while (message := await market.next()).get("id") != 7:
                told = message["data"]
                ends = " closed" if "kline" in message["stream"] and told["k"]["x"] else ""
                user.said[message["stream"].removeprefix("btcusdt@") + ends].append(message)
        return dict(user.said)


async def _trade(user: User) -> None:
    """Let orders live every kind of life."""
    symbol = {"symbol": "BTCUSDT"}
    await user.order("BUY")
    resting = {"type": "LIMIT", "timeInForce": "GTC", "price": "50000"}
    await user.order("BUY", **resting, newClientOrderId="amended")
    amended = {"side": "BUY", "quantity": "0.020", "price": "51000"}
    await user.ask("PUT", "v1/order", **symbol, origClientOrderId="amended", **amended)
    await user.ask("GET", "v1/openOrder", **symbol, origClientOrderId="amended")
    await user.ask("GET", "v1/order", **symbol, origClientOrderId="amended")
    await user.ask("DELETE", "v1/order", **symbol, origClientOrderId="amended")
    await user.order("BUY", **(resting | {"timeInForce": "IOC"}))
    thin = await user.sim("POST", "faults", {"name": "thin", **symbol, "quantity": "0.004"})
    ask = (await user.ask("GET", "v1/depth", **symbol, limit=5))["asks"][0][0]
    await user.order("BUY", **(resting | {"price": ask}))
    await user.ask("DELETE", "v1/allOpenOrders", **symbol)
    await user.sim("DELETE", f"faults/{thin['id']}")
    await user.conditional("SELL", "STOP_MARKET", "55000", clientAlgoId="S", reduceOnly="true")
    await user.wick(54_000)
    await user.conditional("SELL", "TAKE_PROFIT", "75000", clientAlgoId="T", price="75000")
    await user.ask("GET", "v1/openAlgoOrders")
    await user.ask("GET", "v1/algoOrder", clientAlgoId="T")
    await user.ask("DELETE", "v1/algoOrder", clientAlgoId="T")
    await user.ask("DELETE", "v1/algoOpenOrders", **symbol)
    await user.ask("POST", "v1/leverage", **symbol, leverage=10)
    some = '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC",'
    some += '"quantity":"0.010","price":"50000","newClientOrderId":"one"}]'
    await user.ask("POST", "v1/batchOrders", batchOrders=some)
    some = '[{"symbol":"BTCUSDT","side":"BUY","origClientOrderId":"one",'
    some += '"quantity":"0.010","price":"50001"}]'
    await user.ask("PUT", "v1/batchOrders", batchOrders=some)
    await user.ask("GET", "v1/openOrders", **symbol)
    await user.ask("DELETE", "v1/batchOrders", **symbol, origClientOrderIdList='["one"]')
    await user.order("BUY")
    await user.sim("POST", "faults", {"name": "funding", **symbol, "rate": "0.0001"})
    await user.ask("POST", "v1/countdownCancelAll", **symbol, countdownTime=0)
    await user.sim("POST", "faults", {"name": "liquidate", **symbol})
    await user.order("BUY")
    await user.step(5)


async def _ask_everything(user: User) -> None:
    """Ask whatever can be asked without a change."""
    symbol = {"symbol": "BTCUSDT"}
    for path in ("ping", "time", "exchangeInfo", "positionSide/dual", "multiAssetsMargin",
                 "accountConfig", "symbolConfig", "leverageBracket", "income", "rateLimit/order",
                 "fundingRate", "fundingInfo"):  # fmt: skip
        await user.ask("GET", f"v1/{path}")
    for path in ("account", "balance", "positionRisk"):
        await user.ask("GET", f"v2/{path}")
        await user.ask("GET", f"v3/{path}")
    for path in ("depth", "trades", "aggTrades", "commissionRate", "allOrders", "userTrades",
                 "leverageBracket", "ticker/24hr", "ticker/price", "ticker/bookTicker",
                 "premiumIndex", "allAlgoOrders"):  # fmt: skip
        await user.ask("GET", f"v1/{path}", **symbol)
    await user.ask("GET", "v2/ticker/price", **symbol)
    await user.ask("GET", "v1/klines", **symbol, interval="1m")
    await user.ask("PUT", "v1/listenKey")
