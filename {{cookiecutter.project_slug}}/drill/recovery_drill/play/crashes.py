"""Crash points in a play: whatever it waits for, at each the node is killed and begins anew."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from recovery_drill.play.nemesis import Nemesis
from recovery_drill.play.site import Site
from recovery_drill.record.boundary import CrashPoint


class Crashes:
    """Kills the node at the crash points that a nemesis waits for.

    Parameters
    ----------
    site : Site
        The play.
    nemesis : Nemesis
        Says when the node stands at one.
    begin_anew : Callable
        Starts the node again, and waits until it is at rest.

    Attributes
    ----------
    bars_since : int
        How many bars have passed since the last crash, or the beginning.

    """

    def __init__(
        self, site: Site, nemesis: Nemesis, begin_anew: Callable[[], Awaitable[object]]
    ) -> None:
        self._site = site
        self._nemesis = nemesis
        self._begin_anew = begin_anew
        self.bars_since = 0

    @property
    def are_over(self) -> bool:
        """Whether there were crash points, and the node has been killed at all of them."""
        return self._nemesis.number > 0 and self._nemesis.point is None

    async def wait_at(self, point: CrashPoint) -> None:
        """Kill the node at one more crash point, as soon as it comes to it."""
        await self._nemesis.add(point)

    async def wait_no_more(self) -> None:
        """Let the node go on where it has not come to it."""
        await self._nemesis.drop()

    async def through[Answer](self, wait: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Wait for the node; when it comes to a crash point meanwhile, kill it and begin anew."""
        while True:
            waiting = asyncio.ensure_future(wait())
            reached = asyncio.ensure_future(self._nemesis.reached())
            try:
                await asyncio.wait({waiting, reached}, return_when=asyncio.FIRST_COMPLETED)
                if self._nemesis.point is None or not await self._nemesis.is_reached():
                    return await waiting
            finally:
                waiting.cancel()
                reached.cancel()
                await asyncio.gather(waiting, reached, return_exceptions=True)
            await self._crash()

    async def _crash(self) -> None:
        point, number = self._nemesis.point, self._nemesis.number + 1
        assert point is not None, "no crash point was reached"
        life = self._site.lives.node.number
        await self._site.lives.kill()
        data = {"boundary": point.boundary.name, "nth": point.nth, "life": life}
        self._site.history.record("drill", "crash.point", data)
        self._site.saw(f"crash point {number}")
        await self._nemesis.release()
        await self._nemesis.next()
        self.bars_since = 0
        await self._begin_anew()
