"""What goes wrong with a store that has replicas: its primary is lost, a replica follows it."""

import asyncio
import contextlib
from typing import ClassVar

from recovery_drill.faults.fault import Site
from recovery_drill.faults.store import StoreFault
from recovery_drill.store.protocol import Replicas, StoreAbility
from recovery_drill.store.proxy import Hold, Phase

INTENT = "RPUSH orders OrderInitialized"
"""The first that the store hears of an order, which is sent to the exchange at the same moment."""


class Failover(StoreFault):
    """
    The store's primary is lost, and a replica takes its place.

    Parameters
    ----------
    after : float
        How many seconds after its beginning.

    """

    must_notice = True
    needs: ClassVar[StoreAbility | None] = StoreAbility.FAIL_OVER

    def __init__(self, after: float = 0.0) -> None:
        self._after = after
        self._losing: asyncio.Task[None] | None = None

    async def lose(self, replicas: Replicas) -> None:
        """Let it be lost."""
        raise NotImplementedError

    async def begin(self, site: Site) -> None:
        """Let it be lost, now or soon."""
        if self._after:
            self._losing = asyncio.create_task(self._lose_later(site.runtime.store.replicas))
        else:
            await self.lose(site.runtime.store.replicas)

    async def _lose_later(self, replicas: Replicas) -> None:
        await asyncio.sleep(self._after)
        await self.lose(replicas)

    async def end(self, site: Site) -> None:
        """Wait until another has taken its place, and let it come back."""
        if self._losing is not None:
            await self._losing
        await site.runtime.store.replicas.until_other()
        await site.runtime.store.replicas.bring_back()


class PrimaryKilled(Failover):
    """It is killed."""

    name = "store.failover"

    async def lose(self, replicas: Replicas) -> None:
        """Kill it."""
        await replicas.lose_primary()


class PrimaryPaused(Failover):
    """It stands still until another has taken its place, and then goes on: there are two."""

    name = "store.failover-split"

    async def lose(self, replicas: Replicas) -> None:
        """Freeze it."""
        await replicas.pause_primary()


class PrimaryCut(Failover):
    """Replicas and sentinels do not reach it any more, and the node does: what it says is lost."""

    name = "store.failover-cut"

    async def lose(self, replicas: Replicas) -> None:
        """Cut it off."""
        await replicas.cut_primary()


class PrimaryKilledAtIntent(Failover):
    """
    It is killed just before, or just after, it has an order that is sent meanwhile.

    Parameters
    ----------
    phase : {"before", "after"}
        Before it has it; or when it has it, before it answers.

    """

    name = "store.failover-at-intent"
    must_notice = False  # when it comes is the market's to say

    def __init__(self, phase: Phase) -> None:
        super().__init__()
        self._phase = phase
        self._hold: Hold | None = None

    async def begin(self, site: Site) -> None:
        """Wait for the next order."""
        proxy = site.runtime.proxy
        assert proxy is not None, "a store with replicas is the drill's own, behind its proxy"
        self._hold = proxy.arm(INTENT, 1, self._phase)
        self._losing = asyncio.create_task(self._lose_at(self._hold, site.runtime.store.replicas))

    async def _lose_at(self, hold: Hold, replicas: Replicas) -> None:
        await hold.reached.wait()
        await replicas.lose_primary()
        hold.release(deliver=True)

    async def met(self, site: Site) -> bool:
        """Return whether an order came."""
        return self._hold is not None and self._hold.reached.is_set()

    async def end(self, site: Site) -> None:
        """Wait until another has taken its place, and let it come back; nothing, if none came."""
        assert self._losing is not None
        if not await self.met(site):
            self._losing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._losing
            return
        await super().end(site)
