"""One server of a store with replicas: what it is told, and what it says of its part."""

from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from recovery_drill.proc.child import Child
from recovery_drill.store.server import find_server, free_port
from recovery_drill.store.wire import Wire

ANSWER_SECONDS = 1.0

SERVER = """\
bind 127.0.0.1
port {port}
dir "{directory}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
replica-announce-ip 127.0.0.1
replica-announce-port {wire}
min-replicas-to-write 1
min-replicas-max-lag 2
"""


class Server:
    """One of the servers."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.port = free_port()
        self.wire = Wire(free_port(), self.port)
        self._folder = folder / f"server-{number}"
        self.client = Redis.from_url(
            f"redis://127.0.0.1:{self.port}",
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=None,
        )
        self.child: Child | None = None

    def write(self, primary: "Server") -> None:
        """Write its configuration, which is the sentinels' to change from then on."""
        data = self._folder / "data"
        data.mkdir(parents=True)
        text = SERVER.format(port=self.port, directory=data, wire=self.wire.port)
        if primary is not self:
            text += f"replicaof 127.0.0.1 {primary.wire.port}\n"
        self._configuration.write_text(text)

    @property
    def _configuration(self) -> Path:
        return self._folder / "store.conf"

    async def start(self) -> None:
        """Start it, with the part that it had when it ended."""
        self.child = Child(
            f"store's server {self.number}",
            [*find_server(), str(self._configuration)],
            environment={},
            log_path=self._folder / "store.log",
            directory=self._folder,
        )
        await self.child.start()

    async def replication(self) -> dict[str, Any]:
        """Return what it says of its part; nothing when it does not answer."""
        try:
            found: dict[str, Any] = await self.client.info("replication")
        except (RedisError, OSError):
            return {}
        return found
