"""What a person may tell a node that runs, by HTTP."""

import asyncio
import uuid
from collections.abc import Callable

from ..face.control import Refused, Told
from ..guards.halt.places import Halts
from ..guards.halt.record import Change, NoChange, halted, resumed
from ..guards.lease.lease import Lease


class NodeControl:
    """
    Halt, resume and flatten, for the endpoint of a node.

    Parameters
    ----------
    halts : Halts
        Where a halt is written.
    lease : Lease
        A node without it cannot flatten.
    flatten : Callable[[str | None, str], None]
        Ends the node, which then flattens one symbol, or all of them, before it gives up the lease.
        Called first, before the record is written: with no sentence it only says what is coming.

    """

    def __init__(
        self, halts: Halts, lease: Lease, flatten: Callable[[str | None, str], None]
    ) -> None:
        self._halts = halts
        self._lease = lease
        self._flatten = flatten

    async def halt(self, told: Told) -> str:
        """Halt, and return what is so now."""
        return await self._change(halted(told.symbol, told.who, told.why))

    async def resume(self, told: Told) -> str:
        """Resume, and return what is so now."""
        return await self._change(resumed(told.symbol, told.who, told.why))

    async def flatten(self, told: Told) -> str:
        """Begin to flatten, and return what happens now."""
        if self._lease.left() <= 0:
            raise Refused(
                409,
                "This node does not hold the lease now, so it may change nothing at the exchange: "
                "use the command flatten.",
            )
        self._flatten(told.symbol, "")
        said = await self._change(halted(told.symbol, told.who, told.why, str(uuid.uuid4())))
        self._flatten(told.symbol, said)
        return f"{said} The node stops trading and flattens; its log says how it ends."

    async def _change(self, make: Change) -> str:
        halts = self._halts
        try:
            now = await asyncio.to_thread(halts.change, make)
        except NoChange as error:
            raise Refused(409, str(error)) from None
        return f"{now.told()}{halts.lacks()}"
