"""Faults by name: what each does to requests, events, sockets, market and account."""

import re
from typing import Any

import aiohttp
import pytest

from exchange.support import DRILL, Stream, User, exchange
from simulated_exchange.faults.faults import Fault
from simulated_exchange.faults.table import FAULTS, read_options

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
CLOSED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)
ORDER = {"event": "ORDER_TRADE_UPDATE"}


CANNOT_BE: list[tuple[str, dict[str, Any], str]] = [
    ("None", {}, "There is no fault 'None': use gate, "),
    ("earthquake", {}, "There is no fault 'earthquake': use gate, "),
    ("gate", {}, "gate needs phase."),
    ("gate", {"phase": "during"}, "phase has to be one of received, processed, "),
    ("gate", {"phase": "before", "match": {"colour": "red"}}, "match has to be an object with"),
    ("gate", {"phase": "before", "match": {"leg": 1}}, "match has to be text of 1 to "),
    ("gate", {"phase": "before", "match": {"leg": "stop"}}, "Events have no leg to match: use "),
    ("fail", {"match": {"event": "ALGO_UPDATE"}}, "Requests have no event to match: use "),
    ("fail", {"match": {"request": "order.nwe"}}, "There is no request 'order.nwe': use one of"),
    ("fail", {"match": {"leg": "halt"}}, "There is no leg 'halt': use one of entry, exit"),
    ("fail", {"match": {"symbol": "X"}}, "There is no symbol 'X': use one of BTCUSDT."),
    ("lose_event", {"match": {"event": "TRADE"}}, "There is no event 'TRADE': use one of"),
    ("gate", {"phase": "before", "nth": 0}, "nth has to be a whole number from 1 to"),
    ("gate", {"phase": "before", "nth": "x"}, "nth has to be a whole number from 1 to"),
    ("gate", {"phase": "before", "late": 1}, "late has to be true or false."),
    ("gate", {"phase": "before", "seconds": 1}, "gate takes match, nth, phase, late, but not"),
    ("delay", {"phase": "before"}, "delay needs seconds."),
    ("delay", {"phase": "before", "seconds": 1e9}, "seconds has to be a number of seconds"),
    ("fail", {"times": 0}, "times has to be a whole number from 1 to"),
    ("fail", {"code": -9}, "The text of code -9 is not known here: give a message."),
    ("fail", {"code": 200}, "code has to be a whole number from -9999 to -1."),
    ("fail", {"status": 200}, "status has to be a whole number from 400 to 599."),
    ("stale", {}, "stale needs a request to match that only asks: orders.all, say."),
    ("stale", {"match": {"request": "order.new"}}, "stale needs a request to match that only asks"),
    ("expire_listen_key", {"x": 1}, "expire_listen_key takes no options, but not x."),
    ("expire_listen_key", {}, "There is no listen key that could expire."),
    ("half_open", {"stream": "all"}, "stream has to be one of user, market, api."),
    ("wick", {"symbol": "X", "price": 1}, "X does not trade here: use one of BTCUSDT."),
    ("wick", {"symbol": "BTCUSDT", "price": "NaN"}, "price has to be a number over zero, at most"),
    ("wick", {"symbol": "BTCUSDT", "price": "1e99"}, "price has to be a number over zero, at most"),
    ("wick", {"symbol": "BTCUSDT", "price": 1e8}, "The price of BTCUSDT goes up to 1000000"),
    ("thin", {"symbol": "BTCUSDT", "quantity": "0.0001"}, "steps of 0.001"),
    ("settle", {"symbol": "X"}, "X does not trade here: use one of BTCUSDT."),
    ("cancel", {}, "cancel needs either client_order_id or symbol."),
    ("cancel", {"symbol": "BTCUSDT"}, "Nothing is open for BTCUSDT"),
    ("close", {"symbol": "BTCUSDT"}, "There is no position in BTCUSDT to close."),
    ("liquidate", {"symbol": "BTCUSDT"}, "There is no position in BTCUSDT to liquidate."),
    ("reduce", {"symbol": "BTCUSDT", "quantity": 1}, "There is no position in BTCUSDT to reduce."),
    ("odd_bar", {"match": {"leg": "stop"}}, "Bars have no leg to match: use symbol."),
    ("late_bar", {}, "late_bar needs seconds."),
    ("correct_bar", {"seconds": -1}, "seconds has to be a number of seconds up to"),
    ("mark", {"symbol": "BTCUSDT"}, "mark needs price."),
    ("mark", {"symbol": "X", "price": 1}, "X does not trade here: use one of BTCUSDT."),
    ("funding", {"symbol": "BTCUSDT"}, "funding needs rate."),
    ("funding", {"symbol": "BTCUSDT", "rate": 0}, "rate has to be a number but zero, at most"),
    ("funding", {"symbol": "BTCUSDT", "rate": "NaN"}, "rate has to be a number but zero"),
    ("funding", {"symbol": "BTCUSDT", "rate": 0.04}, "rate has to be a number but zero"),
    ("odd_bar", {"factor": 0}, "factor has to be a number over zero, at most"),
    ("order", {**BUY, "price": 1}, "An order of type MARKET needs no price."),
    ("order", {**BUY, "type": "LIMIT"}, "An order of type LIMIT needs a price."),
    (
        "order",
        {**BUY, "type": "STOP_MARKET"},
        "An order of type STOP_MARKET needs a trigger_price.",
    ),
    ("order", {**BUY, "quantity": 1e6}, "-4005: "),
]


