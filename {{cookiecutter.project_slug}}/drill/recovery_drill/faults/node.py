"""What goes wrong with the node itself: it is killed, stopped, paused, doubled, or misled."""

import signal
from pathlib import Path

from recovery_drill.failures import Unsettled
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.proc.node import Node
from recovery_drill.record.contract import NODE_PAUSE, ExitCode, Stage
from recovery_drill.runtimes.protocol import Ability, Runtime

STOP_HEARD_SECONDS = 10.0
CLOCK_STEP_SECONDS = -1
"""Less than the age at which an exchange refuses a request's signature."""
FAKETIME_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
FAKETIME = "libfaketimeMT.so.1"


class NodeKill(Fault):
    """The node is killed (SIGKILL), and that is proven."""

    name = "node.kill"
    excuses = False

    async def begin(self, site: Site) -> None:
        """Kill it."""
        await site.lives.kill()


class NodeStop(Fault):
    """The node is asked to stop (SIGTERM)."""

    name = "node.stop"
    shows = "stopped holding"
    excuses = False

    async def begin(self, site: Site) -> None:
        """Ask it to, and wait for its end."""
        await site.stop_node()

    async def met(self, site: Site) -> bool:
        """Return whether a position was held when it stopped."""
        return bool((await site.runtime.exchange.ledger()).positions)


class KillWhileStopping(Fault):
    """The node is asked to stop, and killed as soon as it says that it does."""

    name = "node.kill_while_stopping"
    shows = "killed while stopping"
    excuses = False

    async def begin(self, site: Site) -> None:
        """Ask it to stop, and kill it.

        Raises
        ------
        Unsettled
            If it does not begin to stop.

        """
        node = site.lives.node
        await node.child.signal(signal.SIGTERM)
        if not await node.reaches(Stage.STOPPING, STOP_HEARD_SECONDS):
            raise Unsettled(
                f"the node did not begin to stop within {STOP_HEARD_SECONDS:g} s of being asked to"
            )
        await site.lives.kill()


class NodePause(Fault):
    """The node stands still (SIGSTOP): it keeps its sockets, and does nothing."""

    name = NODE_PAUSE

    async def begin(self, site: Site) -> None:
        """Let it stand still."""
        await site.lives.pause()

    async def end(self, site: Site) -> None:
        """Let it go on."""
        await site.lives.resume()


class SecondNode(Fault):
    """A second node with the same name is started beside the first."""

    name = "node.second"
    shows = "rival traded, or ended with 75"
    excuses = False

    def __init__(self) -> None:
        self._rival: Node | None = None
        self._answered = False

    def unavailable(self, runtime: Runtime) -> str:
        """Return why no second node can run here."""
        return runtime.lacks(Ability.SECOND_NODE)

    async def begin(self, site: Site) -> None:
        """Start the second node, and wait until it trades, ends, or its time is over."""
        self._rival = rival = await site.lives.begin(rival=True)
        try:
            await rival.until_trading(site.policy.budgets.start_seconds)
        except Unsettled:
            self._answered = rival.child.exit_code == ExitCode.AWAY
            site.lives.note_ends("by itself")
        else:
            self._answered = True

    async def met(self, site: Site) -> bool:
        """Return whether it traded, or gave way."""
        return self._answered

    async def end(self, site: Site) -> None:
        """Kill the second node, if it still runs."""
        if self._rival is not None and self._rival.child.running:
            await site.lives.kill(self._rival)


class ClockStep(Fault):
    """The next life of the node has a wall clock that was set back."""

    name = "node.clock_step"
    shows = "clock set back"
    excuses = False

    def unavailable(self, runtime: Runtime) -> str:
        """Return why one process cannot have a clock of its own here."""
        if find_faketime() is None:
            return (
                f"libfaketime is not installed ({FAKETIME}; the package libfaketime of Debian and "
                "Ubuntu), and without it one process cannot have a clock of its own."
            )
        return runtime.lacks(Ability.ENVIRONMENT)

    async def begin(self, site: Site) -> None:
        """Set it back. Only the wall clock: the monotonic one orders what happened."""
        site.runtime.set_environment(
            {
                "LD_PRELOAD": str(find_faketime()),
                "FAKETIME": f"{CLOCK_STEP_SECONDS}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )


def find_faketime() -> Path | None:
    """Return the library that gives one process a wall clock of its own; None if there is none."""
    for place in FAKETIME_PLACES:
        for folder in Path("/").glob(place.lstrip("/")):
            if (folder / FAKETIME).exists():
                return folder / FAKETIME
    return None
