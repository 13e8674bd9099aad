"""One scenario's world: store, exchange and the lives of a node, and what is done to them."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from recovery_drill.agreement import disagreement
from recovery_drill.evidence import How, Snapshot, trimmed
from recovery_drill.failures import Disagreement, Inconclusive, Unsettled
from recovery_drill.history import History
from recovery_drill.model import ExchangeOrder, Ledger, NodeState
from recovery_drill.policy import Policy, fill_in
from recovery_drill.processes.exchange import Exchange
from recovery_drill.processes.node import Node
from recovery_drill.store.server import EmbeddedStore, GivenStore, free_port
from recovery_drill.store.view import caught_up

STORE_SECONDS = 5.0
STORE_INTERVAL_SECONDS = 0.01
GATE_SECONDS = 0.2

Rest = Callable[[NodeState, Ledger], bool]


class World:
    """Node, exchange and store of one scenario.

    Parameters
    ----------
    policy : Policy
        What the node promises, and how it is started.
    project : Path
        The drilled project's folder.
    folder : Path
        Where everything about this scenario is kept.
    store : EmbeddedStore or GivenStore
        Not yet started.
    exchange_command : list[str]
        The exchange's command line.
    trader_id : str
        The node's name in the store.
    disturbed : bool
        Whether kills and losses happen; without them the same play is the reference.

    """

    def __init__(
        self,
        policy: Policy,
        *,
        project: Path,
        folder: Path,
        store: EmbeddedStore | GivenStore,
        exchange_command: list[str],
        trader_id: str,
        disturbed: bool = True,
    ) -> None:
        self.policy = policy
        self.symbol = policy.symbols[0]
        self.disturbed = disturbed
        self.history = History(folder / "history.jsonl")
        self._project = project
        self._folder = folder
        self.trader_id = trader_id
        self.store = store
        command = [*exchange_command, "--journal", str(folder / "exchange.jsonl")]
        self.exchange = Exchange(command, folder)
        self.node: Node | None = None
        self.bar = 0
        self._lives = 0
        self._seen: set[str] = set()
        self._ended_lives = 0
        self._killed_ns = 0
        self.seconds_down: list[float] = []
        self.seconds_to_trading: list[float] = []

    # beginning and end

    async def open(self) -> None:
        """Start store and exchange."""
        await self.store.start()
        await self.exchange.start()
        ledger = await self.exchange.ledger()
        self.bar, self.history.market_ms = ledger.bar, ledger.market_ms
        price = str(ledger.prices[self.symbol])
        self.history.record("drill", "opened", {"bar": ledger.bar, "price": price})

    async def close(self) -> None:
        """End every process of this world that still runs; a surviving node is killed."""
        if self.node is not None and self.node.child.started and not self.node.child.running:
            how: How = "with its environment" if self.environment_failure() else "by itself"
            self._ended(how, self.node.child.exit_code)
        async with AsyncExitStack() as endings:
            endings.callback(self.history.close)
            endings.push_async_callback(self.store.stop)
            endings.push_async_callback(self.exchange.stop)
            if self.node is not None:
                endings.push_async_callback(self.node.close)

    def environment_failure(self) -> str:
        """Return which process that the node needs has ended by itself; empty when none has."""
        for child in (self.exchange.child, self.store.child):
            if child is not None and child.started and not child.running:
                return f"The {child.name} ended with code {child.exit_code}: {child.last_words()}."
        return ""

    # the node's lives

    async def start_node(self) -> None:
        """Start the node's next life and wait until it trades.

        Raises
        ------
        Unsettled
            If it does not within its budget.

        """
        self._lives += 1
        number, http_port = self._lives, free_port()
        values = {
            "store_url": self.store.url,
            "exchange_http": self.exchange.http_url,
            "exchange_ws": self.exchange.ws_url,
            "http_port": str(http_port),
            "instance_id": f"drill-{number}",
        }
        self.node = node = Node(
            number,
            [fill_in(word, values) for word in self.policy.node_command],
            environment={**self.policy.node_environment(values), "TRADER_ID": self.trader_id},
            http_port=http_port,
            folder=self._folder,
            directory=self._project,
            on_stage=lambda event: self._on_stage(number, event),
        )
        await node.start()
        self.history.record(
            "node",
            "node.started",
            {"number": number, "pid": node.child.pid, "command": list(node.child.command)},
            mono_ns=node.child.started_ns,
        )
        await node.until_trading(self.policy.budgets.start_seconds)
        self.seconds_to_trading.append((node.trading_ns - node.child.started_ns) / 1e9)
        if self._killed_ns:
            self.seconds_down.append((node.trading_ns - self._killed_ns) / 1e9)

    def _on_stage(self, number: int, event: dict[str, Any]) -> None:
        data = {"number": number, "stage": event.get("stage")}
        self.history.record("node", "node.stage", data, mono_ns=event.get("mono_ns"))

    async def kill_node(self) -> None:
        """End the node with SIGKILL and prove it: its exit code is minus nine.

        Raises
        ------
        Inconclusive
            If it had ended otherwise before.

        """
        assert self.node is not None, "no node to kill"
        if not self.disturbed:
            return
        code = await self.node.child.kill()
        self._killed_ns = self.node.child.ended_ns
        await self.node.close()
        if code != -signal.SIGKILL:
            self._ended("by itself", code)
            raise Inconclusive(
                f"The node was not killed by signal 9: it had ended with code {code} before "
                f"({self.node.child.last_words()})."
            )
        self._ended("killed", code)

    async def stop_node(self) -> None:
        """Ask the node to stop (SIGTERM), wait for its end, and look at what it left."""
        assert self.node is not None, "no node to stop"
        self._ended("stopped", await self.node.child.stop())
        ledger = await self.exchange.ledger()
        self.history.record("drill", "after.stop", msgspec.to_builtins(ledger))

    def _ended(self, how: How, code: int | None) -> None:
        """Record the end of this life; the first word on it counts."""
        assert self.node is not None
        if self._ended_lives == self.node.number:
            return
        self._ended_lives = self.node.number
        self.history.record(
            "node",
            "node.ended",
            {"number": self.node.number, "code": code, "how": how},
            mono_ns=self.node.child.ended_ns or time.monotonic_ns(),
        )

    async def first_start(self) -> Snapshot:
        """Start the node's first life and let it come to rest, before any bar passes."""
        await self.start_node()
        return await self.rest("after its first start")

    async def restart_node(self) -> Snapshot:
        """Start the node again, let it come to rest, and look."""
        if self.disturbed:
            await self.start_node()
        return await self.rest(f"after restart {self._lives - 1}")

    async def lose_store(self) -> None:
        """Lose everything that the store holds."""
        if self.disturbed:
            await self.store.lose(self.trader_id)

    # rest: decided, nothing in flight, both sides agree

    async def rest(self, when: str, *, whole: bool = True) -> Snapshot:
        """Wait until the node is at rest, and record node and exchange as they are then.

        Rest is: it trades, it has decided the last closed bar, nothing is in flight, and it agrees
        with the exchange. Where it does not come, the snapshot is taken all the same, for the
        checks to say what is wrong.

        Raises
        ------
        Unsettled
            If the node does not decide within the budget.
        Disagreement
            If node and exchange do not come to agree within the budget.

        """
        assert self.node is not None, "no node to wait for"
        budget = self.policy.budgets.settle_seconds
        deadline = time.monotonic() + budget
        try:
            state: NodeState | None = await self.node.until(
                self._decided, budget, f"the node did not decide bar {self.bar} {when}"
            )
        except Unsettled:
            await self._snapshot(when, await self.node.state(), await self.exchange.ledger(), True)
            raise
        ledger = await self.exchange.ledger()
        while not self._at_rest(state, ledger):
            left = deadline - time.monotonic()
            if left <= 0 or not self.node.child.running:
                await self._snapshot(when, state, ledger, True)
                if state is None or not self._decided(state):
                    raise Unsettled(
                        f"the node did not stay at rest {when}; {self.node.describe(state)}"
                    )
                what = disagreement(state, ledger, self.policy.symbols)
                raise Disagreement(f"{when} {what} after {budget:g} s")
            state = await self.node.next_state(state, left)
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

    # time

    async def step(self) -> Snapshot:
        """Let one bar pass: walk through it, wait for the node if anything changed, close it."""
        if await self.exchange.walk():
            await self.rest(f"inside the bar after {self.bar}", whole=False)
        await self._close_bar()
        return await self.rest(f"at bar {self.bar}", whole=False)

    async def _close_bar(self) -> None:
        self.bar = await self.exchange.step()
        self.history.market_ms = self.exchange.market_ms = self.bar
        self.history.record("drill", "bar.stepped", {"bar": self.bar})

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

    async def until_stored(self) -> None:
        """Wait until the store holds what the node holds: the engine writes without waiting.

        A store that stays behind is recorded, not judged: a kill may come at any time.
        """
        assert self.node is not None
        deadline = time.monotonic() + STORE_SECONDS
        behind: str | None = "The node's endpoint did not answer."
        while time.monotonic() < deadline:
            state = await self.node.state()
            if state is not None:
                behind = caught_up(state, await self.store.view(self.trader_id))
            if behind is None:
                return
            await asyncio.sleep(STORE_INTERVAL_SECONDS)
        self.history.record("store", "store.behind", {"reason": behind})


def beyond(stop: ExchangeOrder) -> Decimal:
    """Return a price that triggers a stop for certain: half a percent beyond its trigger."""
    assert stop.trigger_price is not None
    factor = Decimal("0.995") if stop.side == "SELL" else Decimal("1.005")
    return stop.trigger_price * factor
