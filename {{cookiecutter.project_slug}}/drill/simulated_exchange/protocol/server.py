"""The HTTP side: read a request, let it pass the faults, answer and tell everybody.

The way of a request, with the names of the phases in which a fault may hold it: it is read
(``received``), carried out as one batch of records (``processed``), its events leave, and last its
answer. Only when held ``answered`` do its events leave after the answer.
"""

import asyncio
import contextlib
import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from aiohttp import web

from ..errors import TEXTS, ExchangeError
from ..exchange import Exchange
from ..faults.faults import Fault, Faults
from ..faults.table import BAR_FAULTS, REQUEST_FAULTS
from ..journal.journal import Record
from .endpoints import ENDPOINTS, Endpoint
from .lookup import ID_NAMES
from .market_payloads import odd_bar
from .market_streams import Told
from .parameters import Parameters
from .sockets import Socket, Sockets
from .user_stream import UserStream

TICK_SECONDS = 0.5
BODY_SECONDS = 10.0
"""So long a client may take to send the body of a request."""

RETRY_SECONDS = "1"
JOURNALED_WITHOUT_KEY = ("klines.read", "exchange_info.read")


class Asked(NamedTuple):
    """A request: what it wants, and query and body as they came, which the signature covers."""

    endpoint: Endpoint
    key: str
    query: str
    body: str
    parameters: Parameters


