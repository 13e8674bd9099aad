"""What the user stream says of a record. Pure functions.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "User Data Streams".
"""

from collections.abc import Mapping
from typing import Any

from .market_payloads import Payload


def user_event(record: Mapping[str, Any]) -> Payload | None:
    """Return the user-stream event that tells of a record, if one does."""
    kind, data, stamp = record["kind"], record["data"], record["market_ms"]
    group, _, verb = kind.partition(".")
    if group == "order":
        event, body = "ORDER_TRADE_UPDATE", {"o": _order_event(verb, data, stamp)}
    elif group == "conditional":
        event, body = "ALGO_UPDATE", {"o": _conditional_event(data)}
    elif kind in ("position.changed", "wallet.covered", "wallet.funded"):
        event, body = "ACCOUNT_UPDATE", {"a": _account_event(data)}
    elif kind == "leverage.changed":
        change = {"s": data["symbol"], "l": data["leverage"]}
        event, body = "ACCOUNT_CONFIG_UPDATE", {"ac": change}
    elif kind == "listen_key.changed" and data["expired"]:
        return {"e": "listenKeyExpired", "E": stamp, "listenKey": data["expired"]}
    else:
        return None
    return {"e": event, "E": stamp, "T": stamp, **body}


def _order_event(verb: str, row: Mapping[str, Any], stamp: int) -> Payload:
    filled = "CALCULATED" if row["liquidation"] else "TRADE"
    executions = {"accepted": "NEW", "amended": "AMENDMENT", "filled": filled}
    event = {
        "s": row["symbol"], "c": row["client_order_id"], "S": row["side"], "o": row["type"],
        "f": row["time_in_force"], "q": row["quantity"], "p": row["price"],
        "ap": row["average_price"], "sp": "0", "x": executions.get(verb, row["status"]),
        "X": row["status"], "i": int(row["exchange_order_id"]), "l": "0", "z": row["filled"],
        "L": "0", "T": stamp, "t": 0, "b": "0", "a": "0", "m": False, "R": row["reduce_only"],
        "wt": row["working_type"], "ot": row["origin_type"], "ps": "BOTH",
        "cp": row["close_position"], "pP": False, "si": 0, "ss": 0, "rp": "0", "V": "NONE",
        "pm": "NONE", "gtd": row["good_till_date"], "er": str(row.get("expiry", 0)),
    }  # fmt: skip
    if fill := row.get("fill"):
        event |= {
            "l": fill["quantity"], "L": fill["price"], "N": "USDT", "n": fill["commission"],
            "t": int(fill["trade_id"]), "m": fill["maker"], "rp": fill["realized_pnl"],
        }  # fmt: skip
    return event


def _conditional_event(row: Mapping[str, Any]) -> Payload:
    """Tell how a conditional order stands; while it triggers, nothing of what it will become."""
    became = {
        "ap": row["average_price"], "aq": row["filled"],
        "act": "MARKET" if row["type"].endswith("_MARKET") else "LIMIT",
    }  # fmt: skip
    reason = {"rm": row["reason"]} if row.get("reason") else {}
    return ({} if row["status"] == "TRIGGERING" else became) | reason | {
        "caid": row["client_order_id"], "aid": int(row["exchange_order_id"]), "at": "CONDITIONAL",
        "o": row["type"], "s": row["symbol"], "S": row["side"], "ps": "BOTH",
        "f": row["time_in_force"], "q": row["quantity"], "X": row["status"],
        "ai": row["triggered_order_id"], "tp": row["trigger_price"], "p": row["price"],
        "V": "NONE", "wt": row["working_type"],
        "pm": "NONE", "cp": row["close_position"], "pP": False, "R": row["reduce_only"],
        "tt": row["triggered_ms"], "gtd": row["good_till_date"],
    }  # fmt: skip


def _account_event(data: Mapping[str, Any]) -> Payload:
    """Tell wallet and position; the change of the balance leaves out profit and commission."""
    wallet, change = data["wallet"], data.get("change", data.get("amount", "0"))
    balance = {"a": "USDT", "wb": wallet, "cw": wallet, "bc": change}
    if "rate" in data:  # of a crossed position nothing else is told
        return {"m": "FUNDING_FEE", "B": [balance], "P": []}
    if "symbol" not in data:
        return {"m": "INSURANCE_CLEAR", "B": [balance], "P": []}
    position = {
        "s": data["symbol"], "pa": data["quantity"], "ep": data["entry_price"],
        "bep": data["entry_price"], "cr": "0", "up": data["unrealized_pnl"], "mt": "cross",
        "iw": "0", "ps": "BOTH",
    }  # fmt: skip
    return {"m": "ORDER", "B": [balance], "P": [position]}
