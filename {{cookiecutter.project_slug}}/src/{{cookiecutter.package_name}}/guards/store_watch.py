"""
Watch the store while the node trades: what the engine writes must arrive there, and stay.

The engine's own writes fail without a word: into a store that is away, full or read-only, and as
the first one after a connection has been closed for being idle.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions

from ..exit_codes import ExitCode, NodeExit, one_line
from .mend.marker import KEY as FORMAT_KEY
from .store_looks import StoreLooks
from .store_marks import AGAIN_SECONDS, EVERY_SECONDS, Look, Store, StoreMarks
from .watch import Trading

LOOK_SECONDS = 0.4
"""How long a look may take, at a store that is near."""
FIRST_SECONDS = 5.0
"""How long the first one may take, which shows how far away the store is."""
FAR_TIMES = 4
"""How many times as long as the first answer a look may take: connecting again takes longer."""
LOOKED_SECONDS = 86_400
"""How long the number of a process's last look stays after it has ended."""
CONDITION = "store"
DOING = (
    "No risk is added, what protects the position stays and is kept right, and the store is looked "
    "at again and again."
)


async def watch_store(trading: Trading) -> None:
    """
    Say so while the store does not take or keep what the engine writes.

    Raises
    ------
    NodeExit
        With code 75 when the store takes writes again and lacks what it should have: the next start
        mends it. While it is away nothing ends: no start would succeed, and nobody would keep the
        position protected.

    """
    settings, line = trading.settings, trading.engine.store_line
    url = settings.store_url.get_secret_value()
    parts = urlsplit(url)
    place = f"The store at {parts.hostname}:{parts.port or 6379}"
    began = time.time_ns()
    process = f"{settings.instance_id} {began}"
    marks = StoreMarks(process)
    prefix = trading.engine.store_format.prefix
    # A key of this process's own: another one that was paused, and goes on, must not write there.
    looks_key = f"{line.mark_key}-looked-{began}"
    window = _Window(url, line.mark_key, prefix, looks_key, StoreLooks(process))
    pause = EVERY_SECONDS
    try:
        await window.open()
        before = time.monotonic()
        marks.note(line.written())
        line.write_mark(marks.next())
        trading.tally.mark_written(before)
        while True:
            await asyncio.sleep(pause)
            asked = time.monotonic()
            look = await window.look(marks)
            marks.note(line.written())
            now = time.monotonic()
            trading.tally.looked(is_there=marks.is_there(look.mark), seconds=now - asked)
            found, before = marks.judge(look, now - before), now
            match found:
                case Store.RIGHT:
                    trading.conditions.end(CONDITION)
                case Store.WRONG:
                    trading.conditions.begin(CONDITION, f"{place} {marks.sentence}.", DOING)
                case Store.LOST:
                    raise NodeExit(
                        ExitCode.AWAY,
                        f"{place} {marks.sentence}. The node starts again, and its mend writes "
                        "what is missing.",
                    )
            if marks.is_there(look.mark) or marks.may_try_again(look):
                line.write_mark(marks.next())
                trading.tally.mark_written(now)
            pause = EVERY_SECONDS if found is Store.RIGHT else AGAIN_SECONDS
    finally:
        await window.close()


class _Window:
    """
    A connection of the watch's own, with short bounds; longer ones where the store is far away.

    Parameters
    ----------
    url : str
        The store, with user name and password.
    mark_key : str
        Where the engine's mark is.
    prefix : str
        What all keys of the trader begin with.
    looks_key : str
        Where looks leave their numbers.
    looks : StoreLooks
        The numbers that looks leave in the store.

    """

    def __init__(
        self, url: str, mark_key: str, prefix: str, looks_key: str, looks: StoreLooks
    ) -> None:
        self._mark_key = mark_key
        self._format_key = prefix + FORMAT_KEY
        self._looks_key = looks_key
        self._looks = looks
        self._client = redis.asyncio.Redis.from_url(
            url,
            retry=None,
            protocol=2,
        )
        self._patience = LOOK_SECONDS

    async def open(self) -> None:
        """Connect, and learn how far away the store is; one that is not there is as one nearby."""
        with contextlib.suppress(redis.exceptions.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await self._answer()
                began = time.monotonic()
                await self._answer()
                self._patience = max(LOOK_SECONDS, FAR_TIMES * (time.monotonic() - began))

    async def _answer(self) -> None:
        await cast("Awaitable[Any]", self._client.ping())

    async def look(self, marks: StoreMarks) -> Look:
        """Return what is in the store, or why nothing can be read and written there."""
        keys = marks.keys
        try:
            async with asyncio.timeout(self._patience):
                return await self._read(keys)
        except redis.exceptions.BusyLoadingError:
            return Look(trouble="is still loading its data")
        except redis.exceptions.AuthenticationError as error:
            return Look(trouble=f"refuses the user name or password: {one_line(error)}")
        except redis.exceptions.ResponseError as error:
            return Look(trouble=f"takes no writes: {one_line(error)}")
        except (TimeoutError, redis.exceptions.TimeoutError):
            return Look(trouble="does not answer")
        except (redis.exceptions.RedisError, OSError) as error:
            return Look(trouble=f"is away: {one_line(error)}")

    async def _read(self, keys: Sequence[str]) -> Look:
        pipe = self._client.pipeline(transaction=False)
        pipe.get(self._mark_key)
        pipe.exists(self._format_key)
        for key in keys:
            pipe.llen(key)
        pipe.get(self._looks_key)
        # When it is there, so was all of the above.
        pipe.set(self._looks_key, self._looks.next(), ex=LOOKED_SECONDS)
        answers = await cast("Awaitable[list[Any]]", pipe.execute(raise_on_error=False))
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        mark, has_format, *lengths, looked, _ = answers
        found = dict(zip(keys, lengths, strict=True))
        kept = self._looks.judge(looked)
        return Look(
            mark=mark,
            lengths=found,
            has_format=bool(has_format),
            has_gone_back=kept.has_gone_back,
            is_in_doubt=kept.is_in_doubt,
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()
