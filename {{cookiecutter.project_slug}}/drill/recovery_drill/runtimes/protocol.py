"""What a play's world is made of; whether processes or containers is the runtime's to know."""

from collections.abc import Callable, Mapping
from typing import Protocol

from recovery_drill.proc.exchange import Exchange
from recovery_drill.proc.process import Process
from recovery_drill.runtimes.containers.store import ContainerStore
from recovery_drill.store.proxy import StoreProxy
from recovery_drill.store.server import EmbeddedStore, GivenStore

type Store = EmbeddedStore | GivenStore | ContainerStore
OnUnit = Callable[[str, int], None]
OnNode = Callable[[Process, str], None]


class Runtime(Protocol):
    """Store, exchange and nodes of one play.

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
        """What stands between node and store; None where nothing does."""

    async def open(self, on_unit: OnUnit) -> None:
        """Start store and exchange; `on_unit` hears of each command to the store."""

    def node(self, number: int, *, rival: bool) -> tuple[Process, str]:
        """Return the node's next life, not yet started, and the address of its endpoint."""

    def set_environment(self, settings: Mapping[str, str]) -> None:
        """Add settings to the environment of the lives that come."""

    async def close(self) -> None:
        """End everything that runs, and leave what was recorded in the play's folder."""
