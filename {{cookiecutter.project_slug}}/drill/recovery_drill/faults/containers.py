"""What an engine, a restart policy and a network do to the containers of the project."""

from recovery_drill.failures import Unsettled
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.proc.process import Process
from recovery_drill.runtimes.containers.overlay import NODE
from recovery_drill.runtimes.protocol import Ability, ContainerControl, Runtime

BY_ITSELF = "started again by its restart policy"
CUT = "network cut"
KILLED_ALL = "everything killed"
OUT_OF_MEMORY = "out of memory"
VOLUMES_KEPT = "volumes kept"
PUT_BACK = "backup put back"
STARTED_AGAIN_SECONDS = 30.0
"""How long a restart policy may take after one crash; its first pause is a tenth of a second."""


class ContainerFault(Fault):
    """Something that only containers have."""

    def unavailable(self, runtime: Runtime) -> str:
        """Return why there are no containers."""
        return runtime.lacks(Ability.CONTAINERS)


class ProcessKill(ContainerFault):
    """The node's process is killed inside its container: its restart policy sees a crash."""

    name = "container.process_kill"
    excuses = False

    async def begin(self, site: Site) -> None:
        """Kill it, and prove it.

        Raises
        ------
        Unsettled
            If the node does not tell its process id.

        """
        life = site.lives.node
        state = await life.state()
        if state is None:
            raise Unsettled("the node's endpoint did not tell its process id")
        await self.kill(site.runtime.containers, state.pid)
        await site.lives.prove_killed(life)

    async def kill(self, containers: ContainerControl, pid: int) -> None:
        """Kill a process by its number inside the container."""
        await containers.kill_inside(NODE, pid)


class MemoryLoss(ProcessKill):
    """The container's memory runs out, and the kernel kills the node for it."""

    name = "container.out_of_memory"
    shows = OUT_OF_MEMORY

    async def kill(self, containers: ContainerControl, pid: int) -> None:
        """Let the memory run out."""
        await containers.exhaust_memory(pid)


class ContainerKill(ContainerFault):
    """The node's container is killed, which its restart policy takes for a stop by hand."""

    name = "container.kill"
    excuses = False

    async def begin(self, site: Site) -> None:
        """Kill it."""
        await site.lives.kill()


class StoreProcessKill(ContainerFault):
    """The store's process is killed inside its container, and its restart policy acts.

    Nothing is written meanwhile, so nothing of what it had may be missing afterwards.
    """

    name = "store.kill"
    shows = BY_ITSELF

    def __init__(self) -> None:
        self._process: Process | None = None

    async def begin(self, site: Site) -> None:
        """Kill it."""
        self._process = site.runtime.store.child
        await site.runtime.containers.kill_store_inside()

    async def end(self, site: Site) -> None:
        """Wait until it is back."""
        await site.runtime.containers.store_is_back(self._process, STARTED_AGAIN_SECONDS)


class StoreCut(ContainerFault):
    """The network between node and store is cut, and mended."""

    name = "store.cut"
    shows = CUT
    must_notice = True
    of_store = True
    network = "store"

    async def begin(self, site: Site) -> None:
        """Cut it."""
        await site.runtime.containers.cut(self.network)

    async def end(self, site: Site) -> None:
        """Mend it."""
        await site.runtime.containers.mend(self.network)


class ExchangeCut(StoreCut):
    """The network between node and exchange is cut, and mended; the situation says if it is met."""

    name = "exchange.cut"
    shows = ""
    must_notice = False
    of_store = False
    network = "exchange"
    bars_to_hear = 1


class StackDown(ContainerFault):
    """Everything is taken down and up again; the volumes remain."""

    name = "host.down"
    shows = VOLUMES_KEPT

    async def begin(self, site: Site) -> None:
        """Take it down."""
        life = site.lives.node
        await site.runtime.containers.down()
        await life.child.wait()
        site.lives.note_end(life, "stopped")

    async def end(self, site: Site) -> None:
        """Start it."""
        await site.runtime.containers.up()


class AllKilled(ContainerFault):
    """All containers are killed at once, and started again."""

    name = "host.down"
    shows = KILLED_ALL

    async def begin(self, site: Site) -> None:
        """Kill them, and prove it of the node."""
        life = site.lives.node
        await site.runtime.containers.kill_all()
        await site.lives.prove_killed(life)

    async def end(self, site: Site) -> None:
        """Start them."""
        await site.runtime.containers.up()


class VolumeLost(AllKilled):
    """All containers are killed, and the store's volume is lost; a backup is put in its place."""

    name = "host.lost"

    async def prepare(self, site: Site) -> None:
        """Make the backup."""
        await site.runtime.store.backup(site.folder / "backup")

    async def end(self, site: Site) -> None:
        """Put the backup back, and start them."""
        await site.runtime.containers.lose_store()
        await site.runtime.containers.put_store_back(site.folder / "backup")
        site.saw(PUT_BACK)
        await super().end(site)
