"""What the exchange sends has the names and JSON types of the official samples.

Every difference stands in a table, with its reason; so does every sample that nothing is compared
with, and everything that is sent and has no sample. An entry that is no longer true fails, too.
The samples are not part of the repository: OFFICIAL_PAYLOADS names their folder.
"""

import fnmatch
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.every_payload import every_payload
from simulated_exchange.protocol.endpoints import ENDPOINTS
from simulated_exchange.protocol.unsupported import UNSUPPORTED

FOLDER = os.environ.get("OFFICIAL_PAYLOADS")
with_samples = pytest.mark.skipif(
    not FOLDER, reason="OFFICIAL_PAYLOADS does not name the folder of the official samples."
)

SAMPLES = {
    "GET /fapi/v2/account": ["account_info_v2"],
    "GET /fapi/v2/balance": ["balance"],
    "GET /fapi/v3/balance": ["balance"],
    "GET /fapi/v2/positionRisk": ["position_risk", "http_futures_account_positions_one_way"],
    "GET /fapi/v1/positionSide/dual": ["http_futures_account_position_side_dual"],
    "GET /fapi/v1/symbolConfig": ["http_futures_account_symbol_config"],
    "GET /fapi/v1/commissionRate": ["http_futures_wallet_commission_rate_btcusdt"],
    "GET /fapi/v1/userTrades": ["http_futures_account_trades"],
    "GET /fapi/v1/allOrders": ["http_futures_account_orders"],
    "GET /fapi/v1/order": ["order_response"],
    "GET /fapi/v1/openAlgoOrders": ["open_algo_orders"],
    "GET /fapi/v1/exchangeInfo": ["http_futures_market_exchange_info"],
    "GET /fapi/v1/klines": ["http_futures_market_klines"],
    "GET /fapi/v1/depth": ["http_futures_market_depth"],
    "GET /fapi/v1/trades": ["http_futures_market_trades"],
    "GET /fapi/v1/aggTrades": ["http_futures_market_agg_trades"],
    "GET /fapi/v1/ticker/24hr": ["http_futures_market_ticker_24hr"],
    "GET /fapi/v1/ticker/price": ["http_futures_market_ticker_price"],
    "GET /fapi/v2/ticker/price": ["http_futures_market_ticker_price"],
    "GET /fapi/v1/ticker/bookTicker": ["http_futures_market_book_ticker"],
    "GET /fapi/v1/premiumIndex": ["http_futures_market_premium_index"],
    "GET /fapi/v1/fundingRate": ["http_futures_market_funding_rate"],
    "ORDER_TRADE_UPDATE NEW NEW": [
        "order_update_new", "ws_futures_order_update_new_price_match",
        "ws_futures_order_update_new_reduce_only_qty",
    ],
    "ORDER_TRADE_UPDATE TRADE PARTIALLY_FILLED": [
        "order_update_trade", "order_update_trade_partial",
    ],
    "ORDER_TRADE_UPDATE TRADE FILLED": ["ws_futures_order_update_trade_reduce_only_qty"],
    "ORDER_TRADE_UPDATE CALCULATED FILLED": [
        "order_update_calculated", "ws_futures_order_update_liquidation",
    ],
    "ALGO_UPDATE NEW": ["algo_update_new"],
    "ALGO_UPDATE TRIGGERING": ["ws_futures_algo_update_triggering"],
    "ALGO_UPDATE TRIGGERED": ["ws_futures_algo_update_triggered"],
    "ALGO_UPDATE FINISHED": ["ws_futures_algo_update_finished"],
    "ALGO_UPDATE CANCELED": ["algo_update_canceled"],
    "ACCOUNT_UPDATE ORDER": ["account_update", "account_update_bnfcr"],
    "bookTicker": ["book_ticker_stream", "ws_futures_book_ticker"],
    "!bookTicker": ["book_ticker_stream"],
    "depth": ["depth_update_stream", "ws_futures_depth_diff_update"],
    "depth@100ms": ["depth_update_stream"],
    "depth5": ["ws_futures_depth_update"],
    "ticker": ["ticker_stream", "ws_futures_ticker_24hr"],
    "aggTrade": ["agg_trade_stream"],
    "trade": ["trade_stream"],
    "markPrice": ["mark_price_stream"],
    "markPrice@1s": ["mark_price_stream"],
    "kline_1m": ["kline_stream_open"],
    "kline_5m": ["kline_stream_open"],
    "kline_1m closed": ["kline_stream_closed"],
    "kline_5m closed": ["kline_stream_closed"],
    "forceOrder": ["liquidation_stream"],
    "!forceOrder@arr": ["liquidation_stream"],
}  # fmt: skip

