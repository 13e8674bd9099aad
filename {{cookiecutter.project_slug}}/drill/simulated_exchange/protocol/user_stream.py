"""The user stream: events wait in one queue and leave one after the other.

A user event goes to the sockets that were open when it arose. While a gate holds it, sockets may
close; one that opens later does not get it, as on the real exchange.

The answer of a request waits until its events have left (`flush`), but not for events that a gate
holds, nor for those behind them: else whoever asks meanwhile would be held, too.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..exchange import Exchange
from ..faults.faults import Fault, Faults
from ..faults.table import EVENT_FAULTS, EVENT_PHASES
from ..journal.journal import Record
from .market_payloads import Payload
from .sockets import Socket, Sockets
from .user_events import user_event

LONGEST_QUEUE = 10_000
ALONE_SECONDS = 1.0
"""An event that the next one should overtake waits no longer for it."""

FLUSH_SECONDS = 5.0

NOTED = ("event", "client_order_id", "execution", "status")
"""What the journal keeps of an event, in the words of the control interface."""

Queued = tuple[Payload, Sequence[Socket]]
"""An event, and who is told."""


class UserStream:
    """The user events of one exchange that wait to be sent."""

    def __init__(self, exchange: Exchange, faults: Faults, sockets: Sockets) -> None:
        self._exchange = exchange
        self._faults = faults
        self._sockets = sockets
        self._queue: deque[Queued] = deque()
        self._overtaken: list[Queued] = []
        self._alone: asyncio.Task[None] | None = None
        self._queued = asyncio.Event()
        self._quiet = asyncio.Event()  # set when nobody has to wait for the queue
        self._quiet.set()
        self._held = False

    def tell(self, records: Sequence[Record], recipients: Sequence[Socket]) -> None:
        """Queue the user events of some records."""
        for event in filter(None, map(user_event, records)):
            self._enqueue(event, recipients)

    async def flush(self) -> None:
        """Wait until all user events have left, or a gate holds one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._quiet.wait()

    async def run(self) -> None:
        """Send queued user events, one after the other, for ever."""
        while True:
            while self._queue:
                await self._take(*self._queue.popleft())
            self._quiet.set()
            self._queued.clear()
            await self._queued.wait()

    def _enqueue(self, event: Payload, recipients: Sequence[Socket]) -> None:
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.clear()
            self._sockets.drop(self._sockets.users())
        self._queue.append((event, recipients))
        if not self._held:
            self._quiet.clear()
        self._queued.set()

    async def _take(self, event: Payload, recipients: Sequence[Socket]) -> None:
        """Let an event pass the faults that it meets and deliver it."""
        about = _describe(event)
        heard = any(socket in self._sockets.opened for socket in recipients)
        met = self._faults.meet(about, EVENT_FAULTS) if heard else []
        await self._hold(met, "before", about)
        for fault in met:
            if fault.phase not in EVENT_PHASES:
                self._faults.happen(fault, about)
        names = [fault.name for fault in met]
        if "reorder_event" in names:
            self._overtaken.append((event, recipients))
            self._alone = self._alone or asyncio.create_task(self._deliver_alone())
        else:
            copies = 0 if "lose_event" in names else 1 + names.count("duplicate_event")
            await self._deliver(event, recipients, copies)
            if self._alone is not None:
                self._alone.cancel()
                await self._deliver_overtaken()
        await self._hold(met, "after", about)

    async def _deliver(self, event: Payload, recipients: Sequence[Socket], copies: int = 1) -> None:
        there = [socket for socket in recipients if socket in self._sockets.opened]
        sent = [await s.tell(s.listen_key, event) for _ in range(copies) for s in there]
        about = _describe(event)
        noted = {key: about[key] for key in NOTED}
        self._exchange.journal.write("event", {**noted, "delivered": sum(sent)})

    async def _deliver_alone(self) -> None:
        await asyncio.sleep(ALONE_SECONDS)
        await self._deliver_overtaken()

    async def _deliver_overtaken(self) -> None:
        overtaken, self._overtaken, self._alone = self._overtaken, [], None
        for event, recipients in overtaken:
            await self._deliver(event, recipients)

    async def _hold(self, met: Sequence[Fault], phase: str, about: Mapping[str, Any]) -> None:
        """Wait for gates; nobody waits for the events behind them meanwhile."""
        if any(fault.phase == phase for fault in met):
            self._held = True
            self._quiet.set()
            await self._faults.hold(met, phase, about)
            self._held = False
            self._quiet.clear()


def _describe(event: Payload) -> dict[str, Any]:
    """Say what an event is about, in the words of the control interface."""
    body: Mapping[str, Any] = event.get("o") or next(iter(event.get("a", {}).get("P", [])), {})
    return {
        "event": event["e"],
        "client_order_id": body.get("c") or body.get("caid"),
        "execution": body.get("x"),
        "status": body.get("X"),
        "symbol": body.get("s"),
    }
