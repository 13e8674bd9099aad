"""
What a strategy remembers, in the store: read once on the way up, written at each change.

The engine has a general value for such things, whose write nobody waits for. This one goes to the
same key over a connection of the node's own, and counts once the store has answered. Only the
holder of the lease writes: the store itself compares, so that a process that was paused for long
cannot put back what it knew.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

import redis.asyncio
import redis.exceptions

from ..config.settings import Settings
from ..engine.desk import Desk
from ..exit_codes import ExitCode, NodeExit, one_line
from ..guards.lease.record import decode as lease_record
from ..guards.lease.record import key_of as lease_key_of
from ..guards.store import place_of
from ..plan.memory import (
    MOST_BYTES,
    Json,
    MemoryForm,
    NewerMemoryError,
    Remembered,
    UnusableMemoryError,
    copy_of,
    decode,
    encode,
    first,
)
from .around import About, Listener

STORE_SECONDS = 1.0
"""How long one write may take."""
READ_SECONDS = 10.0
"""How long a start waits for what is remembered."""
AGAIN_SECONDS = 0.5
"""How long a write that the store has not taken waits for the next try."""
WHILE_AWAY = (
    "It is tried again and again; until the store has it nothing is opened, and what protects the "
    "position is kept right."
)
WRITES = 5
"""How often one write is tried that a renewal of the lease has come between."""


def key_of(trader: str, tag: str) -> str:
    """Return where a line's memory is in the store: a general value of the engine's."""
    return f"trader-{trader}:general:memory:{tag}"


class NotRememberedError(Exception):
    """The store has not taken what is to be remembered; its text says why, in words."""


class Holding(Protocol):
    """Whether this process is the one that may write."""

    @property
    def epoch(self) -> int | None:
        """The number of its holding of the lease; ``None`` when it is not held."""

    def left(self) -> float:
        """Return for how many seconds it may write; zero or less when it may not."""


class MemoryStore:
    """
    The store, as memories use it: one connection, short bounds, and nothing written without lease.

    Parameters
    ----------
    settings : Settings
        The store and the trader's id.
    lease : Holding
        Whether this process may write.

    """

    def __init__(self, settings: Settings, lease: Holding) -> None:
        self._settings = settings
        self._lease = lease
        self._client = redis.asyncio.Redis.from_url(
            settings.store_url.get_secret_value(), protocol=2, retry=None
        )

    def key_of(self, tag: str) -> str:
        """Return where a line's memory is."""
        return key_of(self._settings.id, tag)

    async def read(self, key: str) -> bytes | None:
        """
        Return what stands there; ``None`` for nothing.

        Raises
        ------
        UnusableMemoryError
            If it is very long, or no text at all.
        NodeExit
            With code 75 when the store is away, 78 when it refuses.

        """
        place = place_of(self._settings)
        try:
            async with asyncio.timeout(READ_SECONDS):
                length = await self._client.strlen(key)
                if length > MOST_BYTES:
                    raise UnusableMemoryError(
                        f"is {length:,} bytes long, and {MOST_BYTES:,} are allowed"
                    )
                return cast("bytes | None", await self._client.get(key))
        except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError) as error:
            raise NodeExit(
                ExitCode.CONFIGURATION, f"{place} does not let this user read ({one_line(error)})."
            ) from None
        except redis.exceptions.ResponseError as error:
            if one_line(error).startswith("WRONGTYPE"):
                raise UnusableMemoryError("is no text") from None
            raise NodeExit(ExitCode.AWAY, f"{place} refuses: {one_line(error)}.") from None
        except TimeoutError:
            raise NodeExit(
                ExitCode.AWAY, f"{place} did not answer within {READ_SECONDS:.0f} s."
            ) from None
        except (redis.exceptions.RedisError, OSError) as error:
            raise NodeExit(ExitCode.AWAY, f"{place} is away: {one_line(error)}.") from None

    async def write(self, key: str, value: bytes) -> None:
        """
        Write, and return once the store has answered that it has it.

        Raises
        ------
        NotRememberedError
            If it has not; it may have taken it all the same.

        """
        try:
            async with asyncio.timeout(STORE_SECONDS):
                for _ in range(WRITES):
                    if await self._write_once(key, value):
                        return
            raise NotRememberedError("the lease changes all the time")
        except TimeoutError:
            why = "it does not answer"
        except (redis.exceptions.RedisError, OSError, ValueError) as error:
            why = one_line(error)
        # What is still on its way to us answers an older question.
        await self._client.connection_pool.disconnect()
        raise NotRememberedError(why)

    async def _write_once(self, key: str, value: bytes) -> bool:
        """Write, unless somebody else holds the lease; return whether nothing came between."""
        lease_key = lease_key_of(self._settings.id)
        async with self._client.pipeline() as pipe:
            transaction: Any = pipe  # the library's types know no watched pipeline
            await transaction.watch(lease_key)
            holder = lease_record(await transaction.get(lease_key))
            epoch = None if holder is None or holder.is_released else holder.epoch
            if epoch is None or epoch != self._lease.epoch or self._lease.left() <= 0:
                raise NotRememberedError("this node does not hold the lease")
            transaction.multi()
            transaction.set(key, value)
            try:
                await transaction.execute()
            except redis.exceptions.WatchError:
                return False
            return True

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class Memory:
    """
    What one line remembers.

    A rule's is bound to bars: `seen_at` and `note`, then `keep`. An event-driven strategy's is a
    plain value: `value` and `remember`.

    Parameters
    ----------
    tag : str
        The tag of the line in ``strategies/``.
    form : MemoryForm
        What the strategy says of its memory.
    store : MemoryStore
        Where it is kept.

    """

    def __init__(self, tag: str, form: MemoryForm, store: MemoryStore) -> None:
        self._tag = tag
        self._form = form
        self._store = store
        self._key = store.key_of(tag)
        self._now = self._kept = first(form)
        self._lock = asyncio.Lock()
        self.was_there = False
        """Whether the store had something when it was loaded."""

    async def load(self) -> None:
        """
        Take up what the store has; without anything there, what the strategy begins with.

        Raises
        ------
        NodeExit
            With code 78 when what is there cannot be taken up, 75 when the store is away.

        """
        try:
            value = await self._store.read(self._key)
            found = None if value is None else decode(value, self._form)
        except UnusableMemoryError as error:
            raise NodeExit(ExitCode.CONFIGURATION, self._refusal(error)) from None
        self.was_there = found is not None
        self._now = self._kept = found or first(self._form)

    def _refusal(self, error: UnusableMemoryError) -> str:
        advice = f"correct it, or delete the key {self._key} of the store and let it begin anew"
        if isinstance(error, NewerMemoryError):
            advice = (
                f"start the newer one, or delete the key {self._key} of the store and let this one "
                "begin anew"
            )
        return (
            f"What {self._tag} remembers {one_line(error)}; look at it with the command `state`, "
            f"then {advice}."
        )

    # -- By bars -------------------------------------------------------------------------------

    @property
    def close_ms(self) -> int:
        """The close time of the bar at which it has changed last, in milliseconds; 0 for none."""
        return self._now.close_ms

    def seen_at(self, close_ms: int) -> Json:
        """Return what a look at the bar that closes then sees: a copy of its own."""
        return self._now.seen_at(close_ms)

    def note(self, close_ms: int, after: Json) -> None:
        """
        Take up what the bar that closes then has answered; `keep` brings it to the store.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """
        self._now = self._now.then(close_ms, after)

    @property
    def is_kept(self) -> bool:
        """Whether the store has answered that it has all of it."""
        return self._now is self._kept

    async def keep(self) -> None:
        """
        Return once the store has all of it.

        Raises
        ------
        NotRememberedError
            If the store has not taken it; try again.

        """
        async with self._lock:
            while not self.is_kept:
                writing = self._now
                await self._store.write(self._key, encode(writing))
                self._kept = writing

    # -- As a plain value ----------------------------------------------------------------------

    @property
    def value(self) -> Json:
        """What is remembered: a copy of its own."""
        return copy_of(self._now.after)

    async def remember(self, value: Json) -> None:
        """
        Remember a value; return once the store has it.

        Raises
        ------
        NotRememberedError
            If the store has not taken it: `keep` tries again. `value` is the new one all the same.
        ValueError
            If it is no JSON value, or a very long one.

        """
        value = copy_of(value)
        changed = Remembered(self._form.version, 0, value, value)
        encode(changed)
        self._now = changed
        await self.keep()