class Server:
    """One exchange on the network."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        requests = list(dict.fromkeys(endpoint.request for endpoint in ENDPOINTS.values()))
        words = {"request": requests, "symbol": list(exchange.state.books)}
        self.faults = Faults(exchange.journal, words)
        self.sockets = Sockets(exchange)
        self.user_stream = UserStream(exchange, self.faults, self.sockets)
        self._moving = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything but the control interface."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.sockets.serve(request)
        endpoint = ENDPOINTS.get(f"{request.method} {request.path}")
        if endpoint is None:
            msg = f"Path {request.path}, Method {request.method} is invalid"
            return _answer(404, {"code": -5000, "msg": msg})
        try:
            asked = await _read(request, endpoint)
        except TimeoutError:
            return _answer(408, ExchangeError(-1007).answer)
        about = self._describe(asked)
        met = self.faults.meet(about, REQUEST_FAULTS)
        held = await self.faults.hold(met, "received", about)
        if held and _is_gone(request) and not any(fault.options.get("late") for fault in held):
            return _answer(503, {"code": -1001, "msg": "The client went away."})
        recipients = self.sockets.users()
        records, response = self._carry_out(asked, about, met)
        await self.faults.hold(met, "processed", about)
        lost = any(fault.name == "lose_ack" for fault in met)
        if any(fault.phase == "answered" for fault in met):
            await _end(request, response, lost=lost)
            # Not here: the client may use its connection again before the gate is released.
            task = asyncio.create_task(self._tell_released(met, about, records, recipients))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return response
        await self.tell(records, recipients)
        if lost:
            await _end(request, response, lost=True)
        if endpoint.request == "listen_key.close":
            self.sockets.drop(recipients)
        return response

    def _carry_out(
        self, asked: Asked, about: Record, met: Sequence[Fault]
    ) -> tuple[list[Record], web.Response]:
        """Do what is asked, unless a fault prevents it; all records of it are one batch."""
        journal = self.exchange.journal
        before = journal.seq
        failing = next((fault for fault in met if fault.name == "fail"), None)
        past = next((fault.past for fault in met if fault.past is not None), None)
        exchange = self.exchange if past is None else replace(self.exchange, state=past)
        code: int | None = None
        with journal.batch():
            for fault in met:
                if fault.name in ("fail", "lose_ack", "stale"):
                    self.faults.happen(fault, about)
            try:
                if failing is not None and not failing.options["processed"]:
                    status, code, content = failing.options["status"], failing.options["code"], None
                else:
                    self._check(asked)
                    status, content = 200, asked.endpoint.handle(exchange, asked.parameters)
            except ExchangeError as error:
                status, code, content = error.status, error.code, error.answer
            if asked.endpoint.security != "none" or about["request"] in JOURNALED_WITHOUT_KEY:
                more: dict[str, Any] = {}
                if isinstance(content, list):
                    more["rows"] = len(content)
                if interval := asked.parameters.get("interval"):
                    more["interval"] = interval
                journal.write("request", {**about, "status": status, "code": code, **more})
        response = _answer(status, content) if failing is None else _failure(failing)
        for name, value in self.exchange.limits.headers(asked.endpoint.cost, status).items():
            response.headers.setdefault(name, value)
        return journal.after(before), response

    def _check(self, asked: Asked) -> None:
        """Refuse who may not ask this, or asks too much."""
        limits, cost = self.exchange.limits, asked.endpoint.cost
        limits.weigh(cost, asked.parameters)
        if asked.endpoint.security != "none":
            self.exchange.credentials.check_key(asked.key)
        if asked.endpoint.security == "signed":
            self.exchange.credentials.check_signature(asked.query, asked.body, asked.parameters)
        limits.order(cost)

    async def tell(
        self, records: Sequence[Record], recipients: Sequence[Socket] | None = None
    ) -> None:
        """Send the events of some records, user events first."""
        users = self.sockets.users() if recipients is None else recipients
        self.user_stream.tell(records, users)
        await self.user_stream.flush()
        listened, now = self.sockets.streams(), self.exchange.clock.now_ms()
        told = self.sockets.market.told_by(records, listened, self.exchange.journal.seq, now)
        await self.sockets.broadcast([self._odd(*one) for one in told])

    def _odd(self, stream: str, content: Any) -> Told:
        """Return what a stream says, with the bar that ends and meets a fault told wrong."""
        bar = content.get("k") if isinstance(content, dict) else None
        if bar is None or not bar["x"]:
            return stream, content
        about = {"symbol": bar["s"], "interval": bar["i"], "close_ms": bar["T"]}
        for fault in self.faults.meet(about, BAR_FAULTS):
            self.faults.happen(fault, about)
            content = odd_bar(content, fault.options["factor"])
        return stream, content

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
        """Send user events, ping sockets and let the listen key end, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.user_stream.run())
            group.create_task(self.sockets.watch())
            group.create_task(self._watch_listen_key())

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

    async def _tell_released(
        self, met: Sequence[Fault], about: Record, records: list[Record], users: Sequence[Socket]
    ) -> None:
        await self.faults.hold(met, "answered", about)
        await self.tell(records, users)

    def _describe(self, asked: Asked) -> dict[str, Any]:
        """Say what a request is about, in the words of the control interface."""
        kind, p, leg = asked.endpoint.request, asked.parameters, None
        if kind == "order.new":
            leg = "exit" if p.get("reduceOnly", "").lower() == "true" else "entry"
        elif kind == "conditional.new":
            leg = "stop" if p.get("type", "").startswith("STOP") else "take_profit"
        names = ("newClientOrderId", "origClientOrderId", "clientAlgoId")
        client_order_id = next((p[name] for name in names if p.get(name)), None)
        for order_kind, (name, _) in ID_NAMES.items():
            if client_order_id is None and p.get(name):
                order = self.exchange.state.find(order_kind, p[name], None)
                client_order_id = order.client_order_id if order is not None else None
        about = {"request": kind, "leg": leg, "symbol": p.get("symbol")}
        return about | {"client_order_id": client_order_id}


async def _read(request: web.Request, endpoint: Endpoint) -> Asked:
    """Read a request; bytes that are no text become signs that no signature covers."""
    query = request.raw_path.partition("?")[2].encode(errors="replace").decode()
    key = request.headers.get("X-MBX-APIKEY", "").encode(errors="replace").decode()
    async with asyncio.timeout(BODY_SECONDS):
        body = (await request.read()).decode(errors="replace")
    return Asked(endpoint, key, query, body, Parameters.parse(query, body))


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _end(request: web.Request, response: web.Response, *, lost: bool) -> None:
    """Send an answer now, or lose it with its connection; a client that is gone gets none."""
    if lost and request.transport is not None:
        request.transport.abort()
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write_eof()


def _failure(fault: Fault) -> web.Response:
    """Make the answer that a ``fail`` orders; without a code a page, as from a gateway."""
    status, code, message = (fault.options[name] for name in ("status", "code", "message"))
    if code is None:
        title = message or f"{status} {http.client.responses.get(status, 'Error')}"
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        response = web.Response(status=status, text=page, content_type="text/html")
    else:
        response = _answer(status, {"code": code, "msg": message or TEXTS[code]})
    if status in (418, 429):
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _answer(status: int, content: Any) -> web.Response:
    body = json.dumps(content, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json")
