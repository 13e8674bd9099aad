"""The WebSocket side: who listens to what, and how they are told.

A user event goes to the sockets that were open when it arose. While a gate holds it, sockets may
close; one that opens later does not get it, as on the real exchange.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from aiohttp import WSMsgType, web

from ..errors import ExchangeError
from ..exchange import Exchange
from ..faults.faults import EVENT_PHASES, Fault, Faults
from ..journal.journal import Record
from ..market.bars import INTERVALS, MINUTE_MS, candles
from . import market_payloads as payloads
from .user_events import user_event

FINISHED_DELAY_SECONDS = 0.1
"""A conditional order is reported finished this long after its fill. The real exchange sends both
at once; NautilusTrader 1.231.0 then invents a second fill, because it sees no fill yet."""

SEND_SECONDS = 5.0
LONGEST_QUEUE = 10_000


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


class Streams:
    """All sockets of one exchange, and the user events that wait to be sent."""

    def __init__(self, exchange: Exchange, faults: Faults) -> None:
        self._exchange = exchange
        self._faults = faults
        self.sockets: list[Socket] = []
        self._queue: deque[tuple[payloads.Payload, Sequence[Socket]]] = deque()
        self._queued = asyncio.Event()
        self._quiet = asyncio.Event()  # set when nobody has to wait for the queue
        self._quiet.set()
        self._held = False

    # Sockets

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
        self.sockets.append(socket)
        self._exchange.journal.write("socket.opened", kind)
        try:
            await self._subscribe(socket, [name for name in names if name])
            with contextlib.suppress(ConnectionError):
                async for message in socket.ws:
                    if message.type == WSMsgType.TEXT:
                        await self._command(socket, message.data)
        finally:
            self.sockets.remove(socket)
            self._exchange.journal.write("socket.closed", kind)
        return socket.ws

    def users(self) -> list[Socket]:
        """Return who is told of user events that arise now."""
        return [socket for socket in self.sockets if socket.is_user]

    def drop_users(self) -> None:
        """Break the user streams abruptly."""
        for socket in self.users():
            socket.abort()

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
        """Add streams; the current quote and mark price are told at once.

        The real exchange tells the next change, which comes within moments there; a stepped market
        may stand still for long.
        """
        if self._exchange.listen_key in names:
            socket.is_user = True
        socket.streams.update(names)
        now, seq = self._exchange.clock.now_ms(), self._exchange.journal.seq
        for name, book in self._exchange.state.books.items():
            quote = payloads.book_ticker(book, seq, now, book.price)
            mark = payloads.mark_price(name, now, book.price)
            for stream in names:
                if stream == f"{name.lower()}@bookTicker":
                    await socket.send(stream, quote)
                elif stream.startswith(f"{name.lower()}@markPrice"):
                    await socket.send(stream, mark)

    # User events

    def tell_users(self, records: Sequence[Record], recipients: Sequence[Socket]) -> None:
        """Queue the user events of some records."""
        for event in filter(None, map(user_event, records)):
            if event["e"] == "ALGO_UPDATE" and event["o"]["X"] == "FINISHED":
                loop = asyncio.get_running_loop()
                loop.call_later(FINISHED_DELAY_SECONDS, self._enqueue, event, recipients)
            else:
                self._enqueue(event, recipients)

    def _enqueue(self, event: payloads.Payload, recipients: Sequence[Socket]) -> None:
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.clear()
            self.drop_users()
        self._queue.append((event, recipients))
        if not self._held:
            self._quiet.clear()
        self._queued.set()

    async def flush(self) -> None:
        """Wait until all user events have left or a gate holds one; slow clients delay little."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._quiet.wait()

    async def run(self) -> None:
        """Send queued user events, one after the other, for ever."""
        while True:
            while self._queue:
                await self._deliver(*self._queue.popleft())
            self._quiet.set()
            self._queued.clear()
            await self._queued.wait()

    async def _deliver(self, event: payloads.Payload, recipients: Sequence[Socket]) -> None:
        body: Mapping[str, Any] = event.get("o") or next(iter(event.get("a", {}).get("P", [])), {})
        name = body.get("c") or body.get("caid")
        noted = {"event": event["e"], "client_order_id": name, "execution": body.get("x")}
        about = {**noted, "symbol": body.get("s")}
        heard = any(socket in self.sockets for socket in recipients)
        met = self._faults.meet(about, *EVENT_PHASES) if heard else {}
        if "before" in met:
            await self._hold(met["before"], about)
        sent = [await s.send("user", event) for s in recipients if s in self.sockets]
        self._exchange.journal.write("event", {**noted, "delivered": sum(sent)})
        if "after" in met:
            await self._hold(met["after"], about)

    async def _hold(self, fault: Fault, about: Mapping[str, Any]) -> None:
        """Wait for a gate; nobody waits for the events behind it meanwhile."""
        self._held = True
        self._quiet.set()
        await self._faults.hold(fault, about)
        self._held = False
        self._quiet.clear()

    # Market events

    async def tell_market(self, records: Sequence[Record]) -> None:
        """Send quotes, trades, mark prices and candles for what some records say."""
        moved: set[str] = set()
        for record in records if self.sockets else ():
            name = record["data"].get("symbol")
            if record["kind"] == "market.price":
                moved.add(name)
                await self._tell_price(name, record)
            elif record["kind"] == "market.bar_closed":
                moved.discard(name)
                await self._tell_candles(name, record["market_ms"], closed=True)
        for name in moved:
            await self._tell_candles(name, self._exchange.clock.now_ms(), closed=False)

    async def _tell_price(self, name: str, record: Record) -> None:
        """Send what a new last price means: a trade of others, the quote, the mark price."""
        price, number, stamp = record["data"]["price"], record["seq"], record["market_ms"]
        book, last = self._exchange.state.books[name], Decimal(price)
        mark = payloads.mark_price(name, stamp, last)
        for suffix, event in (
            ("bookTicker", payloads.book_ticker(book, number, stamp, last)),
            ("aggTrade", payloads.public_trade("aggTrade", name, price, number, stamp)),
            ("trade", payloads.public_trade("trade", name, price, number, stamp)),
            ("markPrice", mark),
            ("markPrice@1s", mark),
        ):
            await self._broadcast(f"{name.lower()}@{suffix}", event)

    async def _tell_candles(self, name: str, stamp: int, *, closed: bool) -> None:
        state, book = self._exchange.state, self._exchange.state.books[name]
        for interval, minutes in INTERVALS.items():
            stream = f"{name.lower()}@kline_{interval}"
            if not any(stream in socket.streams for socket in self.sockets):
                continue
            bars = book.bars[-minutes:]
            first_ms = state.forming_open_ms - len(bars) * MINUTE_MS
            if not closed and book.forming is not None:
                bars = [*bars, book.forming]
            candle = candles(bars, first_ms, minutes)[-1]
            ends = closed and candle.close_ms < state.forming_open_ms
            event = payloads.kline_event(name, interval, candle, stamp, ends)
            await self._broadcast(stream, event)

    async def _broadcast(self, stream: str, data: payloads.Payload) -> None:
        for socket in list(self.sockets):
            if stream in socket.streams:
                await socket.send(stream, data)