class MemoryWriting:
    """
    Brings what a rule remembers to the store, and says so while the store does not take it.

    Parameters
    ----------
    memory : Memory, optional
        What is remembered; without it there is never anything to do.
    tag, symbol : str
        Whose it is.
    desk : Desk
        Where the work is done.
    listener : Listener
        Told what is wrong.
    look_soon : Callable[[], None]
        Called once something has changed.

    """

    def __init__(
        self,
        memory: Memory | None,
        tag: str,
        symbol: str,
        desk: Desk,
        listener: Listener,
        look_soon: Callable[[], None],
    ) -> None:
        self._memory = memory
        self._tag = tag
        self._symbol = symbol
        self._desk = desk
        self._listener = listener
        self._look_soon = look_soon
        self._is_writing = False
        self._is_away = False
        self._has_ended = False

    @property
    def is_awaited(self) -> bool:
        """Whether the store is being asked, and will have answered, or not, in a moment."""
        return self._is_writing and not self._is_away

    def must_wait(self) -> bool:
        """Begin to write what is not kept; return whether nothing may be sent until that is."""
        if self._memory is None or self._memory.is_kept:
            return False
        if not self._is_writing:
            self._is_writing = True
            self._desk.background(self._write)
        # While the store is away its condition keeps back what opens risk, and protection goes on.
        return not self._is_away

    def stopped(self) -> None:
        """Try no more."""
        self._has_ended = True

    async def _write(self) -> None:
        assert self._memory is not None
        try:
            while not self._has_ended and not self._memory.is_kept:
                try:
                    await self._memory.keep()
                except NotRememberedError as error:
                    self._is_away = True
                    told = f"The store does not take what {self._tag} remembers: {error}."
                    self._listener.wrong(About.MEMORY, self._symbol, told, WHILE_AWAY)
                    self._look_soon()
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._is_writing = self._is_away = False
        self._listener.right(About.MEMORY, self._symbol)
        self._look_soon()