async def test_faults_are_listed(user: User) -> None:
    assert await user.sim("GET", "faults") == {"faults": []}
    key = (await user.arm("lose_event"))["id"]
    [listed] = (await user.sim("GET", "faults"))["faults"]
    assert listed == await user.sim("GET", f"faults/{key}")


def test_every_fault_and_option_is_in_the_contract() -> None:
    contract = (DRILL / "contract.md").read_text()
    [table] = re.findall(r"\| fault \|(.*?)\n\n", contract, re.DOTALL)
    described = dict(re.findall(r"^\| `(\w+)(?: \{([^}]*)\})?` \|", table, re.MULTILINE))
    for name, takes in FAULTS.items():
        assert described.get(name) == ", ".join(takes), name


def test_a_fault_counts_what_it_matches() -> None:
    given = {"match": {"symbol": "A"}, "nth": 2, "times": 2}
    fault = Fault("f1", "fail", read_options("fail", given))
    met = [fault.meets({"symbol": symbol}) for symbol in "ABAABA"]
    assert met == [False, False, True, True, False, False]
    assert [fault.is_done(), fault.is_done()] == [False, True]


async def test_faults_that_cannot_be(user: User) -> None:
    before = await user.ledger()
    for name, options, why in CANNOT_BE:
        refused = await user.sim("POST", "faults", {"name": name, **options}, status=400)
        assert why in refused["error"]
        assert refused["error"].endswith(".")
    assert await user.ledger() | {"seq": 0} == before | {"seq": 0}
    told = [record["kind"] for record in await user.journal("fault.")]
    assert told.count("fault.armed") == told.count("fault.released") == len(told) / 2


async def test_an_unknown_fault(user: User) -> None:
    assert "no fault f9" in (await user.sim("GET", "faults/f9", status=404))["error"]
    assert "Say which fault: " in (await user.sim("POST", "faults", {}, status=400))["error"]
    unknown = await user.sim("PUT", "faults", status=404)
    assert "There is no PUT /_sim/faults: under /_sim/ use GET hello, " in unknown["error"]


# Requests


async def test_stale_answers_tell_what_was(user: User) -> None:
    await user.order("BUY", newClientOrderId="before")
    key = (await user.arm("stale", match={"request": "orders.all"}, times=2))["id"]
    await user.arm("stale", match={"request": "order.query"})
    await user.order("SELL", newClientOrderId="after")
    for names in (["before"], ["before"], ["before", "after"]):
        told = await user.ask("GET", "v1/allOrders", symbol="BTCUSDT")
        assert [row["clientOrderId"] for row in told] == names
    assert (await user.sim("GET", f"faults/{key}"))["released"]
    known = {"symbol": "BTCUSDT", "origClientOrderId": "after"}
    assert await user.refused("GET", "v1/order", **known) == -2013
    assert (await user.ask("GET", "v1/order", **known))["status"] == "FILLED"
    assert await user.ask("GET", "v3/positionRisk") == []


