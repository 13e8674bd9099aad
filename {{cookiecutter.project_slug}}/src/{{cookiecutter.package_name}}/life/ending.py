"""
Why a run ends, and when: what is on its way is waited for, so that no new position stands naked.

An entry that has been sent and not been answered, or that has filled and has no stop yet, would be
without protection until the next start is there: for two to four seconds, or for hours when nobody
starts the node again. So an end waits for it, within a bound; one that finds everything settled
does not.

Some ends never wait. `StartCold` comes before anything is sent. A lost lease: this node may send
nothing any more, and the one that has the lease protects what is held. A flattening: it closes what
is held once this node is gone. A defect, a refusal or a wrong setting: what the node would send
meanwhile cannot be trusted.
"""

import asyncio
from collections.abc import Callable, Mapping

from ..exit_codes import NodeExit, complain
from ..face.changes import Changes
from ..face.conditions import Conditions
from ..guards.guard import StartCold
from ..venue.binance.signing_clock import RECEIVE_WINDOW_MS
from .event_keeper import EventKeeper
from .keeper import Keeper

SETTLE_SECONDS = RECEIVE_WINDOW_MS / 1000
"""
How long an end waits at most: as long as the exchange accepts a request after it was sent. What it
has not taken by then never arrives, and the next start asks for everything else.
"""
CONDITION = "ending"
DOING = (
    "Nothing new is opened; what is on its way is waited for, so that what is held has its stop. "
    f"After {SETTLE_SECONDS:.0f} s at most the node ends."
)
LEFT = (
    f"Something was still on its way after {SETTLE_SECONDS:.0f} s: the next start asks what has "
    "become of it."
)
ASKED = "The node was asked to stop."
HUNG = "The node hung while it waited for what was on its way."

type End = NodeExit | StartCold | None
"""Why a run ends; ``None`` when it was asked to stop."""


class Ending:
    """
    The end of one run.

    Parameters
    ----------
    changes : Changes
        Told of whatever may have settled something.
    conditions : Conditions
        Where it says that nothing new is opened.
    keepers : Mapping[str, Keeper | EventKeeper]
        By symbol: who knows whether everything is settled.

    """

    def __init__(
        self, changes: Changes, conditions: Conditions, keepers: Mapping[str, Keeper | EventKeeper]
    ) -> None:
        self._changes = changes
        self._conditions = conditions
        self._keepers = keepers
        self._first: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._is_at_once = False

    @property
    def has_begun(self) -> bool:
        """Whether there is a reason."""
        return self._first.done()

    def tell(self, end: End) -> None:
        """Take up why the run ends: the first reason counts, and any may let it end at once."""
        self._is_at_once = self._is_at_once or is_at_once(end)
        if not self._first.done():
            self._first.set_result(end)
        self._changes.note()

    async def reason(self) -> End:
        """Return why the run ends, once it should."""
        return await self._first

    def must_wait(self) -> bool:
        """Return whether the end waits for something that is on its way."""
        return not self._is_at_once and not all(each.is_settled for each in self._keepers.values())

    async def settle(self, ask: Callable[[], None]) -> None:
        """
        Open nothing new, and return when the run may end.

        Parameters
        ----------
        ask : Callable[[], None]
            Lets what is on its way be asked for: what should tell of it may be why the run ends.

        """
        end = await self._first
        self._conditions.begin(CONDITION, str(end or ASKED), DOING)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_SECONDS
        while self.must_wait():
            left = deadline - loop.time()
            if left <= 0:
                complain(LEFT)
                return
            revision = self._changes.revision
            ask()
            await self._changes.after(revision, left)


def is_at_once(end: End) -> bool:
    """Return whether an end does not wait; a stop as asked does, for nobody may start it again."""
    return isinstance(end, StartCold) or (end is not None and end.at_once)
