"""
A store with replicas: three servers, three sentinels that choose the primary, HAProxy before it.

The node sees one address and knows nothing of the rest. Replicas and sentinels reach a server by a
wire of its own, which can be cut while the node still reaches it.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.proc.child import Child
from recovery_drill.record.contract import LOOPBACK
from recovery_drill.store.given import refused
from recovery_drill.store.own import ASK_AGAIN_SECONDS, OwnStore
from recovery_drill.store.protocol import StoreAbility
from recovery_drill.store.replica import ANSWER_SECONDS, Server
from recovery_drill.store.server import find_server, free_port

SERVERS = 3
READY_SECONDS = 60.0
"""How long it may take until there is a primary with two replicas; a failover takes about ten."""
NAME = "trader"
PROXY = "haproxy"
NO_PROXY = "HAProxy is not installed: a store with replicas stands behind it."

SENTINEL = """\
bind 127.0.0.1
port {port}
dir "{directory}"
daemonize no
sentinel monitor trader 127.0.0.1 {wire} 2
sentinel down-after-milliseconds trader 5000
sentinel failover-timeout trader 10000
sentinel parallel-syncs trader 2
"""
BEFORE = """\
global
    maxconn 256

defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    timeout check 1s

listen primary
    bind 127.0.0.1:{port}
    tcp-request connection reject unless {{ nbsrv eq 1 }}
    option tcp-check
    tcp-check connect
    tcp-check send INFO\\ replication\\r\\n
    tcp-check expect rstring role:master[[:space:]]+\
connected_slaves:[0-9]+[[:space:]]+min_slaves_good_slaves:[1-9]
    default-server check inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions
"""


class ReplicatedStore(OwnStore):
    """
    A store whose primary can be lost: another server takes its place, at the same address.

    Parameters
    ----------
    folder : Path
        Where everything about it lives.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers = [Server(number + 1, folder) for number in range(SERVERS)]
        self._sentinels: list[Child] = []
        self._port = free_port()
        self._lost: Server | None = None
        self.url = f"redis://127.0.0.1:{self._port}"
        self.child: Child | None = None
        super().__init__(
            Redis.from_url(
                self.url,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=None,
            )
        )

    @property
    def replicas(self) -> "ReplicatedStore":
        """What can happen to its servers."""
        return self

    def lacks(self, ability: StoreAbility) -> str:
        """Return why this cannot be done to it, in one sentence; empty when it can."""
        if ability is not StoreAbility.FAIL_OVER:
            return f"One server of three is not the store; there is no way to {ability} all."
        return "" if shutil.which(PROXY, path=_path()) else NO_PROXY

    async def start(self) -> None:
        """Start all of it, and wait until there is a primary with two replicas."""
        # First, while its port is still free; nobody is let in before there is a primary.
        before = self._folder / "haproxy.cfg"
        servers = [
            f"    server store-{each.number} {LOOPBACK}:{each.port}\n" for each in self._servers
        ]
        before.write_text(BEFORE.format(port=self._port) + "".join(servers))
        program = shutil.which(PROXY, path=_path())
        if program is None:
            raise Unsupported(NO_PROXY)
        self.child = Child(
            "store's HAProxy",
            [program, "-db", "-f", str(before)],
            environment={},
            log_path=self._folder / "haproxy.log",
            directory=self._folder,
        )
        await self.child.start()
        first = self._servers[0]
        for server in self._servers:
            server.write(first)
            await server.wire.open()
            await server.start()
        await _until(self._is_whole, "a primary had two replicas")
        for number in range(1, SERVERS + 1):
            self._sentinels.append(await self._sentinel(number, first))
        await _until(self._takes_writes, "the store took writes by its address")

    async def _sentinel(self, number: int, primary: Server) -> Child:
        folder = self._folder / f"sentinel-{number}"
        folder.mkdir()
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            SENTINEL.format(port=free_port(), directory=folder, wire=primary.wire.port)
        )
        child = Child(
            f"store's sentinel {number}",
            [*find_server(), str(configuration), "--sentinel"],
            environment={},
            log_path=folder / "sentinel.log",
            directory=folder,
        )
        await child.start()
        return child

    # What can happen to it.

    async def lose_primary(self) -> None:
        """Kill the primary."""
        self._lost = await self._primary()
        assert self._lost.child is not None
        await self._lost.child.kill()

    async def pause_primary(self) -> None:
        """Freeze the primary: it comes back with what it knew, and with requests to answer."""
        self._lost = await self._primary()
        assert self._lost.child is not None
        await self._lost.child.signal(signal.SIGSTOP)

    async def cut_primary(self) -> None:
        """Cut the primary off from replicas and sentinels: the node still reaches it."""
        self._lost = await self._primary()
        self._lost.wire.cut()

    async def until_other(self) -> None:
        """Wait until another server has taken its place, and takes writes at the same address."""

        async def is_other() -> bool:
            return await self._takes_writes() and await self._primary() is not self._lost

        await _until(is_other, "another server had taken the primary's place")

    async def bring_back(self) -> None:
        """Let the lost one come back, and wait until it follows the one that took its place."""
        lost, self._lost = self._lost, None
        assert lost is not None
        assert lost.child is not None
        lost.wire.mend()
        if lost.child.running:
            await lost.child.signal(signal.SIGCONT)
        else:
            await lost.start()
        await _until(self._is_whole, "the lost server followed the new primary")
        await _until(self._takes_writes, "the store took writes by its address")

    async def _primary(self) -> Server:
        """Return the one that is behind the address."""
        found = str((await self._client.config_get("port"))["port"])
        return next(server for server in self._servers if str(server.port) == found)

    async def _is_whole(self) -> bool:
        told = [await server.replication() for server in self._servers]
        primaries = [each for each in told if each.get("role") == "master"]
        replicas = [each for each in told if each.get("master_link_status") == "up"]
        return (
            len(primaries) == 1
            and len(replicas) == SERVERS - 1
            and primaries[0].get("min_slaves_good_slaves") == SERVERS - 1
        )

    async def _takes_writes(self) -> bool:
        try:
            return bool(await self._client.set("drill:written", str(time.time()), px=1))
        except (RedisError, OSError):
            return False

    # What is not done to it.

    lose = flush = kill = pause = resume = refused(StoreAbility.KILL)
    fill = empty = refused(StoreAbility.FILL)
    make_read_only = make_writable = refused(StoreAbility.READ_ONLY)
    close_idle = keep_idle = refused(StoreAbility.CLOSE_IDLE)
    fail_snapshots = allow_snapshots = refused(StoreAbility.FAIL_SNAPSHOTS)
    until_written = backup = restore = refused(StoreAbility.BACKUP)
    lose_power = refused(StoreAbility.LOSE_POWER)
    flush_always = refused(StoreAbility.FLUSH_ALWAYS)

    async def stop(self) -> None:
        """End all of it."""
        await self._client.aclose()
        for server in self._servers:
            await server.client.aclose()
            await server.wire.close()
        children = [self.child, *self._sentinels, *(server.child for server in self._servers)]
        for child in children:
            if child is not None and child.running:
                await child.signal(signal.SIGCONT)  # a paused one would not hear that it is to end
                await child.kill()


def _path() -> str:
    # Where distributions put what is not for everybody.
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


async def _until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READY_SECONDS):
            while not await is_so():  # noqa: ASYNC110 it must be asked
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            return
    raise Inconclusive(f"It took more than {READY_SECONDS:g} s until {what}.")
