"""A node is lost while a second one stands by, which takes its place without a supervisor."""

import asyncio

from recovery_drill.failures import Unsettled
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.proc.node import Node
from recovery_drill.proc.process import EXIT_WAIT_SECONDS
from recovery_drill.record.contract import Stage
from recovery_drill.runtimes.protocol import Ability, Runtime


class KilledBesideStandby(Fault):
    """The node is killed (SIGKILL), and the one that stands by takes its place."""

    name = "node.kill"
    shows = "the one that stood by trades"
    excuses = False

    _standby: Node

    def unavailable(self, runtime: Runtime) -> str:
        """Return why nobody can stand by here."""
        return runtime.lacks(Ability.STANDBY)

    async def prepare(self, site: Site) -> None:
        """Let a second node stand by.

        Raises
        ------
        Unsettled
            If it does not come to that.

        """
        self._standby = await site.lives.stand_by()
        seconds = site.policy.budgets.start_seconds
        if not await self._standby.reaches(Stage.LEASE, seconds):
            raise Unsettled(f"the second node did not stand by within {seconds:g} s of its start")

    async def begin(self, site: Site) -> None:
        """Kill the one that trades, and wait until the other one does."""
        await site.lives.kill()
        await self._take_over(site)

    async def _take_over(self, site: Site) -> None:
        site.lives.hand_over(self._standby)
        await self._standby.until_trading(site.policy.budgets.start_seconds)

    async def met(self, site: Site) -> bool:
        """Return whether the one that stood by has come to trade."""
        return self._standby.trading_ns > 0


class PausedBesideStandby(KilledBesideStandby):
    """The node stands still (SIGSTOP) until another one trades in its place; then it goes on."""

    name = "node.pause"

    _paused: Node

    async def begin(self, site: Site) -> None:
        """Let the one that trades stand still, and wait until the other one does."""
        self._paused = site.lives.node
        await site.lives.pause(self._paused)
        await self._take_over(site)

    async def end(self, site: Site) -> None:
        """Let it go on; it finds out that another one trades, and ends.

        Raises
        ------
        Unsettled
            If it does not end.

        """
        await site.lives.resume(self._paused)
        seconds = site.policy.budgets.notice_seconds + EXIT_WAIT_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self._paused.child.ended()
        except TimeoutError:
            raise Unsettled(
                f"the node whose place was taken did not end within {seconds:g} s of going on"
            ) from None
        await self._paused.child.wait()
        site.lives.note_ends("by itself")
