"""
A user stream that is open and says nothing.

The adapter sees no end of it. But whatever it should have told is learned by asking; when that
happens and nothing at all was heard for a while, the stream is opened anew. If that does not help,
the node ends, and its next start opens everything anew.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

SILENT_SECONDS = 0.25
"""So long nothing was heard before: a stream that lives is opened anew for nothing, at worst."""
EVENT_SECONDS = 1.0
"""How long an event may take that tells of the same."""
OPENING_SECONDS = 5.0
"""How long a new stream may take before it is suspected, too."""
SENTENCE = (
    "The stream of the account's events is open and says nothing, and opening it anew has not "
    "helped; the node ends, and its next start learns from the exchange what it has missed."
)

type Handler = Callable[[bytes], None]


class DeafStream:
    """
    Notice that nothing is heard, and do something about it.

    Parameters
    ----------
    stream : Any
        The adapter's client for the user stream.
    give_up : Callable[[str], None]
        Takes the sentence when a new stream has not helped.

    """

    def __init__(self, stream: Any, give_up: Callable[[str], None]) -> None:
        self._stream = stream
        self._give_up = give_up
        self._heard = time.monotonic()
        self._opened = 0.0
        self._suspecting: asyncio.Task[None] | None = None

    def hearing(self, handler: Handler) -> Handler:
        """Return a handler of user events that notes that something was heard."""

        def hear(raw: bytes) -> None:
            self._heard = time.monotonic()
            handler(raw)

        return hear

    def missed(self) -> None:
        """Take up that the stream has not told something which has been learned by asking."""
        if self._suspecting is None or self._suspecting.done():
            self._suspecting = asyncio.get_running_loop().create_task(self._suspect())

    async def _suspect(self) -> None:
        learned = time.monotonic()
        # The answer to a question may be faster than the event.
        await asyncio.sleep(EVENT_SECONDS)
        if self._heard > learned - SILENT_SECONDS or learned - self._opened < OPENING_SECONDS:
            return
        if self._heard < self._opened:
            self._give_up(SENTENCE)
            return
        self._opened = time.monotonic()
        await self._stream._resubscribe()
