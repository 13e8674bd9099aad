"""Faults that happen at once: to market and account, to sockets, to the listen key."""

import asyncio
import copy
from collections.abc import Sequence
from typing import Any

from .errors import ExchangeError
from .faults.faults import HELD_SECONDS, Fault
from .faults.outside import OUTSIDE, UNDO, World
from .journal.journal import Record
from .matching.course import MarketUsedUpError
from .protocol.endpoints import ENDPOINTS
from .protocol.server import Server

QUESTIONS = {one.request for key, one in ENDPOINTS.items() if key.startswith("GET ")}
CHANGES = ("order.", "conditional.", "position.")


def changes(records: Sequence[Record]) -> int:
    """Count what happened to orders and positions."""
    return sum(record["kind"].startswith(CHANGES) for record in records)


class RefusedError(Exception):
    """What cannot be done, in a sentence; nothing has changed."""


class Deeds:
    """Do what a fault orders that waits for nothing."""

    def __init__(self, server: Server) -> None:
        exchange = server.exchange
        self._server = server
        self._world = World(exchange.state, exchange.matching, exchange.course)

    async def do(self, fault: Fault) -> dict[str, Any]:
        """Do it and say what has changed; a fault that is to meet something else does nothing.

        Raises `RefusedError`.
        """
        if fault.name in OUTSIDE:
            return await self._from_outside(fault)
        if fault.name in ("drop_sockets", "half_open"):
            return self._to_sockets(fault)
        if fault.name == "stale":
            if fault.options["match"].get("request") not in QUESTIONS:
                raise RefusedError(
                    "stale needs a request to match that only asks: orders.all, say."
                )
            fault.past = copy.deepcopy(self._server.exchange.state)
        if fault.name == "expire_listen_key":
            if self._server.exchange.listen_key.value is None:
                raise RefusedError("There is no listen key that could expire.")
            users = len(self._server.sockets.users())
            await self._server.expire_listen_key()
            return self._done(fault, {"sockets": users})
        return {}

    async def _from_outside(self, fault: Fault) -> dict[str, Any]:
        def act() -> None:
            OUTSIDE[fault.name](self._world, fault.options)

        try:
            records = await self._server.move(act)
        except (ValueError, ExchangeError, MarketUsedUpError) as error:
            raise RefusedError(str(error)) from None
        told = {"changes": changes(records)}
        if (undo := UNDO.get(fault.name)) is not None:
            fault.undo = lambda: undo(self._world, fault.options)
        self._done(fault, told)
        return told | {"seq": self._server.exchange.journal.seq}

    def _to_sockets(self, fault: Fault) -> dict[str, Any]:
        sockets = self._server.sockets.of(fault.options["stream"])
        if fault.name == "drop_sockets":
            self._server.sockets.drop(sockets)
        else:
            fault.undo = lambda: self._server.sockets.revive(sockets)
            self._server.sockets.silence(sockets)
            loop = asyncio.get_running_loop()
            loop.call_later(HELD_SECONDS, self._server.faults.release, fault, "time")
        return self._done(fault, {"sockets": len(sockets)})

    def _done(self, fault: Fault, told: dict[str, Any]) -> dict[str, Any]:
        """Note that it has happened; what lasts is released later."""
        self._server.faults.fire(fault, told)
        if fault.undo is None:
            self._server.faults.release(fault, "itself")
        return told
