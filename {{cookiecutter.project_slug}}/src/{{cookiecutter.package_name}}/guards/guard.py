"""What a guard is: it looks at one thing on the way up, and lets the start go on or ends it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..config.settings import Settings
from ..engine.desk import Engine
from ..exit_codes import complain
from ..face.compared import LastLook
from ..face.metrics.tally import Tally
from ..face.stages import Stage
from ..plan.order_ids import owner_of
from ..plan.traded import Traded
from ..venue.binance.requests import Requests
from .halt.places import Halts
from .lease.lease import Lease
from .limit_book import LimitBook


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What every guard and every watch may look at.

    Parameters
    ----------
    settings : Settings
        The validated settings.
    traded : Sequence[Traded]
        What is traded, or to be traded.
    requests : Requests
        How to ask the exchange.
    engine : Engine
        What trades; loaded and reconciled only for what stands after that.
    lease : Lease
        Whether this process is the one that may trade.
    halts : Halts
        What a person has halted.
    limits : LimitBook
        What the hard limits go by.
    tally : Tally
        What is counted for whoever asks for ``/metrics``.
    last_look : LastLook
        What the last comparison with the exchange has shown.

    """

    settings: Settings
    traded: Sequence[Traded]
    requests: Requests
    engine: Engine
    lease: Lease
    halts: Halts
    limits: LimitBook = field(default_factory=LimitBook, kw_only=True)
    tally: Tally = field(default_factory=lambda: Tally({}), kw_only=True)
    last_look: LastLook = field(default_factory=LastLook, kw_only=True)

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
class Start(Scope):
    """
    What a guard may look at besides.

    Parameters
    ----------
    stands_by : bool
        Whether it waits for the lease when another node holds it.
    notes : list[str]
        What a guard has found that a person should know and that does not keep the node from
        trading; each is one plain sentence.

    """

    stands_by: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Write a sentence to stderr, and keep it for whoever asks."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            complain(sentence)


class StartCold(Exception):
    """
    The engine is wrong after it was loaded and reconciled: start once more, without its memory.

    Parameters
    ----------
    differences : Sequence[str]
        Where, in sentences.

    """

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__(differences[0])
        self.differences = tuple(differences)


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
    check : Callable[[Start], Awaitable[str | None]]
        Looks, within a bound of its own; raises `NodeExit` with one plain sentence, and may return
        one that says what it has found.

    """

    name: str
    stage: Stage
    check: Callable[[Start], Awaitable[str | None]]
