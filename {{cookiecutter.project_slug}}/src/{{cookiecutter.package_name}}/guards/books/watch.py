"""While the node trades: once a day its books are kept, before the exchange forgets them."""

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable
from typing import cast

from ...exit_codes import NodeExit, one_line
from ...venue.binance.contradictions import DAY_MS
from ...venue.binance.gentle import GentleRequests
from ..archive.guard import NS_PER_MS, now_of
from ..watch import Trading
from .keeping import SETTLED_MS, Report, keep

EVERY_SECONDS = 60.0
"""How often it is looked whether a day has passed."""
LONGEST_SECONDS = 3_600.0
"""How long it is left alone after it has failed a few times."""
MOST_A_MINUTE = 300
"""An eighth of what the exchange lets an address ask."""
FAILURES_SAID = 4


async def watch_books(trading: Trading) -> None:
    """
    Keep the books, once a day of the exchange's, until cancelled.

    What fails is tried again, later each time, and said when it goes on failing: nothing of this
    keeps the node from trading.
    """
    done, failures = -1, 0
    while True:
        await asyncio.sleep(min(EVERY_SECONDS * 2**failures, LONGEST_SECONDS))
        if trading.conditions.now or trading.lease.left() <= 0:
            continue  # whatever is wrong comes first
        try:
            day = (await now_of(trading.settings) // NS_PER_MS - SETTLED_MS) // DAY_MS
            if day == done:
                continue
            await _keep(trading)
        except Exception as error:
            failures = min(failures + 1, 16)
            if failures >= FAILURES_SAID:
                trading.note(f"Books cannot be kept: {_words(error)}. It is tried again.")
        else:
            done, failures = day, 0


async def _keep(trading: Trading) -> None:
    settings, symbols = trading.settings, trading.symbols

    async def one_pass() -> Report:
        requests = GentleRequests(settings, MOST_A_MINUTE)
        try:
            return await keep(settings, requests, symbols)
        finally:
            await requests.close()

    # In a thread with a loop of its own: thousands of rows are read and written.
    report = await beside(lambda: asyncio.run(one_pass()))
    for sentence in report.sentences:
        trading.note(sentence)
    if report.fills or report.income:
        # One write a line: the engine's logger writes to the same pipe.
        line = {"event": "kept", "sentence": report.told}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def beside[Result](work: Callable[[], Result]) -> Result:
    """Return the result of work done in a thread for which no end of the process waits."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(cast("Result", result))
        else:
            done.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except Exception as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the node has ended meanwhile
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="books", daemon=True).start()
    return await done


def _words(error: Exception) -> str:
    return one_line(error.sentence if isinstance(error, NodeExit) else error)
