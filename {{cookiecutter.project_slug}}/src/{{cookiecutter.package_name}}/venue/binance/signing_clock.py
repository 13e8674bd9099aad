"""
The time that signed requests carry: the exchange's, whatever this machine's own clock says.

It runs on the monotonic clock from the exchange's time as it was last measured. A wall clock that
steps while the node trades moves no signature, so that stops can still be placed and orders
cancelled.

Source: USD-M Futures, General Info, "Timing Security".
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

RECEIVE_WINDOW_MS = 2_000
"""
How long after its signature the exchange accepts a request (USD-M Futures, ``recvWindow``).

Short, because a start waits this long for what a killed process may still have on its way, and
a market order that is later than this is not wanted any more. The exchange's own default is 5,000.
"""
MOST_SECONDS = RECEIVE_WINDOW_MS / 1000
MOST_DOUBT_MS = 250.0
"""What is known less exactly than this does not take the place of what was measured before."""


@dataclass(frozen=True, slots=True)
class Measured:
    """
    How far the exchange's clock and this machine's are apart.

    Parameters
    ----------
    offset_ms : float
        By how much the exchange's clock is ahead of this machine's.
    doubt_ms : float
        By how much this may be wrong: half of the way to the exchange and back.
    exchange_ms : float
        The exchange's time.
    at : float
        When it was that, in seconds of the monotonic clock.

    """

    offset_ms: float
    doubt_ms: float
    exchange_ms: float
    at: float


class NotAllowed(Exception):
    """Nothing may be changed at the exchange by this process now."""


class SigningClock:
    """
    The exchange's time, as far as it has been measured; this machine's before.

    Attributes
    ----------
    allowed : Callable[[], float]
        For how many seconds this process may still change anything at the exchange.

    """

    def __init__(self) -> None:
        self._measured: Measured | None = None
        self.allowed: Callable[[], float] = lambda: math.inf

    def set(self, measured: Measured) -> None:
        """Take up what was measured, unless less is known by it than before."""
        if self._measured is None or measured.doubt_ms <= MOST_DOUBT_MS:
            self._measured = measured

    @property
    def measured(self) -> Measured | None:
        """What was measured; ``None`` before."""
        return self._measured

    def now_ms(self) -> int:
        """Return the time that a request carries, in milliseconds since the Unix epoch."""
        if self._measured is None:
            return time.time_ns() // 1_000_000
        since = time.monotonic() - self._measured.at
        return int(self._measured.exchange_ms + since * 1000)

    def stamp(self, *, is_change: bool) -> dict[str, int]:
        """
        Return the parameters that say from when until when the exchange may accept a request.

        One that changes something is accepted no longer than this process is allowed to: should it
        stand still after this, the exchange refuses what it sends when it goes on.

        Raises
        ------
        NotAllowed
            If it may change nothing now.

        """
        window = RECEIVE_WINDOW_MS
        now_ms = self.now_ms()
        if is_change:
            # Asked for after the time was taken: whatever passes between makes the window shorter.
            window = min(window, math.floor(min(self.allowed(), MOST_SECONDS) * 1000))
            if window <= 0:
                raise NotAllowed("this node does not hold the lease now")
        return {"recvWindow": window, "timestamp": now_ms}