async def test_fail_refuses_without_doing_it(user: User) -> None:
    key = (await user.arm("fail", match={"request": "order.new"}, nth=2, times=2))["id"]
    told = [await user.signed("POST", "v1/order", **BUY) for _ in range(4)]
    assert [status for status, _ in told] == [200, 503, 503, 200]
    assert told[1][1]["code"] == -1001
    assert len((await user.ledger())["orders"]) == 2
    row = await user.fired(key)
    assert (row["released"], row["data"]["leg"]) == (True, "entry")
    refused = (await user.journal("request"))[1]["data"]
    assert (refused["status"], refused["code"]) == (503, -1001)


@pytest.mark.parametrize(
    ("status", "code"), [(408, -1007), (429, -1003), (418, -1003), (400, -1021), (500, -1000)]
)
async def test_fail_has_the_text_of_its_code(user: User, status: int, code: int) -> None:
    from simulated_exchange.errors import TEXTS

    await user.arm("fail", match={"request": "orders.open"}, status=status, code=code)
    answered = await user.signed("GET", "v1/openOrders")
    assert answered == (status, {"code": code, "msg": TEXTS[code]})


@pytest.mark.parametrize(
    ("request_name", "path"),
    [
        ("account.read", "v2/account"),
        ("positions.read", "v3/positionRisk"),
        ("orders.open", "v1/openOrders"),
        ("orders.all", "v1/allOrders"),
        ("trades.all", "v1/userTrades"),
        ("conditionals.open", "v1/openAlgoOrders"),
        ("conditionals.all", "v1/allAlgoOrders"),
    ],
)
async def test_each_question_of_a_reconciliation_can_fail(
    user: User, request_name: str, path: str
) -> None:
    await user.arm("fail", match={"request": request_name}, code=-1000, status=500)
    assert await user.refused("GET", path, symbol="BTCUSDT") == -1000
    await user.ask("GET", path, symbol="BTCUSDT")


async def test_fail_can_answer_as_a_gateway_does(user: User) -> None:
    await user.arm("fail", match={"request": "time.read"}, status=429, code=None)
    async with user.session.get(f"{user.http}/fapi/v1/time") as answer:
        assert (answer.status, answer.content_type) == (429, "text/html")
        assert answer.headers["Retry-After"] == "1"
        assert "<h1>429 Too Many Requests</h1>" in await answer.text()


async def test_fail_can_hide_that_it_was_done(user: User) -> None:
    given = {"status": 408, "code": -1007, "processed": True, "message": "Who knows."}
    await user.arm("fail", match={"request": "order.new"}, **given)
    async with user.listening() as stream:
        answered = await user.signed("POST", "v1/order", **BUY)
        assert answered == (408, {"code": -1007, "msg": "Who knows."})
        assert (await stream.next())["e"] == "ORDER_TRADE_UPDATE"
    assert len((await user.ledger())["fills"]) == 1
    request = (await user.journal("request"))[-1]["data"]
    assert (request["status"], request["code"]) == (200, None)


async def test_lose_ack_does_it_and_cuts_the_connection(user: User) -> None:
    await user.arm("lose_ack", match={"request": "order.new"})
    async with user.listening() as stream:
        with pytest.raises(aiohttp.ClientError):
            await user.signed("POST", "v1/order", **BUY)
        assert (await stream.next())["o"]["x"] == "NEW"
    assert len((await user.ledger())["fills"]) == 1
    assert (await user.order("SELL"))["status"] == "NEW", "once"


# Events


async def test_lose_event(user: User) -> None:
    key = (await user.arm("lose_event", match={**ORDER, "execution": "TRADE"}))["id"]
    async with user.listening() as stream:
        await user.order("BUY")
        heard = await stream.take(2)
        assert [event["e"] for event in heard] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
        assert await stream.is_silent()
    assert (await user.fired(key))["data"]["execution"] == "TRADE"
    told = [record["data"]["delivered"] for record in await user.journal("event")]
    assert told == [1, 1, 0]


async def test_duplicate_event(user: User) -> None:
    await user.arm("duplicate_event", match={**ORDER, "status": "FILLED"})
    async with user.listening() as stream:
        await user.order("BUY")
        *_, fill, again = await stream.take(4)
        assert fill == again
        assert fill["o"]["x"] == "TRADE"


async def test_reorder_event(user: User) -> None:
    await user.arm("reorder_event", match={**ORDER, "execution": "NEW"})
    async with user.listening() as stream:
        await user.order("BUY")
        heard = [event.get("o", {}).get("x") for event in await stream.take(3)]
        assert heard == [None, "NEW", "TRADE"]


