"""What a guard is: it looks at one thing on the way up, and lets the start go on or ends it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ..config.settings import Settings
from ..face.stages import Stage
from ..plan.traded import Traded


@dataclass(frozen=True, slots=True)
class Start:
    """
    What a guard may look at.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is to be traded.

    """

    settings: Settings
    traded: Sequence[Traded]


@dataclass(frozen=True, slots=True)
class Guard:
    """
    One thing that must be right before the node trades.

    Parameters
    ----------
    name : str
        What it looks at, in a word.
    stage : Stage
        On which part of the way up it stands.
    check : Callable[[Start], Awaitable[None]]
        Looks, within a bound of its own; raises `NodeExit` with one plain sentence.

    """

    name: str
    stage: Stage
    check: Callable[[Start], Awaitable[None]]
