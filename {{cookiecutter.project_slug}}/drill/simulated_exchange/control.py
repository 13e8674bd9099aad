"""The control interface under ``/_sim/``: time, faults, ledger and journal. Needs no key."""

import asyncio
import contextlib
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from . import __version__
from .deeds import Deeds, RefusedError, changes
from .faults.faults import Fault
from .faults.table import FAULTS
from .matching.course import MarketUsedUpError
from .protocol.server import Server

LONGEST_WAIT_SECONDS = 600
MOST_BARS = 10_000
REQUESTS = (
    "GET hello, GET ledger, GET journal, POST step, "
    "POST faults, GET faults, GET faults/ID, DELETE faults/ID, POST keys, DELETE keys/KEY"
)


class Control:
    """Serve the control interface of one exchange."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._exchange = server.exchange
        self._deeds = Deeds(server)

    def add_routes(self, app: web.Application) -> None:
        """Register the control interface."""
        app.add_routes(
            [
                web.get("/_sim/hello", self._hello),
                web.get("/_sim/ledger", self._ledger),
                web.get("/_sim/journal", self._journal),
                web.post("/_sim/step", self._step),
                web.post("/_sim/faults", self._arm),
                web.get("/_sim/faults", self._list),
                web.get("/_sim/faults/{id}", self._wait),
                web.delete("/_sim/faults/{id}", self._release),
                web.post("/_sim/keys", self._make_key),
                web.delete("/_sim/keys/{key}", self._take_key_away),
                web.route("*", "/_sim{path:.*}", self._unknown),
            ]
        )

    async def _hello(self, _request: web.Request) -> web.Response:
        exchange = self._exchange
        told = {
            "name": "simulated-exchange", "version": __version__, "seed": exchange.seed,
            "market_epoch": exchange.course.epoch_ms, "market_ms": exchange.clock.now_ms(),
            "symbols": list(exchange.state.books), "stepped": exchange.clock.stepped,
        }  # fmt: skip
        return web.json_response(told)

    async def _ledger(self, _request: web.Request) -> web.Response:
        ledger = self._exchange.state.ledger()
        return web.json_response(ledger | {"seq": self._exchange.journal.seq})

    async def _journal(self, request: web.Request) -> web.Response:
        journal = self._exchange.journal
        after = int(_number(request.query.get("after", "0"), "after"))
        try:
            records = journal.after(after)
        except LookupError as error:
            raise _refusal(str(error), web.HTTPGone) from None
        return web.json_response({"records": records, "seq": journal.seq})

    async def _step(self, request: web.Request) -> web.Response:
        if not self._exchange.clock.stepped:
            msg = "This market runs by itself: start the exchange with --stepped."
            raise _refusal(msg, web.HTTPConflict)
        body = await _body(request)
        bars = body.get("bars", 0)
        walk = body.get("walk")
        if walk is True or walk == "halt":
            go = partial(self._exchange.course.walk, halt=walk == "halt")
            return web.json_response(await self._move(go))
        if type(bars) is not int or not 1 <= bars <= MOST_BARS:
            far = f'{{"bars": 1 to {MOST_BARS}}}, {{"walk": true}} or {{"walk": "halt"}}'
            raise _refusal(f"Say how far: {far}.")
        for _ in range(bars):
            if not self._exchange.clock.may_close_bar():
                msg = "Market time cannot pass wall time: start with an earlier --epoch."
                raise _refusal(msg, web.HTTPConflict)
            moved = await self._move(self._exchange.course.close_bar)
        return web.json_response({"bar": moved["bar"], "seq": moved["seq"]})

    async def _move(self, move: Callable[[], None]) -> dict[str, int]:
        """Move the market and say where it is."""
        try:
            records = await self._server.move(move)
        except MarketUsedUpError as error:
            raise _refusal(str(error), web.HTTPConflict) from None
        where = {"bar": self._exchange.state.forming_open_ms - 1, "seq": self._exchange.journal.seq}
        return where | {"changes": changes(records)}

    async def _arm(self, request: web.Request) -> web.Response:
        body, faults = await _body(request), self._server.faults
        if "name" not in body:
            raise _refusal(f'Say which fault: {{"name": …}}, one of {", ".join(FAULTS)}.')
        try:
            fault = faults.arm(str(body.pop("name")), body)
        except ValueError as error:
            raise _refusal(str(error)) from None
        try:
            told = await self._deeds.do(fault)
        except RefusedError as error:
            faults.release(fault, "refusal")
            raise _refusal(str(error)) from None
        return web.json_response({"id": fault.key, **told})

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": self._server.faults.rows()})

    async def _wait(self, request: web.Request) -> web.Response:
        fault = self._fault(request)
        seconds = _number(request.query.get("wait_s", "0"), "wait_s")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0), LONGEST_WAIT_SECONDS)):
                await fault.fired.wait()
        return web.json_response(fault.row())

    async def _release(self, request: web.Request) -> web.Response:
        fault, before = self._fault(request), self._exchange.journal.seq
        self._server.faults.release(fault)
        await self._server.tell(self._exchange.journal.after(before))
        return web.json_response(fault.row())

    async def _make_key(self, request: web.Request) -> web.Response:
        body = await _body(request)
        key, secret = body.get("key"), body.get("secret")
        if not (isinstance(key, str) and isinstance(secret, str) and key and secret):
            raise _refusal('Say which: {"key": "…", "secret": "…"}.')
        self._exchange.keys.make(key, secret)
        return web.json_response({"keys": self._exchange.keys.names})

    async def _take_key_away(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if not self._exchange.keys.take_away(key):
            msg = f"There is no key {key}."
            raise _refusal(msg, web.HTTPNotFound)
        return web.json_response({"keys": self._exchange.keys.names})

    async def _unknown(self, request: web.Request) -> web.Response:
        msg = f"There is no {request.method} {request.path}: under /_sim/ use {REQUESTS}."
        raise _refusal(msg, web.HTTPNotFound)

    def _fault(self, request: web.Request) -> Fault:
        key = request.match_info["id"]
        fault = self._server.faults.get(key)
        if fault is None:
            msg = f"There is no fault {key}: arm one with POST /_sim/faults."
            raise _refusal(msg, web.HTTPNotFound)
        return fault


def _refusal(
    sentence: str, kind: type[web.HTTPClientError] = web.HTTPBadRequest
) -> web.HTTPClientError:
    """Make the answer to a request that cannot be done: why, and what to do."""
    return kind(text=json.dumps({"error": sentence}), content_type="application/json")


async def _body(request: web.Request) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(await request.read() or "{}")
        if isinstance(body, dict):
            return body
    raise _refusal("The body has to be a JSON object.")


def _number(text: str, name: str) -> float:
    with contextlib.suppress(ValueError):
        number = float(text)
        if math.isfinite(number):
            return number
    raise _refusal(f"{name} has to be a number.")
