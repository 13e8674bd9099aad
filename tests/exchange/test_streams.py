"""WebSockets: their forms, subscriptions, and what happens when a listen key or a client goes."""

import json
from pathlib import Path

import aiohttp
import pytest

from exchange.support import User, exchange
from simulated_exchange.protocol.sockets import MOST_PER_SECOND
from simulated_exchange.protocol.subscriptions import MOST_STREAMS, Subscriptions

CLOSED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


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


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        ("no json", 3, "Invalid JSON: expected value at line 1 column 1"),
        ("[" * 50_000, 3, "Invalid JSON"),
        ("{}", 2, "Invalid request: missing field method at line 1 column 2"),
        ("[]", 2, "Invalid request: missing field method"),
        ('{"method":{},"id":1}', 2, "Invalid request: unknown variant {}, expected one of"),
        ('{"method":"DANCE","id":1}', 2, "Invalid request: unknown variant DANCE, expected one of"),
        ('{"method":"SUBSCRIBE","id":-1}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","id":1.5}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","id":true}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","id":[1]}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","params":[]}', 2, "Invalid request: request ID must be an unsig"),
        ('{"method":"SUBSCRIBE","params":"a","id":1}', 2, "property name must be a string"),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2, "property name must be a string"),
        ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0, "Unknown property"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
    ],
)
def test_commands_that_cannot_be_obeyed(command: str, code: int, why: str) -> None:
    told = Subscriptions([], combined=False)
    answer, joined = told.obey(command)
    assert answer["error"]["code"] == code
    assert why in answer["error"]["msg"]
    assert (joined, told.streams, told.combined) == ([], {}, False)
    assert answer.get("id") == (1 if "params" in command and '"id":1' in command else None)


@pytest.mark.parametrize("given", [0, 312, 1 << 63, "", "d3df8a61-98ea", "any text", None])
def test_an_id_comes_back_as_it_was_given(given: int | str | None) -> None:
    told = Subscriptions([], combined=False)
    for command, result in (
        ({"method": "SUBSCRIBE", "params": ["a@b"]}, None),
        ({"method": "LIST_SUBSCRIPTIONS"}, ["a@b"]),
        ({"method": "UNSUBSCRIBE", "params": ["a@b"]}, None),
    ):
        answer, _ = told.obey(json.dumps(command | {"id": given}))
        assert answer == {"result": result, "id": given}
    refused, _ = told.obey(json.dumps({"method": "GET_PROPERTY", "params": ["x"], "id": given}))
    assert (refused["error"]["code"], refused["id"]) == (0, given)


def test_a_connection_has_so_many_streams() -> None:
    told = Subscriptions((f"s{number}" for number in range(MOST_STREAMS)), combined=False)
    command = {"method": "SUBSCRIBE", "params": ["one more"], "id": 1}
    answer, _ = told.obey(json.dumps(command))
    assert answer["error"]["msg"] == "Invalid request: too many parameters"
    assert "result" in told.obey(json.dumps(command | {"params": ["s1"]}))[0]


async def test_messages_are_wrapped_on_request(user: User) -> None:
    async with user.listening("/ws/btcusdt@bookTicker") as stream:
        assert (await stream.next())["e"] == "bookTicker"
        command = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 1}
        await stream.socket.send_json(command)
        assert await stream.next() == {"result": None, "id": 1}
        await stream.socket.send_json({"method": "GET_PROPERTY", "params": ["combined"], "id": 2})
        assert await stream.next() == {"result": True, "id": 2}
        await user.step()
        assert (await stream.next())["stream"] == "btcusdt@bookTicker"


async def test_who_talks_too_much_is_cut_off(user: User) -> None:
    async with user.listening("/ws") as stream:
        for number in range(MOST_PER_SECOND + 1):
            await stream.socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        await stream.take(MOST_PER_SECOND)
        assert (await stream.socket.receive(timeout=5)).type in CLOSED


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
    new, account, filled = (event["T"] for event in told[0])
    assert new < account == filled, "a fill is one change, and two events tell of it"


async def test_a_conditional_is_finished_right_after_its_fill(user: User) -> None:
    await user.conditional("SELL", "STOP_MARKET", "55000")
    async with user.listening() as stream:
        await user.wick(54_000)
        *_, fill, finished = await stream.take(6)
        assert (fill["o"]["x"], finished["o"]["X"]) == ("TRADE", "FINISHED")


async def test_a_combined_user_stream_is_named_by_its_key(user: User) -> None:
    key = (await user.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    async with user.listening(f"/stream?listenKey={key}") as stream:
        await user.order("BUY")
        assert (await stream.next())["stream"] == key


async def test_a_listen_key_ends_unless_it_is_kept_alive() -> None:
    async with exchange("--stepped", "--listen-key-minutes", "0.03") as user:
        async with user.listening() as stream:
            await user.ask("PUT", "v1/listenKey")
            expired = await stream.next()
            assert expired["e"] == "listenKeyExpired"
            assert await user.refused("PUT", "v1/listenKey") == -1125
            opened, kept, ended = await user.journal("listen_key.changed")
            assert opened["data"]["until_ms"] < kept["data"]["until_ms"]
            assert kept["data"]["until_ms"] <= ended["wall_ns"] // 1_000_000
            await user.order("BUY")
            assert await stream.is_silent()
        fresh = await user.ask("POST", "v1/listenKey")
        again = await user.ask("POST", "v1/listenKey")
        assert fresh == again
        assert fresh["listenKey"] != expired["listenKey"]


async def test_a_listen_key_outlives_the_exchange(tmp_path: Path) -> None:
    async with exchange("--stepped", "--state", str(tmp_path)) as user:
        key = (await user.ask("POST", "v1/listenKey"))["listenKey"]
    async with (
        exchange("--stepped", "--state", str(tmp_path)) as user,
        user.listening(f"/ws/{key}") as stream,
    ):
        await user.order("BUY")
        assert (await stream.next())["e"] == "ORDER_TRADE_UPDATE"


async def test_a_closed_listen_key_ends_the_stream(user: User) -> None:
    async with user.listening() as stream:
        assert (await user.raw("PUT", "/fapi/v1/listenKey"))[0] == 200
        await user.raw("DELETE", "/fapi/v1/listenKey")
        message = await stream.socket.receive(timeout=5)
        assert message.type in CLOSED
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
        "event": "ORDER_TRADE_UPDATE", "client_order_id": "A", "execution": "NEW", "status": "NEW",
        "delivered": 1,
    }  # fmt: skip
