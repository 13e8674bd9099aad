"""Counting changes, so that a reader of the state can wait for the next one."""

import asyncio
from contextlib import suppress


class Changes:
    """A revision that grows with each change; all of it on one event loop."""

    def __init__(self) -> None:
        self.revision = 0
        self._next = asyncio.Event()

    def note(self) -> None:
        """Count a change and wake everybody who waits for one."""
        self.revision += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, revision: int, seconds: float) -> None:
        """Return when the revision is beyond `revision`, or when `seconds` have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.revision <= revision:
                    await self._next.wait()
