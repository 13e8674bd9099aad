"""
The door between the engine's adapter and the exchange: every request of the one goes through here.

The adapter of NautilusTrader 2 is native code: nothing of it can be replaced. But it may be told
where its exchange is, and is told that it is here, on a port of this process. So its requests carry
the exchange's time and a window that ends with the lease; what has become of a request that nobody
has answered is found out before the adapter hears anything; a question that fails is asked once
more, and its end is told in words.

The adapter has a key of this process's own, so that nobody else who finds the port can use it; the
account's key never leaves this package.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from ...exit_codes import ExitCode, NodeExit, one_line
from ...venue.binance.refusals import refusal_of
from ...venue.binance.requests import (
    FAILURES,
    LISTEN_KEY,
    OK,
    ExchangeError,
    Requests,
    failure_words,
    read_json,
    wait_told,
)
from ...venue.binance.signing_clock import NotAllowed

PREFIX = "x-aHRE4BCj-R"
"""What the adapter puts before a client order id of up to 24 letters."""
SEND_SECONDS = 2.5
"""How long an answer is waited for: the exchange accepts a request for two seconds."""
AGAIN_SECONDS = 0.25
"""The pause before a question is asked once more."""
LONGEST_WAIT_SECONDS = 10.0
"""How long the exchange may ask to wait."""
ORDERS = {"/fapi/v1/order": "order", "/fapi/v1/algoOrder": "conditional"}
NAMES = ("newClientOrderId", "clientAlgoId", "origClientOrderId")
NUMBERS = {"order": "orderId", "conditional": "algoId"}
STAMPS = frozenset({"timestamp", "recvWindow", "signature"})
KEY_HEADER = "X-MBX-APIKEY"
NOBODY_ANSWERS = 503
NO_WORKING_ORDER = -2011
NEVER_EXECUTED = -1008
UNKNOWN = frozenset({-1000, -1006, -1007})
TIMED_OUT = 408
REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Said:
    """What the adapter is answered: a status and JSON."""

    status: int
    body: bytes

    @property
    def code(self) -> int | None:
        """The exchange's own code; ``None`` when there is none."""
        answer = read_json(self.body)
        code = answer.get("code") if isinstance(answer, dict) else None
        return code if isinstance(code, int) else None


def said(status: int, answer: Any) -> Said:
    """Return an answer of this package's own."""
    return Said(status, json.dumps(answer).encode())


