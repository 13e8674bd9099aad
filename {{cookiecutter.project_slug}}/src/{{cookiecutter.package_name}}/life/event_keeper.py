"""
The thinking behind one event-driven strategy: entries and exits are its own, protection is kept.

It gives the strategy each closed bar once. What a call of the strategy leads to goes through
`event_sending`, and the levels that it declares are kept by `event_protection`.
"""

import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from ..engine.desk import EventDesk
from ..engine.order_changes import OrderChange
from ..exit_codes import ExitCode, NodeExit, one_line
from ..plan.bars import ClosedBar
from ..plan.event_record import Deed, Protection
from ..plan.memory import Json, copy_of
from ..plan.order_ids import Leg
from ..plan.target import Target, View
from ..plan.traded import MOST_BARS, EventDriven, Traded
from ..venue.questions import ask
from .around import About, Exchange, Listener
from .event_protection import EventProtection
from .event_sending import EventSending
from .keeper import Keeper
from .memory import Memory

BEFORE_ALL_BARS_MS = 10**12
"""Stands for the bar of an order that is made before there is any; it is never sent."""
WHILE_FAILED = (
    "What it wanted done in that call is left undone, its protection is kept, and it is asked "
    "again at the next bar."
)
WHILE_EVENT_FAILED = (
    "What it wanted done before it failed is done, its protection is kept, and nothing is opened "
    "before the next bar."
)


