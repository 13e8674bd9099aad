"""The HTTP side: read a request, let it pass the gates, answer and tell everybody."""

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from aiohttp import web

from .clock import wall_ms
from .errors import ExchangeError
from .exchange import Exchange
from .faults import REQUEST_PHASES, Fault, Faults
from .parameters import Parameters
from .rest import ENDPOINTS, ID_NAMES, Endpoint
from .streams import Socket, Streams

TICK_SECONDS = 0.5
JOURNALED_WITHOUT_KEY = frozenset({"klines.read", "exchange_info.read"})


class Server:
    """One exchange on the network.

    Parameters
    ----------
    exchange : Exchange
        Who decides.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.faults = Faults(exchange.journal)
        self.streams = Streams(exchange, self.faults)
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer anything but the control interface."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.streams.serve(request)
        endpoint = ENDPOINTS.get((request.method, request.path))
        if endpoint is None:
            msg = f"Path {request.path}, Method {request.method} is invalid"
            return _answer(404, {"code": -5000, "msg": msg})
        body = await request.text()
        query = request.raw_path.partition("?")[2]  # untouched: the signature covers its bytes
        parameters = Parameters.parse(query, body)
        about = self._describe(endpoint, parameters)
        met = self.faults.meet(about, REQUEST_PHASES)
        if "received" in met:
            await self.faults.hold(met["received"], about)
            if _is_gone(request) and not met["received"].late:
                return _answer(503, {"code": -1001, "msg": "The client went away."})
        before = self.exchange.journal.seq
        recipients = self.streams.recipients()
        if "fail" in met:
            fault = met["fail"]
            self.faults.fire(fault, about)
            error = ExchangeError(fault.code, "Internal error; unable to process your request. "
                                  "Please try again.", fault.status)  # fmt: skip
            status, answer = error.status, _error(error)
        else:
            status, answer = self._process(endpoint, request, query, body, parameters)
        records = self.exchange.journal.after(before)
        self._note(endpoint, about, status, answer)
        if "processed" in met:
            await self.faults.hold(met["processed"], about)
        response = _answer(status, answer)
        if "answered" in met:
            await _send(response, request)
            # Not here: the client may use its connection again before the gate is released.
            self._later(self._tell_released(met["answered"], about, records, recipients))
            return response
        await self.tell(records, recipients)
        if endpoint.request == "listen_key.close":
            self.streams.drop_users()
        return response

    async def tell(
        self, records: Sequence[Mapping[str, Any]], recipients: Sequence[Socket] | None = None
    ) -> None:
        """Send the events of some records, user events first."""
        self.streams.tell_users(
            records, self.streams.recipients() if recipients is None else recipients
        )
        await self.streams.flush()
        await self.streams.tell_market(records)

    async def _tell_released(
        self,
        fault: Fault,
        about: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        recipients: Sequence[Socket],
    ) -> None:
        await self.faults.hold(fault, about)
        await self.tell(records, recipients)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run_market(self) -> None:
        """Let a market that is not stepped follow its clock, for ever or until it is used up."""
        exchange = self.exchange
        while True:
            before = exchange.journal.seq
            arrived = exchange.course.advance(exchange.now_ms())
            await self.tell(exchange.journal.after(before))
            await asyncio.sleep(TICK_SECONDS if arrived else 0)

    def _process(
        self,
        endpoint: Endpoint,
        request: web.Request,
        query: str,
        body: str,
        parameters: Parameters,
    ) -> tuple[int, Any]:
        """Check who asks and do what is asked."""
        credentials = self.exchange.credentials
        try:
            if endpoint.security != "none":
                credentials.check_key(request.headers)
            if endpoint.security == "signed":
                credentials.check_signature(query, body, parameters, wall_ms())
            return 200, endpoint.handle(self.exchange, parameters)
        except ExchangeError as error:
            return error.status, _error(error)

    def _describe(self, endpoint: Endpoint, p: Parameters) -> dict[str, Any]:
        """Say what a request is about, in the words of the control interface."""
        leg = None
        if endpoint.request == "order.new":
            leg = "exit" if p.get("reduceOnly", "").lower() == "true" else "entry"
        elif endpoint.request == "conditional.new":
            leg = "stop" if p.get("type", "").startswith("STOP") else "take_profit"
        client_order_id = (
            p.get("newClientOrderId") or p.get("origClientOrderId") or p.get("clientAlgoId")
        )
        for kind, (name, _) in ID_NAMES.items():
            word = p.get(name, "")
            if not client_order_id and word:
                order = self.exchange.state.find(kind, word, None)
                client_order_id = order.client_order_id if order is not None else None
        return {
            "request": endpoint.request,
            "leg": leg,
            "client_order_id": client_order_id,
            "symbol": p.get("symbol"),
        }

    def _note(self, endpoint: Endpoint, about: dict[str, Any], status: int, answer: Any) -> None:
        """Record a request that could matter."""
        if endpoint.security == "none" and endpoint.request not in JOURNALED_WITHOUT_KEY:
            return
        refused = status != 200 and isinstance(answer, dict)
        data = about | {"status": status, "code": answer["code"] if refused else None}
        if isinstance(answer, list):
            data["rows"] = len(answer)
        self.exchange.journal.write("request", data)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _send(response: web.Response, request: web.Request) -> None:
    """Send an answer now; a client that is gone does not get it."""
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return


def _error(error: ExchangeError) -> dict[str, Any]:
    return {"code": error.code, "msg": error.message}


def _answer(status: int, content: Any) -> web.Response:
    body = json.dumps(content, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json")