class Orders(Protocol):
    """Who knows of orders, and finds out what has become of one."""

    def sends(self, kind: str, name: str) -> None:
        """Hear that an order is sent now."""

    def answered(self, kind: str, name: str, number: int) -> None:
        """Hear which number the exchange has given to it."""

    def name_of(self, kind: str, number: str) -> str | None:
        """Return the client order id of a number."""

    async def sent(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out what has become of an order whose sending nobody has answered."""

    async def canceled(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out the same of a request to cancel."""


class Door:
    """
    An HTTP server for one adapter.

    Parameters
    ----------
    requests : Requests
        How to ask the exchange.
    orders : Orders
        Who finds out.
    stream : Callable[[web.Request], Awaitable[web.StreamResponse]]
        Serves the user stream.
    tell : Callable[[NodeExit], None]
        Told how a start has to end when a question has failed.

    Attributes
    ----------
    key, secret : str
        What the adapter signs with.
    port : int
        Where it listens, once it does.

    """

    def __init__(
        self,
        requests: Requests,
        orders: Orders,
        stream: Callable[[web.Request], Awaitable[web.StreamResponse]],
        tell: Callable[[NodeExit], None],
    ) -> None:
        self._requests = requests
        self._orders = orders
        self._tell = tell
        self._stream = stream
        self._listen_keys: set[str] = set()
        self.key = secrets.token_hex(32)
        self.secret = secrets.token_hex(32)
        self.port = 0
        application = web.Application()
        application.router.add_get("/ws", self._serve_stream)
        application.router.add_get("/{path:.*}/ws", self._serve_stream)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True)

    async def open(self) -> None:
        """Listen on a free port of this machine alone."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=0.5)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()

    async def _serve_stream(self, request: web.Request) -> web.StreamResponse:
        """Serve the stream of a key that was asked for through this door, and no other."""
        if request.query.get("listenKey") not in self._listen_keys:
            return web.Response(status=401)
        return await self._stream(request)

    # -- One request -------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.Response:
        text = request.query_string
        if body := await request.text():
            text = f"{text}&{body}" if text else body
        fields = dict(parse_qsl(text, keep_blank_values=True))
        # A question that anybody may ask needs no key; all else is the adapter's own alone.
        is_signed = "signature" in fields or request.path == LISTEN_KEY
        # A key to listen with is the same one again, however often it is asked for.
        is_open = request.method == "GET" and not is_signed
        if not (is_open or self._is_own(request, text)):
            return web.Response(status=401, text='{"code":-2015,"msg":"This is not your door."}')
        query = {name: _own_id(name, value) for name, value in fields.items() if name not in STAMPS}
        kind = ORDERS.get(request.path)
        if kind is not None and request.method != "GET":
            answer = await self._change(request.method, request.path, kind, query)
        else:
            answer = await self._ask(request.method, request.path, query, sign=is_signed)
        return web.Response(status=answer.status, body=answer.body, content_type="application/json")

    def _is_own(self, request: web.Request, text: str) -> bool:
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, ""), self.key):
            return False
        signed, mark, signature = text.rpartition("&signature=")
        if not mark:
            return request.path == LISTEN_KEY  # which needs the key alone
        own = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature, own)

    # -- Questions ---------------------------------------------------------------------------------

    async def _ask(self, verb: str, path: str, query: Mapping[str, str], *, sign: bool) -> Said:
        """Ask, and once more when that fails; a failure for good is told."""
        what, failure = path.rpartition("/")[2], NodeExit(ExitCode.AWAY, "")
        for attempt in (1, 2):
            wait = AGAIN_SECONDS
            try:
                await self._requests.rest()
                status, headers, body = await self._requests.pass_on(verb, path, query, sign=sign)
            except NodeExit as end:
                failure = end
                break
            except NotAllowed as error:
                failure = NodeExit(ExitCode.AWAY, f"{one_line(error).capitalize()}.")
                break
            except FAILURES as error:
                failure = NodeExit(
                    ExitCode.AWAY,
                    f"The exchange did not answer {what} in two attempts ({failure_words(error)}).",
                )
            else:
                answer = read_json(body)
                if status == OK and answer is not None:
                    if path == LISTEN_KEY and isinstance(answer, dict) and "listenKey" in answer:
                        self._listen_keys.add(str(answer["listenKey"]))
                    return Said(status, body)
                asked_to_wait = wait_told(status, headers) or 0.0
                if REFUSALS.start <= status < REFUSALS.stop and not asked_to_wait:
                    told = f"HTTP status {status}: {answer}"
                    refusal = refusal_of(ExchangeError(_code(answer), told, status))
                    if refusal is not None:
                        self._tell(refusal)
                    return Said(status, body)
                if asked_to_wait > LONGEST_WAIT_SECONDS:
                    return Said(status, body)
                wait = max(wait, asked_to_wait)
                if status == OK:
                    failure = NodeExit(
                        ExitCode.REFUSED,
                        f"The exchange answers {what} with something that cannot be read. That is "
                        "not believed, and nothing is traded.",
                    )
                else:
                    failure = NodeExit(
                        ExitCode.AWAY,
                        f"The exchange did not answer {what} in two attempts (HTTP status "
                        f"{status}).",
                    )
            if attempt == 1:
                await asyncio.sleep(wait)
        self._tell(failure)
        return said(NOBODY_ANSWERS, {"code": -1000, "msg": failure.sentence})

    # -- Changes -----------------------------------------------------------------------------------

    async def _change(self, verb: str, path: str, kind: str, query: dict[str, str]) -> Said:
        name = next((query[each] for each in NAMES if each in query), None)
        if name is None:
            name = self._orders.name_of(kind, query.get(NUMBERS[kind], "")) or ""
        if verb == "POST":
            self._orders.sends(kind, name)
        answer, why = None, ""
        try:
            status, _, body = await self._requests.pass_on(
                verb, path, query, sign=True, seconds=SEND_SECONDS
            )
            answer = Said(status, body)
            why = f"HTTP status {status}"
        except NotAllowed as error:
            why = one_line(error)
        except FAILURES as error:
            why = failure_words(error)
        symbol = query.get("symbol", "")
        is_gone = verb == "DELETE" and answer is not None and answer.code == NO_WORKING_ORDER
        if answer is not None and not is_gone and not is_unknown(answer):
            if answer.status == OK and verb == "POST":
                number = read_json(answer.body).get(NUMBERS[kind])
                if number is not None:
                    self._orders.answered(kind, name, int(number))
            return answer
        if verb == "POST":
            return await self._orders.sent(kind, symbol, name, why)
        return await self._orders.canceled(kind, symbol, name, why)


def is_unknown(answer: Said) -> bool:
    """
    Return whether what was asked for may have been done all the same.

    Source: USD-M Futures, General Info, "HTTP Return Codes" (408, 503) and Error Codes (-1000,
    -1006, -1007: "execution status unknown"; -1008: not executed).
    """
    if answer.status == OK:
        return read_json(answer.body) is None
    if answer.code is None:
        return True  # a page of somebody between, for one, who does not know either
    if answer.status not in REFUSALS:
        return answer.code != NEVER_EXECUTED
    return answer.status == TIMED_OUT or answer.code in UNKNOWN


def _own_id(name: str, value: str) -> str:
    """Return a field as the exchange gets it: without what the adapter puts before an id."""
    return value.removeprefix(PREFIX) if name in NAMES else value


def _code(answer: Any) -> int | None:
    code = answer.get("code") if isinstance(answer, dict) else None
    return code if isinstance(code, int) else None
