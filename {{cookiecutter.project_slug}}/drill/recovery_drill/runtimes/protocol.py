"""What a play's world is made of; whether processes or containers is the runtime's to know."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from recovery_drill.proc.exchange import Exchange
from recovery_drill.proc.process import Process
from recovery_drill.store.protocol import Store
from recovery_drill.store.proxy import StoreProxy

OnUnit = Callable[[str, int], None]
OnNode = Callable[[Process, str], None]


class Ability(StrEnum):
    """What can be done where a play takes place, though not everywhere."""

    SECOND_NODE = "start a node beside another"
    STANDBY = "let a node stand by beside another"
    ENVIRONMENT = "change the environment of the next node"
    SLOW_STORE = "let commands to the store wait"
    JOURNAL = "read the exchange's journal while it is written"
    CONTAINERS = "do to containers what an engine does"


class ContainerControl(Protocol):
    """What an engine, a restart policy and a network do to the containers of a play."""

    async def kill_inside(self, service: str, pid: int) -> None:
        """Kill a process inside a container: its restart policy sees a crash, not a hand."""

    async def kill_store_inside(self) -> None:
        """Kill the store's process inside its container."""

    async def store_is_back(self, process: Process | None, seconds: float) -> None:
        """Wait until the store's restart policy has brought the next process, and it answers."""

    async def exhaust_memory(self, pid: int) -> None:
        """Let the memory of the node's container run out, and the node be killed for it."""

    async def cut(self, network: str) -> None:
        """Take the node off a network."""

    async def mend(self, network: str) -> None:
        """Put the node back on a network."""

    async def kill_all(self) -> None:
        """Kill all containers at once; they stay down."""

    async def down(self) -> None:
        """Stop and remove all containers and networks; volumes stay."""

    async def up(self) -> None:
        """Start all containers; the ones that are gone are made anew."""

    async def lose_store(self) -> None:
        """Remove the store's container and its volume."""

    async def put_store_back(self, backup: Path) -> None:
        """Put a backup in the place of what was in the store; it is down."""


class Runtime(Protocol):
    """Store, exchange and nodes of one play; what it lacks the ability for raises `Unsupported`.

    Attributes
    ----------
    trader_id : str
        The node's name in the store.
    on_node : Callable or None
        Called with each node that starts without having been asked for, and its address.

    """

    trader_id: str
    on_node: OnNode | None

    @property
    def store(self) -> Store:
        """What the node remembers with."""

    @property
    def exchange(self) -> Exchange:
        """The counterparty."""

    @property
    def proxy(self) -> StoreProxy | None:
        """What stands between node and store, once it runs; None where nothing does."""

    @property
    def journal(self) -> Path:
        """Where the exchange writes its journal."""

    @property
    def containers(self) -> ContainerControl:
        """What an engine does."""

    def lacks(self, ability: Ability) -> str:
        """Return why this cannot be done here, in one sentence; empty when it can."""

    async def open(self, on_unit: OnUnit) -> None:
        """Start store and exchange; `on_unit` hears of each command to the store."""

    def node(self, number: int, *, rival: bool, stands_by: bool = False) -> tuple[Process, str]:
        """Return the node's next life, not yet started, and the address of its endpoint."""

    def set_environment(self, variables: Mapping[str, str]) -> None:
        """Add variables to the environment of the lives that come."""

    def slow_store(self, seconds: float) -> None:
        """Let each command to the store wait for so long before it is handed on."""

    async def close(self) -> None:
        """End everything that runs, and leave what was recorded in the play's folder."""
