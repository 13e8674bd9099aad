"""WebSockets: who is connected, what they are told, and how they are cut off.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "Websocket Market
Streams". A connection's life of 24 hours is not imitated.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from ..errors import ExchangeError
from ..exchange import Exchange
from .market_streams import MarketStreams, Told
from .subscriptions import CommandError, Subscriptions

MOST_SOCKETS = 1_000
LONGEST_MESSAGE = 1 << 16
MOST_UNREAD = 1 << 20
"""A client that lets so many bytes wait is cut off, so that others never wait for it."""

MOST_PER_SECOND = 10
"""A client that sends more messages is cut off."""

PING_SECONDS = 180.0
PONG_SECONDS = 600.0
"""The server pings so often, and cuts off who has not answered for so long."""


class Socket:
    """One WebSocket connection of a client."""

    def __init__(
        self,
        request: web.Request,
        told: Subscriptions,
        listen_key: str | None = None,
        *,
        api: bool = False,
    ) -> None:
        self.ws = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=LONGEST_MESSAGE
        )
        self.told = told
        self.listen_key = listen_key
        self.alive = asyncio.Event()  # while it is unset, nothing is said, heard or answered
        self.alive.set()
        self.ponged = time.monotonic()
        self.heard: deque[float] = deque(maxlen=MOST_PER_SECOND)
        self._request = request
        self._api = api

    @property
    def kind(self) -> str:
        """``api`` for the WebSocket API, ``user`` with a listen key, else ``market``."""
        if self._api:
            return "api"
        return "market" if self.listen_key is None else "user"

    async def open(self) -> None:
        """Shake hands; from here on `send` does not wait for the client to read."""
        await self.ws.prepare(self._request)
        if self._request.transport is not None:
            self._request.transport.set_write_buffer_limits(high=2 * MOST_UNREAD)

    async def send(self, message: Any) -> bool:
        """Send a message as it is; tell whether it has left."""
        transport = self._request.transport
        if transport is None or not self.alive.is_set():
            return False
        if transport.get_write_buffer_size() > MOST_UNREAD:
            self.abort()
            return False
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self.ws.send_str(json.dumps(message, separators=(",", ":")))
            return True
        return False

    async def tell(self, stream: str | None, data: Any) -> bool:
        """Send what a stream says; on a combined connection it is wrapped."""
        return await self.send({"stream": stream, "data": data} if self.told.combined else data)

    def is_gone(self) -> bool:
        """Whether the connection is broken."""
        return self._request.transport is None or self._request.transport.is_closing()

    def abort(self) -> None:
        """Break the connection without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def talks_too_much(self) -> bool:
        """Count a message of the client; tell whether it was one too many within a second."""
        now = time.monotonic()
        full = len(self.heard) == MOST_PER_SECOND and now - self.heard[0] < 1
        self.heard.append(now)
        return full


class Sockets:
    """All open sockets of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.opened: dict[Socket, None] = {}
        self.market = MarketStreams(exchange.state)
        self._exchange = exchange

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it closes.

        A path with ``stream`` in it is combined, all else is raw. Streams come in the query, in the
        path or by SUBSCRIBE; a listen key in any of them. All streams are on all paths.
        """
        parts = [part for part in request.path.split("/") if part]
        names = request.query.get("streams", "").split("/") + [p for p in parts if "@" in p]
        given, key = request.query.get("listenKey"), self._exchange.listen_key.value
        if given is not None and given != key:
            return web.json_response(ExchangeError(-1125).answer, status=400)
        try:
            told = Subscriptions((name for name in names if name), combined="stream" in parts)
        except CommandError as error:
            return web.json_response({"code": error.code, "msg": str(error)}, status=400)
        known = key is not None and key in (given, *names, *parts)
        socket = Socket(request, told, key if known else None)
        return await self.attend(request, socket, self._obey, list(told.streams))

    async def attend(
        self,
        request: web.Request,
        socket: Socket,
        hear: Callable[[Socket, str], Awaitable[None]],
        joined: Sequence[str] = (),
    ) -> web.StreamResponse:
        """Open a socket and let it be heard until it closes."""
        if len(self.opened) >= MOST_SOCKETS:
            msg = f"Too many connections: {MOST_SOCKETS} are open."
            return web.json_response({"code": -1003, "msg": msg}, status=429)
        await socket.open()
        kind = {"stream": socket.kind}
        self.opened[socket] = None
        self._exchange.journal.write("socket.opened", kind)
        try:
            await self._greet(socket, joined)
            with contextlib.suppress(ConnectionError):
                async for message in socket.ws:
                    await socket.alive.wait()
                    if message.type == WSMsgType.PING:
                        await socket.ws.pong(message.data)
                    elif message.type == WSMsgType.PONG:
                        socket.ponged = time.monotonic()
                    elif message.type == WSMsgType.TEXT:
                        await hear(socket, message.data)
                if not socket.is_gone():
                    await socket.alive.wait()
                await socket.ws.close()
        finally:
            del self.opened[socket]
            self._exchange.journal.write("socket.closed", kind)
        return socket.ws

    async def close(self) -> None:
        """Part from all clients, because the exchange stops."""
        await asyncio.gather(*(socket.ws.close(code=1001) for socket in self.opened))

    async def watch(self) -> None:
        """Ping all that are connected from time to time, for ever; cut off who stays silent."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            for socket in list(self.opened):
                if time.monotonic() - socket.ponged > PONG_SECONDS:
                    socket.abort()
                elif socket.alive.is_set():
                    with contextlib.suppress(ConnectionError, RuntimeError):
                        await socket.ws.ping()

    def of(self, stream: str | None = None) -> list[Socket]:
        """Return the ``user``, ``market`` or ``api`` sockets, or all."""
        return [socket for socket in self.opened if stream in (None, socket.kind)]

    def users(self) -> list[Socket]:
        """Return who is told of user events that arise now."""
        key = self._exchange.listen_key.value
        return [socket for socket in self.of("user") if socket.listen_key == key]

    def drop(self, sockets: Iterable[Socket]) -> None:
        """Break connections abruptly."""
        for socket in sockets:
            socket.abort()

    def silence(self, sockets: Iterable[Socket]) -> None:
        """Let open connections go deaf and dumb."""
        for socket in sockets:
            socket.alive.clear()

    def revive(self, sockets: Iterable[Socket]) -> None:
        """Undo `silence`; what was said meanwhile is heard now, what was to be told is lost."""
        for socket in sockets:
            socket.alive.set()

    def streams(self) -> set[str]:
        """Return the names of all streams that somebody listens to."""
        return set().union(*(socket.told.streams for socket in self.opened))

    async def broadcast(self, messages: Iterable[Told]) -> None:
        """Send messages to those that listen to their streams."""
        for stream, data in messages:
            for socket in list(self.opened):
                if stream in socket.told.streams:
                    await socket.tell(stream, data)

    async def _obey(self, socket: Socket, text: str) -> None:
        """Take one command of a client that listens to streams."""
        if socket.talks_too_much():
            socket.abort()
            return
        answer, joined = socket.told.obey(text)
        await socket.send(answer)
        await self._greet(socket, joined)

    async def _greet(self, socket: Socket, names: Sequence[str]) -> None:
        """Tell how streams stand that somebody has joined."""
        exchange = self._exchange
        if exchange.listen_key.value in names:
            socket.listen_key = exchange.listen_key.value
        now = exchange.clock.now_ms()
        for stream, data in self.market.current(names, exchange.journal.seq, now):
            await socket.tell(stream, data)
