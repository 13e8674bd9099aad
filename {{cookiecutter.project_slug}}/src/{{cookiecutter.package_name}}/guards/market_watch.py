"""
See that closed bars come, and fetch those that do not.

The exchange is asked for its newest closed bars now and then. One that the stream should have
brought and has not is handed to the keeper, which decides it as if it had come; a stream that
brings none any more is opened anew by a new start.
"""

import asyncio
from collections import Counter
from contextlib import suppress

from ..exit_codes import ExitCode, NodeExit
from ..plan.bars import ClosedBar
from ..plan.traded import Traded
from ..venue.binance.pages import ExchangeClock
from ..venue.binance.public import closed_bars
from ..venue.binance.requests import FAILURES
from .watch import Trading

LOOK_SECONDS = 4.0
LATE_SECONDS = 1.5
"""How long after it was seen at the exchange a bar may come by the stream."""
BARS = 3
"""How many of the newest bars are asked for."""
MISSED = 3
"""After so many bars in a row that the stream has not brought, it is deaf."""


async def watch_market(trading: Trading) -> None:
    """
    Look until cancelled.

    Raises
    ------
    NodeExit
        With code 75 when the stream brings no bars any more.

    """
    clock = ExchangeClock(trading.settings, trading.requests)
    missed: Counter[str] = Counter()
    # What closed between the history's answer and the stream's first message has come by neither,
    # and says nothing of the stream.
    began_ms = 0
    with suppress(*FAILURES):
        began_ms = await clock.now_ms()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for each in trading.traded:
            try:
                late = await _late_bars(trading, clock, each)
            except FAILURES:
                break  # the watch of the exchange says so
            if late is None:
                continue
            deaf = [bar for bar in late if bar.close_ms > began_ms]
            missed[each.tag] = missed[each.tag] + len(deaf) if deaf else 0
            if missed[each.tag] >= MISSED:
                raise NodeExit(
                    ExitCode.AWAY,
                    f"The stream of {each.symbol} has not brought the last "
                    f"{missed[each.tag]} bars, which were asked for instead; the node ends, and "
                    "its next start opens the stream anew.",
                )
            # Not those that the node ends for: what they decide would be begun and left.
            for bar in late:
                trading.keepers[each.symbol].bar(bar)


async def _late_bars(
    trading: Trading, clock: ExchangeClock, traded: Traded
) -> list[ClosedBar] | None:
    """Return what the stream has not brought; ``None`` if no bar was due."""
    keeper = trading.keepers[traded.symbol]
    before = keeper.newest_bar_ms or 0
    now_ms = await clock.now_ms()
    length = traded.bar_length
    bars = await closed_bars(trading.requests, traded.symbol, length, BARS, now_ms)
    newer = [bar for bar in bars if bar.close_ms > before]
    if not newer:
        return None
    await asyncio.sleep(LATE_SECONDS)
    return [bar for bar in newer if bar.close_ms > (keeper.newest_bar_ms or 0)]
