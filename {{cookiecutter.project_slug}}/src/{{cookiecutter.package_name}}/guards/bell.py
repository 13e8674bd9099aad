"""What wakes a watch before its next look is due: something odd has been seen."""

import asyncio


class Bell:
    """Rung by whoever sees something odd; heard by one watch."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let the next look be at once."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as it is rung."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
