"""The drill's own pulse: it notes when the machine had no time for the processes of a play."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from recovery_drill.proc.machine import Waiting
from recovery_drill.record.history import History
from recovery_drill.record.machine import LATE

BEAT_SECONDS = 0.5
NOTED_SHARE = 0.5
"""What is lost of a beat counts from here on: two plays on two cores take turns as well."""


class Heartbeat:
    """Beats while a play goes on, and records each beat of which much was lost.

    Parameters
    ----------
    history : History
        Where that is recorded.
    pids : Callable
        Returns the processes of the play that run now.

    """

    def __init__(self, history: History, pids: Callable[[], Sequence[int]]) -> None:
        self._history = history
        self._pids = pids
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        waiting = Waiting()
        while True:
            began, used = time.monotonic(), time.process_time()
            await asyncio.sleep(BEAT_SECONDS)
            over = time.monotonic() - began
            # What the drill has counted itself meanwhile, the machine has not withheld from it.
            own = over - BEAT_SECONDS - (time.process_time() - used)
            lost = min(over, max(own, waiting.seconds(self._pids())))
            if lost >= NOTED_SHARE * over:
                self._history.record(
                    "drill", LATE, {"seconds": round(lost, 3), "over": round(over, 3)}
                )

    async def close(self) -> None:
        """Stop beating."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
