"""Every payload decodes with the schemas of NautilusTrader's own Binance adapter.

A contract test: it fails when a new version of the adapter expects something else.
"""

from typing import Any

import msgspec
from nautilus_trader.adapters.binance.common.enums import BinanceFuturesPositionSide
from nautilus_trader.adapters.binance.common.schemas.account import BinanceOrder, BinanceUserTrade
from nautilus_trader.adapters.binance.common.schemas.market import (
    BinanceAggregatedTradeMsg,
    BinanceCandlestickMsg,
    BinanceKline,
    BinanceQuoteMsg,
    BinanceTime,
)
from nautilus_trader.adapters.binance.futures.schemas.account import (
    BinanceFuturesAccountInfo,
    BinanceFuturesAlgoOrder,
    BinanceFuturesDualSidePosition,
    BinanceFuturesLeverage,
    BinanceFuturesPositionRisk,
    BinanceFuturesSymbolConfig,
)
from nautilus_trader.adapters.binance.futures.schemas.market import (
    BinanceFuturesExchangeInfo,
    BinanceFuturesMarkPriceMsg,
    BinanceFuturesTradeMsg,
)
from nautilus_trader.adapters.binance.futures.schemas.user import (
    BinanceFuturesAccountUpdateMsg,
    BinanceFuturesAlgoUpdateMsg,
    BinanceFuturesOrderUpdateMsg,
)
from nautilus_trader.adapters.binance.futures.schemas.wallet import BinanceFuturesCommissionRate

from exchange.support import Stream, User


def decoded(value: Any, schema: Any) -> Any:
    """Decode strictly, from the bytes that go over the wire."""
    return msgspec.json.decode(msgspec.json.encode(value), type=schema)


async def test_market_answers(user: User) -> None:
    info = decoded((await user.raw("GET", "/fapi/v1/exchangeInfo"))[1], BinanceFuturesExchangeInfo)
    (symbol,) = info.symbols
    assert (symbol.symbol, symbol.pricePrecision, symbol.contractType) == (
        "BTCUSDT",
        2,
        "PERPETUAL",
    )
    decoded((await user.raw("GET", "/fapi/v1/time"))[1], BinanceTime)
    rows = (await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m"))[1]
    klines = decoded(rows, list[BinanceKline])
    assert len(klines) == 300
    assert klines[-1].close_time == klines[-1].open_time + 59_999


async def test_account_answers(user: User) -> None:
    await user.order("BUY")
    account = decoded(await user.ask("GET", "v2/account"), BinanceFuturesAccountInfo)
    assert account.canTrade
    assert len(account.parse_to_account_balances()) == 1
    for version in ("v2", "v3"):
        rows = await user.ask("GET", f"{version}/positionRisk")
        (risk,) = decoded(rows, list[BinanceFuturesPositionRisk])
        assert risk.positionAmt == "0.010"
        assert risk.positionSide == BinanceFuturesPositionSide.BOTH
    (config,) = decoded(await user.ask("GET", "v1/symbolConfig"), list[BinanceFuturesSymbolConfig])
    assert config.leverage == 20
    set_to = await user.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=5)
    assert decoded(set_to, BinanceFuturesLeverage).leverage == 5
    dual = await user.ask("GET", "v1/positionSide/dual")
    assert not decoded(dual, BinanceFuturesDualSidePosition).dualSidePosition
    rate = await user.ask("GET", "v1/commissionRate", symbol="BTCUSDT")
    assert decoded(rate, BinanceFuturesCommissionRate).takerCommissionRate == "0.0005"


async def test_order_answers(user: User) -> None:
    accepted = decoded(await user.order("BUY", newClientOrderId="A"), BinanceOrder)
    assert (accepted.clientOrderId, accepted.executedQty) == ("A", "0")
    orders = await user.ask("GET", "v1/allOrders", symbol="BTCUSDT")
    assert decoded(orders, list[BinanceOrder])[0].executedQty == "0.010"
    trades = await user.ask("GET", "v1/userTrades", symbol="BTCUSDT")
    (trade,) = decoded(trades, list[BinanceUserTrade])
    assert trade.orderId == accepted.orderId
    placed = await user.conditional("SELL", "STOP_MARKET", "50000", clientAlgoId="S")
    assert decoded(placed, BinanceFuturesAlgoOrder).algoStatus == "NEW"
    opened = await user.ask("GET", "v1/openAlgoOrders")
    assert decoded(opened, list[BinanceFuturesAlgoOrder])[0].clientAlgoId == "S"