class EventKeeper:
    """
    Stand between an event-driven strategy and the exchange.

    Parameters
    ----------
    line : EventDriven
        What is traded.
    owner : str
        Whose orders these are: the first part of each client order id.
    desk : EventDesk
        The strategy's desk.
    exchange : Exchange
        Where to ask for bars and for the own orders.
    listener : Listener
        Told when it is ready, has looked, or cannot go on.
    memory : Memory
        What is remembered, loaded.

    """

    def __init__(
        self,
        line: EventDriven,
        owner: str,
        desk: EventDesk,
        exchange: Exchange,
        listener: Listener,
        memory: Memory,
    ) -> None:
        self._line = line
        self._owner = owner
        self._desk = desk
        self._exchange = exchange
        self._listener = listener
        self._memory = memory
        self._given_ms = 0
        self._is_prepared = False
        self._has_ended = False
        as_rule = Traded(
            rule=self,
            symbol=line.symbol,
            bar=line.bar,
            tag=line.tag,
            cool_down=line.cool_down,
            max_quantity=line.max_quantity,
        )
        self._keeper = Keeper(as_rule, owner, desk, exchange, listener)
        self._sending = EventSending(
            line,
            owner,
            desk,
            listener,
            memory,
            refusal=self._refusal,
            background=self.background,
            look_again=self._keeper.look_again,
        )
        self._protection = EventProtection(line, owner, desk, self._sending, self._keeper)

    # -- As the engine and the node see it -------------------------------------------------------

    @property
    def has_decided(self) -> int | None:
        """Close time of the last bar that is finished with, in milliseconds; ``None`` for none."""
        decided = self._keeper.has_decided
        finished_ms = self._sending.kept.finished_ms
        return None if decided is None or finished_ms == 0 else min(decided, finished_ms)

    @property
    def newest_bar_ms(self) -> int | None:
        """Close time of the newest bar that it has taken up; ``None`` before the first."""
        return self._keeper.newest_bar_ms

    @property
    def wants_stop(self) -> bool:
        """Whether what is held should have a stop."""
        return self._line.stops

    @property
    def pending_looks(self) -> int:
        """Looks that are due, and whether the store is about to answer."""
        return self._keeper.pending_looks + int(self._sending.is_awaited)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way, and what is held is as well protected as can be."""
        is_sending = self._sending.is_awaited or bool(self._sending.may_go())
        return self._keeper.is_settled and not is_sending

    def started(self) -> None:
        """Begin the warm-up."""
        self.background(self._prepare)

    def begin(self) -> None:
        """Look, from now on: everybody's warm-up is over."""
        self._keeper.begin()

    def bar(self, bar: ClosedBar) -> None:
        """Take up a closed bar; the strategy is given it at the next look."""
        self._sending.bar_closed(bar.close_ms)
        self._keeper.bar(bar)

    def order_changed(self, change: OrderChange) -> None:
        """Take up what has happened to an order."""
        self._keeper.order_changed(change)

    def position_changed(self) -> None:
        """Forget the protection of a position that is gone, and look."""
        self._protection.forget()
        self._keeper.position_changed()

    def look_again(self) -> None:
        """Look: what may be done has changed."""
        self._keeper.look_again()

    def stopped(self) -> None:
        """Send nothing any more."""
        self._end()
        self._keeper.stopped()

    def _end(self) -> None:
        self._has_ended = True
        self._sending.close()

    # -- Start -----------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        history = await ask(
            "orders", lambda: self._exchange.order_history(self._owner), self._desk.warn
        )
        if history.orders and not self._memory.was_there:
            self._listener.note(
                f"The store has nothing that {self._line.tag} remembers, though it has traded: it "
                "begins anew, and the stop and the target that work are taken for those declared."
            )
        self._protection.adopt()
        since_ms = self._desk.wanted_since_ms()
        bars = await self._closed_bars(self.window if since_ms is None else MOST_BARS)
        asked_for = 0 if since_ms is None else sum(bar.close_ms >= since_ms for bar in bars)
        # Where fewer are asked for, by a clock that is not the market's, the window comes still.
        bars = bars[-max(self.window, asked_for) :]
        if bars:
            # The last one is decided, unless that has been done.
            is_finished = self._sending.now.finished_ms >= bars[-1].close_ms
            past = bars if is_finished else bars[:-1]
            for bar in past:
                self._give_past(bar)
            self._sending.take_up_due(bars[-1].close_ms, frozenset(history.orders))
        self._desk.end_of_past()
        self._is_prepared = True
        self._sending.open()
        self._keeper.started()

    async def past_bars(self, since_ms: int) -> list[ClosedBar]:
        """Return the closed bars since then, as far as there are, and as one question brings."""
        return [bar for bar in await self._closed_bars(MOST_BARS) if bar.close_ms >= since_ms]

    async def _closed_bars(self, count: int) -> list[ClosedBar]:
        return await ask("bars", lambda: self._exchange.closed_bars(count), self._desk.warn)

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`, and end the node if it fails."""

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:
                self._end()
                if not isinstance(error, NodeExit):
                    self._desk.warn("".join(traceback.format_exception(error)))
                    sentence = f"{self._line.tag} failed: {type(error).__name__}: {error}."
                    error = NodeExit(ExitCode.DEFECT, one_line(sentence))
                self._listener.failed(error)

        self._desk.background(guarded)

    # -- As a rule: the protection ---------------------------------------------------------------

    @property
    def window(self) -> int:
        """The number of closed bars that the strategy needs before its first decision."""
        return self._line.window

    def target(self, view: View) -> Target:
        """Give the strategy what has closed, and return its position at its declared levels."""
        if self._listener.trades():
            if self._sending.is_due:
                self._sending.write_soon()
            self._give(view.bars)
        if self._listener.is_halted(self._line.symbol):
            self._protection.cancel_entries(view.position)
        return self._protection.target(view.position)

    # -- Bars ------------------------------------------------------------------------------------

    def _give(self, bars: Sequence[ClosedBar]) -> None:
        done_ms = max(self._given_ms, self._sending.now.finished_ms)
        new = [bar for bar in bars if bar.close_ms > done_ms]
        for bar in new[:-1]:
            self._give_past(bar)
        if new:
            self._decide(new[-1])

    def _give_past(self, bar: ClosedBar) -> None:
        self._given_ms = max(self._given_ms, bar.close_ms)
        try:
            self._desk.give_past(bar)
        except Exception as error:
            self.handler_failed(error)

    def _decide(self, bar: ClosedBar) -> None:
        self._given_ms = bar.close_ms
        sending = self._sending
        sending.end_bar()
        self._protection.forget()
        # It is asked again, as if it had not failed before.
        self._listener.right(About.STRATEGY, self._line.symbol)
        before, due = sending.now, list(sending.unsent)
        try:
            self._desk.give(bar)
        except Exception as error:
            sending.now, sending.unsent = before, due
            self._failed(error, WHILE_FAILED)
            return
        sending.change(replace(sending.now, finished_ms=bar.close_ms))

    def handler_failed(self, error: Exception) -> None:
        """Take up that the strategy has failed while it was told of an event or a past bar."""
        self._failed(error, WHILE_EVENT_FAILED)

    def _failed(self, error: Exception, doing: str) -> None:
        self._desk.warn("".join(traceback.format_exception(error)))
        told = f"{self._line.tag} has failed: {type(error).__name__}: {one_line(error)}."
        self._listener.wrong(About.STRATEGY, self._line.symbol, told, doing)

    # -- What the strategy asks for --------------------------------------------------------------

    @property
    def memory(self) -> Json:
        """What the strategy remembers: a copy of its own."""
        return copy_of(self._sending.now.value)

    def remember(self, value: Json) -> None:
        """
        Remember a value; the store has it before anything is sent that is asked for after this.

        Raises
        ------
        ValueError
            If it is no JSON value, or a very long one.

        """
        self._sending.remember(value)

    def protect(self, protection: Protection) -> None:
        """
        Keep the position at these levels.

        Raises
        ------
        ValueError
            If each position must have a stop and this has none, or a level is no price.

        """
        self._protection.declare(protection)

    def next_id(self, leg: Leg) -> str:
        """Return the client order id of the strategy's next order."""
        return self._sending.next_id(self._given_ms or BEFORE_ALL_BARS_MS, leg)

    def do(self, deed: Deed) -> None:
        """Do it once it is remembered; deny it if it must not be."""
        self._sending.do(deed)

    def _refusal(self, deed: Deed) -> str:
        if not self._listener.trades() or not self._is_prepared or self._has_ended:
            return "The node does not trade yet, or not any more."
        if deed.opens and not self._keeper.is_time_to_open:
            return "For some bars after a stop-out, and after refusals, nothing is opened."
        return ""

    def never_arrived(self, client_order_id: str) -> None:
        """Send an order again that the exchange has never known, as long as its bar is the last."""
        self._sending.never_arrived(client_order_id)
        self._keeper.look_again()