NO_SAMPLE = {
    "GET /fapi/v1/ping": "an empty object",
    "GET /fapi/v1/time": "one number",
    "GET /fapi/v3/account": "the samples have version 2 only",
    "GET /fapi/v3/positionRisk": "the samples have version 2 only",
    "GET /fapi/v1/accountConfig": "not among the samples",
    "GET /fapi/v1/multiAssetsMargin": "not among the samples",
    "GET /fapi/v1/leverageBracket": "not among the samples",
    "GET /fapi/v1/income": "not among the samples",
    "GET /fapi/v1/fundingInfo": "a list, and it is empty",
    "POST /fapi/v1/countdownCancelAll": "not among the samples",
    "ACCOUNT_UPDATE FUNDING_FEE": "the same as for an order, but for the position",
    "GET /fapi/v1/rateLimit/order": "not among the samples",
    "POST /fapi/v1/leverage": "not among the samples",
    "* /fapi/v1/listenKey": "not among the samples",
    "[PD]* /fapi/v1/order": "the same row as GET order",
    "GET /fapi/v1/openOrder": "the same row as GET order",
    "GET /fapi/v1/openOrders": "the same rows as GET order",
    "* /fapi/v1/batchOrders": "the same rows as GET order",
    "DELETE /fapi/v1/allOpenOrders": "a code and a message",
    "DELETE /fapi/v1/algoOpenOrders": "a code and a message",
    "DELETE /fapi/v1/algoOrder": "ids, a code and a message",
    "POST /fapi/v1/algoOrder": "the same row as openAlgoOrders",
    "GET /fapi/v1/algoOrder": "the same row as openAlgoOrders",
    "GET /fapi/v1/allAlgoOrders": "the same rows as openAlgoOrders",
    "ORDER_TRADE_UPDATE AMENDMENT NEW": "not among the samples",
    "ORDER_TRADE_UPDATE CANCELED CANCELED": "not among the samples",
    "ORDER_TRADE_UPDATE EXPIRED EXPIRED": "not among the samples",
    "ACCOUNT_CONFIG_UPDATE": "not among the samples",
    "listenKeyExpired": "not among the samples",
    "miniTicker": "not among the samples",
    "!*@arr": "lists of what the streams of one symbol tell",
}

NEVER_ANSWERED = {
    "POST /fapi/v1/positionSide/dual": "one-way mode is set already, so it is refused",
    "POST /fapi/v1/multiAssetsMargin": "one asset is the mode already, so it is refused",
    "POST /fapi/v1/marginType": "cross margin is set already, so it is refused",
    "POST /fapi/v1/positionMargin": "isolated positions only have a margin of their own",
}

UNUSED = {
    "http_futures_account_positions_hedge": "there is one-way mode only",
    "http_futures_market_asset_index": "not served: USDT is the only asset",
    "http_futures_market_blvt_nav_kline": "leveraged tokens are gone from the real exchange, too",
    "http_futures_market_continuous_klines": "not served: there are perpetual contracts only",
    "http_futures_market_*_ratio": "not served: statistics",
    "http_futures_market_historical_trades": "not served: trades and aggTrades tell the same",
    "http_futures_market_index_info": "not served: statistics",
    "http_futures_market_*_price_klines": "not served: there is one price, and klines tell it",
    "http_futures_market_open_interest*": "not served: statistics",
    "http_futures_wallet_commission_rate_btcusdt_quarterly": "there are perpetual contracts only",
    "http_futures_wallet_commission_rate_ethusdt": "the same as that of BTCUSDT",
    "*order_update_adl*": "told as a liquidation is, and only when a drill orders it",
    "*order_update_settlement": "perpetual contracts are not settled",
    "order_update_delivery": "perpetual contracts are not delivered",
    "order_update_insurance": "the insurance fund takes over no positions here",
    "order_update_calculated_pending": "a liquidation fills at once",
    "ws_futures_order_update_liquidation_zero_qty": "a liquidation fills at once",
    "ws_futures_order_update_new_*_price_match": "orders with a trigger are conditionals today",
    "ws_futures_algo_update_finished_canceled": "named as if cancelled, but the same as finished",
    "*trade_lite": "not sent: ORDER_TRADE_UPDATE tells the same",
}


