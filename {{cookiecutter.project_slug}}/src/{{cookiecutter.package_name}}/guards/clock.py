"""
Compare this machine's clock with the exchange's, and let requests carry the exchange's.

The exchange refuses a request whose time is a second ahead of its own, or older than the receive
window (USD-M Futures, General Info, "Timing Security").
"""

import time

from ..exit_codes import ExitCode, NodeExit
from ..venue.binance.public import server_now_ms
from ..venue.binance.requests import Requests
from ..venue.binance.signing_clock import RECEIVE_WINDOW_MS, Measured
from .asking import answer_to

AHEAD_MS = 1_000
TRIES = 4
"""A slow answer says little; the quickest one counts."""
ROOM_MS = 200
"""How near to a bound a clock may be."""


async def check_clock(requests: Requests) -> None:
    """
    Ask the exchange for its time.

    Raises
    ------
    NodeExit
        With code 78 when the clock is so wrong that the exchange would refuse requests that carry
        its time.

    """
    if sentence := await wrong_clock(requests):
        raise NodeExit(ExitCode.CONFIGURATION, f"{sentence}, then start again.")


async def wrong_clock(requests: Requests) -> str:
    """
    Ask the exchange for its time; return what is wrong with this machine's, or an empty text.

    From then on signed requests carry the time that was measured.

    Raises
    ------
    NodeExit
        With code 75 when there is no answer, 70 when it is absurd.

    """
    best = await _measure(requests)
    for _ in range(TRIES - 1):
        if not complaint(best.offset_ms, 0):
            break
        best = min(best, await _measure(requests), key=lambda each: each.doubt_ms)
    requests.clock.set(best)
    return complaint(best.offset_ms, best.doubt_ms)


async def _measure(requests: Requests) -> Measured:
    wall_ms, asked = time.time() * 1000, time.monotonic()
    exchange_ms = await answer_to("its time", lambda: server_now_ms(requests))
    doubt = (time.monotonic() - asked) / 2
    return Measured(
        offset_ms=exchange_ms - (wall_ms + doubt * 1000),
        doubt_ms=doubt * 1000,
        exchange_ms=exchange_ms,
        at=asked + doubt,
    )


def complaint(offset_ms: float, doubt_ms: float) -> str:
    """
    Return what is wrong with a clock, or an empty text.

    Parameters
    ----------
    offset_ms : float
        By how much the exchange's clock is ahead of this machine's.
    doubt_ms : float
        By how much this may be wrong: half of the way to the exchange and back.

    """
    ahead, behind = -offset_ms - doubt_ms, offset_ms - doubt_ms
    if ahead > AHEAD_MS - ROOM_MS:
        where = f"{-offset_ms / 1000:.1f} s ahead of"
    elif behind > RECEIVE_WINDOW_MS - ROOM_MS:
        where = f"{offset_ms / 1000:.1f} s behind"
    else:
        return ""
    return (
        f"This machine's clock is {where} the exchange's, which refuses requests that are so far "
        "off; let the clock be set by a time server (NTP)"
    )
