"""What is wrong while the node trades, for as long as it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One thing that is wrong.

    Parameters
    ----------
    name : str
        What it is about, in a word or two: ``store``, ``user stream``.
    sentence : str
        What is wrong, in one plain sentence.
    doing : str
        What is being done about it.
    since_ms : int
        Since when, in milliseconds of wall time.
    symbol : str
        Which symbol alone it is about; empty when nothing at all may be opened.
    holds : bool
        Whether nothing may be opened for as long as it is; else it is only said.

    """

    name: str
    sentence: str
    doing: str
    since_ms: int
    symbol: str = ""
    holds: bool = True


class Conditions:
    """
    What is wrong now; while anything is, no risk is added to what it is about.

    Parameters
    ----------
    on_change : Callable[[], None]
        Called when something has become wrong or right.

    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._now: dict[str, Condition] = {}
        self._on_change = on_change

    def begin(
        self, name: str, sentence: str, doing: str, symbol: str = "", *, holds: bool = True
    ) -> None:
        """Say that something is wrong; said again, it keeps its beginning."""
        before = self._now.get(name)
        since_ms = before.since_ms if before else time.time_ns() // 1_000_000
        condition = Condition(name, sentence, doing, since_ms, symbol, holds)
        if condition != before:
            self._now[name] = condition
            self._on_change()

    def end(self, name: str) -> None:
        """Say that it is right again; it may have been right all the time."""
        if self._now.pop(name, None) is not None:
            self._on_change()

    def may_open(self, symbol: str, besides: str) -> bool:
        """Return whether nothing is wrong with a symbol, but for the condition `besides`."""
        return not any(
            each.symbol in ("", symbol)
            for each in self._now.values()
            if each.holds and each.name != besides
        )

    @property
    def now(self) -> tuple[Condition, ...]:
        """All that is wrong, the longest first."""
        return tuple(sorted(self._now.values(), key=lambda each: each.since_ms))
