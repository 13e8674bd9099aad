"""
The time that signed requests carry: the exchange's, whatever this machine's own clock says.

It runs on the monotonic clock from the exchange's time as it was last measured. A wall clock that
steps while the node trades moves no signature, so that stops can still be placed and orders
cancelled.

Source: USD-M Futures, General Info, "Timing Security".
"""

import time
from dataclasses import dataclass

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


class SigningClock:
    """The exchange's time, as far as it has been measured; this machine's before."""

    def __init__(self) -> None:
        self._measured: Measured | None = None

    def set(self, measured: Measured) -> None:
        """Take up what was measured, unless less is known by it than before."""
        if self._measured is None or measured.doubt_ms <= MOST_DOUBT_MS:
            self._measured = measured

    def now_ms(self) -> int:
        """Return the time that a request carries, in milliseconds since the Unix epoch."""
        if self._measured is None:
            return time.time_ns() // 1_000_000
        since = time.monotonic() - self._measured.at
        return int(self._measured.exchange_ms + since * 1000)
