"""
The store, as memories use it: over a connection of the node's own, and only with the lease.

The engine has a general value for what a strategy remembers, whose write nobody waits for. This one
goes to the same key, and counts once the store has answered. The store itself compares the holder
of the lease, so that a process that was paused for long cannot put back what it knew.
"""

import asyncio
from typing import Any, Protocol, cast

import redis.asyncio
import redis.exceptions

from ..config.settings import Settings
from ..exit_codes import ExitCode, NodeExit, one_line
from ..guards.lease.record import decode as lease_record
from ..guards.lease.record import key_of as lease_key_of
from ..guards.store import place_of
from ..plan.memory import MOST_BYTES, UnusableMemoryError

STORE_SECONDS = 1.0
"""How long one write may take."""
READ_SECONDS = 10.0
"""How long a start waits for what is remembered."""
WAIT_MS = 500
"""How long a replica may take to have it, too, where there are some."""
MUST_HAVE_REPLICAS = "min_slaves_good_slaves"
"""Stands in what a store says of its replicas, when it takes no writes without one."""
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
        self._is_replicated: bool | None = None

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
            # On this very connection, which waits for what it has written itself.
            asked = transaction.immediate_execute_command
            await asked("MULTI")
            await asked("SET", key, value)
            if await asked("EXEC") is None:
                return False
            if await self._has_replicas(transaction) and not await asked("WAIT", 1, WAIT_MS):
                raise NotRememberedError("no replica has it yet")
            return True

    async def _has_replicas(self, transaction: Any) -> bool:
        """Return whether a replica may take the store's place, which must have it then."""
        if self._is_replicated is None:
            found = await transaction.immediate_execute_command("INFO", "replication")
            self._is_replicated = MUST_HAVE_REPLICAS in found
        return self._is_replicated

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()
