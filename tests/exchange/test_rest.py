"""Requests: answers, refusals, history and its times, klines and their pages."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from exchange.support import EPOCH_MS, START_MS, User, exchange
from simulated_exchange.cli import build
from simulated_exchange.errors import TEXTS, ExchangeError
from simulated_exchange.options import read_options
from simulated_exchange.protocol.endpoints import ACCOUNT, MARKET, ORDERS
from simulated_exchange.protocol.parameters import Parameters
from simulated_exchange.protocol.unsupported import UNSUPPORTED

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "50000"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "DOGEUSDT"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"type": "STOP_MARKET", "stopPrice": "1"}, -4120),
        ({"type": "GUESS"}, -1116),
        ({"quantity": ""}, -1102),
        ({"quantity": "many"}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "0.001"}, -4164),
        ({"quantity": "99", "newClientOrderId": "far too many"}, -4015),
        ({"quantity": "99"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "perhaps"}, -1102),
        ({"positionSide": "LONG"}, -4061),
        ({"price": "50000"}, -1106),
        ({"goodTillDate": "1"}, -1106),
        ({"priceMatch": "QUEUE"}, -1106),
        (LIMIT | {"timeInForce": ""}, -1102),
        (LIMIT | {"timeInForce": "DAY"}, -1115),
        (LIMIT | {"timeInForce": "GTD"}, -1102),
        (LIMIT | {"timeInForce": "GTD", "goodTillDate": "1"}, -5040),
        (LIMIT | {"goodTillDate": "1"}, -1106),
        (LIMIT | {"price": "50000.01"}, -4014),
        (LIMIT | {"price": "50000.001"}, -1111),
        (LIMIT | {"price": "61000", "timeInForce": "GTX"}, -5022),
        (LIMIT | {"timeInForce": "FOK"}, -5021),
        ({"newOrderRespType": "LONG"}, -1136),
    ],
)
async def test_orders_that_are_refused(user: User, changes: dict[str, str], code: int) -> None:
    given = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
    assert await user.refused("POST", "v1/order", **(given | changes)) == code
    assert not (await user.ledger())["orders"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"algoType": "VP"}, -1102),
        ({"type": "TRAILING_STOP_MARKET"}, -1020),
        ({"type": "GUESS"}, -1116),
        ({"workingType": "INDEX"}, -4031),
        ({"triggerPrice": "70000"}, -2021),
        ({"triggerPrice": "50000.05"}, -4014),
        ({"type": "STOP"}, -1102),
        ({"closePosition": "true"}, -4137),
        ({"closePosition": "true", "quantity": "", "type": "STOP", "price": "1"}, -4136),
        ({"closePosition": "true", "quantity": "", "reduceOnly": "true"}, -1106),
        ({"callbackRate": "1"}, -1106),
        ({"priceProtect": "TRUE"}, -1106),
    ],
)
async def test_conditionals_that_are_refused(
    user: User, changes: dict[str, str], code: int
) -> None:
    given = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.010",
        "triggerPrice": "50000", "algoType": "CONDITIONAL",
    }  # fmt: skip
    assert await user.refused("POST", "v1/algoOrder", **(given | changes)) == code


async def test_what_does_not_exist(user: User) -> None:
    named = {"symbol": "BTCUSDT", "origClientOrderId": "none"}
    assert await user.refused("GET", "v1/order", **named) == -2013
    assert await user.refused("DELETE", "v1/order", **named) == -2011
    assert await user.refused("GET", "v1/order", symbol="BTCUSDT") == -1102
    amended = {"side": "BUY", "quantity": "1", "price": "50000"}
    assert await user.refused("PUT", "v1/order", **named, **amended) == -2013
    assert await user.refused("GET", "v1/algoOrder", clientAlgoId="none") == -2013
    assert await user.refused("DELETE", "v1/algoOrder", algoId=5) == -2011
    assert await user.refused("POST", "v1/leverage", symbol="BTCUSDT", leverage=200) == -4028
    assert (
        await user.refused("POST", "v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
        == -1020
    )
    assert await user.refused("POST", "v1/positionSide/dual", dualSidePosition="true") == -1020
    given = {"symbol": "BTCUSDT", "amount": "1", "type": 1}
    assert await user.refused("POST", "v1/positionMargin", **given) == -4049
    assert await user.refused("POST", "v1/multiAssetsMargin", multiAssetsMargin="true") == -1020
    assert await user.refused("POST", "v1/multiAssetsMargin", multiAssetsMargin="false") == -4171
    assert await user.refused("POST", "v1/leverage", symbol="BTCUSDT") == -1102
    assert await user.refused("GET", "v1/symbolConfig", symbol="DOGEUSDT") == -1121


async def test_what_is_unknown_and_what_is_left_out(user: User) -> None:
    assert await user.raw("GET", "/fapi/v1/account") == (
        404,
        {"code": -5000, "msg": "Path /fapi/v1/account, Method GET is invalid"},
    )
    for request in UNSUPPORTED:
        method, path = request.split()
        status, answer = await user.raw(method, path)
        assert (status, answer["code"]) == (400, -1020), request


def test_every_left_out_request_has_a_reason_and_is_left_out() -> None:
    assert all(UNSUPPORTED.values())
    assert not UNSUPPORTED.keys() & {*MARKET, *ACCOUNT, *ORDERS}


def test_status_codes() -> None:
    statuses = {-1001: 503, -1003: 429, -1007: 408, -1008: 503, -1015: 429, -2014: 401, -2015: 401}
    assert {code: ExchangeError(code).status for code in statuses} == statuses
    assert {ExchangeError(code).status for code in TEXTS.keys() - statuses} == {400}
    assert ExchangeError(-1001, status=500).status == 500


async def test_the_account_is_told_in_all_versions(user: User) -> None:
    await user.order("BUY")
    told: dict[str, Callable[[Any], str]] = {
        "v2/balance": lambda rows: rows[0]["balance"],
        "v3/balance": lambda rows: rows[0]["balance"],
        "v2/account": lambda row: row["totalWalletBalance"],
        "v3/account": lambda row: row["totalWalletBalance"],
    }
    wallet = (await user.ledger())["wallet"]["USDT"]
    for path, of in told.items():
        assert of(await user.ask("GET", path)) == wallet
    for version in ("v2", "v3"):
        [position] = await user.ask("GET", f"{version}/positionRisk", symbol="BTCUSDT")
        assert position["positionAmt"] == "0.010"


async def test_settings_of_the_account(user: User) -> None:
    await user.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=7)
    [config] = await user.ask("GET", "v1/symbolConfig", symbol="BTCUSDT")
    assert (config["leverage"], config["marginType"]) == (7, "CROSSED")
    one = await user.ask("GET", "v1/leverageBracket", symbol="BTCUSDT")
    assert await user.ask("GET", "v1/leverageBracket") == [one]
    assert one["brackets"][0]["initialLeverage"] == 125
    assert (await user.ask("GET", "v1/accountConfig"))["dualSidePosition"] is False
    assert await user.ask("GET", "v1/multiAssetsMargin") == {"multiAssetsMargin": False}
    assert await user.ask("GET", "v1/positionSide/dual") == {"dualSidePosition": False}


async def test_several_orders_each_have_an_answer(user: User) -> None:
    good = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.010", **LIMIT}
    first = good | {"newClientOrderId": "A", "stopPrice": None}
    batch = [first, good | {"price": "0"}, good | {"reduceOnly": True}]
    placed = await user.ask("POST", "v1/batchOrders", batchOrders=json.dumps(batch))
    assert placed[0]["status"] == "NEW"
    assert [answer["code"] for answer in placed[1:]] == [-4001, -2022]
    change = {"symbol": "BTCUSDT", "side": "BUY", "quantity": 0.02, "price": "51000"}
    changes = [change | {"orderId": placed[0]["orderId"]}, change | {"origClientOrderId": "Z"}]
    amended = await user.ask("PUT", "v1/batchOrders", batchOrders=json.dumps(changes))
    assert (amended[0]["origQty"], amended[1]["code"]) == ("0.020", -2013)
    deep = urlencode({"batchOrders": "[" * 100_000})
    with pytest.raises(ExchangeError, match="'batchOrders'"):
        Parameters.parse("", deep).each("batchOrders", 5)
    for wrong, code in (([good] * 6, -4082), ([], -4082), (["order"], -1102), ({}, -1102)):
        given = {"batchOrders": json.dumps(wrong)}
        assert await user.refused("POST", "v1/batchOrders", **given) == code
    many = json.dumps([str(number) for number in range(11)])
    given = {"symbol": "BTCUSDT", "orderIdList": many}
    assert await user.refused("DELETE", "v1/batchOrders", **given) == -1102


async def test_only_an_open_order_is_told_as_one(user: User) -> None:
    placed = await user.order("BUY", **LIMIT)
    named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    assert await user.ask("GET", "v1/openOrder", **named) == placed
    await user.ask("DELETE", "v1/order", **named)
    assert await user.refused("GET", "v1/openOrder", **named) == -2013
    assert (await user.ask("GET", "v1/order", **named))["status"] == "CANCELED"


async def test_good_till_a_date(user: User) -> None:
    now = time.time_ns() // 1_000_000
    dated = LIMIT | {"timeInForce": "GTD"}
    given = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.010", **dated}
    assert await user.refused("POST", "v1/order", **given) == -1102
    assert await user.refused("POST", "v1/order", **given, goodTillDate=now + 590_000) == -5040
    assert await user.refused("POST", "v1/order", **given, goodTillDate=1 << 50) == -5040
    placed = await user.order("BUY", **dated, goodTillDate=now + 900_999)
    assert placed["goodTillDate"] == (now + 900_999) // 1000 * 1000
    await user.step(14)
    assert (await user.ask("GET", "v1/openOrders"))[0]["timeInForce"] == "GTD"
    await user.step(3)
    named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    assert (await user.ask("GET", "v1/order", **named))["status"] == "EXPIRED"


async def test_answers_acknowledge_or_tell_the_result(user: User) -> None:
    assert (await user.order("BUY"))["status"] == "NEW"
    assert (await user.order("BUY", newOrderRespType="RESULT"))["status"] == "FILLED"


async def test_an_order_by_both_names(user: User) -> None:
    placed = await user.order("BUY", **LIMIT, newClientOrderId="L")
    for name in ({"orderId": placed["orderId"]}, {"origClientOrderId": "L"}):
        assert await user.ask("GET", "v1/order", symbol="BTCUSDT", **name) == placed
    cancelled = await user.ask("DELETE", "v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED"
    assert (
        await user.refused("DELETE", "v1/order", symbol="BTCUSDT", origClientOrderId="L") == -2011
    )


async def test_cancel_many(user: User) -> None:
    for name in "ABC":
        await user.order("BUY", **LIMIT, newClientOrderId=name)
    await user.conditional("SELL", "STOP_MARKET", "50000")
    some = await user.ask(
        "DELETE", "v1/batchOrders", symbol="BTCUSDT", origClientOrderIdList='["A","Z"]'
    )
    assert some[0]["status"] == "CANCELED"
    assert some[1]["code"] == -2011
    await user.ask("DELETE", "v1/allOpenOrders", symbol="BTCUSDT")
    assert await user.ask("GET", "v1/openOrders") == []
    assert len(await user.ask("GET", "v1/openAlgoOrders")) == 1
    await user.ask("DELETE", "v1/algoOpenOrders", symbol="BTCUSDT")
    assert await user.ask("GET", "v1/openAlgoOrders", symbol="BTCUSDT") == []


async def test_cancelling_all_of_one_symbol_leaves_the_others() -> None:
    async with exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as user:
        await user.order("BUY", **LIMIT)
        await user.order("BUY", "1", **{**LIMIT, "symbol": "ETHUSDT", "price": "2900"})
        await user.conditional("SELL", "STOP_MARKET", "50000")
        await user.conditional("SELL", "STOP_MARKET", "2500", symbol="ETHUSDT")
        for path in ("v1/allOpenOrders", "v1/algoOpenOrders"):
            await user.ask("DELETE", path, symbol="BTCUSDT")
        for path in ("v1/openOrders", "v1/openAlgoOrders"):
            assert [row["symbol"] for row in await user.ask("GET", path)] == ["ETHUSDT"]


async def test_an_order_of_another_symbol_is_unknown() -> None:
    async with exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as user:
        placed = await user.order("BUY", **LIMIT, newClientOrderId="A")
        for named in ({"orderId": placed["orderId"]}, {"origClientOrderId": "A"}):
            elsewhere = {"symbol": "ETHUSDT", **named}
            assert await user.refused("GET", "v1/order", **elsewhere) == -2013
            assert await user.refused("GET", "v1/openOrder", **elsewhere) == -2013
            assert await user.refused("DELETE", "v1/order", **elsewhere) == -2011
        assert len(await user.ask("GET", "v1/openOrders", symbol="BTCUSDT")) == 1


async def test_a_name_that_two_symbols_had() -> None:
    async with exchange("--stepped", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT") as user:
        given = {"BTCUSDT": "0.010", "ETHUSDT": "1.000"}
        for symbol, quantity in given.items():
            await user.order("BUY", quantity, symbol=symbol, newClientOrderId="A")
        for symbol, quantity in given.items():
            row = await user.ask("GET", "v1/order", symbol=symbol, origClientOrderId="A")
            assert (row["symbol"], row["origQty"]) == (symbol, quantity)


async def test_version_3_tells_only_of_symbols_in_use(user: User) -> None:
    assert await user.ask("GET", "v3/positionRisk") == []
    assert len(await user.ask("GET", "v2/positionRisk")) == 1
    await user.order("BUY", **LIMIT)
    assert [row["positionAmt"] for row in await user.ask("GET", "v3/positionRisk")] == ["0"]


async def test_history_is_asked_for_in_wall_time(user: User) -> None:
    await user.order("BUY")
    now = time.time_ns() // 1_000_000
    for path in ("v1/allOrders", "v1/userTrades"):
        recent = await user.ask("GET", path, symbol="BTCUSDT", startTime=now - 60_000)
        later = await user.ask("GET", path, symbol="BTCUSDT", startTime=now + 60_000)
        earlier = await user.ask("GET", path, symbol="BTCUSDT", endTime=now - 60_000)
        assert [len(recent), len(later), len(earlier)] == [1, 0, 0]
        assert START_MS < recent[0]["time"] < START_MS + 100


async def test_history_by_id_and_limit(user: User) -> None:
    placed = [(await user.order("BUY"))["orderId"] for _ in range(3)]
    rows = await user.ask("GET", "v1/allOrders", symbol="BTCUSDT", limit=2)
    assert [row["orderId"] for row in rows] == placed[1:]
    rows = await user.ask("GET", "v1/allOrders", symbol="BTCUSDT", limit=1, orderId=placed[1])
    assert [row["orderId"] for row in rows] == [placed[1]]
    rows = await user.ask("GET", "v1/userTrades", symbol="BTCUSDT", orderId=placed[2])
    assert [row["orderId"] for row in rows] == [placed[2]]


async def klines(user: User, **given: Any) -> list[Any]:
    query = "&".join(
        f"{k}={v}" for k, v in ({"symbol": "BTCUSDT", "interval": "1m"} | given).items()
    )
    status, rows = await user.raw("GET", "/fapi/v1/klines", query, key="")
    assert status == 200, rows
    return list(rows)


async def test_klines_page_by_millisecond(user: User) -> None:
    seen: list[int] = []
    start = EPOCH_MS
    while rows := await klines(user, startTime=start, limit=70):
        seen += [row[0] for row in rows]
        start = seen[-1] + 1
    assert seen == [EPOCH_MS + k * 60_000 for k in range(300)]


async def test_klines_hold_closed_bars_only_while_the_market_lags(user: User) -> None:
    await user.sim("POST", "step", {"walk": True})
    assert len(await klines(user)) == 300
    await user.step()
    assert len(await klines(user)) == 301
    assert [row[0] for row in await klines(user, limit=1)] == [START_MS]


async def test_klines_of_other_intervals(user: User) -> None:
    rows = await klines(user, interval="15m", startTime=EPOCH_MS + 1)
    assert [row[0] for row in rows] == [EPOCH_MS + k * 900_000 for k in range(1, 20)]
    await user.step()
    assert len(await klines(user, interval="15m")) == 20, "one of 15 minutes is closed"
    minutes = await klines(user, startTime=rows[0][0], endTime=rows[0][6])
    assert len(minutes) == 15
    assert rows[0][1] == minutes[0][1]
    assert rows[0][2] == max((row[2] for row in minutes), key=float)
    status, answer = await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=7m")
    assert (status, answer["code"]) == (400, -1120)


NONSENSE = (
    "", "-1", "0", "99999999999999999999", "1_0", "1e9999", "NaN", "Infinity", "٣", " 1", "null",
    "[[]]", "{}", "true", "\0", "a" * 500, "9" * 5_000, '[{"symbol": null}]', '[{"symbol": [1]}]',
)  # fmt: skip
PARAMETERS = (
    "symbol", "side", "type", "quantity", "price", "timeInForce", "goodTillDate", "orderId",
    "origClientOrderId", "newClientOrderId", "newOrderRespType", "reduceOnly", "algoType", "algoId",
    "clientAlgoId", "triggerPrice", "workingType", "closePosition", "batchOrders", "orderIdList",
    "leverage", "marginType", "incomeType", "page", "limit", "startTime", "endTime", "fromId",
    "interval", "recvWindow", "positionSide", "dualSidePosition", "multiAssetsMargin",
)  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda value: value[:12])
def test_nonsense_is_refused_or_passed_over(nonsense: str) -> None:
    core = build(read_options(["--stepped"]))
    usual = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.010"} | LIMIT
    usual |= {"algoType": "CONDITIONAL", "triggerPrice": "70000", "interval": "1m", "orderId": "1"}
    for endpoint in (MARKET | ACCOUNT | ORDERS).values():
        for name in PARAMETERS:
            p = Parameters.parse(urlencode(usual | {name: nonsense}), "")
            with contextlib.suppress(ExchangeError):
                json.dumps(endpoint.handle(core, p))
