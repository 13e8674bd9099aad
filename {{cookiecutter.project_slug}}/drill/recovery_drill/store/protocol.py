"""What a drill asks of a store, and what it may not be able to do with the one that it has."""

from enum import StrEnum
from pathlib import Path
from typing import Protocol

from recovery_drill.proc.process import Process
from recovery_drill.record.contract import Engine
from recovery_drill.store.view import StoreView


class StoreAbility(StrEnum):
    """What can be done to a store, though not to each."""

    KILL = "kill"
    PAUSE = "pause"
    FILL = "fill"
    READ_ONLY = "make read-only"
    CLOSE_IDLE = "make close idle connections"
    FAIL_SNAPSHOTS = "let fail in its snapshots"
    BACKUP = "put an old state in"
    LOSE_POWER = "cut the power of"
    FLUSH_ALWAYS = "make flush before each answer"
    FAIL_OVER = "take the primary of"


class Replicas(Protocol):
    """What can happen to a store that has replicas."""

    async def lose_primary(self) -> None:
        """Kill the primary."""

    async def pause_primary(self) -> None:
        """Freeze the primary."""

    async def cut_primary(self) -> None:
        """Cut the primary off from replicas and sentinels: the node still reaches it."""

    async def until_other(self) -> None:
        """Wait until another server has taken its place, and takes writes at the same address."""

    async def bring_back(self) -> None:
        """Let the lost one come back, and wait until it follows the one that took its place."""


class Store(Protocol):
    """A store that a drill uses; what it lacks the ability for raises `Unsupported`."""

    url: str

    @property
    def child(self) -> Process | None:
        """Its process, as far as the drill knows of one."""

    @property
    def replicas(self) -> Replicas:
        """Its replicas; `Unsupported` where there are none."""

    def lacks(self, ability: StoreAbility) -> str:
        """Return why this cannot be done to it, in one sentence; empty when it can."""

    async def start(self) -> None:
        """Start it, and wait until it answers."""

    async def view(self, trader_id: str, engine: Engine) -> StoreView:
        """Return what it has of one trader, in the words of an engine."""

    async def lose(self, trader_id: str) -> None:
        """Let all be gone that it has of a trader, and let it go on empty."""

    async def flush(self, trader_id: str) -> None:
        """Delete what it has of a trader while it goes on."""

    async def kill(self) -> None:
        """Kill it; what it has written stays."""

    async def pause(self) -> None:
        """Freeze it: connections stay, and nothing is answered until `resume`."""

    async def resume(self) -> None:
        """Let a paused one go on."""

    async def fill(self) -> None:
        """Let its memory be full: it refuses to write until `empty`."""

    async def empty(self) -> None:
        """Give it its memory again."""

    async def make_read_only(self) -> None:
        """Let it refuse to write, as a replica does."""

    async def make_writable(self) -> None:
        """Let it be its own master again."""

    async def close_idle(self) -> None:
        """Let it close connections that have said nothing for a second, until `keep_idle`."""

    async def keep_idle(self) -> None:
        """Let it leave idle connections open again."""

    async def fail_snapshots(self) -> None:
        """Let a snapshot fail: it refuses to write until one has succeeded."""

    async def allow_snapshots(self) -> None:
        """Let a snapshot succeed, and it take writes again."""

    async def until_written(self) -> None:
        """Wait until all that it has answered is in its file."""

    async def backup(self, folder: Path) -> None:
        """Copy to a folder what is in it, while it runs."""

    async def restore(self, folder: Path) -> None:
        """Kill it, and start it with what is in a `backup`."""

    async def lose_power(self) -> None:
        """Kill it, and let what it may not yet have flushed be gone; `start` follows."""

    async def flush_always(self) -> None:
        """Let it flush to disk before each answer from now on."""
