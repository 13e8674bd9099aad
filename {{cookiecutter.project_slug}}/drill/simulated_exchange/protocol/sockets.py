"""WebSockets: their paths, their subscriptions, and sending to them.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures,
"Websocket Market Streams", "Live Subscribing/Unsubscribing to streams".
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from ..errors import ExchangeError
from ..exchange import Exchange
from .market_streams import Told, current

SEND_SECONDS = 5.0


class Socket:
    """One WebSocket connection of a client; a combined one wraps messages with their stream."""

    def __init__(self, request: web.Request, *, combined: bool, is_user: bool) -> None:
        self.ws = web.WebSocketResponse()
        self.is_user = is_user
        self.streams: set[str] = set()
        self._combined = combined
        self._request = request

    async def send(self, stream: str, data: Any) -> bool:
        """Send a message; a client that does not take it in time is cut off."""
        message = {"stream": stream, "data": data} if self._combined else data
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.ws.send_str(json.dumps(message, separators=(",", ":")))
        except (ConnectionError, RuntimeError):
            return False
        except TimeoutError:
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """Break the connection without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()


class Sockets:
    """All open sockets of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.opened: list[Socket] = []
        self._exchange = exchange

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it closes.

        A path with ``stream`` in it is combined, all else is raw. Streams come in the query, in the
        path or by SUBSCRIBE; a listen key in the query or in the path.
        """
        parts = [part for part in request.path.split("/") if part]
        names = request.query.get("streams", "").split("/") + [p for p in parts if "@" in p]
        given_key, key = request.query.get("listenKey"), self._exchange.listen_key
        if given_key is not None and given_key != key:
            return web.json_response(ExchangeError(-1125).answer, status=400)
        is_user = key is not None and key in (given_key, *names, *parts)
        socket = Socket(request, combined="stream" in parts, is_user=is_user)
        await socket.ws.prepare(request)
        kind = {"stream": "user" if is_user else "market"}
        self.opened.append(socket)
        self._exchange.journal.write("socket.opened", kind)
        try:
            await self._subscribe(socket, [name for name in names if name])
            with contextlib.suppress(ConnectionError):
                async for message in socket.ws:
                    if message.type == WSMsgType.TEXT:
                        await self._command(socket, message.data)
        finally:
            self.opened.remove(socket)
            self._exchange.journal.write("socket.closed", kind)
        return socket.ws

    def users(self) -> list[Socket]:
        """Return who is told of user events that arise now."""
        return [socket for socket in self.opened if socket.is_user]

    def drop_users(self) -> None:
        """Break the user streams abruptly."""
        for socket in self.users():
            socket.abort()

    def streams(self) -> set[str]:
        """Return the names of all streams that somebody listens to."""
        return set().union(*(socket.streams for socket in self.opened))

    async def broadcast(self, messages: Iterable[Told]) -> None:
        """Send messages to those that listen to their streams."""
        for stream, data in messages:
            for socket in list(self.opened):
                if stream in socket.streams:
                    await socket.send(stream, data)

    async def _command(self, socket: Socket, text: str) -> None:
        """Answer SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
        number = None
        try:
            message = json.loads(text)
            method, names = message["method"], list(message.get("params") or [])
            number = message.get("id")
            if method not in ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            msg = "Invalid request: it has to be JSON with a known method and its params."
            await socket.ws.send_json({"error": {"code": 2, "msg": msg}, "id": number})
            return
        listed = sorted(socket.streams) if method == "LIST_SUBSCRIPTIONS" else None
        if method == "UNSUBSCRIBE":
            socket.streams.difference_update(names)
        await socket.ws.send_json({"result": listed, "id": number})
        if method == "SUBSCRIBE":
            await self._subscribe(socket, names)

    async def _subscribe(self, socket: Socket, names: Sequence[str]) -> None:
        """Add streams, and tell how they stand."""
        if self._exchange.listen_key in names:
            socket.is_user = True
        socket.streams.update(names)
        state, seq, now = self._exchange.state, self._exchange.journal.seq, self._exchange.clock
        for stream, data in current(state, names, seq, now.now_ms()):
            await socket.send(stream, data)
