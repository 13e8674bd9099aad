"""What one line remembers: loaded once on the way up, and brought to the store at each change."""

import asyncio

from ..exit_codes import ExitCode, NodeExit, one_line
from ..plan.memory import (
    MOST_BYTES,
    Json,
    MemoryForm,
    NewerMemoryError,
    Remembered,
    UnusableMemoryError,
    copy_of,
    decode,
    encode,
    first,
    length,
)
from .memory_store import MemoryStore


class Memory:
    """
    What one line remembers.

    A rule's is bound to bars: `seen_at` and `note`, then `keep`. An event-driven strategy's is a
    plain value: `value` and `remember`.

    Parameters
    ----------
    tag : str
        The tag of the line in ``strategies/``.
    form : MemoryForm
        What the strategy says of its memory.
    store : MemoryStore
        Where it is kept.

    """

    def __init__(self, tag: str, form: MemoryForm, store: MemoryStore) -> None:
        self._tag = tag
        self._form = form
        self._store = store
        self._key = store.key_of(tag)
        self._now = self._kept = first(form)
        self._lock = asyncio.Lock()
        self.was_there = False
        """Whether the store had something when it was loaded."""

    async def load(self) -> None:
        """
        Take up what the store has; without anything there, what the strategy begins with.

        Raises
        ------
        NodeExit
            With code 78 when what is there cannot be taken up, 75 when the store is away.

        """
        try:
            value = await self._store.read(self._key)
            found = None if value is None else decode(value, self._form)
        except UnusableMemoryError as error:
            raise NodeExit(ExitCode.CONFIGURATION, self._refusal(error)) from None
        self.was_there = found is not None
        self._now = self._kept = found or first(self._form)

    def _refusal(self, error: UnusableMemoryError) -> str:
        advice = f"correct it, or delete the key {self._key} of the store and let it begin anew"
        if isinstance(error, NewerMemoryError):
            advice = (
                f"start the newer one, or delete the key {self._key} of the store and let this one "
                "begin anew"
            )
        return (
            f"What {self._tag} remembers {one_line(error)}; look at it with the command `state`, "
            f"then {advice}."
        )

    # -- By bars -------------------------------------------------------------------------------

    @property
    def close_ms(self) -> int:
        """The close time of the bar at which it has changed last, in milliseconds; 0 for none."""
        return self._now.close_ms

    def seen_at(self, close_ms: int) -> Json:
        """Return what a look at the bar that closes then sees: a copy of its own."""
        return self._now.seen_at(close_ms)

    def note(self, close_ms: int, after: Json) -> None:
        """
        Take up what the bar that closes then has answered; `keep` brings it to the store.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """
        self._now = self._now.then(close_ms, after)

    @property
    def is_kept(self) -> bool:
        """Whether the store has answered that it has all of it."""
        return self._now is self._kept

    async def keep(self) -> None:
        """
        Return once the store has all of it.

        Raises
        ------
        NotRememberedError
            If the store has not taken it; try again.

        """
        async with self._lock:
            while not self.is_kept:
                writing = self._now
                await self._store.write(self._key, encode(writing))
                self._kept = writing

    # -- As a plain value ----------------------------------------------------------------------

    @property
    def value(self) -> Json:
        """What is remembered: a copy of its own."""
        return copy_of(self._now.after)

    def room_besides(self, value: Json) -> int:
        """Return how many bytes longer a value could be remembered; less than 0 if it is longer."""
        return MOST_BYTES - length(Remembered(self._form.version, 0, value, value))

    async def remember(self, value: Json) -> None:
        """
        Remember a value; return once the store has it.

        Raises
        ------
        NotRememberedError
            If the store has not taken it: `keep` tries again. `value` is the new one all the same.
        ValueError
            If it is no JSON value, or a very long one.

        """
        value = copy_of(value)
        changed = Remembered(self._form.version, 0, value, value)
        encode(changed)
        self._now = changed
        await self.keep()
