"""The control interface under ``/_sim/``: time, faults, ledger and journal. Needs no key."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from . import __version__
from .course import MarketUsedUpError
from .server import Server

LONGEST_WAIT_SECONDS = 600.0
MOST_BARS = 10_000
CHANGES = ("order.", "conditional.", "position.")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RefusedError(Exception):
    """A control request that cannot be done; the message says why and what to do."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class Control:
    """Serve the control interface of one exchange.

    Parameters
    ----------
    server : Server
        The exchange and its faults.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._exchange = server.exchange
        self._moving = asyncio.Lock()

    def add_routes(self, app: web.Application) -> None:
        """Register the control interface."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/_sim/hello", self._hello),
            ("GET", "/_sim/ledger", self._ledger),
            ("GET", "/_sim/journal", self._journal),
            ("POST", "/_sim/step", self._step),
            ("POST", "/_sim/faults", self._arm),
            ("GET", "/_sim/faults/{id}", self._wait),
            ("DELETE", "/_sim/faults/{id}", self._release),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, _plainly(handler))

    async def _hello(self, _request: web.Request) -> web.StreamResponse:
        exchange = self._exchange
        return web.json_response(
            {
                "name": "simulated-exchange",
                "version": __version__,
                "seed": exchange.seed,
                "market_epoch": exchange.epoch_ms,
                "market_ms": exchange.now_ms(),
                "symbols": list(exchange.state.books),
                "stepped": exchange.clock.stepped,
            }
        )

    async def _ledger(self, _request: web.Request) -> web.StreamResponse:
        ledger = self._exchange.state.ledger()
        return web.json_response(ledger | {"seq": self._exchange.journal.seq})

    async def _journal(self, request: web.Request) -> web.StreamResponse:
        after = _number(request.query.get("after", "0"), "after")
        try:
            records = self._exchange.journal.after(int(after))
        except LookupError as error:
            raise RefusedError(str(error.args[0]), 410) from None
        return web.json_response({"records": records, "seq": self._exchange.journal.seq})

    async def _step(self, request: web.Request) -> web.StreamResponse:
        if not self._exchange.clock.stepped:
            msg = "This market runs by itself: start the exchange with --stepped to step it."
            raise RefusedError(msg, 409)
        body = await _body(request)
        walk, bars = body.get("walk", False), body.get("bars", 0)
        if walk is True:
            return web.json_response(await self._move(self._exchange.course.walk))
        if type(bars) is not int or not 1 <= bars <= MOST_BARS:
            msg = f'Say how far to step: {{"bars": 1 to {MOST_BARS}}} or {{"walk": true}}.'
            raise RefusedError(msg)
        for _ in range(bars):
            moved = await self._move(self._close_bar)
        return web.json_response({"bar": moved["bar"], "seq": moved["seq"]})

    def _close_bar(self) -> None:
        if not self._exchange.may_step():
            msg = "Market time cannot pass wall time: start with an earlier --epoch."
            raise RefusedError(msg, 409)
        self._exchange.course.close_bar()

    async def _move(self, move: Callable[[], None]) -> dict[str, int]:
        """Move the market, tell everybody, and say where it is."""
        exchange = self._exchange
        async with self._moving:
            before = exchange.journal.seq
            try:
                move()
            except MarketUsedUpError as error:
                raise RefusedError(str(error), 409) from None
            finally:
                records = exchange.journal.after(before)
                await self._server.tell(records)
        return {
            "bar": exchange.state.forming_open_ms - 1,
            "seq": exchange.journal.seq,
            "changes": sum(record["kind"].startswith(CHANGES) for record in records),
        }

    async def _arm(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        name = body.pop("name", None)
        if name not in ("gate", "fail", "wick", "drop_sockets"):
            msg = f"There is no fault {name!r}: use gate, fail, wick or drop_sockets."
            raise RefusedError(msg)
        if name == "wick":
            return await self._wick(body)
        try:
            fault = self._server.faults.arm(name, body)
        except (ValueError, TypeError) as error:
            raise RefusedError(str(error)) from None
        if name == "drop_sockets":
            self._server.faults.fire(fault, {"sockets": self._server.streams.drop_all()})
            self._server.faults.release(fault, "itself")
        return web.json_response({"id": fault.key})

    async def _wick(self, body: dict[str, Any]) -> web.StreamResponse:
        symbol, price = body.get("symbol"), _number(body.get("price"), "price")
        if symbol not in self._exchange.state.books or price <= 0:
            msg = "A wick needs a symbol that trades here and a price over zero."
            raise RefusedError(msg)
        fault = self._server.faults.arm("wick", body)
        moved = await self._move(lambda: self._exchange.course.wick(symbol, price))
        self._server.faults.fire(fault, {"changes": moved["changes"]})
        self._server.faults.release(fault, "itself")
        seq = self._exchange.journal.seq
        return web.json_response({"id": fault.key, "seq": seq, "changes": moved["changes"]})

    async def _wait(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault(request)
        seconds = float(_number(request.query.get("wait_s", "0"), "wait_s"))
        try:
            async with asyncio.timeout(min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)):
                await fault.fired.wait()
        except TimeoutError:
            pass
        return web.json_response(fault.row())

    async def _release(self, request: web.Request) -> web.StreamResponse:
        fault = self._fault(request)
        self._server.faults.release(fault)
        return web.json_response(fault.row())

    def _fault(self, request: web.Request) -> Any:
        fault = self._server.faults.get(request.match_info["id"])
        if fault is None:
            msg = f"There is no fault {request.match_info['id']}: arm one with POST /_sim/faults."
            raise RefusedError(msg, 404)
        return fault


def _plainly(handler: Handler) -> Handler:
    """Answer a refusal as one sentence."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusedError as refusal:
            return web.json_response({"error": str(refusal)}, status=refusal.status)

    return answer


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        msg = "The body has to be a JSON object."
        raise RefusedError(msg)
    return body


def _number(value: Any, name: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        msg = f"{name} has to be a number."
        raise RefusedError(msg)
    return number
