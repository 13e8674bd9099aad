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

from . import payloads
from .errors import TEXTS
from .exchange import Exchange
from .faults import EVENT_PHASES, Fault, Faults
from .market import INTERVALS, MINUTE_MS, candles

FINISHED_DELAY_SECONDS = 0.1
"""A conditional order is reported finished this long after its fill. The real exchange sends both
at once; NautilusTrader 1.231.0 then invents a second fill, because it sees no fill yet."""

SEND_SECONDS = 5.0
LONGEST_QUEUE = 10_000


class Socket:
    """One WebSocket connection of a client.

    Parameters
    ----------
    request : web.Request
        The request that opened it.
    combined : bool
        Whether messages are wrapped as ``{"stream", "data"}``.
    """

    def __init__(self, request: web.Request, *, combined: bool) -> None:
        self.ws = web.WebSocketResponse(autoping=True)
        self.combined = combined
        self.streams: set[str] = set()
        self.is_user = False
        self._request = request

    async def send(self, stream: str, data: Any) -> bool:
        """Send a message; a client that does not take it in time is cut off."""
        message = {"stream": stream, "data": data} if self.combined else data
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
    """All sockets of one exchange.

    Parameters
    ----------
    exchange : Exchange
        Whose events are told.
    faults : Faults
        Gates that hold user events.
    """

    def __init__(self, exchange: Exchange, faults: Faults) -> None:
        self._exchange = exchange
        self._faults = faults
        self._sockets: dict[Socket, None] = {}
        self._queue: deque[tuple[payloads.Payload, list[Socket]]] = deque()
        self._queued = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._held = False

    # Sockets

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it closes.

        The last segment of the path says the form: ``stream`` is combined, all else is raw. Streams
        come in the query, in the path or by SUBSCRIBE; a listen key in the query or in the path.
        """
        parts = [part for part in request.path.split("/") if part]
        names = request.query.get("streams", "").split("/") + [p for p in parts if "@" in p]
        given_key = request.query.get("listenKey")
        key = self._exchange.listen_key
        if given_key is not None and given_key != key:
            refusal = {"code": -1125, "msg": TEXTS[-1125]}
            return web.json_response(refusal, status=400)
        socket = Socket(request, combined="stream" in parts)
        socket.is_user = key is not None and key in (given_key, *names, *parts)
        await socket.ws.prepare(request)
        kind = {"stream": "user" if socket.is_user else "market"}
        self._sockets[socket] = None
        self._exchange.journal.write("socket.opened", kind)
        try:
            await self._subscribe(socket, [name for name in names if name])
            with contextlib.suppress(ConnectionError):
                async for message in socket.ws:
                    if message.type == WSMsgType.TEXT:
                        await self._command(socket, message.data)
        finally:
            self._sockets.pop(socket, None)
            self._exchange.journal.write("socket.closed", kind)
        return socket.ws

    def drop_all(self) -> int:
        """Break all connections abruptly; return how many."""
        for socket in self._sockets:
            socket.abort()
        return len(self._sockets)

    def drop_users(self) -> None:
        """Break the user streams, because their listen key was closed."""
        for socket in self._users():
            socket.abort()

    async def close(self) -> None:
        """Close all connections in order, because the exchange stops."""
        for socket in list(self._sockets):
            await socket.ws.close(code=1001)

    async def _command(self, socket: Socket, text: str) -> None:
        """Answer SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
        try:
            message = json.loads(text)
            method, names = message["method"], list(message.get("params") or [])
        except (ValueError, KeyError, TypeError):
            error = {"code": 2, "msg": "Invalid request: it has to be JSON with method and params."}
            await socket.ws.send_json({"error": error, "id": None})
            return
        result = None
        if method == "UNSUBSCRIBE":
            socket.streams.difference_update(names)
        elif method == "LIST_SUBSCRIPTIONS":
            result = sorted(socket.streams)
        elif method != "SUBSCRIBE":
            error = {"code": 2, "msg": f"Invalid request: unknown method {method}."}
            await socket.ws.send_json({"error": error, "id": message.get("id")})
            return
        await socket.ws.send_json({"result": result, "id": message.get("id")})
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
        now, seq = self._exchange.now_ms(), self._exchange.journal.seq
        for book in self._exchange.state.books.values():
            name = book.rules.name.lower()
            for stream in names:
                if stream == f"{name}@bookTicker":
                    await socket.send(stream, payloads.book_ticker(book, seq, now, book.price))
                elif stream.startswith(f"{name}@markPrice"):
                    await socket.send(stream, payloads.mark_price(book.rules.name, now, book.price))

    def _users(self) -> list[Socket]:
        return [socket for socket in self._sockets if socket.is_user]

    # User events

    def recipients(self) -> list[Socket]:
        """Return who is told of what happens now."""
        return self._users()

    def tell_users(
        self, records: Sequence[Mapping[str, Any]], recipients: Sequence[Socket]
    ) -> None:
        """Queue the user events of some records."""
        for record in records:
            event = payloads.user_event(record)
            if event is None:
                continue
            if event["e"] == "ALGO_UPDATE" and event["o"]["X"] == "FINISHED":
                loop = asyncio.get_running_loop()
                loop.call_later(FINISHED_DELAY_SECONDS, self._enqueue, event, list(recipients))
            else:
                self._enqueue(event, list(recipients))

    def _enqueue(self, event: payloads.Payload, recipients: list[Socket]) -> None:
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
                event, recipients = self._queue.popleft()
                await self._deliver(event, [s for s in recipients if s in self._sockets])
            self._quiet.set()
            self._queued.clear()
            await self._queued.wait()

    async def _deliver(self, event: payloads.Payload, recipients: list[Socket]) -> None:
        body: Mapping[str, Any] = event.get("o") or next(iter(event.get("a", {}).get("P", [])), {})
        about = {
            "event": event["e"],
            "client_order_id": body.get("c") or body.get("caid"),
            "execution": body.get("x"),
            "symbol": body.get("s"),
        }
        met = self._faults.meet(about, EVENT_PHASES) if recipients else {}
        if "before" in met:
            await self._hold(met["before"], about)
        sent = [await s.send("user", event) for s in recipients if s in self._sockets]
        noted = {key: about[key] for key in ("event", "client_order_id", "execution")}
        self._exchange.journal.write("event", noted | {"delivered": sum(sent)})
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

    async def tell_market(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Send quotes, trades, mark prices and candles for what some records say."""
        wanted = {stream for socket in self._sockets for stream in socket.streams}
        if not wanted:
            return
        moved: set[str] = set()
        for record in records:
            name = record["data"].get("symbol")
            if record["kind"] == "market.price":
                moved.add(name)
                await self._tell_price(name, record, wanted)
            elif record["kind"] == "market.bar_closed":
                moved.discard(name)
                await self._tell_candles(name, record["market_ms"], wanted, closed=True)
        for name in moved:
            await self._tell_candles(name, self._exchange.now_ms(), wanted, closed=False)

    async def _tell_price(self, name: str, record: Mapping[str, Any], wanted: set[str]) -> None:
        """Send what a new last price means: a trade of others, the quote, the mark price."""
        price, number, stamp = record["data"]["price"], record["seq"], record["market_ms"]
        book, last = self._exchange.state.books[name], Decimal(price)
        aggregate, single = payloads.public_trade(name, price, number, stamp)
        mark = payloads.mark_price(name, stamp, last)
        for suffix, event in (
            ("bookTicker", payloads.book_ticker(book, number, stamp, last)),
            ("aggTrade", aggregate),
            ("trade", single),
            ("markPrice", mark),
            ("markPrice@1s", mark),
        ):
            await self._broadcast(f"{name.lower()}@{suffix}", event, wanted)

    async def _tell_candles(self, name: str, stamp: int, wanted: set[str], *, closed: bool) -> None:
        state, book = self._exchange.state, self._exchange.state.books[name]
        for interval, minutes in INTERVALS.items():
            stream = f"{name.lower()}@kline_{interval}"
            if stream not in wanted:
                continue
            bars = book.bars[-minutes:]
            first_ms = state.forming_open_ms - len(bars) * MINUTE_MS
            if not closed and book.forming is not None:
                bars = [*bars, book.forming]
            candle = candles(bars, first_ms, minutes)[-1]
            ends = closed and candle.close_ms < state.forming_open_ms
            event = payloads.kline_event(name, interval, candle, stamp, closed=ends)
            await self._broadcast(stream, event, wanted)

    async def _broadcast(self, stream: str, data: payloads.Payload, wanted: set[str]) -> None:
        if stream in wanted:
            for socket in list(self._sockets):
                if stream in socket.streams:
                    await socket.send(stream, data)
