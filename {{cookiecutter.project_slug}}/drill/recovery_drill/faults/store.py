"""What goes wrong with the store: it dies, stands still, refuses to write, forgets, or is slow."""

from pathlib import Path
from typing import ClassVar

from recovery_drill.faults.fault import Fault, Site
from recovery_drill.runtimes.protocol import Ability, Runtime
from recovery_drill.store.protocol import StoreAbility

SLOW_SECONDS = 0.05
GONE = "store out of order"


class StoreFault(Fault):
    """Something that is done to the store.

    Attributes
    ----------
    needs : StoreAbility or None
        What must be possible with this store; None when it always is.

    """

    shows = GONE
    of_store = True
    needs: ClassVar[StoreAbility | None] = None

    def unavailable(self, runtime: Runtime) -> str:
        """Return why this store is not to be disturbed so."""
        return "" if self.needs is None else runtime.store.lacks(self.needs)


class StoreKill(StoreFault):
    """The store is killed, and started again with its files."""

    name = "store.kill"
    must_notice = True
    needs = StoreAbility.KILL

    async def begin(self, site: Site) -> None:
        """Kill it."""
        await site.runtime.store.kill()

    async def end(self, site: Site) -> None:
        """Start it."""
        await site.runtime.store.start()


class StoreAway(StoreKill):
    """The store is away while the node is down, and when it starts."""

    name = "store.away"
    must_notice = False


class StorePause(StoreFault):
    """The store stands still, and goes on."""

    name = "store.pause"
    must_notice = True
    needs = StoreAbility.PAUSE

    async def begin(self, site: Site) -> None:
        """Let it stand still."""
        await site.runtime.store.pause()

    async def end(self, site: Site) -> None:
        """Let it go on."""
        await site.runtime.store.resume()


class StoreFull(StoreFault):
    """The store's memory is full, and is not any more."""

    name = "store.full"
    must_notice = True
    needs = StoreAbility.FILL

    async def begin(self, site: Site) -> None:
        """Fill it."""
        await site.runtime.store.fill()

    async def end(self, site: Site) -> None:
        """Give it its memory again."""
        await site.runtime.store.empty()


class StoreReadOnly(StoreFault):
    """The store takes no writes, as after a failover gone wrong."""

    name = "store.read-only"
    must_notice = True
    needs = StoreAbility.READ_ONLY

    async def begin(self, site: Site) -> None:
        """Let it refuse to write."""
        await site.runtime.store.make_read_only()

    async def end(self, site: Site) -> None:
        """Let it write again."""
        await site.runtime.store.make_writable()


class StoreIdle(StoreFault):
    """The store closes connections that have said nothing for a second."""

    name = "store.idle-connections"
    needs = StoreAbility.CLOSE_IDLE

    async def begin(self, site: Site) -> None:
        """Let it close them."""
        await site.runtime.store.close_idle()

    async def end(self, site: Site) -> None:
        """Let it leave them open again."""
        await site.runtime.store.keep_idle()


class StoreSnapshotFails(StoreFault):
    """A snapshot of the store fails, and it takes no writes until one succeeds."""

    name = "store.snapshot-fails"
    must_notice = True
    needs = StoreAbility.FAIL_SNAPSHOTS

    async def begin(self, site: Site) -> None:
        """Let one fail."""
        await site.runtime.store.fail_snapshots()

    async def end(self, site: Site) -> None:
        """Let one succeed."""
        await site.runtime.store.allow_snapshots()


class StoreFlush(StoreFault):
    """The store is emptied while it runs."""

    name = "store.flush"
    must_notice = True

    async def begin(self, site: Site) -> None:
        """Empty it."""
        await site.runtime.store.flush(site.runtime.trader_id)


class StoreLoss(StoreFault):
    """All is gone that was in the store: its files, or in a given store the trader's keys."""

    name = "store.lost"
    shows = "store lost"

    async def begin(self, site: Site) -> None:
        """Let it go on empty."""
        await site.runtime.store.lose(site.runtime.trader_id)


class StoreSlow(StoreFault):
    """Each command to the store takes longer."""

    name = "store.slow"

    def unavailable(self, runtime: Runtime) -> str:
        """Return why nothing can make this store slow."""
        return runtime.lacks(Ability.SLOW_STORE)

    async def begin(self, site: Site) -> None:
        """Make it slow."""
        site.runtime.slow_store(SLOW_SECONDS)

    async def end(self, site: Site) -> None:
        """Let it be as quick as it is."""
        site.runtime.slow_store(0.0)


class OldBackup(StoreFault):
    """An old backup is put in the place of what is in the store."""

    name = "store.backup"
    needs = StoreAbility.BACKUP

    async def prepare(self, site: Site) -> None:
        """Make the backup."""
        await site.runtime.store.backup(_place(site))

    async def begin(self, site: Site) -> None:
        """Put it back."""
        await site.runtime.store.restore(_place(site))


def _place(site: Site) -> Path:
    return site.folder / "backup"
