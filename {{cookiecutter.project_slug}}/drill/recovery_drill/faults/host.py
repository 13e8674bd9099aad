"""What takes node and store at once: their host dies, or its power is cut."""

import asyncio

from recovery_drill.faults.fault import Fault, Site
from recovery_drill.runtimes.protocol import Runtime
from recovery_drill.store.protocol import StoreAbility

DIED = "host died"


class HostKill(Fault):
    """Node and store are killed at once; the store is started again with what it has written."""

    name = "host.down"
    shows = DIED
    of_store = True
    needs: tuple[StoreAbility, ...] = (StoreAbility.KILL,)

    def unavailable(self, runtime: Runtime) -> str:
        """Return why this store does not die with the node."""
        return next(filter(None, map(runtime.store.lacks, self.needs)), "")

    async def begin(self, site: Site) -> None:
        """Kill both, and start the store again.

        They were all that the host ran; the exchange has lost a client.
        """
        await asyncio.gather(site.lives.kill(), self.end_store(site))
        await site.runtime.exchange.arm({"name": "drop_sockets"})
        await site.runtime.store.start()

    async def end_store(self, site: Site) -> None:
        """End the store as the host's end does."""
        await site.runtime.store.kill()


class PowerCut(HostKill):
    """Power is cut: what the store has not flushed to disk is gone as well."""

    needs = (StoreAbility.LOSE_POWER,)

    async def end_store(self, site: Site) -> None:
        """Kill it, and take away what it may not have flushed."""
        await site.runtime.store.lose_power()


class PowerCutWhenFlushed(HostKill):
    """Power is cut under a store that flushes before each answer: a kill is all that it can do."""

    needs = (StoreAbility.FLUSH_ALWAYS, StoreAbility.KILL)

    async def prepare(self, site: Site) -> None:
        """Let the store flush before each answer."""
        await site.runtime.store.flush_always()
