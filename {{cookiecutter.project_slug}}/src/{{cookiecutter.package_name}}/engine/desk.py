"""
What a keeper may ask of an engine, and what an engine tells a keeper: the seam between the two.

An engine version is a folder beside this module that implements `Desk` and calls a `Keeper`;
nothing outside that folder imports NautilusTrader.
"""

from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Protocol

from ..exit_codes import NodeExit
from ..face.metrics.news import OrderNews
from ..plan.bars import ClosedBar
from ..plan.day import Heard
from ..plan.event_record import Deed, Protection
from ..plan.limits import AtEngine, Wanted
from ..plan.memory import Json
from ..plan.order_ids import Leg
from ..plan.rows import FillRow, OrderRow, PositionRow, Rows
from ..plan.situation import Submit
from ..plan.traded import Traded
from ..venue.binance.requests import Requests
from ..venue.records import ExchangeRecord
from .archive_format import ArchiveFormat
from .order_changes import OrderChange
from .store_line import StoreLine
from .stored import StoreFormat


class Desk(Protocol):
    """
    One symbol at one engine. All of it is used on the engine's thread only.

    Attributes
    ----------
    tick_size : Decimal
        The smallest price step.
    lot : Decimal
        The smallest step of a quantity, in coins.

    """

    @property
    def tick_size(self) -> Decimal:
        """The smallest price step."""

    @property
    def lot(self) -> Decimal:
        """The smallest step of a quantity, in coins."""

    def position(self) -> PositionRow | None:
        """Return what is held; ``None`` when nothing is."""

    def equity(self) -> Decimal | None:
        """Return what the wallet holds in the currency of settlement; ``None`` if not told yet."""

    def unfinished(self) -> list[OrderRow]:
        """Return every order of the symbol that is not closed, whoever's it is."""

    def order(self, client_order_id: str) -> OrderRow | None:
        """Return an order of the symbol, closed ones included; ``None`` when there is none."""

    def submit(self, order: Submit) -> None:
        """Send an order."""

    def cancel(self, client_order_id: str) -> None:
        """Ask for an order to be cancelled."""

    def query(self, client_order_id: str) -> None:
        """Let the engine ask the exchange for an order, and take up the answer."""

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` after what is going on."""

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`; between its awaits it may use the desk."""

    def warn(self, line: str) -> None:
        """Write a warning to the engine's log."""


class EventDesk(Desk, Protocol):
    """A desk at which an event-driven strategy sits; what it does is asked of its keeper first."""

    def wanted_since_ms(self) -> int | None:
        """Return from when on it has asked for past bars; ``None`` when it has not."""

    def give_past(self, bar: ClosedBar) -> None:
        """Give it a closed bar that nothing is decided on any more."""

    def end_of_past(self) -> None:
        """Tell it that it has been given what it has asked for, or what there is of it."""

    def give(self, bar: ClosedBar) -> None:
        """Give it the last closed bar; what it raises, this raises."""

    def opens(self, deed: Deed) -> bool:
        """Return whether an order of its own could make larger what is held now."""

    def send(self, deed: Deed) -> None:
        """Send an order of its own, or the request to cancel one."""

    def deny(self, deed: Deed, reason: str) -> None:
        """Tell it that an order of its own is not sent."""


class Keeper(Protocol):
    """The thinking behind one line of what is traded; an engine calls it on its own thread."""

    @property
    def has_decided(self) -> int | None:
        """Close time of the last decided bar, in milliseconds; ``None`` before the first."""

    @property
    def newest_bar_ms(self) -> int | None:
        """Close time of the newest bar that it has taken up; ``None`` before the first."""

    @property
    def pending_looks(self) -> int:
        """Looks that are due and have not happened, and what else is on its way."""

    def started(self) -> None:
        """Begin: the engine is connected and reconciled, and bars are on their way."""

    def bar(self, bar: ClosedBar) -> None:
        """Take up a bar that has closed."""

    def order_changed(self, change: OrderChange) -> None:
        """Take up what has happened to an order."""

    def position_changed(self) -> None:
        """Take up that the position has changed."""

    def look_again(self) -> None:
        """Look: what may be done has changed."""

    def stopped(self) -> None:
        """Send nothing any more: the engine stops."""


