"""What a drill may ask of a store that is its own, whether a process or a container serves it."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.record.contract import V1, Engine
from recovery_drill.store.protocol import Replicas, StoreAbility
from recovery_drill.store.view import StoreView, read_store

ASK_AGAIN_SECONDS = 0.02
WRITTEN_SECONDS = 5.0
# Nobody listens there: a replica of it never hears from its master.
CLOSED_PORT = "1"
NO_REPLICAS = "This store has no replica that could take its place."


class OwnStore:
    """The server of a drill's own store, as a client may disturb it.

    Parameters
    ----------
    client : Redis
        A connection that may do everything.

    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._memory = self._idle = "0"

    async def _answers(self) -> bool:
        try:
            return bool(await self._client.ping())
        except RedisError:
            return False

    @property
    def replicas(self) -> Replicas:
        """Refuse: it has none.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(NO_REPLICAS)

    def lacks(self, ability: StoreAbility) -> str:
        """Return why this cannot be done to it, in one sentence; empty when it can."""
        return NO_REPLICAS if ability is StoreAbility.FAIL_OVER else ""

    async def view(self, trader_id: str, engine: Engine = V1) -> StoreView:
        """Return what the store has of one trader."""
        return await read_store(self._client, trader_id, engine)

    async def flush(self, trader_id: str) -> None:
        """Delete everything that is in it; it goes on."""
        await self._client.flushall()

    async def fill(self) -> None:
        """Let its memory be full: it refuses to write until `empty` or a restart."""
        self._memory = str((await self._client.config_get("maxmemory"))["maxmemory"])
        await self._client.config_set("maxmemory", 1)

    async def empty(self) -> None:
        """Give it its memory again."""
        await self._client.config_set("maxmemory", self._memory)

    async def make_read_only(self) -> None:
        """Let it be a replica of nobody, as after a failover gone wrong, or until a restart."""
        await self._client.replicaof("127.0.0.1", CLOSED_PORT)

    async def make_writable(self) -> None:
        """Let it be its own master again."""
        await self._client.replicaof("NO", "ONE")

    async def close_idle(self) -> None:
        """Let it close connections that have said nothing for a second, until `keep_idle`."""
        self._idle = str((await self._client.config_get("timeout"))["timeout"])
        await self._client.config_set("timeout", 1)

    async def keep_idle(self) -> None:
        """Let it leave idle connections open again."""
        await self._client.connection_pool.disconnect()  # what it holds has been closed as well
        await self._client.config_set("timeout", self._idle)

    async def until_written(self) -> None:
        """Wait until all that it has answered is in its file.

        A server that flushes in the background answers first and writes when the flush is over, so
        that a kill can take what was answered.

        Raises
        ------
        Inconclusive
            If it does not come to an end of writing.

        """
        try:
            async with asyncio.timeout(WRITTEN_SECONDS):
                while (await self._client.info("persistence"))["aof_buffer_length"]:  # noqa: ASYNC110 it must be asked
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise Inconclusive(
                f"The store had not written to its file what it has after {WRITTEN_SECONDS:g} s."
            ) from error
