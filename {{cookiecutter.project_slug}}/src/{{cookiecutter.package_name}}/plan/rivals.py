"""
Whether another node sends orders under the same ids: one with this id and a store of its own. Pure.

Two such nodes share nothing but the account, so that no lease keeps them apart; and as ids follow
from what is decided, both give the same decision the same id. What tells them apart is the number
that the exchange gives to each order. Whoever has the lower number was first, and goes on; the
other one ends. Both see the same two numbers, so that exactly one of them ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

KEPT = 1_000
"""Of how many names it is remembered under which numbers they were heard of."""


class Rival(Enum):
    """Whose an order is that was heard of."""

    NONE = "none"
    """This node's own, or none of a node with this id."""
    FIRST = "first"
    """Another node's, which was first."""
    SECOND = "second"
    """Another node's, and this one was first."""


@dataclass(slots=True)
class _Name:
    """What is known of one name of this node's own."""

    own: int | None = None
    heard: set[int] = field(default_factory=set)

    def rival(self) -> Rival:
        """Return what the numbers say, once the own one is known."""
        others = self.heard - {self.own}
        if self.own is None or not others:
            return Rival.NONE
        return Rival.FIRST if min(others) < self.own else Rival.SECOND


class Rivals:
    """
    The names that this node has sent, and the numbers under which they were heard of.

    Conditional orders have numbers of their own, so names are kept by kind.

    Parameters
    ----------
    is_own : Callable[[str], bool]
        Whether a client order id is one that this node could have made.
    knows : Callable[[str], bool]
        Whether the engine knows such an order.

    """

    def __init__(self, is_own: Callable[[str], bool], knows: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._knows = knows
        self._names: dict[tuple[str, str], _Name] = {}

    def sends(self, kind: str, name: str) -> None:
        """Take up that an order is sent now."""
        self._names.pop((kind, name), None)
        while len(self._names) >= KEPT:
            del self._names[next(iter(self._names))]
        self._names[kind, name] = _Name()

    def answered(self, kind: str, name: str, number: int) -> Rival:
        """Take up the number that the exchange has given to it; return whether another has one."""
        sent = self._names.get((kind, name))
        if sent is None:
            return Rival.NONE
        sent.own = number
        return sent.rival()

    def heard(self, kind: str, name: str, number: int) -> Rival:
        """Take up an event of an order; return whose it is, as far as that is known yet."""
        if not self._is_own(name):
            return Rival.NONE
        sent = self._names.get((kind, name))
        if sent is None:
            return Rival.NONE if self._knows(name) else Rival.FIRST
        sent.heard.add(number)
        return sent.rival() if number != sent.own else Rival.NONE
