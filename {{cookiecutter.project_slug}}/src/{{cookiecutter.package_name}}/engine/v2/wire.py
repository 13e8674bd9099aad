"""
What passes between the adapter and the exchange, as far as somebody has to make something of it.

Orders under this node's ids that this node has not sent are another node's: `plan.rivals` says why.
A user stream that is open and says nothing is opened anew, once; if that does not help, the node
ends, and its next start learns from the exchange what it has missed.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

from ...exit_codes import ExitCode, NodeExit
from ...plan.order_ids import parse
from ...plan.rivals import Rival, Rivals
from ...venue.binance.requests import LATE_SECONDS
from ...venue.binance.signing_clock import SigningClock
from ..rival_end import rival_end
from .door import Said
from .mirror import Mirror
from .outcomes import Outcomes

QUIET_SECONDS = 2 * LATE_SECONDS
"""What an earlier life of this node has sent may still arrive for so long."""
SILENT_SECONDS = 0.25
"""So long nothing was heard before: a stream that lives is opened anew for nothing, at worst."""
EVENT_SECONDS = 1.0
"""How long an event may take that tells of the same."""
OPENING_SECONDS = 5.0
"""How long a new stream may take before it is suspected, too."""
DEAF = (
    "The stream of the account's events is open and says nothing, and opening it anew has not "
    "helped; the node ends, and its next start learns from the exchange what it has missed."
)


class Wire:
    """
    Who hears what passes through the door.

    Parameters
    ----------
    mirror : Mirror
        What the engine has.
    owners : Collection[str]
        What the ids of this node begin with.
    clock : SigningClock
        Knows whether this node may trade. One whose lease has ended hears of the orders of the one
        that has taken over, from the same store, and the lease says so.
    tell : Callable[[NodeExit], None]
        Takes how the node ends.

    """

    def __init__(
        self,
        mirror: Mirror,
        owners: Collection[str],
        clock: SigningClock,
        tell: Callable[[NodeExit], None],
    ) -> None:
        self._mirror = mirror
        self._owners = frozenset(owners)
        self._clock = clock
        self._tell = tell
        self._rivals = Rivals(self._is_own, lambda name: name in mirror.orders)
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        self._heard = time.monotonic()
        self._opened = 0.0
        self._suspecting: asyncio.Task[None] | None = None
        self.outcomes: Outcomes

    # -- What the door tells -----------------------------------------------------------------------

    def sends(self, kind: str, name: str) -> None:
        """Take up that an order is sent now."""
        self._rivals.sends(kind, name)

    def answered(self, kind: str, name: str, number: int) -> None:
        """Take up the number that the exchange has given to it."""
        self._end(self._rivals.answered(kind, name, number), name)

    def name_of(self, kind: str, number: str) -> str | None:
        """Return the client order id of a number."""
        return self._mirror.name_of(number)

    async def sent(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out what has become of an order whose sending nobody has answered."""
        return await self.outcomes.sent(kind, symbol, name, why)

    async def canceled(self, kind: str, symbol: str, name: str, why: str) -> Said:
        """Find out the same of a request to cancel."""
        return await self.outcomes.canceled(kind, symbol, name, why)

    # -- What the stream tells ---------------------------------------------------------------------

    def hear(self, event: dict[str, Any]) -> bool:
        """Hear an event; return whether it is this node's to take up."""
        self._heard = time.monotonic()
        told = event.get("o")
        if not isinstance(told, dict):
            return True
        if event.get("e") == "ORDER_TRADE_UPDATE":
            kind, name, number = "order", told.get("c"), told.get("i")
        elif event.get("e") == "ALGO_UPDATE":
            kind, name, number = "conditional", told.get("caid"), told.get("aid")
        else:
            return True
        if not isinstance(name, str) or not isinstance(number, int):
            return True
        rival = self._rivals.heard(kind, name, number)
        return rival is Rival.NONE or self._end(rival, name)

    def _end(self, rival: Rival, name: str) -> bool:
        """End the node if another one was heard; return whether none was."""
        is_quiet = time.monotonic() < self._quiet_until or self._clock.allowed() <= 0
        if rival is Rival.NONE or is_quiet:
            return True
        self._tell(rival_end(rival, name))
        return False

    def _is_own(self, name: str) -> bool:
        parts = parse(name)
        return parts is not None and parts.owner in self._owners

    # -- A stream that says nothing ----------------------------------------------------------------

    def missed(self) -> None:
        """Take up that the stream has not told something which has been learned by asking."""
        if self._suspecting is None or self._suspecting.done():
            self._suspecting = asyncio.get_running_loop().create_task(self._suspect())

    async def _suspect(self) -> None:
        learned = time.monotonic()
        # The answer to a question may be faster than the event.
        await asyncio.sleep(EVENT_SECONDS)
        if self._heard > learned - SILENT_SECONDS or learned - self._opened < OPENING_SECONDS:
            return
        if self._heard < self._opened:
            self._tell(NodeExit(ExitCode.AWAY, DEAF))
            return
        self._opened = time.monotonic()
        await self.outcomes.stream.open_anew()
