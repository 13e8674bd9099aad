"""The HTTP side: read a request and send its answer; and tell everybody what has changed."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from ..errors import ExchangeError
from ..exchange import Exchange
from ..faults.faults import Faults
from ..journal.journal import Record
from .bar_ends import BarEnds
from .endpoints import ENDPOINTS, Endpoint
from .limits import Limits
from .parameters import Parameters
from .requests import Answer, Asked, Requests
from .signing import signed_text
from .sockets import Socket, Sockets
from .user_stream import UserStream
from .ws_api import SESSION_REQUESTS, WsApi, is_ws_api

TICK_SECONDS = 0.5
BODY_SECONDS = 10.0
"""So long a client may take to send the body of a request."""

RETRY_SECONDS = "1"


class Server:
    """One exchange on the network."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        requests = [endpoint.request for endpoint in ENDPOINTS.values()]
        words = {"request": list(dict.fromkeys([*requests, *SESSION_REQUESTS]))}
        self.faults = Faults(exchange.journal, {**words, "symbol": list(exchange.state.books)})
        self.sockets = Sockets(exchange)
        self.user_stream = UserStream(exchange, self.faults, self.sockets)
        self._requests = Requests(exchange, self.faults, self.sockets, self.tell)
        self._ws_api = WsApi(exchange, self.sockets, self._requests)
        self._bar_ends = BarEnds(self.faults, self.sockets.broadcast)
        self._moving = asyncio.Lock()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything but the control interface."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if is_ws_api(request):
                return await self._ws_api.serve(request)
            return await self.sockets.serve(request)
        endpoint = ENDPOINTS.get(f"{request.method} {request.path}")
        if endpoint is None:
            msg = f"Path {request.path}, Method {request.method} is invalid"
            return _response(404, {"code": -5000, "msg": msg})
        try:
            asked = await _read(request, endpoint)
        except TimeoutError:
            return _response(408, ExchangeError(-1007).answer)
        client = HttpClient(request, self.exchange.limits)
        await self._requests.answer(asked, client)
        return client.response

    async def tell(
        self, records: Sequence[Record], recipients: Sequence[Socket] | None = None
    ) -> None:
        """Send the events of some records, user events first."""
        users = self.sockets.users() if recipients is None else recipients
        self.user_stream.tell(records, users)
        await self.user_stream.flush()
        listened, now = self.sockets.streams(), self.exchange.clock.now_ms()
        told = self.sockets.market.told_by(records, listened, self.exchange.journal.seq, now)
        await self._bar_ends.tell(told)

    async def move(self, act: Callable[[], None]) -> list[Record]:
        """Let market or account change by itself, tell everybody, and return what was recorded."""
        journal = self.exchange.journal
        async with self._moving:
            before = journal.seq
            with journal.batch():
                act()
            records = journal.after(before)
            await self.tell(records)
        return records

    async def run(self) -> None:
        """Send user events, ping sockets, let listen key and countdowns end, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.user_stream.run())
            group.create_task(self.sockets.watch())
            group.create_task(self._watch_listen_key())
            group.create_task(self._watch_countdowns())

    async def expire_listen_key(self) -> None:
        """Let the listen key end and tell its user streams, which hear nothing more then."""
        users, before = self.sockets.users(), self.exchange.journal.seq
        self.exchange.listen_key.expire()
        await self.tell(self.exchange.journal.after(before), users)

    async def run_market(self) -> None:
        """Let a market that is not stepped follow its clock, for ever or until it is used up."""
        exchange = self.exchange
        while True:
            before = exchange.journal.seq
            with exchange.journal.batch():
                arrived = exchange.course.advance(exchange.clock.now_ms())
            await self.tell(exchange.journal.after(before))
            await asyncio.sleep(TICK_SECONDS if arrived else 0)

    async def _watch_listen_key(self) -> None:
        while True:
            await self.exchange.listen_key.outlived()
            await self.expire_listen_key()

    async def _watch_countdowns(self) -> None:
        while True:
            await self.exchange.countdowns.passed()
            await self.move(self.exchange.countdowns.end)


async def _read(request: web.Request, endpoint: Endpoint) -> Asked:
    """Read a request; bytes that are no text become signs that no signature covers."""
    query = request.raw_path.partition("?")[2].encode(errors="replace").decode()
    key = request.headers.get("X-MBX-APIKEY", "").encode(errors="replace").decode()
    async with asyncio.timeout(BODY_SECONDS):
        body = (await request.read()).decode(errors="replace")
    covered = signed_text(query) + signed_text(body)
    return Asked(endpoint, Parameters.parse(query, body), key, covered)


class HttpClient:
    """Who asks over HTTP."""

    def __init__(self, request: web.Request, limits: Limits) -> None:
        self.response = _response(503, {"code": -1001, "msg": "The client went away."})
        self._request = request
        self._limits = limits

    def is_gone(self) -> bool:
        """Tell whether its connection is closed."""
        return self._request.transport is None or self._request.transport.is_closing()

    async def take(self, answer: Answer, *, lost: bool) -> None:
        """Send an answer now, or lose it with its connection; a client that is gone gets none."""
        if answer.page:
            self.response = web.Response(status=answer.status, text=answer.page)
            self.response.content_type = "text/html"
        else:
            self.response = _response(answer.status, answer.content)
        if answer.ordered and answer.status in (418, 429):
            self.response.headers["Retry-After"] = RETRY_SECONDS
        for name, value in self._limits.headers(answer.cost, answer.status).items():
            self.response.headers.setdefault(name, value)
        if lost and self._request.transport is not None:
            self._request.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.response.prepare(self._request)
            await self.response.write_eof()


def _response(status: int, content: Any) -> web.Response:
    body = json.dumps(content, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json")
