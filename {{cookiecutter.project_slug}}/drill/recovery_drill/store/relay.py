"""One connection of a node, and the one to the store that belongs to it.

Units are handed on as they come. One that is held, or delayed, waits until all before it have been
answered, and all behind it wait until it has been: "before" and "after" it are moments in which
nothing of that connection is under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from recovery_drill.store.holds import Hold
from recovery_drill.store.resp import ProtocolError, ReplyReader, Request, RequestReader, pushed
from recovery_drill.store.units import blocks, command_of, name_of, subscribes

TRANSACTION_ENDS = frozenset({"EXEC", "DISCARD", "RESET"})


class Counter(Protocol):
    """Who counts the units of all connections."""

    delay_seconds: float

    def meet(self, name: str) -> Hold | None:
        """Count a unit that is about to be handed on; return the hold that it has met."""

    def answered(self, name: str) -> None:
        """Take note that the store has answered a unit."""


@dataclass(eq=False)
class Unit:
    """What the store carries out at once, or the beginning of it.

    Parameters
    ----------
    requests : list[Request]
        A command, or those of a transaction.
    name : str
        What it is called; empty for what is not counted.

    """

    requests: list[Request]
    name: str
    hold: Hold | None = None
    replies: list[bytes] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def is_one(self, kind: Callable[[tuple[bytes, ...]], bool]) -> bool:
        """Say whether it is a single command of a kind."""
        return len(self.requests) == 1 and kind(self.requests[0].words)


class Side(asyncio.Protocol):
    """One end of a relay: hands on what is heard there."""

    def __init__(self, hear: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()
        self._hear = hear
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._hear(data)

    def eof_received(self) -> bool:
        """Take note that nothing more will come; what is on its way back may still be said."""
        self._ended()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Take note of the end."""
        if not self.lost.done():
            self.lost.set_result(None)
        self._ended()

    def say(self, data: bytes) -> None:
        """Say something, if anybody is there to hear it."""
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


class Relay:
    """Hands on between a node and the store until one of them ends, or a hold drops the rest.

    Parameters
    ----------
    counter : Counter
        Who counts the units.
    host : str
        Where the store is.
    port : int
        Where the store is.

    Attributes
    ----------
    ended : asyncio.Future[None]
        Done when nothing more is handed on.

    """

    def __init__(self, counter: Counter, host: str, port: int) -> None:
        self.node = Side(self._node_said, self._node_ended)
        self._store = Side(self._store_said, self.end)
        self._counter = counter
        self._requests, self._replies = RequestReader(), ReplyReader()
        self._transaction: list[Request] = []  # what of an open one was not handed on yet
        self._inner: list[str] | None = None  # what its commands are called, while one is open
        self._waiting: deque[Unit] = deque()
        self._under_way: deque[Unit] = deque()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._node_is_gone = False
        self._subscribed = False
        # What stops the flow for a while: connecting, then one unit at a time.
        self._halt: asyncio.Task[None] | None = asyncio.create_task(self._connect(host, port))

    async def _connect(self, host: str, port: int) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._store, host, port)
        except OSError:
            self.end()
        else:
            self._go_on()

    def end(self) -> None:
        """Close both sides; nothing more is handed on."""
        if not self.ended.done():
            self.ended.set_result(None)
        if self._halt is not None and self._halt is not asyncio.current_task():
            self._halt.cancel()
        for side in (self.node, self._store):
            if side.transport is not None:
                side.transport.close()

    def abort(self) -> None:
        """Break both sides at once; what was not sent yet is lost."""
        for side in (self.node, self._store):
            if side.transport is not None:
                side.transport.abort()
        self.end()

    async def closed(self) -> None:
        """Wait until both sides are closed."""
        for side in (self.node, self._store):
            if side.transport is not None:
                await side.lost

    # what the node says

    def _node_said(self, data: bytes) -> None:
        try:
            for request in self._requests.requests(data):
                if request.words:  # nobody answers an empty line
                    self._sort(request)
        except ProtocolError:
            self.end()
            return
        if self._transaction:
            # Its client may wait for an answer to each command; nothing is carried out yet.
            self._waiting.append(Unit(self._transaction, ""))
            self._transaction = []
        self._flow()

    def _sort(self, request: Request) -> None:
        command = command_of(request.words)
        if self._inner is not None:
            self._transaction.append(request)
            if command not in TRANSACTION_ENDS:
                self._inner.append(name_of(request.words))
                return
            name = " + ".join(self._inner) if command == "EXEC" else ""
            self._waiting.append(Unit(self._transaction, name or command))
            self._transaction, self._inner = [], None
        elif command == "MULTI":
            self._transaction, self._inner = [request], []
        else:
            uncounted = blocks(request.words) or subscribes(request.words)
            self._waiting.append(Unit([request], "" if uncounted else name_of(request.words)))

    def _node_ended(self) -> None:
        # What it said before its end is still carried out, as any store would.
        self._node_is_gone = True
        self._flow()

    # to the store and back

    def _go_on(self) -> None:
        self._halt = None
        self._flow()

    def _flow(self) -> None:
        while self._waiting and self._halt is None:
            unit = self._waiting.popleft()
            if unit.name and not self._subscribed:
                unit.hold = self._counter.meet(unit.name)
            slow = unit.name and self._counter.delay_seconds
            if unit.hold is not None or slow or unit.is_one(subscribes):
                self._halt = asyncio.create_task(self._alone(unit))
            else:
                self._hand_on(unit)
        # Nobody is left who could hear of what has not happened yet.
        over = all(unit.is_one(blocks) for unit in self._under_way)
        if self._node_is_gone and self._halt is None and over:
            self.end()

    def _hand_on(self, unit: Unit) -> None:
        if not self._subscribed:
            self._under_way.append(unit)
        self._store.say(b"".join(request.raw for request in unit.requests))

    async def _alone(self, unit: Unit) -> None:
        if self._under_way:
            await self._under_way[-1].done.wait()
        if unit.hold is not None and unit.hold.phase == "before":
            if not await unit.hold.delivers():
                self.end()
                return
            unit.hold = None
        if unit.name and self._counter.delay_seconds:
            await asyncio.sleep(self._counter.delay_seconds)
        self._subscribed = self._subscribed or unit.is_one(subscribes)
        self._hand_on(unit)
        if unit.hold is not None:
            await unit.done.wait()
            if not await unit.hold.delivers():
                self.end()
                return
            self.node.say(b"".join(unit.replies))
        self._go_on()

    def _store_said(self, data: bytes) -> None:
        out: list[bytes] = []
        try:
            for reply in self._replies.feed(data):
                if not self._under_way or pushed(reply):
                    out.append(reply)
                else:
                    self._answer(reply, out)
        except ProtocolError:
            self.end()
            return
        self.node.say(b"".join(out))
        if self._node_is_gone:
            self._flow()

    def _answer(self, reply: bytes, out: list[bytes]) -> None:
        unit = self._under_way[0]
        unit.replies.append(reply)
        if len(unit.replies) < len(unit.requests):
            return
        self._under_way.popleft()
        if unit.name:
            self._counter.answered(unit.name)
        if unit.hold is None:
            out += unit.replies
        unit.done.set()
