"""One play's world: the words in which a scenario says what happens to node, store and exchange."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from recovery_drill.checks.traded import check_traded
from recovery_drill.failures import Disagreement, Unsettled
from recovery_drill.faults.fault import Fault
from recovery_drill.play.crashes import Crashes
from recovery_drill.play.heartbeat import Heartbeat
from recovery_drill.play.lives import Lives
from recovery_drill.play.market import Market
from recovery_drill.play.naming import Naming
from recovery_drill.play.nemesis import Nemesis
from recovery_drill.play.rest import Rest
from recovery_drill.play.site import Site
from recovery_drill.proc.node import Node
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.evidence import Snapshot
from recovery_drill.record.history import History
from recovery_drill.record.policy import Policy
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.store.view import StoreView

ENDURE_SECONDS = 2.0
"""How long a bar waits for a node that a fault may keep from deciding it."""


class World:
    """Node, exchange and store of one play.

    Parameters
    ----------
    policy : Policy
        What the node promises.
    runtime : Runtime
        Node, exchange and store, not yet started.
    folder : Path
        Where everything about this play is kept.
    disturbed : bool
        Whether kills and faults happen; without them the same play is the reference.
    crash_points : Sequence[CrashPoint]
        Where the node is killed besides, whatever is being played.

    Attributes
    ----------
    crashes : Crashes
        Kills it in the midst of its work.
    market : Market
        The exchange as a play moves it, and what it has on its ledger.
    naming : Naming
        What it has to say.

    """

    def __init__(
        self,
        policy: Policy,
        runtime: Runtime,
        folder: Path,
        *,
        disturbed: bool = True,
        crash_points: Sequence[CrashPoint] = (),
    ) -> None:
        self.policy = policy
        self.disturbed = disturbed
        self.history = History(folder / "history.jsonl")
        self._units = History(folder / "store.jsonl")
        self._runtime = runtime
        self._nemesis = Nemesis(crash_points if disturbed else (), runtime.exchange)
        self._lives = Lives(runtime, self.history, self._on_stage, policy.budgets.stop_seconds)
        self._site = Site(policy, runtime, folder, self.history, self._lives, self.stop_node)
        self._rest = Rest(self._site)
        self.environment_failure = self._site.environment_failure
        self.show = self._rest.show
        self.show_left = self._rest.show_left
        self.naming = Naming(self._site, disturbed=disturbed)
        self.crashes = Crashes(self._site, self._nemesis, self._begin_anew)
        self.market = Market(self._site, self._nemesis)
        self._heartbeat = Heartbeat(self.history, self._site.pids)

    async def open(self) -> None:
        """Start store and exchange, and wait at the first crash point."""
        self._heartbeat.start()
        await self._runtime.open(self._on_unit)
        self._nemesis.proxy = self._runtime.proxy
        await self.market.open()
        await self._nemesis.arm()

    def _on_stage(self, stage: str) -> None:
        self._site.hear_stage(stage)
        self._nemesis.hear("stage", stage, "reached")

    def _on_unit(self, name: str, mono_ns: int) -> None:
        self._units.record("store", "store.unit", {"name": name}, mono_ns=mono_ns)

    async def close(self) -> None:
        """End every process of this world that still runs; a surviving node is killed."""
        self._lives.note_ends("with its environment" if self.environment_failure() else "by itself")
        async with AsyncExitStack() as endings:
            endings.callback(self.history.close)
            endings.callback(self._units.close)
            endings.push_async_callback(self._runtime.close)
            endings.push_async_callback(self._nemesis.close)
            endings.push_async_callback(self._lives.close)
            endings.push_async_callback(self._heartbeat.close)

    # the node's lives

    @property
    def life(self) -> Node:
        """The life that is drilled now."""
        return self._lives.node

    @property
    def node_runs(self) -> bool:
        """Whether there is a node, and its process has not ended."""
        return self._lives.running

    async def first_start(self) -> Snapshot:
        """Start the node's first life and let it come to rest, before any bar passes."""
        await self._lives.begin()
        await self.crashes.through(self._until_met)
        if (started := await self.life.state()) is not None:
            check_traded(self.policy, started.traded)
        return await self.rest("after its first start")

    async def _start_node(self) -> None:
        await self._lives.begin()
        await self.crashes.through(self._until_trading)

    async def _until_trading(self) -> None:
        await self.life.until_trading(self.policy.budgets.start_seconds)

    async def _until_met(self) -> None:
        await self._lives.until_met(self.policy.budgets.start_seconds)
        await self._until_trading()

    async def _begin_anew(self) -> Snapshot:
        await self._start_node()
        return await self.rest(f"after restart {self._lives.count - 1}")

    async def kill_node(self) -> None:
        """Kill the node, and prove that it was killed."""
        if self.disturbed:
            await self._lives.kill()

    async def restart_node(self) -> Snapshot:
        """Start the node again, and let it come to rest."""
        if self.disturbed:
            return await self._begin_anew()
        return await self.rest(f"after restart {self._lives.count - 1}")

    async def stop_node(self) -> None:
        """Ask the node to stop, wait for its end, and record what it left at the exchange."""
        await self.crashes.through(self._lives.stop)
        ledger = await self.market.ledger()
        self.history.record("drill", "after.stop", msgspec.to_builtins(ledger))

    async def start_into_fault(self) -> None:
        """Start the node while something is broken: it trades, or ends within its time.

        Raises
        ------
        Unsettled
            If it does neither.

        """
        self._lives.note_ends("by itself")
        await self._lives.begin()
        try:
            await self._until_trading()
        except Unsettled:
            if self.node_runs:
                raise

    async def recover(self) -> Snapshot:
        """Start the node again if it has ended, as its supervisor would, and let it rest."""
        if self.node_runs:
            try:
                # A supervisor of its own may have started it a moment ago.
                await self.crashes.through(self._until_trading)
                return await self.rest("after the fault")
            except Unsettled:
                # What a fault has done may show only now, and end a node to be started again.
                if self.node_runs:
                    raise
        self._lives.note_ends("by itself")
        return await self.restart_node()

    async def until_back(self, life: Node, seconds: float) -> Snapshot:
        """Wait until a supervisor has started the life after another, and it has come to rest."""
        await self._lives.until_adopted(life, seconds)
        await self.crashes.through(self._until_trading)
        return await self.rest(f"after restart {self._lives.count - 1}")

    # faults: in the undisturbed play none of them happens

    async def prepare(self, fault: Fault) -> None:
        """Do beforehand what a fault takes."""
        if self.disturbed:
            await fault.prepare(self._site)

    @asynccontextmanager
    async def fault(self, fault: Fault) -> AsyncIterator[None]:
        """Let a fault last. Once it is over, all promises count again, within their budgets."""
        if not self.disturbed:
            yield
            return
        with self._site.excused(fault):
            await fault.begin(self._site)
            yield
            if fault.must_notice and self.node_runs:
                await self._rest.look_at_health(f"while {fault.name} lasted")
            await self.end(fault)
            await self.endure(fault.bars_to_hear)

    async def strike(self, fault: Fault) -> None:
        """Let a fault happen that is over as soon as it has."""
        async with self.fault(fault):
            pass

    async def begin(self, fault: Fault) -> None:
        """Let a fault begin that excuses what it ends at once, and nothing later."""
        if self.disturbed:
            with self._site.excused(fault):
                await fault.begin(self._site)

    async def end(self, fault: Fault) -> None:
        """End a fault that has begun, and record whether it has been met."""
        if self.disturbed:
            if fault.shows and await fault.met(self._site):
                self.saw(fault.shows)
            await fault.end(self._site)

    async def endure(self, bars: int) -> None:
        """Let bars pass while something is broken; each waits for the node, but not for long."""
        for _ in range(bars):
            await self.market.walk()
            await self.close_bar()
            with suppress(TimeoutError, Unsettled, Disagreement):
                async with asyncio.timeout(ENDURE_SECONDS):
                    await self.rest(f"at bar {self.market.bar}", whole=False, judged=False)

    async def last(self, seconds: float) -> None:
        """Let something that is wrong last for so long; nothing is waited for."""
        if self.disturbed:
            await asyncio.sleep(max(0.0, seconds))

    # rest

    async def rest(self, when: str, *, whole: bool = True, judged: bool = True) -> Snapshot:
        """Wait until the node is at rest, and record node and exchange as they are then.

        A whole snapshot is followed by a look at health and store. `Rest.come` says what is raised.
        """
        snapshot = await self.crashes.through(
            lambda: self._rest.come(when, whole=whole, judged=judged)
        )
        if whole and judged:
            await self.crashes.through(lambda: self._rest.look(when))
        return snapshot

    async def until_stored(self) -> None:
        """Wait until the store has what the node has, so that a kill loses nothing of it."""
        await self.crashes.through(lambda: self._rest.look_at_store(f"at bar {self.market.bar}"))

    async def until_written(self) -> None:
        """Wait until all that the store has answered is in its file."""
        if self.disturbed:
            await self._runtime.store.until_written()

    async def stored(self) -> StoreView:
        """Return what the store has of the node."""
        return await self._runtime.store.view(self._runtime.trader_id, self.policy.words)

    async def step(self) -> Snapshot:
        """Let one bar pass: walk through it, wait for the node at each change, close it."""
        await self.crashes.through(self._rest.written)
        while await self.market.walk(told=True):
            await self.rest(f"inside the bar after {self.market.bar}", whole=False)
        await self.close_bar()
        return await self.rest(f"at bar {self.market.bar}", whole=False)

    async def close_bar(self) -> None:
        """Close the forming bar, whatever the node does."""
        self.crashes.bars_since += 1
        await self.market.close_bar()

    def saw(self, what: str) -> None:
        """Record that something the scenario exists for has happened."""
        self._site.saw(what)

    def end_early(self) -> None:
        """Record that the play ends on purpose before the reference does."""
        self.history.record("drill", "ended.early", {})
