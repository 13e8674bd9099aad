"""The WebSocket API: the same requests as over HTTP, each a message of JSON on one connection.

It is a shell: methods are names of the endpoints that answer over HTTP, and requests go the same
way, so that the same faults meet them and the same rules decide.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "Websocket API
General Info" and the pages of the methods. Not documented there: ``ping`` and ``time``, which the
exchange's spot market has; that a message which is no request is -1135, as there; -5000 for an
unknown method and -4056 for a logon by an HMAC key, which clients report.
"""

import asyncio
import json
import re
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from ..clock import wall_ms
from ..errors import TEXTS, ExchangeError
from ..exchange import Exchange
from .endpoints import ACCOUNT, MARKET, ORDERS, Endpoint
from .limits import Cost
from .parameters import Parameters
from .requests import Answer, Asked, Requests
from .signing import sorted_text
from .sockets import Socket, Sockets
from .subscriptions import RequestId, Subscriptions

HANDSHAKE = Cost(5)
SESSION = Cost(2)
SESSION_REQUESTS = ("session.logon", "session.status", "session.logout")
ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")

METHODS = {
    "order.place": ORDERS["POST /fapi/v1/order"],
    "order.modify": ORDERS["PUT /fapi/v1/order"],
    "order.cancel": ORDERS["DELETE /fapi/v1/order"],
    "order.status": ORDERS["GET /fapi/v1/order"],
    "algoOrder.place": ORDERS["POST /fapi/v1/algoOrder"],
    "algoOrder.cancel": ORDERS["DELETE /fapi/v1/algoOrder"],
    "account.balance": ACCOUNT["GET /fapi/v2/balance"],
    "v2/account.balance": ACCOUNT["GET /fapi/v3/balance"],
    "account.status": ACCOUNT["GET /fapi/v2/account"],
    "v2/account.status": ACCOUNT["GET /fapi/v3/account"],
    "account.position": ACCOUNT["GET /fapi/v2/positionRisk"],
    "v2/account.position": ACCOUNT["GET /fapi/v3/positionRisk"],
    "userDataStream.start": ACCOUNT["POST /fapi/v1/listenKey"],
    "userDataStream.ping": ACCOUNT["PUT /fapi/v1/listenKey"],
    "userDataStream.stop": ACCOUNT["DELETE /fapi/v1/listenKey"],
    "depth": MARKET["GET /fapi/v1/depth"],
    "ticker.price": MARKET["GET /fapi/v1/ticker/price"],
    "ticker.book": MARKET["GET /fapi/v1/ticker/bookTicker"],
    "ping": MARKET["GET /fapi/v1/ping"],
    "time": MARKET["GET /fapi/v1/time"],
}
"""What each method asks for, beside those of the session; without a version it is the first."""


class Frame(NamedTuple):
    """A request as it came."""

    request_id: RequestId
    method: str
    parameters: Parameters


class Connection:
    """One connection: who is logged on to it, and what its answers tell."""

    def __init__(self, exchange: Exchange, socket: Socket, *, tells_limits: bool) -> None:
        self.socket = socket
        self.tells_limits = tells_limits
        self.key: str | None = None
        self._exchange = exchange
        self._since_ms: int | None = None
        self._opened_ms = wall_ms()

    def endpoint(self, method: str) -> Endpoint:
        """Return what a method asks for; an `ExchangeError` says that there is no such method."""
        name = method.removeprefix("v1/")
        if name in SESSION_REQUESTS:
            handle = {
                "session.logon": self._log_on, "session.status": self._status,
                "session.logout": self._log_out,
            }[name]  # fmt: skip
            security = "signed" if name == "session.logon" else "none"
            return Endpoint(name, handle, security, SESSION)
        if name not in METHODS:
            raise ExchangeError(-5000, f"Method {method} is invalid")
        return METHODS[name]

    def _log_on(self, exchange: Exchange, p: Parameters) -> Any:
        """Let this connection ask without a signature from now on."""
        exchange.keys.of(p["apiKey"]).check_logon()
        self.key, self._since_ms = p["apiKey"], wall_ms()
        return self._status(exchange, p)

    def _log_out(self, exchange: Exchange, p: Parameters) -> Any:
        self.key = self._since_ms = None
        return self._status(exchange, p)

    def _status(self, _exchange: Exchange, _p: Parameters) -> Any:
        return {
            "apiKey": self.key, "authorizedSince": self._since_ms,
            "connectedSince": self._opened_ms, "returnRateLimits": self.tells_limits,
            "serverTime": wall_ms(),
        }  # fmt: skip


