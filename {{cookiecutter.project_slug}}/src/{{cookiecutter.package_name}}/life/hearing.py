"""What engine and keepers tell whoever runs them, and what they may know of the rest."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..exit_codes import NodeExit, complain
from ..face.changes import Changes
from ..face.conditions import Conditions
from ..face.last_fills import MOST as MOST_FILLS
from ..face.last_fills import LastFills
from ..face.log import Level, Log
from ..face.metrics.news import REFUSALS, OrderNews
from ..face.stages import Stage, Stages
from ..guards.bell import Bell
from ..guards.guard import Start
from ..guards.watch import Trading
from ..plan.day import Heard
from ..plan.limits import KEPT_BACK, AtEngine, Wanted
from ..plan.rows import FillRow
from .around import About
from .event_keeper import EventKeeper
from .keeper import Keeper
from .metering import Metering
from .notices import Notices

UNCLEAR = "outcomes"
"""The condition that nobody says what has become of orders."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """
    The ear of one run.

    Parameters
    ----------
    scope : Start
        What the guards look at.
    stages : Stages
        Entered as the engine says.
    changes : Changes
        Counts what has changed.
    conditions : Conditions
        What is wrong.
    bells : defaultdict[str, Bell]
        By the name of a watch: rung when it has to look at once.
    keepers : dict[str, Keeper | EventKeeper]
        By symbol.
    waited_for : set[str]
        The tags that are not ready yet.
    audit : Callable[[], Awaitable[None]]
        Lets the audit look.
    begin : Callable[[], None]
        Begins what watches while the node trades.
    finish : Callable[[NodeExit], None]
        Ends the run.
    metering : Metering
        Counts.
    log : Log
        Says what happens to orders.
    fills : LastFills
        Keeps the last fills.
    notices : Notices
        Tells people.

    """

    scope: Start
    stages: Stages
    changes: Changes
    conditions: Conditions
    bells: defaultdict[str, Bell]
    keepers: dict[str, Keeper | EventKeeper]
    waited_for: set[str]
    audit: Callable[[], Awaitable[None]]
    begin: Callable[[], None]
    finish: Callable[[NodeExit], None]
    metering: Metering
    log: Log
    fills: LastFills
    notices: Notices

    # -- What the engine tells -----------------------------------------------------------------

    def reconciling(self) -> None:
        """Enter the stage."""
        self.stages.enter(Stage.RECONCILE)

    async def reconciled(self) -> None:
        """Let the audit look, and enter the next stage."""
        await self.audit()
        self.fills.begin(self.scope.engine.last_fills(MOST_FILLS))
        self.notices.reconciled(self.fills.newest_first()[::-1])
        self.stages.enter(Stage.WARMUP)

    def changed(self) -> None:
        """Count a change of what ``/state`` tells."""
        self.changes.note()

    def unclear(self, sentence: str) -> None:
        """Say of which orders nobody says what has become."""
        if sentence:
            doing = "They are asked for until it is known, and nothing is sent before."
            self.conditions.begin(UNCLEAR, sentence, doing)
        else:
            self.conditions.end(UNCLEAR)

    def keeps_back(self, order: Wanted, engine: AtEngine) -> str:
        """Return in a sentence why a limit keeps an order back; empty when it may be sent."""
        book, limits, now = self.scope.limits, self.scope.settings.limits(), time.monotonic()
        lines = self.scope.traded
        most = next((each.max_quantity for each in lines if each.symbol == order.symbol), None)
        sentence = book.refusal(order, engine, limits, self.scope.symbols, now, most)
        if not sentence:
            return ""
        book.say(self.conditions, limits, now)
        return KEPT_BACK + sentence

    def traded(self, fill: Heard) -> None:
        """Count what a fill has brought and cost, until the exchange tells it."""
        self.scope.limits.hear(fill)
        self.fills.brought(fill.trade, fill.profit)

    def filled(self, fill: FillRow) -> None:
        """Keep a fill for whoever asks, and tell it."""
        if self.fills.hear(fill):
            self.notices.filled(fill)

    def ordered(self, news: OrderNews) -> None:
        """Count what has happened to an order, and say it."""
        self.metering.hear(news)
        level = Level.WARNING if news.happened in REFUSALS else Level.INFO
        self.log.say(
            level,
            "order",
            client_order_id=news.client_order_id,
            happened=news.happened.value,
            **({"reason": news.reason} if news.reason else {}),
        )

    def trading(self) -> Trading:
        """Return what the watches look at."""
        scope = self.scope
        return Trading(
            scope.settings,
            scope.traded,
            scope.requests,
            scope.engine,
            scope.lease,
            scope.halts,
            self.conditions,
            self.keepers,
            scope.note,
            self.bells,
            limits=scope.limits,
            tally=scope.tally,
            last_look=scope.last_look,
        )

    # -- What a keeper tells -------------------------------------------------------------------

    def ready(self, tag: str) -> None:
        """Trade when all are: no keeper sends anything before."""
        self.waited_for.discard(tag)
        if not self.waited_for:
            self.stages.enter(Stage.TRADING)
            self.notices.trades(self.scope.halts.now)
            self.begin()
            for keeper in self.keepers.values():
                keeper.begin()

    def looked(self) -> None:
        """Count a change of what ``/state`` tells, and how long a position lacks its stop."""
        self.metering.look()
        self.changes.note()

    def wrong(self, about: About, symbol: str, sentence: str, doing: str) -> None:
        """Say what is wrong with a symbol."""
        self.conditions.begin(f"{about} of {symbol}", sentence, doing, symbol)

    def right(self, about: About, symbol: str) -> None:
        """Say that nothing of this kind is wrong with a symbol."""
        self.conditions.end(f"{about} of {symbol}")

    def note(self, sentence: str) -> None:
        """Say what a person should know."""
        self.scope.note(sentence)

    def odd(self, watch: str) -> None:
        """Let a watch look at once."""
        self.bells[watch].ring()

    def trades(self) -> bool:
        """Return whether it trades by now: every line is ready."""
        return not self.waited_for

    def may_open(self, symbol: str) -> bool:
        """Return whether nothing is wrong with a symbol besides what its keeper has said."""
        # What a person has halted counts before its condition is there.
        is_right = self.conditions.may_open(symbol, besides=f"{About.ORDERS} of {symbol}")
        return is_right and not self.is_halted(symbol)

    def is_halted(self, symbol: str) -> bool:
        """Return whether a person has halted a symbol."""
        return self.scope.halts.now.holds(symbol)

    def failed(self, end: NodeExit) -> None:
        """End: engine or keeper cannot go on."""
        self.finish(end)

    # -- What the conditions tell --------------------------------------------------------------

    def wrong_or_right(self) -> None:
        """Say what has become wrong or right, and let every keeper look what it may do now."""
        wrong = self.conditions.now
        if wrong and self.stages.current in (Stage.TRADING, Stage.DEGRADED):
            told = " ".join(f"{each.sentence} {each.doing}" for each in wrong)
            complain(told)
            self.stages.enter(Stage.DEGRADED, told)
        elif self.stages.current is Stage.DEGRADED:
            complain("All is right again.", "INFO")
            self.stages.enter(Stage.TRADING)
        for keeper in self.keepers.values():
            keeper.look_again()
        self.notices.wrong_or_right(wrong, self.scope.halts.now)
