"""The store in its container, as its operator sees it."""

import asyncio
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis

from recovery_drill.failures import Inconclusive, Unsupported, UsageError
from recovery_drill.runtimes.containers.engine import call
from recovery_drill.runtimes.containers.overlay import STORE
from recovery_drill.runtimes.containers.process import ContainerProcess
from recovery_drill.runtimes.containers.stack import Stack
from recovery_drill.store.given import FLUSHING
from recovery_drill.store.own import ASK_AGAIN_SECONDS, OwnStore
from recovery_drill.store.protocol import StoreAbility

PASSWORD = Path("secrets", "store_operator_password")
USER = "operator"
ANSWER_SECONDS = 2.0
READY_SECONDS = 30.0
LACKING = {
    StoreAbility.LOSE_POWER: "The power of the containers' host cannot be cut; their files stay.",
    StoreAbility.FLUSH_ALWAYS: FLUSHING,
    StoreAbility.FAIL_SNAPSHOTS: "What keeps a snapshot from being written is put into its folder.",
}


class ContainerStore(OwnStore):
    """The store of a stack: what happens to it happens to its container.

    Parameters
    ----------
    stack : Stack
        Whose it is.
    project : Path
        The drilled project's folder, which has the operator's password.
    port : int
        Where the drill reaches it.

    """

    def __init__(self, stack: Stack, project: Path, port: int) -> None:
        try:
            password = (project / PASSWORD).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(
                f"The operator's password of the store cannot be read ({error}); `make setup` "
                "makes one."
            ) from error
        self.url = f"redis://{USER}:{quote(password, safe='')}@127.0.0.1:{port}"
        self._stack = stack
        self._service = stack.services[STORE]
        self.child: ContainerProcess | None = None
        """The process that the drill knows of; one after a crash by itself is not."""
        client = Redis.from_url(
            self.url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        super().__init__(client)

    @property
    def _process(self) -> ContainerProcess:
        assert self.child is not None, "the store was not started"
        return self.child

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self.child = process = self._service.next_process()
        await process.start()
        await self.until_ready()

    async def follow(self) -> None:
        """Take what its container runs now for the store, and wait until it answers."""
        self.child = self._service.process
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until it answers.

        Raises
        ------
        Inconclusive
            If it ends, or does not answer within the bound.

        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._answers():  # noqa: ASYNC110 it must be asked
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise Inconclusive(
                f"The store did not answer within {READY_SECONDS:g} s: {self._process.last_words()}"
            ) from error

    async def process_id(self) -> int:
        """Return the process id of the server inside its container."""
        return int((await self._client.info("server"))["process_id"])

    async def kill(self) -> None:
        """Kill its container; its volume stays."""
        await self._process.kill()

    async def lose(self, trader_id: str) -> None:
        """Kill it, remove its volume, and start it empty."""
        await self.lose_volume()
        await self._stack.create()
        await self.start()

    async def lose_volume(self) -> None:
        """Kill it, and remove its container and its volume."""
        await self._process.kill()
        await call("docker", "rm", "--force", self._service.container)
        await call("docker", "volume", "rm", await self._stack.volume(STORE))

    async def pause(self) -> None:
        """Freeze it: connections stay, and nothing is answered until `resume`."""
        await call("docker", "pause", self._service.container)

    async def resume(self) -> None:
        """Let a paused one go on."""
        await call("docker", "unpause", self._service.container)

    async def backup(self, folder: Path) -> None:
        """Copy to a file named like a folder what is in it, by the project's own script."""
        await self._stack.script("sh", "scripts/backup", str(folder.with_suffix(".rdb")))

    async def restore(self, folder: Path) -> None:
        """Kill it, put a backup in the place of what was in it, and start it."""
        await self._process.kill()
        await self.put_back(folder)
        await self.start()

    async def put_back(self, folder: Path) -> None:
        """Put a backup in the place of what was in it, by the project's own script; it is down."""
        await self._stack.script("sh", "scripts/restore", str(folder.with_suffix(".rdb")))

    def lacks(self, ability: StoreAbility) -> str:
        """Return why this cannot be done to it, in one sentence; empty when it can."""
        return LACKING.get(ability, super().lacks(ability))

    async def lose_power(self) -> None:
        """Refuse: the host of the containers is the drill's own.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(LACKING[StoreAbility.LOSE_POWER])

    async def flush_always(self) -> None:
        """Refuse: its configuration is the project's.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(LACKING[StoreAbility.FLUSH_ALWAYS])

    async def fail_snapshots(self) -> None:
        """Refuse: its folder is in a volume.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(LACKING[StoreAbility.FAIL_SNAPSHOTS])

    allow_snapshots = fail_snapshots

    async def close(self) -> None:
        """Leave it."""
        await self._client.aclose()
