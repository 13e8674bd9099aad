"""Every payload decodes with the schemas of NautilusTrader's own Binance adapter.

A contract test: it fails when a new version of the adapter expects something else. What the adapter
has no schema for stands in a table, with its reason.
"""

import fnmatch
from typing import Any

import msgspec
import pytest
from nautilus_trader.adapters.binance.common.enums import BinanceFuturesPositionSide
from nautilus_trader.adapters.binance.common.schemas import market
from nautilus_trader.adapters.binance.common.schemas.account import (
    BinanceOrder,
    BinanceStatusCode,
    BinanceUserTrade,
)
from nautilus_trader.adapters.binance.common.schemas.user import BinanceListenKey
from nautilus_trader.adapters.binance.futures.schemas import account
from nautilus_trader.adapters.binance.futures.schemas import market as futures
from nautilus_trader.adapters.binance.futures.schemas import user as events
from nautilus_trader.adapters.binance.futures.schemas.wallet import BinanceFuturesCommissionRate
from nautilus_trader.model.identifiers import InstrumentId

from exchange.every_payload import every_payload
from exchange.support import Stream, User

SCHEMAS: dict[str, Any] = {
    "GET /fapi/v1/time": market.BinanceTime,
    "GET /fapi/v1/exchangeInfo": futures.BinanceFuturesExchangeInfo,
    "GET /fapi/v1/klines": list[market.BinanceKline],
    "GET /fapi/v1/depth": market.BinanceDepth,
    "GET /fapi/v1/trades": list[market.BinanceTrade],
    "GET /fapi/v1/aggTrades": list[market.BinanceAggTrade],
    "GET /fapi/v1/ticker/24hr": market.BinanceTicker24hr,
    "GET /fapi/v?/ticker/price": market.BinanceTickerPrice,
    "GET /fapi/v1/ticker/bookTicker": market.BinanceTickerBook,
    "GET /fapi/v1/premiumIndex": futures.BinanceFuturesMarkFunding,
    "GET /fapi/v2/account": account.BinanceFuturesAccountInfo,
    "GET /fapi/v?/positionRisk": list[account.BinanceFuturesPositionRisk],
    "GET /fapi/v1/positionSide/dual": account.BinanceFuturesDualSidePosition,
    "GET /fapi/v1/symbolConfig": list[account.BinanceFuturesSymbolConfig],
    "GET /fapi/v1/commissionRate": BinanceFuturesCommissionRate,
    "POST /fapi/v1/leverage": account.BinanceFuturesLeverage,
    "* /fapi/v1/order": BinanceOrder,
    "GET /fapi/v1/openOrder": BinanceOrder,
    "* /fapi/v1/batchOrders": list[BinanceOrder],
    "GET /fapi/v1/openOrders": list[BinanceOrder],
    "GET /fapi/v1/allOrders": list[BinanceOrder],
    "DELETE /fapi/v1/allOpenOrders": BinanceStatusCode,
    "GET /fapi/v1/userTrades": list[BinanceUserTrade],
    "[PG]* /fapi/v1/algoOrder": account.BinanceFuturesAlgoOrder,
    "DELETE /fapi/v1/algoOrder": account.BinanceFuturesAlgoOrderCancelResponse,
    "DELETE /fapi/v1/algoOpenOrders": BinanceStatusCode,
    "GET /fapi/v1/openAlgoOrders": list[account.BinanceFuturesAlgoOrder],
    "GET /fapi/v1/allAlgoOrders": list[account.BinanceFuturesAlgoOrder],
    "P* /fapi/v1/listenKey": BinanceListenKey,
    "ORDER_TRADE_UPDATE *": events.BinanceFuturesOrderUpdateMsg,
    "ACCOUNT_UPDATE *": events.BinanceFuturesAccountUpdateMsg,
    "ALGO_UPDATE *": events.BinanceFuturesAlgoUpdateMsg,
    "bookTicker": market.BinanceQuoteMsg,
    "!bookTicker": market.BinanceQuoteMsg,
    "depth*": market.BinanceOrderBookMsg,
    "ticker": market.BinanceTickerMsg,
    "aggTrade": market.BinanceAggregatedTradeMsg,
    "trade": futures.BinanceFuturesTradeMsg,
    "markPrice*": futures.BinanceFuturesMarkPriceMsg,
    "!markPrice@arr": futures.BinanceFuturesMarkPriceAllMsg,
    "kline_*": market.BinanceCandlestickMsg,
}