async def test_an_event_that_nothing_overtakes_comes_late(user: User) -> None:
    await user.arm("reorder_event", match={**ORDER, "execution": "TRADE"})
    async with user.listening() as stream:
        await user.order("BUY")
        await stream.take(2)
        assert await stream.is_silent()
        assert (await stream.next())["o"]["x"] == "TRADE"


# Sockets


@pytest.mark.parametrize(("stream", "broken"), [(None, 2), ("user", 1), ("market", 1)])
async def test_drop_sockets(user: User, stream: str | None, broken: int) -> None:
    options = {} if stream is None else {"stream": stream}
    async with user.listening() as own, user.listening("/ws/btcusdt@bookTicker") as market:
        await market.next()
        told = await user.arm("drop_sockets", **options)
        assert told["sockets"] == broken
        for kind, socket in (("user", own), ("market", market)):
            if stream in (None, kind):
                assert (await socket.socket.receive(timeout=5)).type in CLOSED
            else:
                await socket.socket.ping()
                assert await socket.is_silent()
    kinds = [record["kind"] for record in await user.journal("fault.")]
    assert kinds == ["fault.armed", "fault.fired", "fault.released"]


async def test_half_open(user: User) -> None:
    async with user.listening() as stream:
        key = (await user.arm("half_open", stream="user"))["id"]
        await user.order("BUY")
        await stream.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert await stream.is_silent()
        async with user.listening() as other:
            await user.order("SELL")
            assert (await other.next())["o"]["S"] == "SELL", "new sockets hear"
        assert (await user.release(key))["released"]
        assert await stream.next() == {"result": [], "id": 1}
        await user.order("BUY")
        assert (await stream.next())["o"]["S"] == "BUY"
    told = [record["data"]["delivered"] for record in await user.journal("event")]
    assert told == [0] * 3 + [1] * 3 + [1] * 3


async def test_a_half_open_socket_answers_no_ping(user: User) -> None:
    async with user.session.ws_connect(f"{user.ws}/ws", autoping=False) as socket:
        key = (await user.arm("half_open"))["id"]
        await socket.ping(b"a")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.2)
        await user.release(key)
        assert (await socket.receive(timeout=5)).type == aiohttp.WSMsgType.PONG


async def test_expire_listen_key(user: User) -> None:
    async with user.listening() as stream:
        assert (await user.arm("expire_listen_key"))["sockets"] == 1
        expired = await stream.next()
        assert (expired["e"], len(expired["listenKey"])) == ("listenKeyExpired", 64)
        assert await user.refused("PUT", "v1/listenKey") == -1125
        async with user.listening() as other:
            await user.order("BUY")
            await other.take(3)
            assert await stream.is_silent()


# Market and account


async def test_wick(user: User) -> None:
    price = await user.price()
    await user.order("BUY", type="LIMIT", timeInForce="GTC", price=f"{price - 100:.1f}")
    told = await user.wick(price - 200)
    assert told["changes"] == 2, "a position and an order"
    assert await user.price() == price
    row = await user.fired(told["id"])
    assert (row["released"], row["data"]) == (True, {"changes": 2})


async def test_thin(user: User) -> None:
    told = await user.arm("thin", symbol="BTCUSDT", quantity="0.001")
    await user.order("BUY", quantity="0.004")
    await user.release(told["id"])
    await user.order("BUY", quantity="0.004")
    filled = [fill["quantity"] for fill in (await user.ledger())["fills"]]
    assert filled == ["0.001", "0.002", "0.001", "0.004"]