class Difference(NamedTuple):
    """Something that is different from some samples; all three are patterns."""

    samples: str
    path: str
    what: str
    reason: str


TRAILING = "pushed with trailing stops only, says the documentation; there are none here"
NEWER = "documented today; the sample is older"
DIFFERENCES = [
    Difference("account_info_v2", ".feeBurn", "extra", NEWER),
    Difference("account_update_bnfcr", ".a.P[]", "extra", "the sample has no position"),
    Difference("*depth*_update*", ".[ab][[]]", "missing", "a side that did not change is empty"),
    Difference("ws_futures_depth_diff_update", ".ps", "extra", NEWER),
    Difference("ws_futures_depth_diff_update", ".st", "extra", NEWER),
    Difference("*_orders", "[[]].activatePrice", "missing", TRAILING),
    Difference("*_orders", "[[]].priceRate", "missing", TRAILING),
    Difference("*_orders", "[[]].goodTillDate", "extra", NEWER),
    Difference("*_account_orders", "[[]].priceMatch", "extra", NEWER),
    Difference("*_account_orders", "[[]].selfTradePreventionMode", "extra", NEWER),
    Difference("*_account_orders", "[[]].cumQty", "extra", "told where it is documented, and here"),
    Difference("order_response", ".cumQty", "extra", "told where it is documented, and here"),
    Difference("*_positions_one_way", "[[]].breakEvenPrice", "extra", NEWER),
    Difference("*_positions_one_way", "[[]].isolatedWallet", "extra", NEWER),
    Difference("*_positions_one_way", "[[]].notional", "extra", NEWER),
    Difference("*_funding_rate", "[[]].markPrice", "extra", NEWER),
    Difference("open_algo_orders", "[[]].type", "missing", "`orderType` in the documentation"),
    Difference("open_algo_orders", "[[]].*", "extra", "documented; the sample is an excerpt"),
    Difference("algo_update_*", ".o.rm", "missing", "told with a reason only, as was recorded"),
    Difference("*order_update_*", ".o.AP", "missing", TRAILING),
    Difference("*order_update_*", ".o.cr", "missing", TRAILING),
    Difference("*order_update_*", ".o.pm", "extra", NEWER),
    Difference("*order_update_*", ".o.er", "extra", NEWER),
    Difference("order_update_*", ".o.gtd", "extra", NEWER),
    Difference("*order_update_new*", ".o.[Nn]", "missing", "told with a commission only"),
    Difference("ws_futures_*", ".o.W", "missing", "not documented for futures"),
    Difference("ws_futures_*", ".o.V", "text, not null", "text in the documentation"),
    Difference("ws_futures_*liquidation", ".o.sp", "text, not null", "text in all other samples"),
]


def flat(value: Any, path: str = "") -> dict[str, set[str]]:
    """Return the JSON types of everything in a value by its path; items of a list share one.

    A row, which is a list in a list, has a path for each of its places.
    """
    if isinstance(value, dict):
        found = {path or ".": {"object"}}
        for name, inner in value.items():
            found |= flat(inner, f"{path}.{name}")
        return found
    if isinstance(value, list):
        found = {path or ".": {"list"}}
        for number, inner in enumerate(value):
            row = path.endswith("[]") and not isinstance(inner, dict | list)
            for place, types in flat(inner, f"{path}[{number}]" if row else f"{path}[]").items():
                found[place] = found.get(place, set()) | types
        return found
    names = {str: "text", bool: "boolean", int: "whole number", float: "number"}
    return {path: {names.get(type(value), "null")}}


