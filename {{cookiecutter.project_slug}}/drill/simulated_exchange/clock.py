"""The two times: wall time signs requests, market time stamps everything that the exchange does."""

import time

from .journal.state import State
from .market.bars import MINUTE_MS

LIVE_LAG_MS = 1_000


def wall_ms() -> int:
    """Return the wall time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Clock:
    """Market time: moved by recorded changes alone, or running from a start.

    Running, it has a speed until it has caught up with wall time, which it never passes.
    """

    def __init__(self, state: State, start_ms: int, *, stepped: bool, speed: float = 1.0) -> None:
        self.stepped = stepped
        self._state = state
        self._start_ms = start_ms
        self._speed = speed
        self._began_ms = wall_ms()

    def now_ms(self) -> int:
        """Return the market time."""
        if self.stepped:
            return self._state.market_ms
        wall = wall_ms()
        run = self._start_ms + int((wall - self._began_ms) * self._speed)
        return max(self._state.market_ms, min(run, wall))

    def lag_ms(self) -> int:
        """Return how far the market is behind wall time."""
        return max(0, wall_ms() - self.now_ms())

    def is_live(self) -> bool:
        """Return whether the market runs at wall time."""
        return not self.stepped and self.lag_ms() < LIVE_LAG_MS

    def may_close_bar(self) -> bool:
        """Return whether the forming bar may close without market time passing wall time."""
        return self._state.forming_open_ms + MINUTE_MS <= wall_ms()