NO_SCHEMA = {
    "GET /fapi/v1/ping": "an empty object",
    "DELETE /fapi/v1/listenKey": "an empty object",
    "GET /fapi/v3/account": "the adapter asks for version 2",
    "GET /fapi/v?/balance": "the adapter asks for the account",
    "GET /fapi/v1/accountConfig": "not asked for",
    "GET /fapi/v1/multiAssetsMargin": "not asked for",
    "GET /fapi/v1/leverageBracket": "not asked for",
    "GET /fapi/v1/income": "not asked for",
    "GET /fapi/v1/fundingRate": "not asked for; its schema wants text for the official number",
    "GET /fapi/v1/fundingInfo": "not asked for",
    "POST /fapi/v1/countdownCancelAll": "not asked for",
    "GET /fapi/v1/rateLimit/order": "not asked for",
    "ACCOUNT_CONFIG_UPDATE": "passed over",
    "listenKeyExpired": "seen by its name only",
    "miniTicker": "not joined",
    "!miniTicker@arr": "not joined",
    "!ticker@arr": "not joined",
    "*forceOrder*": "not joined",
}


def decoded(value: Any, schema: Any) -> Any:
    """Decode strictly, from the bytes that go over the wire."""
    return msgspec.json.decode(msgspec.json.encode(value), type=schema)


def kinds(pattern: str) -> list[str]:
    return fnmatch.filter(every_payload(), pattern)


@pytest.mark.parametrize("pattern", SCHEMAS)
def test_payloads_decode(pattern: str) -> None:
    assert kinds(pattern)
    for kind in kinds(pattern):
        for payload in every_payload()[kind]:
            decoded(payload, SCHEMAS[pattern])


def test_every_payload_has_a_schema_or_a_reason() -> None:
    without = {kind for pattern in NO_SCHEMA for kind in kinds(pattern)}
    assert set(every_payload()) == without | {kind for name in SCHEMAS for kind in kinds(name)}
    assert all(map(kinds, NO_SCHEMA))


def test_a_wrong_type_does_not_decode() -> None:
    (time,) = every_payload()["GET /fapi/v1/time"]
    with pytest.raises(msgspec.ValidationError):
        decoded({"serverTime": str(time["serverTime"])}, market.BinanceTime)


def test_market_data_becomes_what_strategies_see() -> None:
    name, said = InstrumentId.from_str("BTCUSDT-PERP.BINANCE"), every_payload()
    book = decoded(said["GET /fapi/v1/depth"][-1], market.BinanceDepth)
    snapshot = book.parse_to_order_book_snapshot(name, 0)
    assert len(snapshot.deltas) == 1 + 500 + 500
    update = decoded(said["depth"][-1], market.BinanceOrderBookMsg).data
    assert update.parse_to_order_book_deltas(name, 0).deltas
    for payload in said["GET /fapi/v1/aggTrades"][-1]:
        assert decoded(payload, market.BinanceAggTrade).parse_to_trade_tick(name).size > 0
    message = decoded(said["ticker"][-1], market.BinanceTickerMsg)
    ticker = message.data.parse_to_binance_ticker(name, 0)
    assert ticker.low_price <= ticker.last_price <= ticker.high_price
    info = decoded(said["GET /fapi/v1/exchangeInfo"][-1], futures.BinanceFuturesExchangeInfo)
    bitcoin = next(symbol for symbol in info.symbols if symbol.symbol == "BTCUSDT")
    assert (bitcoin.pricePrecision, bitcoin.contractType) == (2, "PERPETUAL")


def test_the_account_becomes_what_strategies_see() -> None:
    said = every_payload()
    info = decoded(said["GET /fapi/v2/account"][-1], account.BinanceFuturesAccountInfo)
    assert info.canTrade
    assert len(info.parse_to_account_balances()) == 1
    for kind in kinds("GET /fapi/v?/positionRisk"):
        (risk, *_) = decoded(said[kind][-1], list[account.BinanceFuturesPositionRisk])
        assert (risk.symbol, risk.positionAmt) == ("BTCUSDT", "0.010")
        assert risk.positionSide == BinanceFuturesPositionSide.BOTH


EVENTS = {
    "ORDER_TRADE_UPDATE": events.BinanceFuturesOrderUpdateMsg,
    "ACCOUNT_UPDATE": events.BinanceFuturesAccountUpdateMsg,
    "ALGO_UPDATE": events.BinanceFuturesAlgoUpdateMsg,
}


async def hear(stream: Stream, count: int) -> list[tuple[str, str]]:
    """Take events, decode them, and say what they tell."""
    heard = []
    for event in await stream.take(count):
        message = decoded(event, EVENTS[event["e"]])
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
