"""While the node trades: what has ended long ago goes to the archive, at quiet moments."""

import asyncio
import json
import sys

from ...books.archive_plan import cutoff_ns
from ...exit_codes import one_line
from ..watch import Trading
from .guard import now_of, store_archive, told
from .moving import move

EVERY_SECONDS = 60.0
"""How often it is looked whether a day has passed."""
PAUSE_SECONDS = 0.2
"""Between two batches."""
BATCH = 100
"""Orders that the engine forgets at once: about five milliseconds of its thread."""
LOOK_SECONDS = 0.05
QUIET_SECONDS = 10.0
"""How long a quiet moment is waited for."""


async def watch_archive(trading: Trading) -> None:
    """
    Archive what is due, once a day of the exchange's, until cancelled.

    What fails is said once and tried again: nothing of this keeps the node from trading.
    """
    settings, engine = trading.settings, trading.engine
    done_ns = -1

    async def rest() -> bool:
        await asyncio.sleep(PAUSE_SECONDS)
        return await _quiet(trading)

    while True:
        await asyncio.sleep(EVERY_SECONDS)
        store = store_archive(settings, engine.archive_format)
        try:
            engine.tidy()
            # Of these nothing is ever asked for: no day has to pass, and no moment to be quiet.
            await asyncio.to_thread(store.move_states)
            before_ns = cutoff_ns(await now_of(settings), settings.archive_days)
            if before_ns == done_ns or not await _quiet(trading):
                continue
            moved = await move(
                store,
                before_ns,
                BATCH,
                forget_orders=engine.forget_orders,
                forget_positions=engine.forget_positions,
                rest=rest,
            )
            if not moved.was_cut_short:
                done_ns = before_ns
            if not moved.is_nothing:
                _tell(f"{told(moved)} went to {settings.archive_folder}.")
        except Exception as error:
            trading.note(f"Nothing can be archived: {one_line(error)}. It is tried again.")
        finally:
            store.close()


async def _quiet(trading: Trading) -> bool:
    """Wait for a moment at which nothing is on its way or wrong; return whether there was one."""
    loop = asyncio.get_running_loop()
    until = loop.time() + QUIET_SECONDS
    while loop.time() < until:
        is_looking = any(keeper.pending_looks for keeper in trading.keepers.values())
        is_wrong = bool(trading.conditions.now)
        if not (is_looking or is_wrong or trading.engine.is_waiting):
            return trading.lease.left() > 0
        await asyncio.sleep(LOOK_SECONDS)
    return False


def _tell(sentence: str) -> None:
    # One write a line: the engine's logger writes to the same pipe.
    line = {"event": "archived", "sentence": sentence}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