async def test_settle(user: User) -> None:
    """Nothing opens or adds while it lasts; what only reduces is taken, and so is a cancel."""
    entry, conditional = ("POST", "v1/order"), ("POST", "v1/algoOrder")
    buy = BUY | {"type": "MARKET"}
    stop_entry = BUY | {"type": "STOP_MARKET", "algoType": "CONDITIONAL", "triggerPrice": "70000"}
    await user.order("BUY", quantity="0.020")
    resting = {"type": "LIMIT", "timeInForce": "GTC", "price": "50000"}
    await user.order("BUY", **resting, newClientOrderId="resting")
    assert await _status(user) == "TRADING"
    told = await user.arm("settle", symbol="BTCUSDT")
    assert await _status(user) == "SETTLING"
    assert await user.refused(*entry, **buy) == -4140
    assert await user.refused(*entry, **(buy | {"side": "SELL"})) == -4140
    assert await user.refused(*conditional, **stop_entry) == -4140
    more = {"symbol": "BTCUSDT", "origClientOrderId": "resting", "side": "BUY", "price": "50000"}
    assert await user.refused("PUT", "v1/order", **more, quantity="0.030") == -4140
    await user.conditional("SELL", "STOP_MARKET", "50000", reduceOnly="true", clientAlgoId="A")
    await user.conditional("SELL", "STOP_MARKET", "51000", closePosition="true", clientAlgoId="B")
    await user.ask("DELETE", "v1/algoOrder", clientAlgoId="A")
    await user.ask("DELETE", "v1/order", symbol="BTCUSDT", origClientOrderId="resting")
    await user.order("SELL", reduceOnly="true")
    assert (await user.ledger())["positions"][0]["quantity"] == "0.010"
    await user.sim("POST", "faults", {"name": "settle", "symbol": "BTCUSDT"}, status=400)
    await user.release(told["id"])
    assert await _status(user) == "TRADING"
    await user.order("BUY")


async def test_a_conditional_that_would_open_is_refused_once_it_triggers(user: User) -> None:
    await user.conditional("BUY", "STOP_MARKET", "70000", clientAlgoId="opens")
    await user.arm("settle", symbol="BTCUSDT")
    await user.wick(71_000)
    ledger = await user.ledger()
    assert ledger["positions"] == []
    assert [order["status"] for order in ledger["orders"]] == ["REJECTED"]


async def _status(user: User) -> str:
    [symbol] = (await user.raw("GET", "/fapi/v1/exchangeInfo"))[1]["symbols"]
    return str(symbol["status"])


async def test_cancel_by_name_or_symbol(user: User) -> None:
    for name in "ABC":
        await user.conditional("SELL", "STOP_MARKET", "50000", clientAlgoId=name)
    async with user.listening() as stream:
        assert (await user.arm("cancel", client_order_id="B"))["changes"] == 1
        event = await stream.until(e="ALGO_UPDATE")
        assert (event["o"]["caid"], event["o"]["X"]) == ("B", "CANCELED")
        assert (await user.arm("cancel", symbol="BTCUSDT"))["changes"] == 2
    assert {order["status"] for order in (await user.ledger())["orders"]} == {"CANCELED"}


async def test_close(user: User) -> None:
    await user.order("BUY")
    async with user.listening() as stream:
        await user.arm("close", symbol="BTCUSDT")
        assert (await stream.next())["o"]["c"].startswith("web_")
    ledger = await user.ledger()
    assert ledger["positions"] == []
    assert ledger["orders"][-1]["reduce_only"]


async def test_order(user: User) -> None:
    for more in (
        {},
        {"type": "LIMIT", "price": "50000"},
        {"side": "SELL", "type": "STOP_MARKET", "trigger_price": 50_000},
    ):
        await user.arm("order", **(BUY | more))
    orders = (await user.ledger())["orders"]
    assert [order["status"] for order in orders] == ["FILLED", "NEW", "NEW"]
    assert [order["kind"] for order in orders] == ["order", "order", "conditional"]
    assert all(order["client_order_id"].startswith("web_") for order in orders)


async def test_liquidate(user: User) -> None:
    await user.order("BUY")
    async with user.listening() as stream:
        await user.arm("liquidate", symbol="BTCUSDT")
        assert (await stream.next())["o"]["c"].startswith("autoclose-")
    assert (await user.ledger())["positions"] == []


async def test_reduce(user: User) -> None:
    await user.order("BUY")
    await user.conditional("SELL", "STOP_MARKET", "50000", reduceOnly="true")
    before = len(await user.journal("order.filled"))
    async with user.listening() as stream:
        await user.arm("reduce", symbol="BTCUSDT", quantity="0.004")
        orders = [(await stream.until(e="ORDER_TRADE_UPDATE"))["o"] for _ in range(2)]
    assert [order["c"] for order in orders] == ["adl_autoclose"] * 2
    assert [(order["x"], order["X"]) for order in orders] == [
        ("NEW", "NEW"),
        ("CALCULATED", "FILLED"),
    ]
    ledger = await user.ledger()
    assert [position["quantity"] for position in ledger["positions"]] == ["0.006"]
    assert [order["status"] for order in ledger["orders"]] == ["FILLED", "NEW", "FILLED"]
    assert len(await user.journal("order.filled")) == before + 1
    for quantity, why in (("0.007", "take less of it"), ("0.0005", "steps of 0.001")):
        options = {"name": "reduce", "symbol": "BTCUSDT", "quantity": quantity}
        assert why in (await user.sim("POST", "faults", options, status=400))["error"]


