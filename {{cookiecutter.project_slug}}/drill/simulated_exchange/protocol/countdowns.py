"""The dead man's switch: a client that does not say in time that it is there loses its orders.

The countdown is of wall time, since it measures the silence of the client. Source: "Auto-Cancel All
Open Orders" of https://developers.binance.com/docs/derivatives/usds-margined-futures. It speaks of
open orders and does not say whether conditional ones are meant: here they stay, as they do when
``DELETE allOpenOrders`` is asked for, and so does what protects a position.
"""

import asyncio
import contextlib

from ..clock import wall_ms
from ..journal.journal import Journal
from ..journal.state import State
from ..matching.matching import Matching


class Countdowns:
    """The countdowns of the account, one for each symbol."""

    def __init__(self, state: State, journal: Journal, matching: Matching) -> None:
        self._state = state
        self._journal = journal
        self._matching = matching
        self._changed = asyncio.Event()

    def begin(self, symbol: str, length_ms: int) -> None:
        """Begin to count down, anew if need be; a length of zero ends it without a word."""
        self._write(symbol, wall_ms() + length_ms if length_ms else 0)

    def end(self) -> None:
        """Cancel the open orders of the symbols whose time has passed."""
        for symbol in self._due():
            self._write(symbol, 0)
            for order in self._state.open_orders("order", symbol):
                self._matching.cancel(order)

    async def passed(self) -> None:
        """Wait until there is one whose time has passed."""
        while not self._due():
            self._changed.clear()
            ends = min(self._state.countdowns.values(), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if ends is None else (ends - wall_ms()) / 1000):
                    await self._changed.wait()

    def _due(self) -> list[str]:
        now = wall_ms()
        return [symbol for symbol, ends in self._state.countdowns.items() if ends <= now]

    def _write(self, symbol: str, until_ms: int) -> None:
        self._journal.write("countdown.changed", {"symbol": symbol, "until_ms": until_ms})
        self._changed.set()
