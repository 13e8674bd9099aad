"""Compare this machine's clock with the exchange's while the node trades: it may step, or drift."""

import contextlib

from ..exit_codes import NodeExit
from ..venue.binance.order_refusals import CLOCK
from .clock import wrong_clock
from .watch import Trading

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""Between two looks while it is wrong."""
NAME = CLOCK
DOING = (
    "Requests carry the exchange's time meanwhile, stops are kept right, nothing new is opened. "
    "It is measured again and again."
)


async def watch_clock(trading: Trading) -> None:
    """Look until cancelled; a clock that comes right ends the condition."""
    while True:
        sentence = ""
        # Without an answer nothing is known of the clock; the watch of the account says so.
        with contextlib.suppress(NodeExit):
            sentence = await wrong_clock(trading.requests)
            if sentence:
                trading.conditions.begin(NAME, f"{sentence}.", DOING)
            else:
                trading.conditions.end(NAME)
        await trading.bells[NAME].wait(AGAIN_SECONDS if sentence else LOOK_SECONDS)
