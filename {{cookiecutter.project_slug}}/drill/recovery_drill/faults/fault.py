"""What a fault is, and what of a play it may touch."""

from pathlib import Path
from typing import Protocol

from recovery_drill.proc.node import Node
from recovery_drill.record.evidence import How
from recovery_drill.record.policy import Policy
from recovery_drill.runtimes.protocol import Runtime


class NodeLives(Protocol):
    """The lives of the drilled node, as faults begin and end them."""

    @property
    def node(self) -> Node:
        """The life that is drilled now."""

    async def begin(self, *, rival: bool = False) -> Node:
        """Start the next life, or a rival beside this one."""

    async def stand_by(self) -> Node:
        """Start a life that stands by beside this one."""

    def hand_over(self, node: Node) -> None:
        """Let the one that stands by be the one that is drilled."""

    async def kill(self, node: Node | None = None) -> None:
        """End a life with SIGKILL, and prove it."""

    async def prove_killed(self, node: Node) -> None:
        """Wait for the end of a life that has been killed, and prove it."""

    async def pause(self, node: Node) -> None:
        """Let a node stand still."""

    async def resume(self, node: Node) -> None:
        """Let it go on."""

    def note_end(self, node: Node, how: How) -> None:
        """Record the end of a life; the first word on it counts."""

    def note_ends(self, how: How) -> None:
        """Record the end of every life that has ended and of which nothing was said yet."""


class Site(Protocol):
    """What of a play a fault may touch."""

    @property
    def policy(self) -> Policy:
        """What the node promises."""

    @property
    def symbol(self) -> str:
        """What is traded."""

    @property
    def folder(self) -> Path:
        """Where everything about the play is kept."""

    @property
    def runtime(self) -> Runtime:
        """Store, exchange and containers, and what can be done to them here."""

    @property
    def lives(self) -> NodeLives:
        """The node."""

    def saw(self, what: str) -> None:
        """Record that something the scenario exists for has happened."""

    async def stop_node(self) -> None:
        """Ask the node to stop, wait for its end, and record what it left at the exchange."""


class Fault:
    """One thing that goes wrong; it is made anew for each play, and may remember what it did.

    Attributes
    ----------
    name : str
        What the history calls it: ``store.pause``.
    shows : str
        What has been seen once it has been met; empty when that is not asked for.
    excuses : bool
        Whether less is promised while it lasts: then nothing but safety is, and the node may end
        for its supervisor to start it again. A kill at rest excuses nothing.
    must_notice : bool
        Whether a node must not go on trading while it lasts.
    of_store : bool
        Whether the store need not have then what it should.
    bars_to_hear : int
        How many bars after its end still belong to it: only by a bar that it hears can a node tell
        that it has missed one.

    """

    name = ""
    shows = ""
    excuses = True
    must_notice = False
    of_store = False
    bars_to_hear = 0

    def unavailable(self, runtime: Runtime) -> str:
        """Return why it cannot happen here, in one sentence; empty when it can."""
        return ""

    async def prepare(self, site: Site) -> None:
        """Do beforehand, while all is well, what it takes."""

    async def begin(self, site: Site) -> None:
        """Let it happen, or begin."""

    async def end(self, site: Site) -> None:
        """Undo it, where that is to be done."""

    async def met(self, site: Site) -> bool:
        """Return whether it has come to bear; asked before its end."""
        return True


class NoFault(Fault):
    """Nothing goes wrong but what the play does by itself."""

    name = "none"
    excuses = False
