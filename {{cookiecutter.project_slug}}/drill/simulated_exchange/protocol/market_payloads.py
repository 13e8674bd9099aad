"""What the exchange says of the market, in answers and in streams. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Market Data" and "Websocket Market Streams".
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..journal.orders import CONDITIONAL_TYPES
from ..journal.payments import FundingRate
from ..journal.state import Book, State
from ..market.bars import MINUTE_MS, Candle
from ..market.funding import FUNDING_MS
from ..market.symbols import places, rounded, text
from ..market.tape import Trade
from ..matching.admission import MOST_OPEN, PRICE_BAND
from ..matching.liquidity import Level, levels

Payload = dict[str, Any]
DAY_BARS = 1_440
DAY_MS = DAY_BARS * MINUTE_MS
FAR_AWAY_MS = 4_133_404_800_000
TRADES_A_BAR = 100
"""How many trades a bar is said to have had; only the last ones are really told one by one."""

NO_INTEREST = "0.00000000"
SYMBOL_TYPE = 1  # USD-margined; tells them from coin-margined ones in streams


def exchange_info(state: State, limits: list[Payload], server_ms: int) -> Payload:
    """Answer ``GET exchangeInfo``."""
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": limits,
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_symbol_info(book) for book in state.books.values()],
    }


def _symbol_info(book: Book) -> Payload:
    rules = book.rules
    most, market_most = str(rules.max_quantity), str(rules.max_market_quantity)
    lot = {"minQty": str(rules.step), "stepSize": str(rules.step)}
    tick, highest = str(rules.tick), str(rules.tick * 10_000_000)
    return {
        "symbol": rules.name, "pair": rules.name, "contractType": "PERPETUAL",
        "status": book.status, "deliveryDate": FAR_AWAY_MS, "onboardDate": 1_569_398_400_000,
        "baseAsset": rules.name.removesuffix("USDT"), "quoteAsset": "USDT", "marginAsset": "USDT",
        "pricePrecision": places(rules.tick), "quantityPrecision": places(rules.step),
        "baseAssetPrecision": 8, "quotePrecision": 8,
        "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "underlyingType": "COIN", "underlyingSubType": [], "settlePlan": 0,
        "triggerProtect": "0.0500", "liquidationFee": "0.012500", "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": highest, "tickSize": tick},
            {"filterType": "LOT_SIZE", "maxQty": most, **lot},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": market_most, **lot},
            {"filterType": "MIN_NOTIONAL", "notional": str(rules.min_notional)},
            {"filterType": "MAX_NUM_ORDERS", "limit": MOST_OPEN["order"]},
            {"filterType": "PERCENT_PRICE", "multiplierUp": f"{1 + PRICE_BAND:.4f}",
             "multiplierDown": f"{1 - PRICE_BAND:.4f}", "multiplierDecimal": "4"},
        ],
        "orderTypes": ["LIMIT", "MARKET", *CONDITIONAL_TYPES],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }  # fmt: skip


def depth(book: Book, count: int, update_id: int, market_ms: int) -> Payload:
    """Answer ``GET depth`` with so many levels of both sides: of others, not of our orders."""
    bids, asks = _rows(levels(book, -1, count)), _rows(levels(book, 1, count))
    return {"lastUpdateId": update_id, "E": market_ms, "T": market_ms, "bids": bids, "asks": asks}


def depth_update(
    name: str, market_ms: int, ids: tuple[int, int], bids: Iterable[Level], asks: Iterable[Level]
) -> Payload:
    """Tell levels after an update, which goes from one id to another.

    It begins where the one before ended: in a market that stands still, this is where ``GET depth``
    ends, too, and clients look for the update that holds its id.
    """
    before, last = ids
    return {
        "e": "depthUpdate", "E": market_ms, "T": market_ms, "s": name, "ps": name,
        "st": SYMBOL_TYPE, "U": before, "u": last, "pu": before,
        "b": _rows(bids), "a": _rows(asks),
    }  # fmt: skip


def best_prices(book: Book, market_ms: int) -> Payload:
    """Answer ``GET ticker/bookTicker``."""
    (bid, bids), (ask, asks) = levels(book, -1, 1)[0], levels(book, 1, 1)[0]
    return {
        "symbol": book.rules.name, "bidPrice": text(bid), "bidQty": text(bids),
        "askPrice": text(ask), "askQty": text(asks), "time": market_ms,
    }  # fmt: skip


def book_ticker(book: Book, update_id: int, market_ms: int) -> Payload:
    """Tell the best bid and ask."""
    best, name = best_prices(book, market_ms), book.rules.name
    return {
        "e": "bookTicker", "u": update_id, "E": market_ms, "T": market_ms, "s": name, "ps": name,
        "st": SYMBOL_TYPE, "b": best["bidPrice"], "B": best["bidQty"], "a": best["askPrice"],
        "A": best["askQty"],
    }  # fmt: skip


def price_ticker(book: Book, market_ms: int) -> Payload:
    """Answer ``GET ticker/price``."""
    return {"symbol": book.rules.name, "price": text(book.price), "time": market_ms}


def day_ticker(book: Book, market_ms: int) -> Payload:
    """Answer ``GET ticker/24hr``: the last 1440 bars and the one that forms."""
    bars = [*book.bars[-DAY_BARS:], *([book.forming] if book.forming else [])]
    first, volume = bars[0].open, sum(bar.volume for bar in bars)
    quote = sum(rounded(bar.volume * bar.close) for bar in bars)
    change, count = book.price - first, len(bars) * TRADES_A_BAR
    mean = (quote / volume if volume else book.price).quantize(book.rules.tick)
    last = book.tape.trades[-1]
    return {
        "symbol": book.rules.name, "priceChange": text(change),
        "priceChangePercent": f"{change / first * 100:.3f}", "weightedAvgPrice": text(mean),
        "lastPrice": text(book.price), "lastQty": text(last.quantity), "openPrice": text(first),
        "highPrice": text(max(bar.high for bar in bars)),
        "lowPrice": text(min(bar.low for bar in bars)), "volume": text(rounded(Decimal(volume))),
        "quoteVolume": text(rounded(Decimal(quote))), "openTime": market_ms - DAY_MS,
        "closeTime": market_ms, "firstId": max(1, last.number - count + 1), "lastId": last.number,
        "count": count,
    }  # fmt: skip


def day_ticker_event(book: Book, market_ms: int) -> Payload:
    """Tell what `day_ticker` answers."""
    row = day_ticker(book, market_ms)
    names = {
        "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice",
        "c": "lastPrice", "Q": "lastQty", "o": "openPrice", "h": "highPrice", "l": "lowPrice",
        "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime", "F": "firstId",
        "L": "lastId", "n": "count",
    }  # fmt: skip
    told = {short: row[name] for short, name in names.items()}
    return {"e": "24hrTicker", "E": market_ms, **told, "st": SYMBOL_TYPE}


def mini_ticker_event(book: Book, market_ms: int) -> Payload:
    """Tell the prices and volumes of a day."""
    row = day_ticker_event(book, market_ms)
    told = {name: row[name] for name in ("E", "s", "c", "o", "h", "l", "v", "q", "st")}
    return {"e": "24hrMiniTicker", **told, "ps": book.rules.name}


def premium_index(book: Book, market_ms: int) -> Payload:
    """Answer ``GET premiumIndex``: the index price is the last price."""
    price = text(book.price)
    return {
        "symbol": book.rules.name, "markPrice": text(book.mark_price), "indexPrice": price,
        "estimatedSettlePrice": price, "lastFundingRate": f"{book.funding_rate:.8f}",
        "interestRate": NO_INTEREST,
        "nextFundingTime": market_ms - market_ms % FUNDING_MS + FUNDING_MS, "time": market_ms,
    }  # fmt: skip


def mark_price(book: Book, market_ms: int) -> Payload:
    """Tell what `premium_index` answers."""
    row = premium_index(book, market_ms)
    return {
        "e": "markPriceUpdate", "E": market_ms, "s": row["symbol"], "p": row["markPrice"],
        "i": row["indexPrice"], "P": row["estimatedSettlePrice"], "r": row["lastFundingRate"],
        "T": row["nextFundingTime"], "st": SYMBOL_TYPE,
    }  # fmt: skip


def funding_rate(due: FundingRate) -> Payload:
    """Describe a funding that was due, as ``GET fundingRate`` does."""
    return {
        "symbol": due.symbol, "fundingTime": due.market_ms, "fundingRate": f"{due.rate:.8f}",
        "markPrice": text(due.price),
    }  # fmt: skip


def public_trade(trade: Trade) -> Payload:
    """Describe a public trade, as ``GET trades`` does."""
    return {
        "id": trade.number, "price": text(trade.price), "qty": text(trade.quantity),
        "quoteQty": text(rounded(trade.price * trade.quantity)), "time": trade.market_ms,
        "isBuyerMaker": trade.buyer_is_maker,
    }  # fmt: skip


def aggregate_trade(trade: Trade) -> Payload:
    """Describe a public trade, as ``GET aggTrades`` does; each is an aggregate of itself."""
    return {
        "a": trade.number, "p": text(trade.price), "q": text(trade.quantity), "f": trade.number,
        "l": trade.number, "T": trade.market_ms, "m": trade.buyer_is_maker,
    }  # fmt: skip


def aggregate_trade_event(name: str, trade: Trade) -> Payload:
    """Tell a public trade, as an aggregate."""
    told = aggregate_trade(trade)
    return {"e": "aggTrade", "E": trade.market_ms, "s": name, **told, "st": SYMBOL_TYPE}


def trade_event(name: str, trade: Trade) -> Payload:
    """Tell a public trade by itself; the exchange does not document this stream."""
    return {
        "e": "trade", "E": trade.market_ms, "s": name, "t": trade.number, "p": text(trade.price),
        "q": text(trade.quantity), "T": trade.market_ms, "m": trade.buyer_is_maker,
    }  # fmt: skip


def kline(candle: Candle) -> list[Any]:
    """Describe a candle, as ``GET klines`` does; half of its volume was bought by takers."""
    bar, quote = candle.bar, candle.quote_volume
    return [
        candle.open_ms, *bar.row(), candle.close_ms, text(quote), TRADES_A_BAR,
        text(rounded(bar.volume / 2)), text(rounded(quote / 2)), "0",
    ]  # fmt: skip


def kline_event(name: str, interval: str, candle: Candle, market_ms: int, closed: bool) -> Payload:
    """Tell a candle that forms or closed."""
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    row = dict(zip(names, kline(candle), strict=True))
    row |= {"s": name, "i": interval, "f": 1, "L": TRADES_A_BAR, "x": closed}
    return {"e": "kline", "E": market_ms, "s": name, "k": row}


def forced_order(row: Mapping[str, Any], market_ms: int) -> Payload:
    """Tell a fill of a liquidation to everybody."""
    fill = row["fill"]
    return {
        "e": "forceOrder", "E": market_ms,
        "o": {
            "s": row["symbol"], "S": row["side"], "o": row["type"], "f": row["time_in_force"],
            "q": row["quantity"], "p": row["price"], "ap": row["average_price"],
            "X": row["status"], "l": fill["quantity"], "z": row["filled"], "T": market_ms,
        },
    }  # fmt: skip


def _rows(side: Iterable[Level]) -> list[list[str]]:
    return [[text(price), text(quantity)] for price, quantity in side]
