"""Brings what a rule remembers to the store, while the keeper goes on."""

import asyncio
from collections.abc import Callable

from ..engine.desk import Desk
from .around import About, Listener
from .memory import Memory
from .memory_store import NotRememberedError

AGAIN_SECONDS = 0.5
"""How long a write that the store has not taken waits for the next try."""
WHILE_AWAY = (
    "It is tried again and again; until the store has it nothing is opened, and what protects the "
    "position is kept right."
)


class MemoryWriting:
    """
    Brings what a rule remembers to the store, and says so while the store does not take it.

    Parameters
    ----------
    memory : Memory, optional
        What is remembered; without it there is never anything to do.
    tag, symbol : str
        Whose it is.
    desk : Desk
        Where the work is done.
    listener : Listener
        Told what is wrong.
    look_soon : Callable[[], None]
        Called once something has changed.

    """

    def __init__(
        self,
        memory: Memory | None,
        tag: str,
        symbol: str,
        desk: Desk,
        listener: Listener,
        look_soon: Callable[[], None],
    ) -> None:
        self._memory = memory
        self._tag = tag
        self._symbol = symbol
        self._desk = desk
        self._listener = listener
        self._look_soon = look_soon
        self._is_writing = False
        self._is_away = False
        self._has_ended = False

    @property
    def is_awaited(self) -> bool:
        """Whether the store is being asked, and will have answered, or not, in a moment."""
        return self._is_writing and not self._is_away

    def must_wait(self) -> bool:
        """Begin to write what is not kept; return whether nothing may be sent until that is."""
        if self._memory is None or self._memory.is_kept:
            return False
        if not self._is_writing:
            self._is_writing = True
            self._desk.background(self._write)
        # While the store is away its condition keeps back what opens risk, and protection goes on.
        return not self._is_away

    def stopped(self) -> None:
        """Try no more."""
        self._has_ended = True

    async def _write(self) -> None:
        assert self._memory is not None
        try:
            while not self._has_ended and not self._memory.is_kept:
                try:
                    await self._memory.keep()
                except NotRememberedError as error:
                    self._is_away = True
                    told = f"The store does not take what {self._tag} remembers: {error}."
                    self._listener.wrong(About.MEMORY, self._symbol, told, WHILE_AWAY)
                    self._look_soon()
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._is_writing = self._is_away = False
        self._listener.right(About.MEMORY, self._symbol)
        self._look_soon()
