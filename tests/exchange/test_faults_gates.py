"""Gates and delays: what is held in which phase, and what becomes of it."""

import asyncio
import contextlib
from typing import Any

import aiohttp

from exchange.support import User, exchange


async def gate(user: User, phase: str, nth: int = 1, **match: str) -> str:
    return str((await user.arm("gate", phase=phase, nth=nth, match=match))["id"])


async def test_a_processed_gate_holds_answer_and_events(user: User) -> None:
    key = await gate(user, "processed", request="order.new", leg="entry")
    async with user.listening() as stream:
        asking = asyncio.create_task(user.order("BUY", newClientOrderId="A"))
        told = await user.fired(key)
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
        assert (await user.release(key))["released"]
        assert (await asking)["clientOrderId"] == "A"
        assert (await stream.next())["o"]["c"] == "A"


async def test_a_received_gate_holds_before_anything_is_done(user: User) -> None:
    key = await gate(user, "received", request="order.new", client_order_id="A")
    asking = asyncio.create_task(user.order("BUY", newClientOrderId="A"))
    await user.fired(key)
    assert not (await user.ledger())["orders"]
    await user.release(key)
    await asking
    assert (await user.ledger())["fills"]


async def test_an_answered_gate_holds_the_events_alone(user: User) -> None:
    key = await gate(user, "answered", request="order.new")
    async with user.listening() as stream:
        await user.order("BUY")
        assert (await user.fired(key))["fired"]
        assert await stream.is_silent()
        await user.release(key)
        assert (await stream.next())["o"]["x"] == "NEW"
    assert (await user.order("BUY"))["status"] == "NEW"


async def test_gates_count(user: User) -> None:
    key = await gate(user, "processed", nth=2, request="order.new", leg="exit")
    for side in ("BUY", "SELL"):
        await user.order(side, reduceOnly="true" if side == "SELL" else "false")
    await user.order("BUY")
    assert not (await user.fired(key, wait=0))["fired"]
    asking = asyncio.create_task(user.order("SELL", reduceOnly="true"))
    assert (await user.fired(key))["fired"]
    await user.release(key)
    await asking


async def test_a_disarmed_gate_holds_nothing(user: User) -> None:
    key = await gate(user, "processed", request="order.new")
    await user.release(key)
    await user.order("BUY")
    told = await user.fired(key, wait=0)
    assert (told["fired"], told["released"]) == (False, True)


@contextlib.asynccontextmanager
async def leaving(user: User, key: str) -> Any:
    """Send an order from a client of its own, which dies while its request is held."""
    async with aiohttp.ClientSession() as session:
        other = User(user.http, user.ws, session)
        async with other.listening() as stream:
            asking = asyncio.create_task(other.order("BUY", newClientOrderId="A"))
            await user.fired(key)
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
        await user.release(key)
        await user.order("BUY", newClientOrderId="B")
        assert (await stream.next())["o"]["c"] == "B", "who came later is not told of the past"
    events = [r["data"] for r in await user.journal("event") if r["data"]["client_order_id"] == "A"]
    assert [event["delivered"] for event in events] == [0, 0]


async def test_a_request_whose_client_died_before_it_was_seen(user: User) -> None:
    for late in (False, True):
        match = {"request": "order.new"}
        key = (await user.arm("gate", phase="received", match=match, late=late))["id"]
        async with leaving(user, key):
            await closed_sockets(user, 1 + late)
            await user.release(key)
            async with asyncio.timeout(5):
                while late and not (await user.ledger())["orders"]:
                    pass
        assert len((await user.ledger())["orders"]) == int(late)


async def test_an_event_is_held_before_or_after_it_leaves(user: User) -> None:
    for phase, heard in (("before", 2), ("after", 3)):
        key = await gate(user, phase, event="ORDER_TRADE_UPDATE", execution="TRADE")
        async with user.listening() as stream:
            await user.order("BUY")
            assert (await user.fired(key))["data"]["execution"] == "TRADE"
            await stream.take(heard)
            async with asyncio.timeout(2):  # requests do not wait for a held event
                await user.conditional("SELL", "STOP_MARKET", "50000")
            assert await stream.is_silent()
            await user.release(key)
            await stream.take(3 - heard)
            assert (await stream.next())["e"] == "ALGO_UPDATE"


async def test_a_step_does_not_wait_for_a_held_event(user: User) -> None:
    await user.conditional("SELL", "STOP_MARKET", "55000")
    key = await gate(user, "before", event="ALGO_UPDATE")
    async with user.listening() as stream:
        assert (await user.wick(54_000))["changes"] == 6
        assert (await user.fired(key))["fired"]
        async with asyncio.timeout(2):
            await user.step()
        assert await stream.is_silent()


async def test_a_stop_releases_what_is_held() -> None:
    async with exchange("--stepped") as user:
        key = await gate(user, "processed", request="order.new")
        asking = asyncio.create_task(user.signed("POST", "v1/order", symbol="BTCUSDT", side="BUY",
                                                 type="MARKET", quantity="0.01"))  # fmt: skip
        await user.fired(key)
    with contextlib.suppress(aiohttp.ClientError):
        await asking


async def test_a_delay_lets_go_by_itself(user: User) -> None:
    match = {"request": "order.new"}
    key = (await user.arm("delay", match=match, times=2, phase="processed", seconds=0.2))["id"]
    await asyncio.gather(user.order("BUY"), user.order("BUY"))
    assert (await user.fired(key))["released"]
    fired, again, released = (await user.journal("fault."))[1:]
    assert [record["kind"] for record in (fired, again)] == ["fault.fired"] * 2
    assert released["data"]["by"] == "time"
    assert released["mono_ns"] - again["mono_ns"] > 1e8, "each was held"


async def test_a_delay_can_be_released_earlier(user: User) -> None:
    key = (await user.arm("delay", phase="before", seconds=600))["id"]
    async with user.listening() as stream:
        await user.order("BUY")
        await user.fired(key)
        assert await stream.is_silent()
        await user.release(key)
        assert (await stream.next())["o"]["x"] == "NEW"


async def test_gates_of_one_phase_hold_together(user: User) -> None:
    keys = [await gate(user, "received", request="time.read") for _ in range(2)]
    asking = asyncio.create_task(user.raw("GET", "/fapi/v1/time"))
    for key in keys:
        await user.fired(key)
        assert not asking.done()
        await user.release(key)
    assert (await asking)[0] == 200