class EventKeeper(Keeper, Protocol):
    """The thinking behind an event-driven strategy: what it wants done goes through here."""

    @property
    def memory(self) -> Json:
        """What the strategy remembers: a copy of its own."""

    def remember(self, value: Json) -> None:
        """
        Remember a value; the store has it before anything is sent that is asked for after this.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """

    def protect(self, protection: Protection) -> None:
        """
        Keep the position at these levels.

        Raises
        ------
        ValueError
            If each position must have a stop and this has none, or a level is no price.

        """

    def next_id(self, leg: Leg) -> str:
        """Return the client order id of the strategy's next order."""

    def do(self, deed: Deed) -> None:
        """Do it once it is remembered; deny it if it must not be."""

    def never_arrived(self, client_order_id: str) -> None:
        """Take up that the exchange has never known an order that was sent."""

    def handler_failed(self, error: Exception) -> None:
        """Take up that the strategy has failed while it was told of an event."""

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`, and end the node if it fails."""

    async def past_bars(self, since_ms: int) -> list[ClosedBar]:
        """Return the closed bars since then, as far as there are, and as one question brings."""


class Events(Protocol):
    """What an engine tells whoever runs it."""

    def reconciling(self) -> None:
        """Hear that the exchange is connected, and that its reports are compared with the store."""

    async def reconciled(self) -> None:
        """
        Hear that this has succeeded; keepers are started once this returns.

        Raises
        ------
        NodeExit, StartCold
            If they must not be started.

        """

    def changed(self) -> None:
        """Hear that something that ``/state`` tells may have changed."""

    def unclear(self, sentence: str) -> None:
        """Hear of which orders nobody says what has become; empty when there are none (more)."""

    def keeps_back(self, order: Wanted, engine: AtEngine) -> str:
        """Return in a sentence why an order must not be sent; empty when it may be."""

    def traded(self, fill: Heard) -> None:
        """Hear of a fill: what it has brought, and what it has cost."""

    def ordered(self, news: OrderNews) -> None:
        """Hear what has happened to an order, to count it."""

    def filled(self, fill: FillRow) -> None:
        """Hear of a fill: which order has filled, how much of it and at what price."""

    def failed(self, end: NodeExit) -> None:
        """Hear that the engine cannot go on, and why."""


type MakeKeeper = Callable[[Traded, Desk], Keeper]


class Engine(Protocol):
    """One engine from its load to its end."""

    def load(
        self,
        traded: Sequence[Traded],
        make_keeper: MakeKeeper,
        requests: Requests,
        events: Events,
    ) -> None:
        """
        Build the engine and load its store; this blocks.

        The engine asks with these requests what its adapter does not, and signs by their clock.

        Raises
        ------
        NodeExit
            With code 75 if the store could not be loaded.

        """

    @property
    def store_format(self) -> StoreFormat:
        """How it keeps its orders in the store."""

    @property
    def archive_format(self) -> ArchiveFormat:
        """How what it has stored is told in the archive."""

    async def start(self) -> None:
        """
        Connect, reconcile and start the keepers.

        Raises
        ------
        NodeExit
            With one sentence for each way in which this can fail.

        """

    def ask_again(self, standing: ExchangeRecord) -> None:
        """Ask for the orders that stand otherwise at the exchange, and take up the answers."""

    def ask_for_unanswered(self) -> None:
        """Ask for the orders that wait for the exchange, and take up the answers."""

    async def stop(self) -> None:
        """Stop gracefully; orders that protect a position stay at the exchange."""

    @property
    def store_line(self) -> StoreLine:
        """Its way to its store; there is one once it is loaded."""

    @property
    def is_waiting(self) -> bool:
        """Whether an order of it awaits the exchange."""

    def forget_orders(self, names: Sequence[str]) -> Sequence[str]:
        """Forget ended orders; return those of `names` that it does not have any more."""

    def forget_positions(self, names: Sequence[str]) -> Sequence[str]:
        """Forget closed positions; return those of `names` that it does not have any more."""

    def tidy(self) -> None:
        """Forget what grows with the past and is asked for by nobody."""

    def rows(self) -> Rows:
        """Return what the engine has, from its cache alone; nothing before it is loaded."""

    def standing(self) -> Rows:
        """Return the same without the orders that are closed."""

    def last_fills(self, most: int) -> list[FillRow]:
        """Return the last fills, so many at most."""
