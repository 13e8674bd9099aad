"""What goes wrong with the node itself: it is killed, stopped, paused, doubled, or misled."""

import asyncio
import signal
from pathlib import Path

from recovery_drill.failures import Unsettled
from recovery_drill.faults.fault import Fault, Site
from recovery_drill.proc.node import Node
from recovery_drill.record.contract import ExitCode, Stage
from recovery_drill.runtimes.protocol import Ability, Runtime

STOP_HEARD_SECONDS = 10.0
CLOCK_STEP_SECONDS = -1
"""Less than the age at which an exchange refuses a request's signature."""
DRIFT_RATE, DRIFT_STEP_SECONDS = 1.2, 0.1
"""Much more than a real clock drifts, so that nobody has to wait for it."""
MOST_AHEAD_SECONDS, TOO_FAR_AHEAD_SECONDS = 3.0, 1.5
"""Where it stays, and past which an exchange refuses requests beyond doubt; it does from 1 s on."""
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

    name = "node.pause"

    async def begin(self, site: Site) -> None:
        """Let it stand still."""
        await site.lives.pause(site.lives.node)

    async def end(self, site: Site) -> None:
        """Let it go on."""
        await site.lives.resume(site.lives.node)


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


class ClockDrift(ClockStep):
    """The node's wall clock runs too fast, until it is far ahead; then it is set right."""

    name = "node.clock_drift"
    shows = "clock far ahead"
    excuses = True
    # What was signed by it was refused, and a node that has learned that may wait for some bars.
    bars_to_hear = 18

    def __init__(self) -> None:
        self._file = Path()
        self._ahead = 0.0
        self._drifting: asyncio.Task[None] | None = None

    async def prepare(self, site: Site) -> None:
        """Let the node read from a file how far its clock is ahead."""
        self._file = site.folder / "clock"
        self._set(0.0)
        site.runtime.set_environment(
            {
                "LD_PRELOAD": str(find_faketime()),
                "FAKETIME_TIMESTAMP_FILE": str(self._file),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )

    async def begin(self, site: Site) -> None:
        """Let it run too fast."""
        self._drifting = asyncio.create_task(self._drift())

    async def _drift(self) -> None:
        while self._ahead < MOST_AHEAD_SECONDS:
            await asyncio.sleep(DRIFT_STEP_SECONDS)
            self._set(self._ahead + DRIFT_STEP_SECONDS * (DRIFT_RATE - 1))

    def _set(self, ahead: float) -> None:
        self._ahead = ahead
        written = self._file.with_suffix(".new")
        written.write_text(f"{ahead:+.3f}s\n", encoding="utf-8")
        written.replace(self._file)  # it is read at any time, and never half

    async def met(self, site: Site) -> bool:
        """Return whether it is so far ahead that an exchange refuses what is signed by it."""
        return self._ahead > TOO_FAR_AHEAD_SECONDS

    async def end(self, site: Site) -> None:
        """Set it right, as a time server does."""
        if self._drifting is not None:
            self._drifting.cancel()
            await asyncio.gather(self._drifting, return_exceptions=True)
        self._set(0.0)


def find_faketime() -> Path | None:
    """Return the library that gives one process a wall clock of its own; None if there is none."""
    for place in FAKETIME_PLACES:
        for folder in Path("/").glob(place.lstrip("/")):
            if (folder / FAKETIME).exists():
                return folder / FAKETIME
    return None
