"""Rest: the node has decided, nothing is in flight, both sides agree, and the store has caught up.

That is what a play waits for before it goes on, and where its snapshots are taken.
"""

import asyncio
import time

import msgspec

from recovery_drill.checks.fit import never_settled
from recovery_drill.failures import Disagreement, Unsettled, UsageError
from recovery_drill.play.site import Site
from recovery_drill.record.agreement import disagreement
from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import Snapshot, trimmed
from recovery_drill.record.health import HealthLook
from recovery_drill.record.model import Ledger, NodeState
from recovery_drill.store.view import caught_up, store_look_data

ASK_AGAIN_SECONDS = 0.01


class Rest:
    """Waits for rest, and records node, exchange and store as they are then.

    Parameters
    ----------
    site : Site
        The play.

    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._policy = site.policy

    async def come(self, when: str, *, whole: bool, judged: bool) -> Snapshot:
        """Wait until the node is at rest, and record node and exchange as they are then.

        Where rest does not come, the snapshot is taken all the same, if it is to be judged.

        Raises
        ------
        Unsettled
            If the node does not decide within the budget.
        UsageError
            If its first life never has, which is no question of recovery.
        Disagreement
            If node and exchange do not come to agree within the budget.

        """
        node, exchange = self._site.lives.node, self._site.runtime.exchange
        budget = self._policy.budgets.settle_seconds
        deadline = time.monotonic() + budget
        promise = f"the node did not decide bar {self._site.bar} {when}"
        try:
            state: NodeState | None = await node.until(self._decided, budget, promise)
        except Unsettled as late:
            self._check_fit(await node.state(), str(late))
            # A node that has ended says nothing: how it ended is judged instead.
            if judged and node.child.running:
                self._snapshot(when, await node.state(), await exchange.ledger(), overdue=True)
            raise
        ledger = await exchange.ledger()
        while not self._at_rest(state, ledger):
            left = deadline - time.monotonic()
            if left <= 0 or not node.child.running:
                if judged and node.child.running:
                    self._snapshot(when, state, ledger, overdue=True)
                if state is None or not self._decided(state):
                    raise Unsettled(f"the node did not stay at rest {when}; {node.describe(state)}")
                what = disagreement(state, ledger, self._policy.symbols)
                raise Disagreement(f"{when} {what} after {budget:g} s")
            state = await node.next_state(state, left)
            ledger = await exchange.ledger()
        return self._snapshot(when, state, ledger, whole=whole)

    def _check_fit(self, state: NodeState | None, late: str) -> None:
        is_first = self._site.lives.count == 1 and self._site.bar == self._site.bar_at_start
        if state is None or not is_first:
            return
        if any(state.decided_bar.get(symbol) is None for symbol in self._policy.symbols):
            raise UsageError(never_settled(self._policy, state, late))

    def _decided(self, state: NodeState) -> bool:
        bar, since = self._site.bar, self._site.bar_at_start
        decided = all(state.has_decided(s, bar, since) for s in self._policy.symbols)
        return state.stage == Stage.TRADING and decided and state.inflight == 0

    def _at_rest(self, state: NodeState | None, ledger: Ledger) -> bool:
        return (
            state is not None
            and self._decided(state)
            and disagreement(state, ledger, self._policy.symbols) is None
        )

    def _snapshot(
        self,
        when: str,
        state: NodeState | None,
        ledger: Ledger,
        *,
        whole: bool = True,
        overdue: bool = False,
    ) -> Snapshot:
        snapshot = Snapshot(when=when, state=state, ledger=ledger, whole=whole, overdue=overdue)
        kept = snapshot if whole else trimmed(snapshot)
        self._site.history.record("drill", "snapshot", msgspec.to_builtins(kept))
        return snapshot

    async def show(self, when: str) -> None:
        """Record node and exchange as they are, to be judged as if they were at rest."""
        state = await self._site.lives.node.state()
        self._snapshot(when, state, await self._site.runtime.exchange.ledger(), overdue=True)

    async def show_left(self, when: str) -> None:
        """Record the exchange as a node that has ended by itself has left it."""
        ledger = await self._site.runtime.exchange.ledger()
        left = trimmed(Snapshot(when=when, state=None, ledger=ledger))
        self._site.history.record("drill", "left", msgspec.to_builtins(left))

    async def written(self) -> None:
        """Wait until the engine has written what it has to.

        Bars come faster here than in any market. A node whose store lags behind adds no risk, and
        one that is in that state for the drill's haste alone would be judged for the drill's.
        """
        if self._site.runtime.proxy is not None:
            await self._site.runtime.proxy.run_dry(self._policy.budgets.store_seconds)

    async def look(self, when: str) -> None:
        """Look at what the node says of its health, and at the store unless that is disturbed."""
        await self.look_at_health(when)
        if not self._site.is_store_faulty:
            await self.look_at_store(when)

    async def look_at_health(self, when: str) -> None:
        """Record what the node answers at ``/health``, if it says the same of itself around it."""
        node = self._site.lives.node
        before, status, after = await node.state(), await node.health(), await node.state()
        if before is None or status is None or after is None:
            return
        if (before.stage, before.conditions) == (after.stage, after.conditions):
            wrong = tuple(each.sentence for each in after.conditions or ())
            look = HealthLook(when=when, status=status, stage=after.stage, wrong=wrong)
            self._site.history.record("node", "health.look", msgspec.to_builtins(look))

    async def look_at_store(self, when: str) -> None:
        """Wait until the store has what the node has: the engine writes without waiting."""
        deadline = time.monotonic() + self._policy.budgets.store_seconds
        runtime, node = self._site.runtime, self._site.lives.node
        while True:
            state = await node.state()
            if state is None and not node.child.running:
                return  # nobody can say what it had; that it has ended is judged by itself
            view = await runtime.store.view(runtime.trader_id, self._policy.words)
            behind = "The node's endpoint did not answer."
            if state is not None:
                behind = caught_up(state, view) or ""
            if not behind or time.monotonic() > deadline:
                break
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        data = store_look_data(view, when, behind or None)
        self._site.history.record("store", "store.look", data)
