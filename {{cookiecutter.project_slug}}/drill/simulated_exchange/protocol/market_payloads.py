"""What the exchange says of the market, in answers and in streams. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Market Data" and "Websocket Market Streams".
"""

from decimal import Decimal
from typing import Any

from ..journal.orders import CONDITIONAL_TYPES
from ..journal.state import Book, State
from ..market.bars import Candle
from ..market.symbols import places, rounded, text

Payload = dict[str, Any]
FAR_AWAY_MS = 4_133_404_800_000
TOP_QUANTITY = "5.000"
"""The quantity shown at the best bid and ask; what can be filled there has no bound."""


def exchange_info(state: State, server_ms: int) -> Payload:
    """Answer ``GET exchangeInfo``."""
    limits = (("REQUEST_WEIGHT", "MINUTE", 1, 2400), ("ORDERS", "MINUTE", 1, 1200),
              ("ORDERS", "SECOND", 10, 300))  # fmt: skip
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit}
            for kind, unit, number, limit in limits
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_symbol_info(book) for book in state.books.values()],
    }


def _symbol_info(book: Book) -> Payload:
    rules = book.rules
    step, most = str(rules.step), str(rules.max_quantity)
    lot = {"minQty": step, "maxQty": most, "stepSize": step}
    tick, highest = str(rules.tick), str(rules.tick * 10_000_000)
    return {
        "symbol": rules.name, "pair": rules.name, "contractType": "PERPETUAL", "status": "TRADING",
        "deliveryDate": FAR_AWAY_MS, "onboardDate": 1_569_398_400_000,
        "baseAsset": rules.name.removesuffix("USDT"), "quoteAsset": "USDT", "marginAsset": "USDT",
        "pricePrecision": places(rules.tick), "quantityPrecision": places(rules.step),
        "baseAssetPrecision": 8, "quotePrecision": 8,
        "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "underlyingType": "COIN", "underlyingSubType": [], "settlePlan": 0,
        "triggerProtect": "0.0500", "liquidationFee": "0.012500", "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": highest, "tickSize": tick},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "MARKET_LOT_SIZE", **lot},
            {"filterType": "MIN_NOTIONAL", "notional": str(rules.min_notional)},
        ],
        "orderTypes": ["LIMIT", "MARKET", *CONDITIONAL_TYPES],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }  # fmt: skip


def kline(candle: Candle) -> list[Any]:
    """Describe a candle, as ``GET klines`` does; half of its volume was bought by takers."""
    bar, quote = candle.bar, candle.quote_volume
    return [
        candle.open_ms, *bar.row(), candle.close_ms, text(quote), 100,
        text(rounded(bar.volume / 2)), text(rounded(quote / 2)), "0",
    ]  # fmt: skip


def book_ticker(book: Book, update_id: int, market_ms: int, last: Decimal) -> Payload:
    """Tell the best bid and ask around a last price."""
    bid, ask = text(last - book.rules.tick), text(last + book.rules.tick)
    return {
        "e": "bookTicker", "u": update_id, "E": market_ms, "T": market_ms, "s": book.rules.name,
        "b": bid, "B": TOP_QUANTITY, "a": ask, "A": TOP_QUANTITY,
    }  # fmt: skip


def mark_price(name: str, market_ms: int, last: Decimal) -> Payload:
    """Tell the mark price, which is the last price here; there is no funding."""
    price, eight_hours = text(last), 28_800_000
    return {
        "e": "markPriceUpdate", "E": market_ms, "s": name, "p": price, "i": price,
        "P": price, "r": "0", "T": market_ms - market_ms % eight_hours + eight_hours,
    }  # fmt: skip


def public_trade(event: str, name: str, price: str, trade_id: int, market_ms: int) -> Payload:
    """Tell a trade of others: as ``aggTrade`` or as ``trade``."""
    more = {"a": trade_id, "f": trade_id, "l": trade_id}
    return {
        "e": event, "E": market_ms, "T": market_ms, "s": name, "p": price, "q": "0.100",
        "m": trade_id % 2 == 0, **(more if event == "aggTrade" else {"t": trade_id, "X": "MARKET"}),
    }  # fmt: skip


def kline_event(name: str, interval: str, candle: Candle, market_ms: int, closed: bool) -> Payload:
    """Tell a candle that forms or closed."""
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    row = dict(zip(names, kline(candle), strict=True))
    row |= {"s": name, "i": interval, "f": 1, "L": 100, "x": closed}
    return {"e": "kline", "E": market_ms, "s": name, "k": row}
