"""The HTTP side: read a request, let it pass the gates, answer and tell everybody."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from ..errors import TEXTS, ExchangeError
from ..exchange import Exchange
from ..faults.faults import REQUEST_PHASES, Fault, Faults
from ..journal.journal import Record
from .endpoints import ENDPOINTS, Endpoint
from .lookup import ID_NAMES
from .market_streams import told_by
from .parameters import Parameters
from .sockets import Socket, Sockets
from .user_stream import UserStream

TICK_SECONDS = 0.5
JOURNALED_WITHOUT_KEY = ("klines.read", "exchange_info.read")


class Server:
    """One exchange on the network."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.faults = Faults(exchange.journal)
        self.sockets = Sockets(exchange)
        self.user_stream = UserStream(exchange, self.faults, self.sockets)
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything but the control interface."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.sockets.serve(request)
        endpoint = ENDPOINTS.get(f"{request.method} {request.path}")
        if endpoint is None:
            msg = f"Path {request.path}, Method {request.method} is invalid"
            return _answer(404, {"code": -5000, "msg": msg})
        query = request.raw_path.partition("?")[2]  # untouched: the signature covers its bytes
        body = await request.text()
        parameters = Parameters.parse(query, body)
        about = self._describe(endpoint, parameters)
        met = self.faults.meet(about, *REQUEST_PHASES, "fail")
        if "received" in met:
            await self.faults.hold(met["received"], about)
            gone = request.transport is None or request.transport.is_closing()
            if gone and not met["received"].late:
                return _answer(503, {"code": -1001, "msg": "The client went away."})
        before, recipients = self.exchange.journal.seq, self.sockets.users()
        try:
            if "fail" in met:
                self.faults.fire(met["fail"], about)
                raise ExchangeError(met["fail"].code, TEXTS[-1001], met["fail"].status)
            if endpoint.security != "none":
                self.exchange.credentials.check_key(request.headers.get("X-MBX-APIKEY", ""))
            if endpoint.security == "signed":
                self.exchange.credentials.check_signature(query, body, parameters)
            status, code, answer = 200, None, endpoint.handle(self.exchange, parameters)
        except ExchangeError as error:
            status, code, answer = error.status, error.code, error.answer
        records = self.exchange.journal.after(before)
        if endpoint.security != "none" or endpoint.request in JOURNALED_WITHOUT_KEY:
            rows = {"rows": len(answer)} if isinstance(answer, list) else {}
            data = {**about, "status": status, "code": code, **rows}
            self.exchange.journal.write("request", data)
        if "processed" in met:
            await self.faults.hold(met["processed"], about)
        response = _answer(status, answer)
        if "answered" in met:
            await _send(response, request)
            # Not here: the client may use its connection again before the gate is released.
            later = self._tell_released(met["answered"], about, records, recipients)
            task = asyncio.create_task(later)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return response
        await self.tell(records, recipients)
        if endpoint.request == "listen_key.close":
            self.sockets.drop_users()
        return response

    async def tell(
        self, records: Sequence[Record], recipients: Sequence[Socket] | None = None
    ) -> None:
        """Send the events of some records, user events first."""
        users = self.sockets.users() if recipients is None else recipients
        self.user_stream.tell(records, users)
        await self.user_stream.flush()
        listened, now = self.sockets.streams(), self.exchange.clock.now_ms()
        await self.sockets.broadcast(told_by(self.exchange.state, records, listened, now))

    async def run_market(self) -> None:
        """Let a market that is not stepped follow its clock, for ever or until it is used up."""
        exchange = self.exchange
        while True:
            before = exchange.journal.seq
            arrived = exchange.course.advance(exchange.clock.now_ms())
            await self.tell(exchange.journal.after(before))
            await asyncio.sleep(TICK_SECONDS if arrived else 0)

    async def _tell_released(
        self, fault: Fault, about: Record, records: Sequence[Record], recipients: Sequence[Socket]
    ) -> None:
        await self.faults.hold(fault, about)
        await self.tell(records, recipients)

    def _describe(self, endpoint: Endpoint, p: Parameters) -> dict[str, Any]:
        """Say what a request is about, in the words of the control interface."""
        leg = None
        if endpoint.request == "order.new":
            leg = "exit" if p.get("reduceOnly", "").lower() == "true" else "entry"
        elif endpoint.request == "conditional.new":
            leg = "stop" if p.get("type", "").startswith("STOP") else "take_profit"
        names = ("newClientOrderId", "origClientOrderId", "clientAlgoId")
        client_order_id = next((p[name] for name in names if p.get(name)), None)
        for kind, (name, _) in ID_NAMES.items():
            if client_order_id is None and p.get(name):
                order = self.exchange.state.find(kind, p[name], None)
                client_order_id = order.client_order_id if order is not None else None
        about = {"request": endpoint.request, "leg": leg, "symbol": p.get("symbol")}
        return about | {"client_order_id": client_order_id}


async def _send(response: web.Response, request: web.Request) -> None:
    """Send an answer now; a client that is gone does not get it."""
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write_eof()


def _answer(status: int, content: Any) -> web.Response:
    body = json.dumps(content, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json")
