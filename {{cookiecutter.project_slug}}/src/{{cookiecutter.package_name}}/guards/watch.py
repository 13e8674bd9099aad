"""What a watch is: it looks at one thing while the node trades, and says when it is wrong."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ..engine.desk import Keeper
from ..face.conditions import Conditions
from .bell import Bell
from .guard import Scope


@dataclass(frozen=True, slots=True)
class Trading(Scope):
    """
    What a watch may look at besides.

    Parameters
    ----------
    conditions : Conditions
        Where a watch says what is wrong, and that it is right again.
    keepers : Mapping[str, Keeper]
        By symbol: the thinking.
    note : Callable[[str], None]
        Takes a sentence that a person should know, once.
    bells : defaultdict[str, Bell]
        By the name of a watch: rung when it has to look at once.

    """

    conditions: Conditions
    keepers: Mapping[str, Keeper]
    note: Callable[[str], None]
    bells: defaultdict[str, Bell]


@dataclass(frozen=True, slots=True)
class Watch:
    """
    One thing that must stay right while the node trades.

    Parameters
    ----------
    name : str
        What it looks at, in a word.
    keep : Callable[[Trading], Awaitable[None]]
        Looks for as long as the node trades; it is cancelled when the node stops. Raises `NodeExit`
        where only a new start helps: its mend and its audit put right what was missed.

    """

    name: str
    keep: Callable[[Trading], Awaitable[None]]
