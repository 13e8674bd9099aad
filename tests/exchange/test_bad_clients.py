"""Clients that talk nonsense, do not read, come in thousands or fall silent."""

import asyncio
import json
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exchange.support import Running, User
from simulated_exchange.cli import build
from simulated_exchange.options import read_options
from simulated_exchange.protocol import sockets
from simulated_exchange.protocol.sockets import MOST_SOCKETS, Sockets

HANDSHAKE = (
    "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
KEY = b"X-MBX-APIKEY: simulated-key\r\n"
MARKET = ("bookTicker", "aggTrade", "trade", "markPrice", "kline_1m", "depth20@100ms", "depth")


def posted(path: bytes, body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % path
    return head + KEY + length + b"".join(headers) + b"\r\n" + body


def address(user: User) -> tuple[str, int]:
    host, port = user.http.removeprefix("http://").split(":")
    return host, int(port)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (posted(b"/fapi/v1/order", b"\xff\xfe"), 400),
        (posted(b"/fapi/v1/order", b"a=b", b"Content-Type: a/b; charset=klingon\r\n"), 400),
        (posted(b"/fapi/v1/order", b"a" * 2_000_000), 413),
        (posted(b"/fapi/v1/order?a=\xff", b""), 400),
        (posted(b"/fapi/v1/order", b"", b"X-MBX-APIKEY: \xff\r\n").replace(KEY, b""), 401),
        (posted(b"/_sim/faults", b"\xff\xfe"), 400),
        (posted(b"/_sim/faults", b"{}", b"Content-Type: a/b; charset=klingon\r\n"), 400),
        (posted(b"/_sim/faults", b"[" * 60_000), 400),
        (posted(b"/_sim/step", b'{"bars": 1e999}'), 400),
        (b"GET /_sim/journal?after=1e999999 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"HELLO\r\n\r\n", 400),
    ],
)
async def test_nonsense_is_refused_without_a_word_on_standard_error(
    user: User, sent: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection(*address(user))
    writer.write(sent)
    async with asyncio.timeout(5):
        answered = await reader.readline()
    writer.close()
    assert answered.split()[1] == str(status).encode()
    assert (await user.raw("GET", "/fapi/v1/ping"))[0] == 200


async def test_a_client_that_dies_in_the_middle_of_a_request(user: User) -> None:
    _, writer = await asyncio.open_connection(*address(user))
    writer.write(posted(b"/fapi/v1/order", b"symbol=BTCUSDT")[:-4])
    await writer.drain()
    writer.transport.abort()
    assert (await user.raw("GET", "/fapi/v1/ping"))[0] == 200


async def test_who_reads_nothing_is_cut_off_and_stalls_nobody(user: User) -> None:
    key = (await user.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    path = f"/stream?streams={key}/" + "/".join(f"btcusdt@{name}" for name in MARKET)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.connect(address(user))
    deaf.sendall(HANDSHAKE.format(path).encode())
    async with user.listening("/ws/btcusdt@kline_1m") as stream:
        seq, kinds = 0, []
        for _ in range(300):
            await user.step(10)
            assert all(event["k"]["x"] for event in await stream.take(10))
            told = await user.sim("GET", f"journal?after={seq}")
            seq, kinds = told["seq"], [record["kind"] for record in told["records"]]
            if "socket.closed" in kinds:
                break
        assert "socket.closed" in kinds
    deaf.close()


async def test_thousands_of_sockets_come_and_go(user: User) -> None:
    for _ in range(20):
        opened = [user.session.ws_connect(f"{user.ws}/ws/btcusdt@trade") for _ in range(100)]
        for one in await asyncio.gather(*opened):
            await one.close()
    async with user.listening() as stream:
        await user.order("BUY")
        assert (await stream.next())["e"] == "ORDER_TRADE_UPDATE"
    kinds = [record["kind"] for record in await user.journal("socket.")]
    assert kinds.count("socket.opened") == 2_001


async def test_there_is_a_limit_of_sockets(user: User) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        waiting = [session.ws_connect(f"{user.ws}/ws") for _ in range(MOST_SOCKETS)]
        opened = await asyncio.gather(*waiting)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{user.ws}/ws")
        assert refused.value.status == 429
        await opened[0].close()
        assert not (await session.ws_connect(f"{user.ws}/ws")).closed


async def test_a_stop_waits_for_nobody(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    running = await Running.start("--stepped", "--journal", str(journal))
    async with aiohttp.ClientSession() as session:
        user = User(running.ready["http"], running.ready["ws"], session)
        asking = []
        for phase in ("received", "processed", "answered", "before"):
            await user.arm("gate", phase=phase, match={"client_order_id": phase})
        async with user.listening(), user.listening("/ws"):
            for phase in ("received", "processed", "answered", "before"):
                order = user.order("BUY", newClientOrderId=phase)
                asking.append(asyncio.create_task(order))
            for number in range(1, 5):
                await user.fired(f"f{number}")
            await user.arm("half_open")
            assert await running.stop() == (0, "")
        assert all(answer["status"] == "NEW" for answer in await asyncio.gather(*asking))
    records = map(json.loads, journal.read_text().splitlines())
    released = [r["data"]["by"] for r in records if r["kind"] == "fault.released"]
    assert released == ["stop"] * 5


async def test_who_answers_no_ping_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.02)
    monkeypatch.setattr(sockets, "PONG_SECONDS", 0.5)
    served = Sockets(build(read_options(["--stepped"])))
    app = web.Application()
    app.router.add_get("/ws", served.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        watching = asyncio.create_task(served.watch())
        url = server.make_url("/ws")
        polite = await session.ws_connect(url)
        silent = await session.ws_connect(url, autoping=False)
        hearing = asyncio.create_task(polite.receive())
        async with asyncio.timeout(5):
            while (message := await silent.receive()).type == aiohttp.WSMsgType.PING:
                pass
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert len(served.opened) == 1
        assert not hearing.done()
        watching.cancel()
        await polite.close()
        await hearing
