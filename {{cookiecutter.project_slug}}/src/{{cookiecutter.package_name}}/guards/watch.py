"""What a watch is: it looks at one thing while the node trades, and says when it is wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ..config.settings import Settings
from ..engine.desk import Engine, Keeper
from ..face.conditions import Conditions
from ..plan.order_ids import owner_of
from ..plan.traded import Traded
from ..venue.binance.requests import Requests


@dataclass(frozen=True, slots=True)
class Trading:
    """
    What a watch may look at.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is traded.
    requests : Requests
        How to ask the exchange.
    engine : Engine
        What trades.
    conditions : Conditions
        Where a watch says what is wrong, and that it is right again.
    keepers : Mapping[str, Keeper]
        By symbol: the thinking.
    note : Callable[[str], None]
        Takes a sentence that a person should know, once.

    """

    settings: Settings
    traded: Sequence[Traded]
    requests: Requests
    engine: Engine
    conditions: Conditions
    keepers: Mapping[str, Keeper]
    note: Callable[[str], None]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of what is traded."""
        return tuple(each.symbol for each in self.traded)

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose client order ids are the node's own."""
        trader = self.settings.id
        return tuple(owner_of(trader, each.tag, each.symbol) for each in self.traded)


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
