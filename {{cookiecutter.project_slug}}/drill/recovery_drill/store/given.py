"""A store that is given: the drill touches only what is its own there."""

from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.failures import Unsupported, UsageError
from recovery_drill.proc.child import Child
from recovery_drill.record.contract import KEY_BEGINS, KEYS_BESIDE, V1, Engine
from recovery_drill.store.protocol import Replicas, StoreAbility
from recovery_drill.store.view import StoreView, read_store

PING_SECONDS = 2.0
FLUSHING = "How this store flushes is not the drill's to change."


def _why_not(ability: StoreAbility) -> str:
    if ability is StoreAbility.FLUSH_ALWAYS:
        return FLUSHING
    return (
        f"A given store is not the drill's to {ability}; leave --store out to use an embedded one."
    )


def refused(ability: StoreAbility) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return what stands for that which is not done to a store."""

    async def refuse(*_: object) -> None:
        raise Unsupported(_why_not(ability))

    return refuse


class GivenStore:
    """A store that somebody else runs; the drill touches only the keys of its own traders.

    What would touch more raises `Unsupported`.

    Parameters
    ----------
    url : str
        ``redis://[user:password@]host:port``.
    trader_id : str, optional
        Whose keys are removed at the end.

    """

    def __init__(self, url: str, trader_id: str | None = None) -> None:
        self.url = url
        self._trader_id = trader_id
        self.child: Child | None = None
        try:
            self._client = Redis.from_url(
                url, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS
            )
        except ValueError as error:
            raise UsageError(f"The store address {url!r} is not one: {error}.") from error

    @property
    def replicas(self) -> Replicas:
        """Refuse: they are not the drill's.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(_why_not(StoreAbility.FAIL_OVER))

    async def start(self) -> None:
        """Check that it answers.

        Raises
        ------
        UsageError
            If it does not.

        """
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            raise UsageError(
                f"The store at {self.url} does not answer ({error}); start it, or leave --store "
                "out to use an embedded one."
            ) from error

    def lacks(self, ability: StoreAbility) -> str:
        """Return why this is not the drill's to do, in one sentence."""
        return _why_not(ability)

    async def view(self, trader_id: str, engine: Engine = V1) -> StoreView:
        """Return what the store has of one trader."""
        return await read_store(self._client, trader_id, engine)

    async def lose(self, trader_id: str) -> None:
        """Delete the keys of one trader: a given store's files are not the drill's to delete."""
        for begin in KEY_BEGINS:
            match = f"{begin.format(trader_id)}*"
            async for key in self._client.scan_iter(match=match, count=1000):
                await self._client.delete(key)
        await self._client.delete(*(name.format(trader_id) for name in KEYS_BESIDE))

    flush = lose
    kill = refused(StoreAbility.KILL)
    pause = resume = refused(StoreAbility.PAUSE)
    fill = empty = refused(StoreAbility.FILL)
    make_read_only = make_writable = refused(StoreAbility.READ_ONLY)
    close_idle = keep_idle = refused(StoreAbility.CLOSE_IDLE)
    fail_snapshots = allow_snapshots = refused(StoreAbility.FAIL_SNAPSHOTS)
    until_written = backup = restore = refused(StoreAbility.BACKUP)
    lose_power = refused(StoreAbility.LOSE_POWER)
    flush_always = refused(StoreAbility.FLUSH_ALWAYS)

    async def stop(self) -> None:
        """Remove what the drill's own trader left, and leave the store running."""
        try:
            if self._trader_id is not None:
                await self.lose(self._trader_id)
        finally:
            await self._client.aclose()