async def test_who_is_deleveraged_is_not_told_to_everybody_as_liquidated(user: User) -> None:
    await user.order("BUY")
    async with user.listening("/ws/btcusdt@forceOrder") as stream:
        await user.arm("reduce", symbol="BTCUSDT", quantity="0.004")
        assert await stream.is_silent()
        await user.arm("liquidate", symbol="BTCUSDT")
        assert (await stream.next())["o"]["q"] == "0.006"


async def test_an_odd_bar_is_told_wrong_and_answered_right(user: User) -> None:
    told: list[Any] = []
    async with user.listening("/ws/btcusdt@kline_1m") as stream:
        key = (await user.arm("odd_bar", nth=2, factor=10))["id"]
        await user.step(3)
        while len(told) < 3:
            bar = (await stream.next())["k"]
            if bar["x"]:
                told.append(bar)
    asked = await user.ask("GET", "v1/klines", symbol="BTCUSDT", interval="1m", limit=4)
    rows = {row[0]: [float(price) for price in row[1:5]] for row in asked}
    factors = [
        {
            round(float(bar[name]) / price, 6)
            for name, price in zip("ohlc", rows[bar["t"]], strict=True)
        }
        for bar in told
    ]
    assert factors == [{1}, {10}, {1}]
    row = await user.fired(key)
    assert (row["released"], row["data"]["interval"]) == (True, "1m")


async def ends(stream: Stream, count: int) -> list[tuple[int, float]]:
    """Return open times and closes of so many ends of bars, as they are told."""
    told: list[tuple[int, float]] = []
    while len(told) < count:
        bar = (await stream.next())["k"]
        if bar["x"]:
            told.append((bar["t"], float(bar["c"])))
    return told


async def closes(user: User, count: int) -> list[tuple[int, float]]:
    rows = await user.ask("GET", "v1/klines", symbol="BTCUSDT", interval="1m", limit=count)
    return [(row[0], float(row[4])) for row in rows]


async def test_a_bar_is_corrected_after_it_has_closed(user: User) -> None:
    async with user.listening("/ws/btcusdt@kline_1m") as stream:
        key = (await user.arm("correct_bar", nth=2, factor="1.02"))["id"]
        await user.step(3)
        told, asked = await ends(stream, 4), await closes(user, 3)
    first, second, third = asked
    assert (told[0], told[1][0]) == (first, second[0])
    assert told[1][1] == pytest.approx(second[1] * 1.02)
    assert sorted(told[2:]) == [second, third]
    row = await user.fired(key)
    assert (row["released"], row["data"]["close_ms"]) == (True, second[0] + 59_999)


async def test_a_bar_comes_late_on_the_stream_and_is_known_to_who_asks(user: User) -> None:
    async with user.listening("/ws/btcusdt@kline_1m") as stream:
        key = (await user.arm("late_bar", seconds=600))["id"]
        await user.step(2)
        late, on_time = await closes(user, 2)
        assert await ends(stream, 1) == [on_time]
        assert (await user.fired(key))["released"] is False
        await user.release(key)
        assert await ends(stream, 1) == [late]
        await user.arm("late_bar", seconds=0.05)
        await user.step()
        assert await ends(stream, 1) == await closes(user, 1), "it comes by itself"


async def test_a_bar_comes_late_to_who_asks(user: User) -> None:
    before = await closes(user, 1)
    await user.arm("stale", match={"request": "klines.read"})
    await user.step()
    assert await closes(user, 1) == before
    assert (await closes(user, 2))[0] == before[0]


async def test_what_a_fault_does_is_rebuilt_from_the_journal() -> None:
    from simulated_exchange.journal.state import replay

    async with exchange("--stepped") as user:
        await user.arm("thin", symbol="BTCUSDT", quantity="0.005")
        await user.arm("order", **BUY)
        await user.arm("liquidate", symbol="BTCUSDT")
        ledger = await user.ledger()
        del ledger["seq"]
        assert replay(await user.journal()).ledger() == ledger
