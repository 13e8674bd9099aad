"""The way of a request, however it came: it meets faults, is carried out, and is answered.

With the names of the phases in which a fault may hold it: it is read (``received``), carried out as
one batch of records (``processed``), its events leave, and last its answer. Only when held
``answered`` do its events leave after the answer.
"""

import asyncio
import http.client
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from ..errors import TEXTS, ExchangeError
from ..exchange import Exchange
from ..faults.faults import Fault, Faults
from ..faults.table import REQUEST_FAULTS
from ..journal.journal import Record
from .endpoints import Endpoint
from .limits import Cost
from .lookup import ID_NAMES
from .parameters import Parameters
from .sockets import Socket, Sockets

JOURNALED_WITHOUT_KEY = ("klines.read", "exchange_info.read")

Tell = Callable[[Sequence[Record], Sequence[Socket] | None], Awaitable[None]]
"""Sends the events of some records."""


class Asked(NamedTuple):
    """A request: what it wants, who asks, and the text that its signature has to cover.

    Without such a text it needs no signature: its connection is logged on. The method is that of
    the WebSocket API, for the journal.
    """

    endpoint: Endpoint
    parameters: Parameters
    key: str
    signed: str | None
    method: str = ""


class Answer(NamedTuple):
    """What a request comes to; a page instead of a content is what a gateway sends."""

    status: int
    content: Any
    cost: Cost
    page: str = ""
    ordered: bool = False  # by a fault, which knows nothing of limits


class Client(Protocol):
    """Who asks, as long as the request lasts."""

    def is_gone(self) -> bool:
        """Tell whether nobody waits for the answer any more."""

    async def take(self, answer: Answer, *, lost: bool) -> None:
        """Send the answer, or lose it with its connection."""


class Requests:
    """Take the requests of one exchange on their way."""

    def __init__(self, exchange: Exchange, faults: Faults, sockets: Sockets, tell: Tell) -> None:
        self._exchange = exchange
        self._faults = faults
        self._sockets = sockets
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked, client: Client) -> None:
        """Do what is asked and answer; who went away before it was begun has asked for nothing."""
        about = self._describe(asked)
        met = self._faults.meet(about, REQUEST_FAULTS)
        held = await self._faults.hold(met, "received", about)
        if held and client.is_gone() and not any(fault.options.get("late") for fault in held):
            return
        recipients = self._sockets.users()
        records, answer = self._carry_out(asked, about, met)
        await self._faults.hold(met, "processed", about)
        lost = any(fault.name == "lose_ack" for fault in met)
        if any(fault.phase == "answered" for fault in met):
            await client.take(answer, lost=lost)
            # Not here: the client may use its connection again before the gate is released.
            task = asyncio.create_task(self._tell_released(met, about, records, recipients))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        await self._tell(records, recipients)
        if lost:
            await client.take(answer, lost=True)
        if about["request"] == "listen_key.close":
            self._sockets.drop(recipients)
        if not lost:
            await client.take(answer, lost=False)

    def _carry_out(
        self, asked: Asked, about: Record, met: Sequence[Fault]
    ) -> tuple[list[Record], Answer]:
        """Do what is asked, unless a fault prevents it; all records of it are one batch."""
        journal, cost = self._exchange.journal, asked.endpoint.cost
        before = journal.seq
        failing = next((fault for fault in met if fault.name == "fail"), None)
        past = next((fault.past for fault in met if fault.past is not None), None)
        exchange = self._exchange if past is None else replace(self._exchange, state=past)
        code: int | None = None
        with journal.batch():
            for fault in met:
                if fault.name in ("fail", "lose_ack", "stale"):
                    self._faults.happen(fault, about)
            try:
                if failing is not None and not failing.options["processed"]:
                    status, code, content = failing.options["status"], failing.options["code"], None
                else:
                    self._check(asked)
                    status, content = 200, asked.endpoint.handle(exchange, asked.parameters)
            except ExchangeError as error:
                status, code, content = error.status, error.code, error.answer
            if asked.endpoint.security != "none" or about["request"] in JOURNALED_WITHOUT_KEY:
                more: dict[str, Any] = {"method": asked.method} if asked.method else {}
                if isinstance(content, list):
                    more["rows"] = len(content)
                if interval := asked.parameters.get("interval"):
                    more["interval"] = interval
                journal.write("request", {**about, "status": status, "code": code, **more})
        answer = Answer(status, content, cost) if failing is None else _failure(failing, cost)
        return journal.after(before), answer

    def _check(self, asked: Asked) -> None:
        """Refuse who may not ask this, or asks too much."""
        limits, cost = self._exchange.limits, asked.endpoint.cost
        limits.weigh(cost, asked.parameters)
        if asked.endpoint.security != "none":
            credentials = self._exchange.keys.of(asked.key)
            if asked.endpoint.security == "signed":
                credentials.check_request(asked.signed, asked.parameters)
        limits.order(cost)

    async def _tell_released(
        self, met: Sequence[Fault], about: Record, records: list[Record], users: Sequence[Socket]
    ) -> None:
        await self._faults.hold(met, "answered", about)
        await self._tell(records, users)

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
                order = self._exchange.state.find(order_kind, p[name], None)
                client_order_id = order.client_order_id if order is not None else None
        about = {"request": kind, "leg": leg, "symbol": p.get("symbol")}
        return about | {"client_order_id": client_order_id}


def _failure(fault: Fault, cost: Cost) -> Answer:
    """Make the answer that a ``fail`` orders; without a code a page, as from a gateway."""
    status, code, message = (fault.options[name] for name in ("status", "code", "message"))
    if code is None:
        title = message or f"{status} {http.client.responses.get(status, 'Error')}"
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        return Answer(status, None, cost, page, ordered=True)
    return Answer(status, {"code": code, "msg": message or TEXTS[code]}, cost, ordered=True)
