"""The control interface: time, faults, gates, ledger, journal."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from exchange.support import EPOCH_MS, START_MS, User, exchange


async def gate(user: User, phase: str, nth: int = 1, **match: str) -> str:
    body = {"name": "gate", "phase": phase, "nth": nth, "match": match}
    return str((await user.sim("POST", "faults", body))["id"])


async def fired(user: User, key: str, wait: float = 5) -> Any:
    return await user.sim("GET", f"faults/{key}?wait_s={wait}")


async def test_hello(user: User) -> None:
    hello = await user.sim("GET", "hello")
    assert hello == hello | {
        "name": "simulated-exchange", "seed": 7, "market_epoch": EPOCH_MS, "market_ms": START_MS,
        "symbols": ["BTCUSDT"], "stepped": True,
    }  # fmt: skip


async def test_steps(user: User) -> None:
    assert (await user.step())["bar"] == START_MS + 59_999
    walked = await user.sim("POST", "step", {"walk": True})
    assert (walked["bar"], walked["changes"]) == (START_MS + 59_999, 0)
    assert (await user.step(3))["bar"] == START_MS + 239_999
    closed = await user.journal("market.bar_closed")
    assert [record["data"]["close_ms"] for record in closed] == [
        START_MS + k * 60_000 - 1 for k in range(1, 5)
    ]
    ledger = await user.ledger()
    assert (ledger["bar"], ledger["market_ms"]) == (START_MS + 239_999, START_MS + 240_000)


async def test_all_symbols_close_the_bar_that_they_walked() -> None:
    from simulated_exchange.market.scripts import SeededMarket
    from simulated_exchange.market.symbols import symbol_rules

    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    async with exchange("--stepped", *(f"--symbol={name}" for name in names)) as user:
        await user.step(2)
        closed = await user.journal("market.bar_closed")
    for count, record in enumerate(closed):
        told, symbol = record["data"], names[count % 3]
        bar = SeededMarket(7).bar(symbol_rules(symbol), 300 + count // 3)
        assert told["symbol"] == symbol
        assert [float(price) for price in told["bar"]] == [float(price) for price in bar[:4]]


@pytest.mark.parametrize(
    "body", [{}, {"bars": 0}, {"bars": "2"}, {"bars": 1e9}, {"walk": 1}, [], {"bars": True}]
)
async def test_steps_that_are_none(user: User, body: Any) -> None:
    assert (await user.sim("POST", "step", body, status=400))["error"].endswith(".")


async def test_walk_and_wick_count_changes(user: User) -> None:
    price = await user.price()
    await user.order("BUY", type="LIMIT", timeInForce="GTC", price=f"{price - 100:.1f}")
    told = await user.wick(price - 200)
    assert told["changes"] == 2, "a position and an order"
    assert await user.price() == price
    assert (await fired(user, told["id"]))["fired"]
    for wrong in (
        {"symbol": "X", "price": 1},
        {"symbol": "BTCUSDT"},
        {"symbol": "BTCUSDT", "price": -1},
    ):
        await user.sim("POST", "faults", {"name": "wick"} | wrong, status=400)


async def test_market_time_cannot_pass_wall_time() -> None:
    import time

    recent = int(time.time()) // 60 * 60_000 - 5 * 60_000
    async with exchange("--stepped", "--epoch", str(recent), "--history", "4") as user:
        await user.step()
        assert (
            "cannot pass wall time"
            in (await user.sim("POST", "step", {"bars": 2}, status=409))["error"]
        )


async def test_the_ledger(user: User) -> None:
    await user.order("BUY", newClientOrderId="A")
    await user.conditional("SELL", "STOP_MARKET", "50000", clientAlgoId="S", reduceOnly="True")
    ledger = await user.ledger()
    order, stop = ledger["orders"]
    assert order == order | {
        "kind": "order", "exchange_order_id": "1000001", "client_order_id": "A", "side": "BUY",
        "symbol": "BTCUSDT", "type": "MARKET", "quantity": "0.010", "filled": "0.010", "price": "0",
        "trigger_price": "0", "status": "FILLED", "reduce_only": False, "close_position": False,
        "created_ms": START_MS + 1, "updated_ms": START_MS + 3, "triggered_order_id": "",
    }  # fmt: skip
    assert stop == stop | {"kind": "conditional", "trigger_price": "50000", "reduce_only": True}
    (fill,) = ledger["fills"]
    assert fill == fill | {
        "trade_id": "1000001", "exchange_order_id": "1000001", "client_order_id": "A",
        "maker": False, "market_ms": START_MS + 3, "position_after": "0.010", "realized_pnl": "0",
    }  # fmt: skip
    (position,) = ledger["positions"]
    assert position["quantity"] == "0.010"
    assert position["entry_price"] == order["average_price"]


async def test_the_journal_of_requests(user: User) -> None:
    await user.order("BUY", newClientOrderId="A")
    await user.refused(
        "POST", "v1/order", symbol="BTCUSDT", side="SELL", reduceOnly="true", type="X"
    )
    await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=7")
    told = [record["data"] for record in await user.journal("request")]
    assert told[0] == {
        "request": "order.new", "leg": "entry", "client_order_id": "A", "symbol": "BTCUSDT",
        "status": 200, "code": None,
    }  # fmt: skip
    assert (told[1]["leg"], told[1]["status"], told[1]["code"]) == ("exit", 400, -1116)
    assert told[2]["rows"] == 7
    every = (await user.sim("GET", "journal?after=0"))["records"]
    assert [record["seq"] for record in every] == list(range(1, len(every) + 1))
    tail = await user.sim("GET", f"journal?after={len(every) - 1}")
    assert tail == {"records": every[-1:], "seq": len(every)}
    await user.sim("GET", "journal?after=x", status=400)


async def test_the_journal_over_the_wire_rebuilds_the_ledger(user: User) -> None:
    from simulated_exchange.journal.state import replay

    await user.order("BUY")
    await user.conditional("SELL", "STOP_MARKET", "55000")
    await user.step()
    await user.wick(54_000)
    ledger = await user.ledger()
    del ledger["seq"]
    assert replay(await user.journal()).ledger() == ledger
    assert len(ledger["fills"]) == 2


async def test_two_runs_have_the_same_ledger() -> None:
    async def run() -> Any:
        async with exchange("--stepped", "--symbol", "ETHUSDT", "--symbol", "BTCUSDT") as user:
            await user.order("BUY")
            await user.conditional("SELL", "STOP_MARKET", "55000", closePosition="true")
            await user.step(2)
            await user.ask("GET", "v2/account")
            await user.wick(54_000)
            await user.sim("POST", "step", {"walk": True})
            await user.order("SELL", symbol="ETHUSDT", quantity="1")
            ledger = await user.ledger()
            del ledger["seq"]
            return ledger

    first, second = await run(), await run()
    assert first == second
    assert len(first["fills"]) == 3


async def test_a_processed_gate_holds_answer_and_events(user: User) -> None:
    key = await gate(user, "processed", request="order.new", leg="entry")
    async with user.listening() as stream:
        asking = asyncio.create_task(user.order("BUY", newClientOrderId="A"))
        told = await fired(user, key)
        assert told["data"]["client_order_id"] == "A"
        assert (await user.ledger())["fills"], "the state has changed"
        assert await stream.is_silent()
        assert not asking.done()
        placed = await user.order("BUY", newClientOrderId="B")
        assert placed["clientOrderId"] == "B", "other traffic goes on"
        assert [(await stream.next())["o"]["c"], (await stream.next())["e"]] == [
            "B",
            "ACCOUNT_UPDATE",
        ]
        await stream.next()
        assert (await user.sim("DELETE", f"faults/{key}"))["released"]
        assert (await asking)["clientOrderId"] == "A"
        assert (await stream.next())["o"]["c"] == "A"


async def test_a_received_gate_holds_before_anything_is_done(user: User) -> None:
    key = await gate(user, "received", request="order.new", client_order_id="A")
    asking = asyncio.create_task(user.order("BUY", newClientOrderId="A"))
    await fired(user, key)
    assert not (await user.ledger())["orders"]
    await user.sim("DELETE", f"faults/{key}")
    await asking
    assert (await user.ledger())["fills"]


async def test_an_answered_gate_holds_the_events_alone(user: User) -> None:
    key = await gate(user, "answered", request="order.new")
    async with user.listening() as stream:
        await user.order("BUY")
        assert (await fired(user, key))["fired"]
        assert await stream.is_silent()
        await user.sim("DELETE", f"faults/{key}")
        assert (await stream.next())["o"]["x"] == "NEW"
    assert (await user.order("BUY"))["status"] == "NEW"


async def test_gates_count(user: User) -> None:
    key = await gate(user, "processed", nth=2, request="order.new", leg="exit")
    for side in ("BUY", "SELL"):
        await user.order(side, reduceOnly="true" if side == "SELL" else "false")
    await user.order("BUY")
    assert not (await fired(user, key, wait=0))["fired"]
    asking = asyncio.create_task(user.order("SELL", reduceOnly="true"))
    assert (await fired(user, key))["fired"]
    await user.sim("DELETE", f"faults/{key}")
    await asking


async def test_a_disarmed_gate_holds_nothing(user: User) -> None:
    key = await gate(user, "processed", request="order.new")
    await user.sim("DELETE", f"faults/{key}")
    await user.order("BUY")
    told = await fired(user, key, wait=0)
    assert (told["fired"], told["released"]) == (False, True)


@contextlib.asynccontextmanager
async def leaving(user: User, key: str) -> Any:
    """Send an order from a client of its own, which dies while its request is held."""
    async with aiohttp.ClientSession() as session:
        other = User(user.http, user.ws, session)
        async with other.listening() as stream:
            asking = asyncio.create_task(other.order("BUY", newClientOrderId="A"))
            await fired(user, key)
            transport = stream.socket.get_extra_info("socket")
            assert transport is not None
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
    yield


async def closed_sockets(user: User, count: int) -> None:
    async with asyncio.timeout(5):
        while len(await user.journal("socket.closed")) < count:
            pass


async def test_a_client_that_dies_while_held(user: User) -> None:
    key = await gate(user, "processed", request="order.new")
    async with leaving(user, key), user.listening() as stream:
        await closed_sockets(user, 1)
        assert (await user.ledger())["fills"]
        await user.sim("DELETE", f"faults/{key}")
        await user.order("BUY", newClientOrderId="B")
        assert (await stream.next())["o"]["c"] == "B", "who came later is not told of the past"
    events = [r["data"] for r in await user.journal("event") if r["data"]["client_order_id"] == "A"]
    assert [event["delivered"] for event in events] == [0, 0]


async def test_a_request_whose_client_died_before_it_was_seen(user: User) -> None:
    for late in (False, True):
        body = {
            "name": "gate",
            "phase": "received",
            "match": {"request": "order.new"},
            "late": late,
        }
        key = (await user.sim("POST", "faults", body))["id"]
        async with leaving(user, key):
            await closed_sockets(user, 1 + late)
            await user.sim("DELETE", f"faults/{key}")
            async with asyncio.timeout(5):
                while late and not (await user.ledger())["orders"]:
                    pass
        assert len((await user.ledger())["orders"]) == int(late)


async def test_an_event_is_held_before_or_after_it_leaves(user: User) -> None:
    for phase, heard in (("before", 2), ("after", 3)):
        key = await gate(user, phase, event="ORDER_TRADE_UPDATE", execution="TRADE")
        async with user.listening() as stream:
            await user.order("BUY")
            assert (await fired(user, key))["data"]["execution"] == "TRADE"
            await stream.take(heard)
            async with asyncio.timeout(2):  # requests do not wait for a held event
                await user.conditional("SELL", "STOP_MARKET", "50000")
            assert await stream.is_silent()
            await user.sim("DELETE", f"faults/{key}")
            await stream.take(3 - heard)
            assert (await stream.next())["e"] == "ALGO_UPDATE"


async def test_a_step_does_not_wait_for_a_held_event(user: User) -> None:
    await user.conditional("SELL", "STOP_MARKET", "55000")
    key = await gate(user, "before", event="ALGO_UPDATE")
    async with user.listening() as stream:
        assert (await user.wick(54_000))["changes"] == 6
        assert (await fired(user, key))["fired"]
        async with asyncio.timeout(2):
            await user.step()
        assert await stream.is_silent()


async def test_requests_fail_without_being_processed(user: User) -> None:
    body = {"name": "fail", "match": {"request": "order.new"}, "nth": 2, "times": 2}
    key = (await user.sim("POST", "faults", body))["id"]
    given = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    told = [await user.signed("POST", "v1/order", **given) for _ in range(4)]
    assert [status for status, _ in told] == [200, 503, 503, 200]
    assert told[1][1]["code"] == -1001
    assert len((await user.ledger())["orders"]) == 2
    assert (await fired(user, key))["fired"]


async def test_all_sockets_drop(user: User) -> None:
    async with user.listening() as stream, user.listening("/ws/btcusdt@trade") as other:
        key = (await user.sim("POST", "faults", {"name": "drop_sockets"}))["id"]
        for dropped in (stream, other):
            message = await dropped.socket.receive(timeout=5)
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert (await fired(user, key))["data"] == {"sockets": 2}
    assert len(await user.journal("fault.")) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "earthquake"},
        {"name": "gate"},
        {"name": "gate", "phase": "during"},
        {"name": "gate", "phase": "before", "match": {"colour": "red"}},
        {"name": "gate", "phase": "before", "nth": 0},
        {"name": "gate", "phase": "before", "nth": "x"},
        {"name": "fail", "times": 0},
    ],
)
async def test_faults_that_are_none(user: User, body: Any) -> None:
    assert (await user.sim("POST", "faults", body, status=400))["error"]


async def test_an_unknown_fault(user: User) -> None:
    assert "no fault f9" in (await user.sim("GET", "faults/f9", status=404))["error"]


async def test_a_stop_releases_what_is_held() -> None:
    async with exchange("--stepped") as user:
        key = await gate(user, "processed", request="order.new")
        asking = asyncio.create_task(user.signed("POST", "v1/order", symbol="BTCUSDT", side="BUY",
                                                 type="MARKET", quantity="0.01"))  # fmt: skip
        await fired(user, key)
    with contextlib.suppress(aiohttp.ClientError):
        await asking
