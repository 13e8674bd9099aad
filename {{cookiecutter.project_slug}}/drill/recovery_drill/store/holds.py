"""The places at which a unit on its way to the store is held."""

import asyncio
from typing import Literal

type Phase = Literal["before", "after"]


class Hold:
    """One unit that is held, once it comes; see `StoreProxy.arm`.

    Attributes
    ----------
    reached : asyncio.Event
        Set when the unit is there.
    released : asyncio.Future[bool]
        Whether the unit goes on its way, once that has been said.

    """

    def __init__(self, name: str, nth: int, phase: Phase) -> None:
        self.name = name
        self.phase = phase
        self.reached = asyncio.Event()
        self.released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._left = nth

    def release(self, deliver: bool) -> None:
        """Let go of what is held; a unit that has not come yet will not be held.

        Parameters
        ----------
        deliver : bool
            Whether it goes on its way. If not, its connection is broken and everything behind it is
            dropped: what a killed node had not sent must never arrive.

        """
        if not self.released.done():
            self.released.set_result(deliver)

    def takes(self, name: str) -> bool:
        """Count a unit, and say whether it is the one to hold."""
        if name != self.name or self.released.done():
            return False
        self._left -= 1
        return self._left == 0

    async def delivers(self) -> bool:
        """Say that the unit is there, wait for its release, and return whether it goes on."""
        self.reached.set()
        return await asyncio.shield(self.released)
