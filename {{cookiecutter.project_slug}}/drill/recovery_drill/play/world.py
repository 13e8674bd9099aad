"""One play's world: store, exchange and the lives of a node, and what is done to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from recovery_drill.failures import Disagreement, Inconclusive, Unsettled
from recovery_drill.play.lives import Lives
from recovery_drill.play.nemesis import Nemesis
from recovery_drill.proc.node import Node
from recovery_drill.record.agreement import disagreement
from recovery_drill.record.boundary import CrashPoint
from recovery_drill.record.evidence import How, Snapshot, trimmed
from recovery_drill.record.history import History
from recovery_drill.record.model import ExchangeOrder, Ledger, NodeState
from recovery_drill.record.policy import Policy
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.store.proxy import StoreProxy
from recovery_drill.store.view import caught_up, store_look_data

LOOK_INTERVAL_SECONDS = 0.01
GATE_SECONDS = 0.2
ENDURE_SECONDS = 2.0
"""How long a bar waits for a node that a fault may keep from deciding it."""

Rest = Callable[[NodeState, Ledger], bool]


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
        Whether kills and losses happen; without them the same play is the reference.
    crash_points : Sequence[CrashPoint]
        Where the node is killed besides, whatever is being played.

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
        self.symbol = policy.symbols[0]
        self.disturbed = disturbed
        self.folder = folder
        self.history = History(folder / "history.jsonl")
        self._units = History(folder / "store.jsonl")
        self.runtime = runtime
        self.trader_id = runtime.trader_id
        self.store = runtime.store
        self.exchange = runtime.exchange
        self.nemesis = Nemesis(crash_points if disturbed else (), self.exchange)
        self.lives = Lives(
            runtime, self.history, lambda stage: self.nemesis.hear("stage", stage, "reached")
        )
        self.bar = 0
        self.bars_since_crash = 0
        self._seen: set[str] = set()
        self._is_store_faulty = False

    # beginning and end

    async def open(self) -> None:
        """Start store and exchange, and wait at the first crash point."""
        await self.runtime.open(self._on_unit)
        self.nemesis.proxy = self.proxy
        ledger = await self.exchange.ledger()
        self.bar, self.history.market_ms = ledger.bar, ledger.market_ms
        price = str(ledger.prices[self.symbol])
        self.history.record("drill", "opened", {"bar": ledger.bar, "price": price})
        await self.nemesis.arm()

    @property
    def proxy(self) -> StoreProxy | None:
        """What stands between node and store; None where nothing does."""
        return self.runtime.proxy

    def _on_unit(self, name: str, mono_ns: int) -> None:
        self._units.record("store", "store.unit", {"name": name}, mono_ns=mono_ns)

    async def close(self) -> None:
        """End every process of this world that still runs; a surviving node is killed."""
        how: How = "with its environment" if self.environment_failure() else "by itself"
        self.lives.note_ends(how)
        async with AsyncExitStack() as endings:
            endings.callback(self.history.close)
            endings.callback(self._units.close)
            endings.push_async_callback(self.runtime.close)
            endings.push_async_callback(self.nemesis.close)
            endings.push_async_callback(self.lives.close)

    def environment_failure(self) -> str:
        """Return which process that the node needs has ended by itself; empty when none has."""
        for child in (self.exchange.child, self.store.child):
            if child is not None and child.started and not child.running:
                if child is self.store.child and self._is_store_faulty:
                    continue
                return f"The {child.name} ended with code {child.exit_code}: {child.last_words()}."
        return ""

    # the node's lives

    async def first_start(self) -> Snapshot:
        """Start the node's first life and let it come to rest, before any bar passes."""
        await self._start_node()
        return await self.rest("after its first start")

    async def _start_node(self) -> None:
        await self.lives.begin()
        await self._through_crashes(self._until_trading)

    async def _until_trading(self) -> None:
        await self.lives.node.until_trading(self.policy.budgets.start_seconds)

    async def kill_node(self) -> None:
        """Kill the node, and prove that it was killed."""
        if self.disturbed:
            await self.lives.kill()

    async def restart_node(self) -> Snapshot:
        """Start the node again, let it come to rest, and look."""
        if self.disturbed:
            await self._start_node()
        return await self.rest(f"after restart {self.lives.count - 1}")

    async def stop_node(self) -> None:
        """Ask the node to stop, wait for its end, and look at what it left."""
        await self._through_crashes(self.lives.stop)
        ledger = await self.exchange.ledger()
        self.history.record("drill", "after.stop", msgspec.to_builtins(ledger))

    async def lose_store(self) -> None:
        """Lose everything that the store holds."""
        if self.disturbed:
            async with self.fault("store.lost", of_store=True):
                await self.store.lose(self.trader_id)

    # crash points

    async def _through_crashes[Answer](
        self, wait: Callable[[], Coroutine[Any, Any, Answer]]
    ) -> Answer:
        """Wait for the node; when it comes to a crash point meanwhile, kill it and begin anew."""
        while True:
            waiting = asyncio.ensure_future(wait())
            reached = asyncio.ensure_future(self.nemesis.reached())
            try:
                await asyncio.wait({waiting, reached}, return_when=asyncio.FIRST_COMPLETED)
                if self.nemesis.point is None or not await self.nemesis.is_reached():
                    return await waiting
            finally:
                waiting.cancel()
                reached.cancel()
                await asyncio.gather(waiting, reached, return_exceptions=True)
            await self._crash()

    @property
    def has_crashed(self) -> bool:
        """Whether there were crash points, and the node has been killed at all of them."""
        return self.nemesis.number > 0 and self.nemesis.point is None

    async def _crash(self) -> None:
        point, number = self.nemesis.point, self.nemesis.number + 1
        assert point is not None, "no crash point was reached"
        life = self.lives.node.number
        await self.lives.kill()
        data = {"boundary": point.boundary.name, "nth": point.nth, "life": life}
        self.history.record("drill", "crash.point", data)
        self.saw(f"crash point {number}")
        await self.nemesis.release()
        await self.nemesis.next()
        self.bars_since_crash = 0
        await self._start_node()
        await self.rest(f"after restart {self.lives.count - 1}")

    # faults of the environment

    @asynccontextmanager
    async def fault(
        self, name: str, *, must_notice: bool = False, of_store: bool = False
    ) -> AsyncIterator[None]:
        """Say from when until when something that the node needs is broken.

        Meanwhile nothing is promised but safety, and the node may end for its supervisor to start
        it again. Afterwards all promises hold within their budgets.

        Parameters
        ----------
        name : str
            What is broken.
        must_notice : bool
            Whether the node has to notice that it cannot go on as before.
        of_store : bool
            Whether it is the store, whose content is not looked at meanwhile.

        """
        data = {"name": name, "must_notice": must_notice, "store": of_store}
        self.history.record("drill", "fault.began", data)
        self._is_store_faulty = of_store
        try:
            yield
        finally:
            self._is_store_faulty = False
            self.history.record("drill", "fault.ended", {"name": name})

    async def endure(self, bars: int) -> None:
        """Let bars pass while something is broken; each waits for the node, but not for long."""
        for _ in range(bars):
            await self.exchange.walk()
            await self._close_bar()
            try:
                async with asyncio.timeout(ENDURE_SECONDS):
                    await self.rest(f"at bar {self.bar}", whole=False, judged=False)
            except (TimeoutError, Unsettled, Disagreement):
                continue

    async def recover(self) -> Snapshot:
        """Start the node again if it has ended, as its supervisor would, and let it rest."""
        if self.lives.running:
            try:
                # A supervisor of its own may have started it a moment ago.
                await self._through_crashes(self._until_trading)
            except Unsettled:
                if self.lives.running:
                    raise
            else:
                return await self.rest("after the fault")
        self.lives.note_ends("by itself")
        return await self.restart_node()

    async def until_back(self, life: Node, seconds: float) -> Snapshot:
        """Wait until a supervisor has started the life after another, and it has come to rest."""
        await self.lives.until_adopted(life, seconds)
        await self._through_crashes(self._until_trading)
        return await self.rest(f"after restart {self.lives.count - 1}")

    # rest: decided, nothing in flight, both sides agree

    async def rest(self, when: str, *, whole: bool = True, judged: bool = True) -> Snapshot:
        """Wait until the node is at rest, and record node and exchange as they are then.

        Rest is: it trades, it has decided the last closed bar, nothing is in flight, and it agrees
        with the exchange. Where it does not come, the snapshot is taken all the same, for the
        checks to say what is wrong. A whole one is followed by a look at the store.

        Raises
        ------
        Unsettled
            If the node does not decide within the budget.
        Disagreement
            If node and exchange do not come to agree within the budget.

        """
        snapshot = await self._through_crashes(lambda: self._rest(when, whole, judged))
        if whole and judged and not self._is_store_faulty:
            await self._through_crashes(lambda: self._look_at_store(when))
        return snapshot

    async def _rest(self, when: str, whole: bool, judged: bool) -> Snapshot:
        node = self.lives.node
        budget = self.policy.budgets.settle_seconds
        deadline = time.monotonic() + budget
        try:
            state: NodeState | None = await node.until(
                self._decided, budget, f"the node did not decide bar {self.bar} {when}"
            )
        except Unsettled:
            # A node that has ended says nothing: how it ended is judged instead.
            if judged and node.child.running:
                await self._snapshot(when, await node.state(), await self.exchange.ledger(), True)
            raise
        ledger = await self.exchange.ledger()
        while not self._at_rest(state, ledger):
            left = deadline - time.monotonic()
            if left <= 0 or not node.child.running:
                if judged and node.child.running:
                    await self._snapshot(when, state, ledger, True)
                if state is None or not self._decided(state):
                    raise Unsettled(f"the node did not stay at rest {when}; {node.describe(state)}")
                what = disagreement(state, ledger, self.policy.symbols)
                raise Disagreement(f"{when} {what} after {budget:g} s")
            state = await node.next_state(state, left)
            ledger = await self.exchange.ledger()
        return await self._snapshot(when, state, ledger, whole)

    def _decided(self, state: NodeState) -> bool:
        decided = all(state.decided_bar.get(s, 0) >= self.bar for s in self.policy.symbols)
        return state.stage == "trading" and decided and state.inflight == 0

    def _at_rest(self, state: NodeState | None, ledger: Ledger) -> bool:
        return (
            state is not None
            and self._decided(state)
            and disagreement(state, ledger, self.policy.symbols) is None
        )

    async def _snapshot(
        self, when: str, state: NodeState | None, ledger: Ledger, whole: bool
    ) -> Snapshot:
        snapshot = Snapshot(when=when, state=state, ledger=ledger, whole=whole)
        kept = snapshot if whole else trimmed(snapshot)
        self.history.record("drill", "snapshot", msgspec.to_builtins(kept))
        return snapshot

    async def _look_at_store(self, when: str) -> None:
        """Wait until the store holds what the node holds: the engine writes without waiting."""
        deadline = time.monotonic() + self.policy.budgets.store_seconds
        while True:
            state, view = await self.lives.node.state(), await self.store.view(self.trader_id)
            behind = "The node's endpoint did not answer."
            if state is not None:
                behind = caught_up(state, view) or ""
            if not behind or time.monotonic() > deadline:
                break
            await asyncio.sleep(LOOK_INTERVAL_SECONDS)
        self.history.record("store", "store.look", store_look_data(view, when, behind or None))

    async def until_stored(self) -> None:
        """Wait until the store holds what the node holds, so that a kill loses nothing of it."""
        await self._through_crashes(lambda: self._look_at_store(f"at bar {self.bar}"))

    # time

    async def step(self) -> Snapshot:
        """Let one bar pass: walk through it, wait for the node if anything changed, close it."""
        if await self.exchange.walk():
            self.history.record("drill", "bar.walked", {"bar": self.bar})
            self.nemesis.hear("bar", "bar", "walked")
            await self.rest(f"inside the bar after {self.bar}", whole=False)
        await self._close_bar()
        return await self.rest(f"at bar {self.bar}", whole=False)

    async def _close_bar(self) -> None:
        self.bar = await self.exchange.step()
        self.bars_since_crash += 1
        self.history.market_ms = self.exchange.market_ms = self.bar
        self.history.record("drill", "bar.stepped", {"bar": self.bar})
        self.nemesis.hear("bar", "bar", "closed")

    async def steps(self, bars: int) -> Snapshot:
        """Let a number of bars pass, and look closely at the end."""
        for _ in range(bars):
            await self.step()
        return await self.rest(f"{bars} bars later")

    async def step_until(self, what: str, holds: Rest, within: int) -> Snapshot:
        """Let bars pass until node and exchange are as `holds` says.

        Raises
        ------
        Inconclusive
            If they are not after `within` bars: the market, not the node, is to blame.

        """
        snapshot = await self.rest(f"at bar {self.bar}", whole=False)
        for _ in range(within):
            if snapshot.state is not None and holds(snapshot.state, snapshot.ledger):
                self.saw(what)
                return snapshot
            snapshot = await self.step()
        fills = len(snapshot.ledger.fills)
        raise Inconclusive(
            f"Market and node led to no {what} within {within} bars ({fills} fills); does the node "
            "trade, and does its stop lie on the right side of the market?"
        )

    async def step_into(self, gate: dict[str, Any], within: int) -> str:
        """Let bars pass until a gate holds what it was armed for; return the gate's id.

        Raises
        ------
        Inconclusive
            If it holds nothing within `within` bars.

        """
        gate_id = await self.exchange.arm(gate)
        for _ in range(within):
            if await self.exchange.walk():
                await self.rest(f"inside the bar after {self.bar}", whole=False)
            await self._close_bar()
            resting = asyncio.ensure_future(self.rest(f"at bar {self.bar}", whole=False))
            try:
                while not resting.done():
                    if await self.exchange.fired(gate_id, GATE_SECONDS):
                        self.saw("order in flight")
                        self.history.record("drill", "gate.fired", {"id": gate_id, **gate})
                        return gate_id
                await resting
            finally:
                resting.cancel()
                await asyncio.gather(resting, return_exceptions=True)
        raise Inconclusive(
            f"Nothing reached the gate {gate} within {within} bars; use another seed."
        )

    # looking

    def saw(self, what: str) -> None:
        """Record that something the scenario exists for has happened."""
        if what not in self._seen:
            self._seen.add(what)
            self.history.record("drill", "seen", {"what": what})

    def end_early(self) -> None:
        """Record that the play ends on purpose before the reference does."""
        self.history.record("drill", "ended.early", {})

    async def stop_of_position(self) -> ExchangeOrder:
        """Return the working protective stop.

        Raises
        ------
        Inconclusive
            If there is none to use.

        """
        ledger = await self.exchange.ledger()
        stops = [o for o in ledger.working(self.symbol) if o.protects]
        if not stops or stops[0].trigger_price is None:
            raise Inconclusive("The position has no protective stop that could be triggered.")
        return stops[0]


def beyond(stop: ExchangeOrder) -> Decimal:
    """Return a price that triggers a stop for certain: half a percent beyond its trigger."""
    assert stop.trigger_price is not None
    factor = Decimal("0.995") if stop.side == "SELL" else Decimal("1.005")
    return stop.trigger_price * factor
