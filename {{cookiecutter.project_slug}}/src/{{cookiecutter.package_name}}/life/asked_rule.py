"""A user's rule, asked so that its failure ends nothing: it is told, and the position guarded."""

import traceback
from dataclasses import replace

from ..engine.desk import Desk
from ..exit_codes import one_line
from ..plan.target import Target, View, check
from ..plan.traded import Traded
from .around import About, Listener
from .memory import Memory

WHILE_FAILED = (
    "Its protection is kept and nothing is opened; other symbols are traded on, and it is asked "
    "again at the next bar."
)
WHILE_LATER = "Its protection is kept, and nothing else is decided before that bar has come."


class AskedRule:
    """
    One line's rule, and what it remembers.

    Parameters
    ----------
    traded : Traded
        The rule, and its symbol.
    memory : Memory, optional
        What it remembers, loaded; ``None`` for a rule without.
    desk : Desk
        Where its failures are logged.
    listener : Listener
        Told what is wrong.

    """

    def __init__(
        self, traded: Traded, memory: Memory | None, desk: Desk, listener: Listener
    ) -> None:
        self._traded = traded
        self._memory = memory
        self._desk = desk
        self._listener = listener
        self._failed_ms: int | None = None
        self._is_later = False

    def target(self, view: View) -> Target | None:
        """
        Return what should be so; ``None`` when nobody can say.

        What it answers as its memory is noted, and has to be kept before anything is sent.
        """
        close_ms = view.bars[-1].close_ms
        if close_ms == self._failed_ms or self._is_later_remembered(close_ms):
            return None
        try:
            return self._answer(view, close_ms)
        except Exception as error:
            self._failed_ms = close_ms
            self._desk.warn("".join(traceback.format_exception(error)))
            tag, symbol = self._traded.tag, self._traded.symbol
            told = f"The rule of {tag} has failed: {type(error).__name__}: {one_line(error)}."
            self._listener.wrong(About.RULE, symbol, told, WHILE_FAILED)
            return None

    def _is_later_remembered(self, close_ms: int) -> bool:
        if self._memory is None:
            return False
        if close_ms >= self._memory.close_ms:
            if self._is_later:
                self._is_later = False
                self._listener.right(About.MEMORY, self._traded.symbol)
            return False
        self._is_later = True
        self._listener.wrong(
            About.MEMORY,
            self._traded.symbol,
            f"What {self._traded.tag} remembers is of the bar that closes at "
            f"{self._memory.close_ms} ms, later than the last one of the exchange.",
            WHILE_LATER,
        )
        return True

    def _answer(self, view: View, close_ms: int) -> Target:
        memory = self._memory
        if memory is not None:
            view = replace(view, memory=memory.seen_at(close_ms))
        target = self._traded.rule.target(view)
        check(target, view.lot)
        if memory is not None:
            kept = target.memory is None
            memory.note(close_ms, memory.seen_at(close_ms) if kept else target.memory)
        elif target.memory is not None:
            raise ValueError("It answers with a memory, and has no memory_version.")
        self._failed_ms = None
        self._listener.right(About.RULE, self._traded.symbol)
        return target
