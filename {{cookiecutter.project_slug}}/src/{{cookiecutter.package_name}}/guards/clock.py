"""
Compare this machine's clock with the exchange's before anything is signed.

The exchange refuses a request whose time is a second ahead of its own, or older than the receive
window (USD-M Futures, General Info, "Timing Security").
"""

import time

from ..exit_codes import ExitCode, NodeExit
from ..venue.binance.public import server_now_ms
from ..venue.binance.requests import RECEIVE_WINDOW_MS, Requests
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
        With code 78 when the clock is so wrong that the exchange would refuse requests.

    """
    if sentence := await wrong_clock(requests):
        raise NodeExit(ExitCode.CONFIGURATION, f"{sentence}, then start again.")


async def wrong_clock(requests: Requests) -> str:
    """
    Ask the exchange for its time; return what is wrong with this machine's, or an empty text.

    Raises
    ------
    NodeExit
        With code 75 when there is no answer, 70 when it is absurd.

    """
    quickest, offset = float("inf"), 0.0
    for _ in range(TRIES):
        before, started = time.time() * 1000, time.monotonic()
        server_ms = await answer_to("its time", lambda: server_now_ms(requests))
        trip = (time.monotonic() - started) * 1000
        if trip < quickest:
            quickest, offset = trip, server_ms - (before + trip / 2)
        if not complaint(offset, 0):
            return ""
    return complaint(offset, quickest / 2)


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
        f"This machine's clock is {where} the exchange's, which would refuse every request; let "
        "the clock be set by a time server (NTP)"
    )