class WsClient:
    """Who asks with one message."""

    def __init__(
        self, exchange: Exchange, socket: Socket, request_id: RequestId, *, tells_limits: bool
    ) -> None:
        self._exchange = exchange
        self._socket = socket
        self._request_id = request_id
        self._tells_limits = tells_limits

    def is_gone(self) -> bool:
        """Tell whether its connection is closed."""
        return self._socket.is_gone()

    async def take(self, answer: Answer, *, lost: bool) -> None:
        """Send the answer; there are no pages here, so that of a gateway is an internal error."""
        if lost:
            self._socket.abort()
            return
        message: dict[str, Any] = {"id": self._request_id, "status": answer.status}
        if answer.page:
            message["error"] = {"code": -1001, "msg": TEXTS[-1001]}
        else:
            message["result" if answer.status == 200 else "error"] = answer.content
        if self._tells_limits:
            message["rateLimits"] = self._exchange.limits.counted(answer.cost)
        await self._socket.send(message)


class WsApi:
    """The WebSocket API of one exchange."""

    def __init__(self, exchange: Exchange, sockets: Sockets, requests: Requests) -> None:
        self._exchange = exchange
        self._sockets = sockets
        self._requests = requests
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it closes; its handshake weighs, too."""
        try:
            self._exchange.limits.weigh(HANDSHAKE, Parameters())
        except ExchangeError as error:
            return web.json_response(error.answer, status=error.status)
        socket = Socket(request, Subscriptions([], combined=False), api=True)
        tells_limits = request.query.get("returnRateLimits", "true").lower() != "false"
        connection = Connection(self._exchange, socket, tells_limits=tells_limits)
        return await self._sockets.attend(request, socket, partial(self._hear, connection))

    async def _hear(self, connection: Connection, _socket: Socket, text: str) -> None:
        """Begin to answer a message; what a fault holds does not hold up those behind it."""
        task = asyncio.create_task(self._answer(connection, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: Connection, text: str) -> None:
        request_id: RequestId = None
        tells_limits = connection.tells_limits
        try:
            request_id = read_id(text)
            frame = read_frame(text)
            p = frame.parameters
            tells_limits = p.flag("returnRateLimits") if "returnRateLimits" in p else tells_limits
            endpoint = connection.endpoint(frame.method)
        except ExchangeError as error:
            client = WsClient(
                self._exchange, connection.socket, request_id, tells_limits=tells_limits
            )
            await client.take(Answer(error.status, error.answer, Cost()), lost=False)
            return
        key = p.get("apiKey") or connection.key or ""
        logged_on = connection.key is not None and "signature" not in p
        signed = None if logged_on and frame.method != "session.logon" else sorted_text(p)
        client = WsClient(self._exchange, connection.socket, request_id, tells_limits=tells_limits)
        await self._requests.answer(Asked(endpoint, p, key, signed, frame.method), client)


def is_ws_api(request: web.Request) -> bool:
    """Tell whether a handshake is meant for the WebSocket API."""
    return request.path.startswith("/ws-fapi")


def read_id(text: str) -> RequestId:
    """Return the id of a request, which comes back as it was given."""
    given = _parsed(text).get("id", False)
    if given is None or type(given) is int or (isinstance(given, str) and ID.fullmatch(given)):
        return given
    ids = f"an integer, a string matching '^{ID.pattern}$', or null"
    raise ExchangeError(-1135, f"Invalid 'id' in JSON request; expected {ids}.")


def read_frame(text: str) -> Frame:
    """Read a request, its numbers as they are written: so they are signed."""
    message = _parsed(text)
    method, params = message.get("method"), message.get("params")
    if not isinstance(method, str):
        raise ExchangeError(-1135, "Invalid 'method' in JSON request; expected a string.")
    if params is not None and not isinstance(params, dict):
        raise ExchangeError(-1135, "Invalid 'params' in JSON request; expected an object.")
    written = json.loads(text, parse_int=str, parse_float=str)["params"] if params else {}
    given = {name: _text(value) for name, value in written.items() if value is not None}
    return Frame(message.get("id"), method, Parameters(given))


def _parsed(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (RecursionError, ValueError):
        message = None
    if not isinstance(message, dict):
        raise ExchangeError(-1135, "Invalid JSON request; expected an object.")
    return message


def _text(value: Any) -> str:
    """Write a value as a query string would hold it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
