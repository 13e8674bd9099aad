"""
Before the engine loads: cut down a store that has grown too large to be loaded quickly.

What is done here is done without the mend and the audit, for loading is what is slow: with fewer
orders than `MOST_ORDERS`, everything waits for the watch, and for what they have put right.
"""

import asyncio
import gc
import time

from ...books.archive import Archive
from ...books.archive_plan import cutoff_ns
from ...config.settings import Settings
from ...engine.archive_format import ArchiveFormat
from ...exit_codes import one_line
from ...venue.binance.public import exchange_now_ms
from ..guard import Start
from .moving import move
from .store import Moved, StoreArchive

MOST_ORDERS = 2_000
"""The engine takes about half a millisecond for each order that it loads."""
BATCH = 5_000
NS_PER_MS = 1_000_000


def store_archive(settings: Settings, form: ArchiveFormat) -> StoreArchive:
    """Return the way from a node's store to its archive."""
    archive = Archive(settings.archive_folder)
    return StoreArchive(settings.store_url.get_secret_value(), form, archive)


def told(moved: Moved) -> str:
    """Return in words what has gone to the archive."""
    counts = (
        (moved.orders, "order", "orders"),
        (moved.positions, "position", "positions"),
        (moved.states, "state of the account", "states of the account"),
    )
    found = [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
    return " and ".join(found) or "nothing"


async def check_archive(start: Start) -> str | None:
    """
    Archive what is due where there is too much of it; return what was done, in a sentence.

    A disk that takes nothing, or a store that is away, keeps no node from its start: the archive is
    for speed alone, and what is not archived stays where it is.
    """
    store = store_archive(start.settings, start.engine.archive_format)
    began = time.monotonic()
    collects = gc.isenabled()
    # A hundred thousand events are read and let go: collecting in between costs a fifth.
    gc.disable()
    try:
        if await asyncio.to_thread(store.count_orders) <= MOST_ORDERS:
            return None
        now_ns = await now_of(start.settings)
        moved = await move(store, cutoff_ns(now_ns, start.settings.archive_days), BATCH)
    except Exception as error:
        start.note(f"The store is large and cannot be made smaller: {one_line(error)}.")
        return None
    finally:
        if collects:
            gc.enable()
        store.close()
    if moved.is_nothing:
        return None
    seconds = time.monotonic() - began
    return f"{told(moved)} went to {start.settings.archive_folder} in {seconds:.1f} s."


async def now_of(settings: Settings) -> int:
    """Return the exchange's now in nanoseconds, and never a moment that has not come here."""
    return min(await exchange_now_ms(settings) * NS_PER_MS, time.time_ns())
