"""The runtime of containers: the project's own compose.yaml, and what an engine does to it."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.proc.exchange import Exchange
from recovery_drill.proc.process import Process
from recovery_drill.record.policy import Policy
from recovery_drill.runtimes.containers.clock import moved
from recovery_drill.runtimes.containers.engine import EngineError, call
from recovery_drill.runtimes.containers.overlay import (
    EXCHANGE,
    JOURNAL,
    NODE,
    STORE,
    environment_of,
    overlay,
    own_images,
)
from recovery_drill.runtimes.containers.process import ContainerProcess
from recovery_drill.runtimes.containers.stack import Stack
from recovery_drill.runtimes.containers.store import ContainerStore
from recovery_drill.runtimes.protocol import Ability, ContainerControl, OnNode, OnUnit
from recovery_drill.store.server import free_port

MEMORY_SECONDS = 60.0
LACKING = {
    Ability.SECOND_NODE: "A service has one container here, so no second node runs beside it.",
    Ability.STANDBY: "A service has one container here, so no second node stands by beside it.",
    Ability.ENVIRONMENT: "The environment of a container is made with it, and not changed later.",
    Ability.SLOW_STORE: "Nothing stands between node and this store that could make it slow.",
    Ability.JOURNAL: "The exchange's journal cannot be read here while it runs.",
}
# Run inside the node's container, by its user: the node is the one that has to go.
EAT_MEMORY = """
import sys
pid, limit = sys.argv[1], int(sys.argv[2])
with open(f"/proc/{pid}/oom_score_adj", "w") as file:
    file.write("1000")
