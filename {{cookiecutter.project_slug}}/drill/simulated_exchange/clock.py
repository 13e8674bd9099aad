"""The two times: wall time signs requests, market time stamps everything that the exchange does."""

import time
from dataclasses import dataclass, field

LIVE_LAG_MS = 1_000


def wall_ms() -> int:
    """Return the wall time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """Market time: stepped from outside, or running from a start.

    Parameters
    ----------
    stepped : bool
        Whether it moves only with recorded changes.
    start_ms : int
        The market time at the start.
    speed : float, default 1
        How fast it runs until it has caught up with wall time, which it never passes.
    """

    stepped: bool
    start_ms: int
    speed: float = 1.0
    started_wall_ms: int = field(default_factory=wall_ms)

    def now(self, recorded_ms: int) -> int:
        """Return the market time, given that of the last recorded change."""
        if self.stepped:
            return recorded_ms
        wall = wall_ms()
        run = self.start_ms + int((wall - self.started_wall_ms) * self.speed)
        return max(recorded_ms, min(run, wall))

    def lag_ms(self, recorded_ms: int) -> int:
        """Return how far the market is behind wall time."""
        return max(0, wall_ms() - self.now(recorded_ms))

    def is_live(self, recorded_ms: int) -> bool:
        """Return whether the market runs at wall time."""
        return not self.stepped and self.lag_ms(recorded_ms) < LIVE_LAG_MS
