"""What the exchange answers about orders and trades. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "Trade".
"""

from ..journal.orders import Fill, Order
from ..market.symbols import rounded, text
from .market_payloads import Payload


def order(order: Order) -> Payload:
    """Describe an order as the order endpoints do, a conditional as the algo-order ones do."""
    shared = {
        "symbol": order.symbol, "side": order.side, "positionSide": "BOTH",
        "timeInForce": order.time_in_force, "price": text(order.price),
        "reduceOnly": order.reduce_only, "closePosition": order.close_position,
        "workingType": order.working_type, "priceProtect": False, "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE", "goodTillDate": order.good_till_date,
        "updateTime": order.updated_ms,
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
        "commissionAsset": "USDT", "marginAsset": "USDT", "time": fill.market_ms,
        "buyer": fill.side == "BUY", "maker": fill.maker,
    }  # fmt: skip
