"""What the exchange says: answers and events as Binance writes them. Pure functions.

Sources: https://developers.binance.com/docs/derivatives/usds-margined-futures, sections "Trade",
"Account" and "User Data Streams".
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from . import account
from .market import Candle
from .orders import CONDITIONAL_TYPES, Fill, Order
from .state import Book, State
from .symbols import rounded, text

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
        "symbol": rules.name,
        "pair": rules.name,
        "contractType": "PERPETUAL",
        "deliveryDate": FAR_AWAY_MS,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": rules.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": rules.price_places,
        "quantityPrecision": rules.quantity_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": highest, "tickSize": tick},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "MARKET_LOT_SIZE", **lot},
            {"filterType": "MIN_NOTIONAL", "notional": str(rules.min_notional)},
        ],
        "orderTypes": ["LIMIT", "MARKET", *sorted(CONDITIONAL_TYPES)],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def order(order: Order) -> Payload:
    """Describe an order, as all order endpoints do."""
    return {
        "orderId": int(order.exchange_order_id),
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": text(order.price),
        "avgPrice": text(order.average_price),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled),
        "cumQty": text(order.filled),
        "cumQuote": text(order.quote),
        "timeInForce": order.time_in_force,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": order.working_type,
        "priceProtect": False,
        "origType": order.origin_type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def conditional(order: Order) -> Payload:
    """Describe a conditional order, as the algo-order endpoints do."""
    return {
        "algoId": int(order.exchange_order_id),
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": order.type,
        "symbol": order.symbol,
        "side": order.side,
        "positionSide": "BOTH",
        "timeInForce": order.time_in_force,
        "quantity": "" if order.close_position else text(order.quantity),
        "algoStatus": order.status,
        "actualOrderId": order.triggered_order_id,
        "actualPrice": text(order.average_price),
        "triggerPrice": text(order.trigger_price),
        "price": text(order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": order.working_type,
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": 0,
    }


def trade(fill: Fill) -> Payload:
    """Describe a fill, as ``GET userTrades`` does."""
    return {
        "symbol": fill.symbol,
        "id": int(fill.trade_id),
        "orderId": int(fill.exchange_order_id),
        "side": fill.side,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "realizedPnl": text(fill.realized_pnl),
        "quoteQty": text(rounded(fill.quantity * fill.price)),
        "commission": text(fill.commission),
        "commissionAsset": "USDT",
        "time": fill.market_ms,
        "positionSide": "BOTH",
        "buyer": fill.side == "BUY",
        "maker": fill.maker,
    }


def account_info(state: State) -> Payload:
    """Answer ``GET account``."""
    pnl, free = rounded(account.unrealized_pnl(state)), rounded(account.available(state))
    positions, orders = account.position_margin(state), account.order_margin(state)
    wallet, equity = text(state.wallet), text(state.wallet + pnl)
    initial = text(rounded(positions + orders))
    maintenance = text(rounded(positions / 2))
    position_margin, order_margin = text(rounded(positions)), text(rounded(orders))
    asset = {
        "asset": "USDT",
        "walletBalance": wallet,
        "unrealizedProfit": text(pnl),
        "marginBalance": equity,
        "maintMargin": maintenance,
        "initialMargin": initial,
        "positionInitialMargin": position_margin,
        "openOrderInitialMargin": order_margin,
        "crossWalletBalance": wallet,
        "crossUnPnl": text(pnl),
        "availableBalance": text(free),
        "maxWithdrawAmount": text(free),
        "marginAvailable": True,
        "updateTime": state.market_ms,
    }
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": state.market_ms,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "totalInitialMargin": initial,
        "totalMaintMargin": maintenance,
        "totalWalletBalance": wallet,
        "totalUnrealizedProfit": text(pnl),
        "totalMarginBalance": equity,
        "totalPositionInitialMargin": position_margin,
        "totalOpenOrderInitialMargin": order_margin,
        "totalCrossWalletBalance": wallet,
        "totalCrossUnPnl": text(pnl),
        "availableBalance": text(free),
        "maxWithdrawAmount": text(free),
        "assets": [asset],
        "positions": [position_risk(state, name, version=2) for name in state.books],
    }


def position_risk(state: State, symbol: str, version: int) -> Payload:
    """Describe one position, as ``GET positionRisk`` does in version 2 or 3."""
    book = state.books[symbol]
    notional = book.position * book.price
    margin = text(rounded(abs(notional) / book.leverage))
    shared = {
        "symbol": symbol,
        "positionSide": "BOTH",
        "positionAmt": text(book.position),
        "entryPrice": text(book.entry_price),
        "breakEvenPrice": text(book.entry_price),
        "markPrice": text(book.price),
        "unRealizedProfit": text(rounded(book.unrealized_pnl)),
        "liquidationPrice": "0",
        "isolatedMargin": "0",
        "notional": text(rounded(notional)),
        "isolatedWallet": "0",
        "updateTime": state.market_ms,
    }
    if version == 2:
        return shared | {
            "leverage": str(book.leverage),
            "marginType": "cross",
            "isAutoAddMargin": "false",
            "maxNotionalValue": "100000000",
        }
    return shared | {
        "marginAsset": "USDT",
        "initialMargin": margin,
        "maintMargin": text(rounded(abs(notional) / book.leverage / 2)),
        "positionInitialMargin": margin,
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }


def kline(candle: Candle) -> list[Any]:
    """Describe a candle, as ``GET klines`` does; half of its volume was bought by takers."""
    bar, half = candle.bar, Decimal(2)
    return [
        candle.open_ms, text(bar.open), text(bar.high), text(bar.low), text(bar.close),
        text(bar.volume), candle.close_ms, text(candle.quote_volume), 100,
        text(rounded(bar.volume / half)), text(rounded(candle.quote_volume / half)), "0",
    ]  # fmt: skip


def book_ticker(book: Book, update_id: int, market_ms: int, last: Decimal) -> Payload:
    """Tell the best bid and ask around a last price."""
    tick = book.rules.tick
    return {
        "e": "bookTicker", "u": update_id, "E": market_ms, "T": market_ms, "s": book.rules.name,
        "b": text(last - tick), "B": TOP_QUANTITY, "a": text(last + tick), "A": TOP_QUANTITY,
    }  # fmt: skip


def mark_price(name: str, market_ms: int, last: Decimal) -> Payload:
    """Tell the mark price, which is the last price here; there is no funding."""
    price, eight_hours = text(last), 28_800_000
    return {
        "e": "markPriceUpdate", "E": market_ms, "s": name, "p": price, "i": price,
        "P": price, "r": "0", "T": market_ms - market_ms % eight_hours + eight_hours,
    }  # fmt: skip


def public_trade(name: str, price: str, trade_id: int, market_ms: int) -> tuple[Payload, Payload]:
    """Tell a trade of others: as an aggregate trade and as a trade."""
    aggregate = {
        "e": "aggTrade", "E": market_ms, "s": name, "a": trade_id, "p": price, "q": "0.100",
        "f": trade_id, "l": trade_id, "T": market_ms, "m": trade_id % 2 == 0,
    }  # fmt: skip
    single = {
        "e": "trade", "E": market_ms, "T": market_ms, "s": name, "t": trade_id, "p": price,
        "q": "0.100", "X": "MARKET", "m": trade_id % 2 == 0,
    }  # fmt: skip
    return aggregate, single


def kline_event(
    name: str, interval: str, candle: Candle, market_ms: int, *, closed: bool
) -> Payload:
    """Tell a candle that forms or closed."""
    row = kline(candle)
    return {
        "e": "kline", "E": market_ms, "s": name,
        "k": {
            "t": row[0], "T": row[6], "s": name, "i": interval, "f": 1, "L": 100, "o": row[1],
            "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed,
            "q": row[7], "V": row[9], "Q": row[10], "B": "0",
        },
    }  # fmt: skip


def user_event(record: Mapping[str, Any]) -> Payload | None:
    """Return the user-stream event that tells of a record, if one does."""
    kind, data, stamp = record["kind"], record["data"], record["market_ms"]
    group, _, verb = kind.partition(".")
    head = {"E": stamp, "T": stamp}
    if group == "order":
        return {"e": "ORDER_TRADE_UPDATE", **head, "o": _order_event(verb, data, stamp)}
    if group == "conditional":
        return {"e": "ALGO_UPDATE", **head, "o": _conditional_event(data)}
    if kind == "position.changed":
        return {"e": "ACCOUNT_UPDATE", **head, "a": _account_event(data)}
    if kind == "leverage.changed":
        change = {"s": data["symbol"], "l": data["leverage"]}
        return {"e": "ACCOUNT_CONFIG_UPDATE", **head, "ac": change}
    return None


def _order_event(verb: str, row: Mapping[str, Any], stamp: int) -> Payload:
    fill = row.get("fill")
    execution = {"accepted": "NEW", "amended": "AMENDMENT", "filled": "TRADE"}.get(
        verb, row["status"]
    )
    event = {
        "s": row["symbol"], "c": row["client_order_id"], "S": row["side"], "o": row["type"],
        "f": row["time_in_force"], "q": row["quantity"], "p": row["price"],
        "ap": row["average_price"], "sp": "0", "x": execution, "X": row["status"],
        "i": int(row["exchange_order_id"]), "l": "0", "z": row["filled"], "L": "0", "T": stamp,
        "t": 0, "b": "0", "a": "0", "m": False, "R": row["reduce_only"], "wt": row["working_type"],
        "ot": row["origin_type"], "ps": "BOTH", "cp": row["close_position"], "pP": False, "si": 0,
        "ss": 0, "rp": "0", "V": "NONE", "pm": "NONE", "gtd": 0,
    }  # fmt: skip
    if fill is not None:
        event |= {
            "l": fill["quantity"], "L": fill["price"], "N": "USDT", "n": fill["commission"],
            "t": int(fill["trade_id"]), "m": fill["maker"], "rp": fill["realized_pnl"],
        }  # fmt: skip
    return event


def _conditional_event(row: Mapping[str, Any]) -> Payload:
    return {
        "caid": row["client_order_id"], "aid": int(row["exchange_order_id"]), "at": "CONDITIONAL",
        "o": row["type"], "s": row["symbol"], "S": row["side"], "ps": "BOTH",
        "f": row["time_in_force"], "q": row["quantity"], "X": row["status"],
        "ai": row["triggered_order_id"], "ap": row["average_price"], "aq": row["filled"],
        "act": "MARKET" if row["type"].endswith("_MARKET") else "LIMIT",
        "tp": row["trigger_price"], "p": row["price"], "V": "NONE", "wt": row["working_type"],
        "pm": "NONE", "cp": row["close_position"], "pP": False, "R": row["reduce_only"],
        "tt": row["triggered_ms"], "gtd": 0, "rm": row.get("reason", ""),
    }  # fmt: skip


def _account_event(data: Mapping[str, Any]) -> Payload:
    wallet = data["wallet"]
    return {
        "m": "ORDER",
        "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}],
        "P": [{
            "s": data["symbol"], "pa": data["quantity"], "ep": data["entry_price"],
            "bep": data["entry_price"], "cr": "0", "up": data["unrealized_pnl"], "mt": "cross",
            "iw": "0", "ps": "BOTH",
        }],
    }  # fmt: skip
