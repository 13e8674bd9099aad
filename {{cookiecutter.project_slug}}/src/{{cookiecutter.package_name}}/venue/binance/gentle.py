"""Requests of a person's command, which must not use up what the node may ask for."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit
from .requests import Requests, weight_of

MOST_A_MINUTE = 1_200
"""Half of what the exchange allows an address a minute (General Info, "Limits")."""
MINUTE_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 90.0
"""For how long it waits when the exchange asks to."""


class GentleRequests(Requests):
    """Requests that leave half of the limit to others."""

    def __init__(self, settings: Settings, most: int = MOST_A_MINUTE) -> None:
        super().__init__(settings)
        self._most = most
        self._turn = asyncio.Lock()
        self._asked: deque[tuple[float, int]] = deque()

    async def get(self, path: str, query: Mapping[str, Any], *, sign: bool = True) -> Any:
        """Return the JSON of an answer; ask when there is room for it."""
        async with self._turn:
            await self._room_for(weight_of(path, query))
        return await super().get(path, query, sign=sign)

    async def _room_for(self, weight: int) -> None:
        while True:
            now = time.monotonic()
            while self._asked and self._asked[0][0] <= now - MINUTE_SECONDS:
                self._asked.popleft()
            if not self._asked or sum(each for _, each in self._asked) + weight <= self._most:
                self._asked.append((now, weight))
                return
            await asyncio.sleep(self._asked[0][0] + MINUTE_SECONDS - now)

    async def _wait(self, seconds: float) -> None:
        self._not_before = max(self._not_before, time.monotonic() + seconds)
        if seconds > LONGEST_WAIT_SECONDS:
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange asks this machine to wait for {seconds:.0f} s before it asks for "
                "anything again: ask again then.",
            )
