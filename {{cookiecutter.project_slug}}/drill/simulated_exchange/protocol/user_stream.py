"""The user stream: events wait in one queue and leave one after the other.

A user event goes to the sockets that were open when it arose. While a gate holds it, sockets may
close; one that opens later does not get it, as on the real exchange.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..exchange import Exchange
from ..faults.faults import EVENT_PHASES, Fault, Faults
from ..journal.journal import Record
from .market_payloads import Payload
from .sockets import SEND_SECONDS, Socket, Sockets
from .user_events import user_event

FINISHED_DELAY_SECONDS = 0.1
"""A conditional order is reported finished this long after its fill. The real exchange sends both
at once; NautilusTrader 1.231.0 then invents a second fill, because it sees no fill yet."""

LONGEST_QUEUE = 10_000


class UserStream:
    """The user events of one exchange that wait to be sent."""

    def __init__(self, exchange: Exchange, faults: Faults, sockets: Sockets) -> None:
        self._exchange = exchange
        self._faults = faults
        self._sockets = sockets
        self._queue: deque[tuple[Payload, Sequence[Socket]]] = deque()
        self._queued = asyncio.Event()
        self._quiet = asyncio.Event()  # set when nobody has to wait for the queue
        self._quiet.set()
        self._held = False

    def tell(self, records: Sequence[Record], recipients: Sequence[Socket]) -> None:
        """Queue the user events of some records."""
        for event in filter(None, map(user_event, records)):
            if event["e"] == "ALGO_UPDATE" and event["o"]["X"] == "FINISHED":
                loop = asyncio.get_running_loop()
                loop.call_later(FINISHED_DELAY_SECONDS, self._enqueue, event, recipients)
            else:
                self._enqueue(event, recipients)

    async def flush(self) -> None:
        """Wait until all user events have left or a gate holds one; slow clients delay little."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._quiet.wait()

    async def run(self) -> None:
        """Send queued user events, one after the other, for ever."""
        while True:
            while self._queue:
                await self._deliver(*self._queue.popleft())
            self._quiet.set()
            self._queued.clear()
            await self._queued.wait()

    def _enqueue(self, event: Payload, recipients: Sequence[Socket]) -> None:
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.clear()
            self._sockets.drop_users()
        self._queue.append((event, recipients))
        if not self._held:
            self._quiet.clear()
        self._queued.set()

    async def _deliver(self, event: Payload, recipients: Sequence[Socket]) -> None:
        body: Mapping[str, Any] = event.get("o") or next(iter(event.get("a", {}).get("P", [])), {})
        name, opened = body.get("c") or body.get("caid"), self._sockets.opened
        noted = {"event": event["e"], "client_order_id": name, "execution": body.get("x")}
        about = {**noted, "symbol": body.get("s")}
        heard = any(socket in opened for socket in recipients)
        met = self._faults.meet(about, *EVENT_PHASES) if heard else {}
        if "before" in met:
            await self._hold(met["before"], about)
        sent = [await s.send("user", event) for s in recipients if s in opened]
        self._exchange.journal.write("event", {**noted, "delivered": sum(sent)})
        if "after" in met:
            await self._hold(met["after"], about)

    async def _hold(self, fault: Fault, about: Mapping[str, Any]) -> None:
        """Wait for a gate; nobody waits for the events behind it meanwhile."""
        self._held = True
        self._quiet.set()
        await self._faults.hold(fault, about)
        self._held = False
        self._quiet.clear()
