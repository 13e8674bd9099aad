"""A store that is given: the drill touches only what is its own there."""

from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.failures import Unsupported, UsageError
from recovery_drill.proc.child import Child
from recovery_drill.store.view import StoreView, read_store

PING_SECONDS = 2.0

type Deed = Callable[..., Coroutine[Any, Any, None]]


def _refused(what: str) -> Deed:
    async def refuse(*_: object) -> None:
        raise Unsupported(
            f"A given store is not the drill's to {what}; leave --store out to use an embedded one."
        )

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

    async def view(self, trader_id: str) -> StoreView:
        """Return what the store holds of one trader."""
        return await read_store(self._client, trader_id)

    async def lose(self, trader_id: str) -> None:
        """Delete the keys of one trader: a given store's files are not the drill's to delete."""
        async for key in self._client.scan_iter(match=f"trader-{trader_id}:*", count=1000):
            await self._client.delete(key)

    flush = lose
    kill = _refused("kill")
    pause = resume = _refused("pause")
    fill = empty = _refused("fill")
    make_read_only = make_writable = _refused("make read-only")
    until_written = backup = restore = _refused("put an old state in")
    lose_power = _refused("cut the power of")

    async def stop(self) -> None:
        """Remove what the drill's own trader left, and leave the store running."""
        try:
            if self._trader_id is not None:
                await self.lose(self._trader_id)
        finally:
            await self._client.aclose()