def differences(payload: Any, sample: Any) -> set[tuple[str, str]]:
    """Return what a payload lacks, has too much, or has as another type: (path, what)."""
    ours, theirs = flat(payload), flat(sample)
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    found = {(path, "missing") for path in missing if _above(path) not in missing}
    found |= {(path, "extra") for path in extra if _above(path) not in extra}
    for path in ours.keys() & theirs.keys():
        if more := ours[path] - theirs[path]:
            found.add((path, f"{' or '.join(sorted(more))}, not {' or '.join(theirs[path])}"))
    return found


def _above(path: str) -> str:
    """Return the path of what something is part of."""
    return path[: max(path.rfind("."), path.rfind("["))] or "."


def _sample(name: str) -> Any:
    assert FOLDER is not None
    content = json.loads((Path(FOLDER) / f"{name}.json").read_text())
    return content["data"] if isinstance(content, dict) and "stream" in content else content


def _sent(kind: str) -> list[Any]:
    """Return all payloads of a kind, without the frame of combined streams."""
    return [p["data"] if "stream" in p else p for p in every_payload()[kind]]


@with_samples
def test_every_difference_is_explained() -> None:
    found = {
        (name, path, what)
        for kind, names in SAMPLES.items()
        for name in names
        for payload in _sent(kind)
        for path, what in differences(payload, _sample(name))
    }
    unexplained = {one for one in found if not any(_explains(entry, one) for entry in DIFFERENCES)}
    assert not unexplained, "\n".join(map(str, sorted(unexplained)))
    stale = [entry for entry in DIFFERENCES if not any(_explains(entry, one) for one in found)]
    assert not stale


def _explains(entry: Difference, found: tuple[str, str, str]) -> bool:
    return all(map(fnmatch.fnmatchcase, found, entry[:3]))


def test_everything_that_is_sent_is_compared() -> None:
    sent, compared = set(every_payload()), set(SAMPLES)
    assert compared <= sent
    others = sent - compared
    listed = {kind: fnmatch.filter(others, kind) for kind in NO_SAMPLE}
    assert others == {kind for kinds in listed.values() for kind in kinds}
    assert not [kind for kind, kinds in listed.items() if not kinds]


def test_every_request_is_answered() -> None:
    answered = ENDPOINTS.keys() - UNSUPPORTED.keys() - NEVER_ANSWERED.keys()
    assert not answered - set(every_payload())
    assert not NEVER_ANSWERED.keys() & set(every_payload())


@with_samples
def test_every_sample_is_used() -> None:
    assert FOLDER is not None
    there = {path.stem for path in Path(FOLDER).glob("*.json")}
    used = {name for names in SAMPLES.values() for name in names}
    assert used <= there
    unused = {name: fnmatch.filter(there - used, name) for name in UNUSED}
    assert there - used == {name for names in unused.values() for name in names}
    assert not [pattern for pattern, names in unused.items() if not names]


def test_the_comparison_bites() -> None:
    sample = {"a": "1", "o": {"x": 1, "y": [{"z": True}]}, "rows": [["1", 2]]}
    assert not differences(sample, sample)
    assert differences({"o": {"x": 1, "y": [{"z": True}]}, "rows": [["1", 2]]}, sample) == {
        (".a", "missing")
    }
    assert differences({**sample, "b": {"c": 1}}, sample) == {(".b", "extra")}
    assert differences({**sample, "a": 1}, sample) == {(".a", "whole number, not text")}
    assert differences({**sample, "o": {"x": 1.5, "y": []}}, sample) == {
        (".o.x", "number, not whole number"), (".o.y[]", "missing"),
    }  # fmt: skip
    assert differences({**sample, "rows": [["1", "2"], ["1"]]}, sample) == {
        (".rows[][1]", "text, not whole number"),
    }
    assert differences([{"a": "1"}, {"a": None}], [{"a": "1"}]) == {("[].a", "null, not text")}
