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
from .symbols import places, rounded, text

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


def order(order: Order) -> Payload:
    """Describe an order as the order endpoints do, a conditional as the algo-order ones do."""
    shared = {
        "symbol": order.symbol, "side": order.side, "positionSide": "BOTH",
        "timeInForce": order.time_in_force, "price": text(order.price),
        "reduceOnly": order.reduce_only, "closePosition": order.close_position,
        "workingType": order.working_type, "priceProtect": False, "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE", "goodTillDate": 0, "updateTime": order.updated_ms,
    }  # fmt: skip
    number, name, mean = int(order.exchange_order_id), order.client_order_id, order.average_price
    if order.kind == "order":
        return shared | {
            "orderId": number, "clientOrderId": name, "status": order.status,
            "type": order.type, "origType": order.origin_type, "stopPrice": "0",
            "origQty": text(order.quantity), "executedQty": text(order.filled),
            "cumQty": text(order.filled), "cumQuote": text(order.quote), "avgPrice": text(mean),
            "time": order.created_ms,
        }  # fmt: skip
    return shared | {
        "algoId": number, "clientAlgoId": name, "algoStatus": order.status,
        "algoType": "CONDITIONAL", "orderType": order.type, "icebergQuantity": None,
        "quantity": "" if order.close_position else text(order.quantity),
        "triggerPrice": text(order.trigger_price), "actualPrice": text(mean),
        "actualOrderId": order.triggered_order_id,
        "createTime": order.created_ms, "triggerTime": order.triggered_ms,
    }  # fmt: skip


def trade(fill: Fill) -> Payload:
    """Describe a fill, as ``GET userTrades`` does."""
    return {
        "symbol": fill.symbol, "id": int(fill.trade_id), "orderId": int(fill.exchange_order_id),
        "side": fill.side, "positionSide": "BOTH", "price": text(fill.price),
        "qty": text(fill.quantity), "quoteQty": text(rounded(fill.quantity * fill.price)),
        "realizedPnl": text(fill.realized_pnl), "commission": text(fill.commission),
        "commissionAsset": "USDT", "time": fill.market_ms,
        "buyer": fill.side == "BUY", "maker": fill.maker,
    }  # fmt: skip


def account_info(state: State) -> Payload:
    """Answer ``GET account``."""
    pnl, free = rounded(account.unrealized_pnl(state)), text(rounded(account.available(state)))
    positions, orders = account.position_margin(state), account.order_margin(state)
    wallet, equity = text(state.wallet), text(state.wallet + pnl)
    sums = {
        "InitialMargin": text(rounded(positions + orders)),
        "MaintMargin": text(rounded(positions / 2)),
        "WalletBalance": wallet, "UnrealizedProfit": text(pnl), "MarginBalance": equity,
        "PositionInitialMargin": text(rounded(positions)),
        "OpenOrderInitialMargin": text(rounded(orders)),
        "CrossWalletBalance": wallet, "CrossUnPnl": text(pnl),
    }  # fmt: skip
    shared = {"availableBalance": free, "maxWithdrawAmount": free, "updateTime": state.market_ms}
    asset = {name[0].lower() + name[1:]: value for name, value in sums.items()} | shared
    return shared | {f"total{name}": value for name, value in sums.items()} | {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True,
        "multiAssetsMargin": False, "tradeGroupId": -1,
        "assets": [{"asset": "USDT", "marginAvailable": True, **asset}],
        "positions": [position_risk(state, name, 2) for name in state.books],
    }  # fmt: skip


def position_risk(state: State, symbol: str, version: int) -> Payload:
    """Describe one position, as ``GET positionRisk`` does in version 2 or 3."""
    book = state.books[symbol]
    notional = book.position * book.price
    margin = abs(notional) / book.leverage
    entry, pnl = text(book.entry_price), text(rounded(book.unrealized_pnl))
    shared = {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": text(book.position),
        "entryPrice": entry, "breakEvenPrice": entry, "markPrice": text(book.price),
        "unRealizedProfit": pnl, "liquidationPrice": "0", "isolatedMargin": "0",
        "notional": text(rounded(notional)), "isolatedWallet": "0", "updateTime": state.market_ms,
    }  # fmt: skip
    if version == 2:
        return shared | {
            "leverage": str(book.leverage), "marginType": "cross", "isAutoAddMargin": "false",
            "maxNotionalValue": "100000000",
        }  # fmt: skip
    initial = text(rounded(margin))
    return shared | {
        "marginAsset": "USDT", "initialMargin": initial, "maintMargin": text(rounded(margin / 2)),
        "positionInitialMargin": initial, "openOrderInitialMargin": "0", "adl": 0,
        "bidNotional": "0", "askNotional": "0",
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


def user_event(record: Mapping[str, Any]) -> Payload | None:
    """Return the user-stream event that tells of a record, if one does."""
    kind, data, stamp = record["kind"], record["data"], record["market_ms"]
    group, _, verb = kind.partition(".")
    if group == "order":
        event, body = "ORDER_TRADE_UPDATE", {"o": _order_event(verb, data, stamp)}
    elif group == "conditional":
        event, body = "ALGO_UPDATE", {"o": _conditional_event(data)}
    elif kind == "position.changed":
        event, body = "ACCOUNT_UPDATE", {"a": _account_event(data)}
    elif kind == "leverage.changed":
        change = {"s": data["symbol"], "l": data["leverage"]}
        event, body = "ACCOUNT_CONFIG_UPDATE", {"ac": change}
    else:
        return None
    return {"e": event, "E": stamp, "T": stamp, **body}


def _order_event(verb: str, row: Mapping[str, Any], stamp: int) -> Payload:
    executions = {"accepted": "NEW", "amended": "AMENDMENT", "filled": "TRADE"}
    event = {
        "s": row["symbol"], "c": row["client_order_id"], "S": row["side"], "o": row["type"],
        "f": row["time_in_force"], "q": row["quantity"], "p": row["price"],
        "ap": row["average_price"], "sp": "0", "x": executions.get(verb, row["status"]),
        "X": row["status"], "i": int(row["exchange_order_id"]), "l": "0", "z": row["filled"],
        "L": "0", "T": stamp, "t": 0, "b": "0", "a": "0", "m": False, "R": row["reduce_only"],
        "wt": row["working_type"], "ot": row["origin_type"], "ps": "BOTH",
        "cp": row["close_position"], "pP": False, "si": 0, "ss": 0, "rp": "0", "V": "NONE",
        "pm": "NONE", "gtd": 0,
    }  # fmt: skip
    if fill := row.get("fill"):
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
    wallet, entry = data["wallet"], data["entry_price"]
    return {
        "m": "ORDER",
        "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}],
        "P": [{
            "s": data["symbol"], "pa": data["quantity"], "ep": entry, "bep": entry, "cr": "0",
            "up": data["unrealized_pnl"], "mt": "cross", "iw": "0", "ps": "BOTH",
        }],
    }  # fmt: skip
