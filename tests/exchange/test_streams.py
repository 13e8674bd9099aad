"""WebSockets: their forms, subscriptions, and what happens when a listen key or a client goes."""

import asyncio

import aiohttp
import pytest

from exchange.support import User


@pytest.mark.parametrize("path", ["/ws", "/market/ws", "/public/ws", "/v2"])
async def test_raw_streams_by_subscription(user: User, path: str) -> None:
    async with user.listening(path) as stream:
        names = ["btcusdt@bookTicker"]
        await stream.socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
        assert await stream.next() == {"result": None, "id": 1}
        assert (await stream.next())["e"] == "bookTicker", "the current quote is told at once"
        await stream.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert (await stream.next())["result"] == names
        await stream.socket.send_json({"method": "UNSUBSCRIBE", "params": names, "id": 3})
        assert (await stream.next())["id"] == 3
        await user.step()
        assert await stream.is_silent()


async def test_nonsense_is_answered(user: User) -> None:
    async with user.listening("/ws") as stream:
        for nonsense in ("no json", "{}", "[]", '{"method": "DANCE", "id": 1}'):
            await stream.socket.send_str(nonsense)
            assert "Invalid request" in (await stream.next())["error"]["msg"]


async def test_forms_of_the_user_stream(user: User) -> None:
    key = (await user.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    forms = (
        f"/ws?listenKey={key}",
        f"/ws/{key}",
        f"/private/ws?listenKey={key}",
        f"/v2?listenKey={key}",
    )
    for path in forms:
        async with user.listening(path) as stream:
            await user.order("BUY")
            assert (await stream.next())["e"] == "ORDER_TRADE_UPDATE"
    async with user.listening(f"/stream?streams={key}") as stream:
        await user.order("BUY")
        assert (await stream.next())["data"]["e"] == "ORDER_TRADE_UPDATE"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with user.listening("/ws?listenKey=unknown"):
            pass


async def test_each_user_socket_is_told_everything_in_order(user: User) -> None:
    async with user.listening() as first, user.listening() as second:
        await user.order("BUY")
        told = [await stream.take(3) for stream in (first, second)]
    assert told[0] == told[1]
    assert [event["e"] for event in told[0]] == [
        "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE",
    ]  # fmt: skip
    assert [event["T"] for event in told[0]] == sorted({event["T"] for event in told[0]})


async def test_a_conditional_is_finished_a_moment_after_its_fill(user: User) -> None:
    await user.conditional("SELL", "STOP_MARKET", "55000")
    async with user.listening() as stream:
        await user.wick(54_000)
        await stream.take(5)
        before = asyncio.get_running_loop().time()
        assert (await stream.next())["o"]["X"] == "FINISHED"
        assert 0.03 < asyncio.get_running_loop().time() - before < 1


async def test_a_closed_listen_key_ends_the_stream(user: User) -> None:
    async with user.listening() as stream:
        assert (await user.raw("PUT", "/fapi/v1/listenKey"))[0] == 200
        await user.raw("DELETE", "/fapi/v1/listenKey")
        message = await stream.socket.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        _, answer = await user.raw("PUT", "/fapi/v1/listenKey")
        assert answer["code"] == -1125


async def test_the_journal_tells_of_sockets_and_events(user: User) -> None:
    async with user.listening():
        await user.order("BUY", newClientOrderId="A")
    opened = await user.journal("socket.opened")
    assert [record["data"] for record in opened] == [{"stream": "user"}]
    events = [record["data"] for record in await user.journal("event")]
    assert [e["delivered"] for e in events] == [1, 1, 1]
    assert events[0] == {
        "event": "ORDER_TRADE_UPDATE", "client_order_id": "A", "execution": "NEW", "delivered": 1,
    }  # fmt: skip
