"""What waits for a node at its crash points: armed, reached once, released after the kill."""

import asyncio
import contextlib
from collections.abc import Sequence

from recovery_drill.failures import Unsupported
from recovery_drill.proc.exchange import Exchange
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.store.proxy import Hold, Phase, StoreProxy

POLL_SECONDS = 10.0


class Nemesis:
    """The crash points of one play, one after the other.

    It only says when one is reached; killing is the world's. What is held at a request, an event or
    a store command stays held until the node is dead, so that the place is exact. A stage or a bar
    cannot be held: there the node is killed as soon as it is heard of.

    Parameters
    ----------
    points : Sequence[CrashPoint]
        Each is armed when the node has been killed at the one before it.
    exchange : Exchange
        Holds requests and events.

    """

    def __init__(self, points: Sequence[CrashPoint], exchange: Exchange) -> None:
        self._points = tuple(points)
        self._exchange = exchange
        self._reached = asyncio.Event()
        self._left = 0
        self._gate_id: str | None = None
        self._hold: Hold | None = None
        self._watch: asyncio.Task[None] | None = None
        self.number = 0
        self.proxy: StoreProxy | None = None

    @property
    def point(self) -> CrashPoint | None:
        """The crash point that is waited for; None when all have been reached."""
        return self._points[self.number] if self.number < len(self._points) else None

    async def arm(self) -> None:
        """Begin to wait for the next crash point.

        Raises
        ------
        Unsupported
            If the store's commands cannot be seen.

        """
        self._reached = asyncio.Event()
        point = self.point
        if point is None:
            return
        self._left = point.nth
        boundary = point.boundary
        if boundary.kind in ("request", "event"):
            self._gate_id = await self._exchange.arm(boundary.gate(point.nth))
            self._watch = asyncio.create_task(self._until_fired(self._gate_id))
        elif boundary.kind == "store":
            if self.proxy is None:
                raise Unsupported("Nothing stands between node and store that could hold commands.")
            phase: Phase = "before" if boundary.phase == "before" else "after"
            self._hold = self.proxy.arm(boundary.what, point.nth, phase)
            self._watch = asyncio.create_task(self._until_held(self._hold, self._reached))

    async def _until_fired(self, gate_id: str) -> None:
        reached = self._reached
        while not await self._exchange.fired(gate_id, POLL_SECONDS):
            pass
        reached.set()

    async def _until_held(self, hold: Hold, reached: asyncio.Event) -> None:
        await hold.reached.wait()
        reached.set()

    def hear(self, kind: str, what: str, phase: str) -> None:
        """Take note of a stage or a bar."""
        point = self.point
        if point is None or self._reached.is_set():
            return
        boundary = point.boundary
        if (boundary.kind, boundary.what, boundary.phase) == (kind, what, phase):
            self._left -= 1
            if self._left == 0:
                self._reached.set()

    async def reached(self) -> None:
        """Wait until the node stands at the crash point, for ever if need be."""
        await self._reached.wait()

    async def is_reached(self) -> bool:
        """Return whether the node stands at the crash point now."""
        if self._gate_id is not None and await self._exchange.fired(self._gate_id):
            self._reached.set()
        return self._reached.is_set()

    async def release(self) -> None:
        """Let go what was held; the node is dead, and what it had not sent never arrives."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._gate_id is not None:
            await self._exchange.release(self._gate_id)
            self._gate_id = None
        if self._hold is not None:
            self._hold.release(deliver=False)
            self._hold = None

    async def next(self) -> None:
        """Go on to the crash point after this one."""
        self.number += 1
        await self.arm()

    async def add(self, point: CrashPoint) -> None:
        """Wait for one more crash point from now on; the ones before it have been reached."""
        self._points = (*self._points[: self.number], point)
        await self.arm()

    async def drop(self) -> None:
        """Wait for nothing any more; what is held at this moment goes on its way."""
        if self._hold is not None:
            self._hold.release(deliver=True)
        await self.release()
        self._points = self._points[: self.number]

    async def close(self) -> None:
        """Stop waiting; what is held ends with its process."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