SCHEMAS = {
    "ORDER_TRADE_UPDATE": BinanceFuturesOrderUpdateMsg,
    "ACCOUNT_UPDATE": BinanceFuturesAccountUpdateMsg,
    "ALGO_UPDATE": BinanceFuturesAlgoUpdateMsg,
}


async def hear(stream: Stream, count: int) -> list[tuple[str, str]]:
    """Take events, decode them, and say what they tell."""
    heard = []
    for event in await stream.take(count):
        message = decoded(event, SCHEMAS[event["e"]])
        told = "" if event["e"] == "ACCOUNT_UPDATE" else message.o.X.value
        execution = message.o.x.value if event["e"] == "ORDER_TRADE_UPDATE" else ""
        heard.append((event["e"].partition("_")[0] + " " + execution, told))
    return heard


async def test_user_events_of_a_life(user: User) -> None:
    async with user.listening() as stream:
        await user.order("BUY")
        fill = [("ORDER NEW", "NEW"), ("ACCOUNT ", ""), ("ORDER TRADE", "FILLED")]
        assert await hear(stream, 3) == fill
        await user.order(
            "BUY", type="LIMIT", price="50000", timeInForce="GTC", newClientOrderId="L"
        )
        amended = {"side": "BUY", "quantity": "0.020", "price": "51000"}
        await user.ask("PUT", "v1/order", symbol="BTCUSDT", origClientOrderId="L", **amended)
        await user.ask("DELETE", "v1/order", symbol="BTCUSDT", origClientOrderId="L")
        assert await hear(stream, 3) == [
            ("ORDER NEW", "NEW"), ("ORDER AMENDMENT", "NEW"), ("ORDER CANCELED", "CANCELED"),
        ]  # fmt: skip
        await user.order("BUY", type="LIMIT", price="50000", timeInForce="IOC")
        assert await hear(stream, 2) == [("ORDER NEW", "NEW"), ("ORDER EXPIRED", "EXPIRED")]
        await user.conditional("SELL", "STOP_MARKET", "55000", clientAlgoId="S", reduceOnly="true")
        await user.wick(54_000)
        assert await hear(stream, 7) == [
            ("ALGO ", "NEW"), ("ALGO ", "TRIGGERING"), ("ALGO ", "TRIGGERED"), *fill,
            ("ALGO ", "FINISHED"),
        ]  # fmt: skip


async def test_market_events(user: User) -> None:
    names = ("bookTicker", "aggTrade", "trade", "markPrice@1s", "kline_1m", "kline_5m")
    path = "/stream?streams=" + "/".join(f"btcusdt@{name}" for name in names)
    schemas = {
        "btcusdt@bookTicker": BinanceQuoteMsg,
        "btcusdt@aggTrade": BinanceAggregatedTradeMsg,
        "btcusdt@trade": BinanceFuturesTradeMsg,
        "btcusdt@markPrice@1s": BinanceFuturesMarkPriceMsg,
        "btcusdt@kline_1m": BinanceCandlestickMsg,
        "btcusdt@kline_5m": BinanceCandlestickMsg,
    }
    async with user.listening(path) as stream:
        await user.step(5)
        heard: dict[str, list[Any]] = {name: [] for name in schemas}
        while len(heard["btcusdt@kline_1m"]) < 5 or not heard["btcusdt@kline_5m"][-1:]:
            message = await stream.next()
            heard[message["stream"]].append(decoded(message, schemas[message["stream"]]))
        last = await stream.next()
        heard[last["stream"]].append(decoded(last, schemas[last["stream"]]))
    assert all(heard.values())
    assert all(message.data.k.x for message in heard["btcusdt@kline_1m"])
    assert [message.data.k.x for message in heard["btcusdt@kline_5m"]] == [False] * 4 + [True]