part = 1 << 24
eaten = [bytearray(b"x") * part for _ in range(2 * limit // part)]
"""


class Containers:
    """Store, exchange and node as the services of the project's ``compose.yaml``.

    Parameters
    ----------
    policy : Policy
        What the node is told.
    project, folder : Path
        The project's folder, and where everything about the play is kept.
    exchange_options : Sequence[str]
        What the exchange is told.
    market : Path, optional
        A file of recorded bars for it.

    """

    proxy = None

    def __init__(
        self,
        policy: Policy,
        *,
        project: Path,
        folder: Path,
        exchange_options: Sequence[str],
        market: Path | None = None,
    ) -> None:
        store_port, exchange_port, node_port = free_port(), free_port(), free_port()
        laid_over = overlay(policy, exchange_options, store_port=store_port, market=market)
        ports = {"EXCHANGE_PORT": str(exchange_port), "NODE_PORT": str(node_port)}
        images = own_images(os.environ, project)
        environment = environment_of(os.environ, policy, {**images, **ports})
        self.stack = Stack(project, folder, laid_over, environment)
        self.trader_id = policy.trader_id
        self.store = ContainerStore(self.stack, project, store_port)
        self._exchange = self.stack.services[EXCHANGE]
        self._node = self.stack.services[NODE]
        self.exchange = Exchange(self._exchange.next_process(), f"http://127.0.0.1:{exchange_port}")
        self.on_node: OnNode | None = None
        # An exchange that starts again after a crash is not followed: the play has failed.
        self._node.on_process = self._node_began
        self._node_url = f"http://127.0.0.1:{node_port}"
        self._folder = folder
        self.journal = folder / "exchange.jsonl"
        self._nodes = 0

    async def open(self, on_unit: OnUnit) -> None:
        """Make the stack, and start store and exchange; commands to the store cannot be seen."""
        await self.stack.create()
        await self.store.start()
        await self.exchange.start()

    def node(self, number: int, *, rival: bool, stands_by: bool = False) -> tuple[Process, str]:
        """Return the node's next process, not yet begun, and the address of its endpoint.

        Raises
        ------
        Unsupported
            If it is to run beside another.

        """
        if rival:
            raise Unsupported(LACKING[Ability.SECOND_NODE])
        self._nodes = number
        return self._node.next_process(f"node-{number}"), self._node_url

    def _node_began(self, process: ContainerProcess) -> None:
        self._nodes += 1
        process.log_path = self._folder / f"node-{self._nodes}.log"
        if self.on_node is not None:
            self.on_node(process, self._node_url)

    def lacks(self, ability: Ability) -> str:
        """Return why this cannot be done here, in one sentence; empty when it can."""
        return LACKING.get(ability, "")

    def set_environment(self, variables: Mapping[str, str]) -> None:
        """Refuse: what is on this machine is not in the container.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(LACKING[Ability.ENVIRONMENT])

    def slow_store(self, seconds: float) -> None:
        """Refuse: the node's container speaks with the store's directly.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(LACKING[Ability.SLOW_STORE])

    @property
    def containers(self) -> ContainerControl:
        """What an engine does to the containers."""
        return self

    # what an engine does

    async def kill_inside(self, service: str, pid: int) -> None:
        """Kill a process inside a container: its restart policy sees a crash, not a hand."""
        container = self.stack.services[service].container
        await call("docker", "exec", container, "sh", "-c", f"kill -KILL {pid}")

    async def kill_store_inside(self) -> None:
        """Kill the store's process inside its container."""
        await self.kill_inside(STORE, await self.store.process_id())

    async def store_is_back(self, process: Process | None, seconds: float) -> None:
        """Wait for the end of the store's process, and for its restart policy to bring the next.

        Raises
        ------
        Inconclusive
            If it does not.

        """
        try:
            async with asyncio.timeout(seconds):
                await self.stack.services[STORE].after(process)
        except TimeoutError as error:
            raise Inconclusive(
                f"The store's container was not started again within {seconds:g} s of its end."
            ) from error
        await self.store.follow()

    async def exhaust_memory(self, pid: int) -> None:
        """Let the memory of the node's container run out, and the node be killed for it.

        Parameters
        ----------
        pid : int
            The node's, inside the container.

        Raises
        ------
        Unsupported
            If its memory has no limit: then it would be the host's.
        Inconclusive
            If the engine does not tell that it ran out.

        """
        container = self._node.container
        limit = await call("docker", "inspect", "--format", "{{.HostConfig.Memory}}", container)
        if not int(limit):
            raise Unsupported("The node's container has no memory limit (mem_limit).")
        eat = ("python", "-c", EAT_MEMORY, str(pid), limit.strip())
        failed: EngineError | None = None
        try:
            await call("docker", "exec", container, *eat)
        except EngineError as error:
            failed = error  # it dies with the node
        try:
            async with asyncio.timeout(MEMORY_SECONDS):
                await self._node.out_of_memory.wait()
        except TimeoutError:
            raise Inconclusive(
                f"The engine did not tell that the node's container ran out of memory: {failed}"
            ) from failed

    async def cut(self, network: str) -> None:
        """Take the node off a network."""
        await self._wire("disconnect", network)

    async def mend(self, network: str) -> None:
        """Put the node back on a network."""
        await self._wire("connect", network)

    async def _wire(self, verb: str, network: str) -> None:
        found = await self.stack.network(network)
        await call("docker", "network", verb, found, self._node.container)

    async def kill_all(self) -> None:
        """Kill all containers at once; they stay down."""
        await self.stack.compose("kill")
        for service in self.stack.services.values():
            if service.process is not None:
                await service.process.wait()

    async def down(self) -> None:
        """Stop and remove all containers and networks; volumes stay."""
        await self.stack.compose("down")

    async def up(self) -> None:
        """Start all containers; the ones that are gone are made anew."""
        self._exchange.on_process = self.exchange.follow
        await self.stack.compose("up", "--detach", "--no-build")
        self._exchange.on_process = None
        await self.store.follow()
        await self.exchange.until_ready()

    async def lose_store(self) -> None:
        """Remove the store's container and its volume."""
        await self.store.lose_volume()

    async def put_store_back(self, backup: Path) -> None:
        """Put a backup in the place of what was in the store; it is down."""
        await self.store.put_back(backup)

    async def close(self) -> None:
        """Keep the exchange's journal, and remove everything."""
        async with AsyncExitStack() as endings:
            endings.push_async_callback(self.store.close)
            endings.push_async_callback(self.stack.close)
            endings.push_async_callback(self.exchange.close)
            endings.push_async_callback(self._keep_journal)

    async def _keep_journal(self) -> None:
        if not self.exchange.http_url:
            return  # it was never ready
        await call("docker", "cp", f"{self._exchange.container}:{JOURNAL}", str(self.journal))
        self.journal.write_bytes(moved(self.journal.read_bytes()))
