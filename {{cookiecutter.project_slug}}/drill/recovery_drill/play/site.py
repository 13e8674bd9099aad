"""What a play is about: the node's lives, where they run, what is promised and recorded."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from recovery_drill.faults.fault import Fault
from recovery_drill.play.lives import Lives
from recovery_drill.record.contract import Stage
from recovery_drill.record.history import History
from recovery_drill.record.policy import Policy
from recovery_drill.runtimes.protocol import Runtime


class Site:
    """The things of one play, as its faults and its waits need them.

    Parameters
    ----------
    policy : Policy
        What the node promises.
    runtime : Runtime
        Store, exchange and containers.
    folder : Path
        Where everything about the play is kept.
    history : History
        What is recorded of it.
    lives : Lives
        The node's.
    stop : Callable
        Asks the node to stop, as a play does.

    Attributes
    ----------
    bar : int
        The last closed bar of the market.
    bar_at_start : int
        The last closed bar when the life that is drilled began to trade.
    is_store_faulty : bool
        Whether the store is being disturbed, so that nothing can be asked of it.

    """

    def __init__(
        self,
        policy: Policy,
        runtime: Runtime,
        folder: Path,
        history: History,
        lives: Lives,
        stop: Callable[[], Awaitable[None]],
    ) -> None:
        self.policy = policy
        self.runtime = runtime
        self.folder = folder
        self.history = history
        self.lives = lives
        self.bar = self.bar_at_start = 0
        self.is_store_faulty = False
        self._stop = stop
        self._seen: set[str] = set()

    @property
    def symbol(self) -> str:
        """The first symbol that the node owns."""
        return self.policy.symbols[0]

    def hear_stage(self, stage: str) -> None:
        """Take note of a stage of the life that is drilled."""
        if stage == Stage.TRADING:
            self.bar_at_start = self.bar

    def saw(self, what: str) -> None:
        """Record that something the scenario exists for has happened."""
        if what not in self._seen:
            self._seen.add(what)
            self.history.record("drill", "seen", {"what": what})

    async def stop_node(self) -> None:
        """Ask the node to stop, wait for its end, and record what it left at the exchange."""
        await self._stop()

    @contextmanager
    def excused(self, fault: Fault) -> Iterator[None]:
        """Record from when until when less is promised, if a fault excuses anything."""
        if not fault.excuses:
            yield
            return
        data = {"name": fault.name, "must_notice": fault.must_notice, "store": fault.of_store}
        self.history.record("drill", "fault.began", data)
        self.is_store_faulty = fault.of_store
        try:
            yield
        finally:
            self.is_store_faulty = False
            self.history.record("drill", "fault.ended", {"name": fault.name})

    def pids(self) -> list[int]:
        """Return the processes of node, store and exchange that run now."""
        children = [self.runtime.exchange.child, self.runtime.store.child, *self.lives.children]
        return [child.pid for child in children if child is not None and child.running]

    def environment_failure(self) -> str:
        """Return which process that the node needs has ended by itself; empty when none has."""
        for child in (self.runtime.exchange.child, self.runtime.store.child):
            if child is not None and child.started and not child.running:
                if child is self.runtime.store.child and self.is_store_faulty:
                    continue
                return f"The {child.name} ended with code {child.exit_code}: {child.last_words()}."
        return ""
