"""The runtime of processes: all on loopback, and a proxy between node and store."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from recovery_drill.failures import Unsupported
from recovery_drill.proc.child import Child
from recovery_drill.proc.exchange import Exchange, exchange_process
from recovery_drill.proc.process import Process
from recovery_drill.proc.spawn import Spawn, start_cold
from recovery_drill.record.contract import LOOPBACK, Variable
from recovery_drill.record.policy import Policy, fill_in
from recovery_drill.runtimes.protocol import Ability, ContainerControl, OnNode, OnUnit
from recovery_drill.store.proxy import StoreProxy
from recovery_drill.store.replicated import ReplicatedStore
from recovery_drill.store.server import EmbeddedStore, GivenStore, free_port

NO_CONTAINERS = "It is about containers, and there are some only with --runtime compose."
NO_STANDBY = "The policy names no standby_arguments: this node does not stand by."
NO_PROXY = "Nothing stands between node and this store that could make it slow."


class Processes:
    """Store, exchange and nodes as processes of this machine.

    Parameters
    ----------
    policy : Policy
        How the node is started.
    project, folder : Path
        The node's working directory, and where everything about the play is kept.
    exchange_command : Sequence[str]
        The exchange's command line.
    store_url : str or None
        A given store; None starts an embedded one.
    guest : str
        The first part of the trader's id in a given store.
    spawn : Spawn
        What starts exchange and nodes.
    replicated : bool
        Whether an embedded store has replicas.

    """

    def __init__(
        self,
        policy: Policy,
        *,
        project: Path,
        folder: Path,
        exchange_command: Sequence[str],
        store_url: str | None = None,
        guest: str = "DRILL",
        spawn: Spawn = start_cold,
        replicated: bool = False,
    ) -> None:
        self._policy, self._project, self._folder = policy, project, folder
        self._spawn = spawn
        self.trader_id = policy.trader_id
        self.store: EmbeddedStore | ReplicatedStore | GivenStore
        if store_url is None:
            (folder / "store").mkdir()
            kind = ReplicatedStore if replicated else EmbeddedStore
            self.store = kind(folder / "store")
        else:
            self.trader_id = f"{guest}-{self.trader_id.rsplit('-', 1)[-1]}"
            self.store = GivenStore(store_url, self.trader_id)
        self.journal = folder / "exchange.jsonl"
        command = [*exchange_command, "--journal", str(self.journal)]
        self.exchange = Exchange(exchange_process(command, folder, spawn))
        self.proxy: StoreProxy | None = None
        self.on_node: OnNode | None = None  # a process does not start by itself
        self._addresses: dict[str, str] = {}
        self._variables: dict[str, str] = {}

    @property
    def containers(self) -> ContainerControl:
        """Refuse: there are none.

        Raises
        ------
        Unsupported
            Always.

        """
        raise Unsupported(NO_CONTAINERS)

    def lacks(self, ability: Ability) -> str:
        """Return why this cannot be done here, in one sentence; empty when it can."""
        match ability:
            case Ability.CONTAINERS:
                return NO_CONTAINERS
            case Ability.STANDBY if not self._policy.standby_arguments:
                return NO_STANDBY
            case Ability.SLOW_STORE if not self._is_proxied:
                return NO_PROXY
            case _:
                return ""

    @property
    def _is_proxied(self) -> bool:
        # Of what is said behind TLS nothing can be seen, and nothing held.
        return self.store.url.startswith("redis://")

    async def open(self, on_unit: OnUnit) -> None:
        """Start store, exchange and proxy."""
        await self.store.start()
        await self.exchange.start()
        url = self.store.url
        if self._is_proxied:
            self.proxy = StoreProxy.before(url, on_unit)
            await self.proxy.start()
        self._addresses = {
            "store_url": self.proxy.url_of(url) if self.proxy else url,
            "exchange_http": self.exchange.http_url,
            "exchange_ws": self.exchange.ws_url,
        }

    def node(self, number: int, *, rival: bool, stands_by: bool = False) -> tuple[Process, str]:
        """Return the node's next process, not yet started, and the address of its endpoint."""
        http_port = free_port()
        values = {
            **self._addresses,
            "http_port": str(http_port),
            "instance_id": f"drill-{number}",
            "folder": str(self._folder.resolve()),
        }
        environment = self._policy.node_environment(values)
        command = self._policy.node_command
        if stands_by:
            command += self._policy.standby_arguments
        child = Child(
            "node",
            [fill_in(word, values) for word in command],
            environment={**environment, Variable.TRADER_ID: self.trader_id, **self._variables},
            log_path=self._folder / f"node-{number}.log",
            directory=self._project,
            spawn=self._spawn,
        )
        return child, f"http://{LOOPBACK}:{http_port}"

    def set_environment(self, variables: Mapping[str, str]) -> None:
        """Add variables to the environment of the lives that come."""
        self._variables.update(variables)

    def slow_store(self, seconds: float) -> None:
        """Let each command to the store wait for so long before it is handed on.

        Raises
        ------
        Unsupported
            If nothing stands between node and store.

        """
        if self.proxy is None:
            raise Unsupported(NO_PROXY)
        self.proxy.delay_seconds = seconds

    async def close(self) -> None:
        """End store, exchange and proxy."""
        async with AsyncExitStack() as endings:
            endings.push_async_callback(self.store.stop)
            if self.proxy is not None:
                endings.push_async_callback(self.proxy.close)
            endings.push_async_callback(self.exchange.stop)
