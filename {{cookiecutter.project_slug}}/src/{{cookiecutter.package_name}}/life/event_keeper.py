"""
The thinking behind one event-driven strategy: entries and exits are its own, protection is kept.

What a call of the strategy leads to is held back until the call has returned, is remembered as one
value, and is sent once the store has it. So a kill takes back all of a call or nothing of it, and
each bar is decided once. The levels that it declares are a target like a rule's: its stop is one
difference like any other, and restored by every look.
"""

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..engine.desk import EventDesk, OrderChange
from ..exit_codes import ExitCode, NodeExit, one_line
from ..plan.bars import ClosedBar
from ..plan.event_record import Deed, EventRecord, Protection, from_json
from ..plan.memory import Json, copy_of
from ..plan.order_ids import Leg, leg_of, parse
from ..plan.target import Target, View, on_tick
from ..plan.traded import MOST_BARS, EventDriven, Traded
from ..venue.questions import ask
from .around import About, Exchange, Listener
from .keeper import Keeper
from .memory import AGAIN_SECONDS, WHILE_AWAY, Memory, NotRememberedError

BEFORE_ALL_BARS_MS = 10**12
"""Stands for the bar of an order that is made before there is any; it is never sent."""
WHILE_FAILED = (
    "What it wanted done in that call is left undone, its protection is kept, and it is asked "
    "again at the next bar."
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
        self._now = self._kept = _record_of(memory, line.tag)
        self._unsent: list[Deed] = []
        self._sent: dict[str, Deed] = {}
        self._known: frozenset[str] = frozenset()
        self._given_ms = 0
        self._is_prepared = False
        self._is_writing = False
        self._is_away = False
        self._has_ended = False
        self._told_naked: Decimal | None = None
        as_rule = Traded(
            rule=self,
            symbol=line.symbol,
            bar=line.bar,
            tag=line.tag,
            cool_down=line.cool_down,
            max_quantity=line.max_quantity,
        )
        self._keeper = Keeper(as_rule, owner, desk, exchange, listener)

    # -- As the engine and the node see it -------------------------------------------------------

    @property
    def has_decided(self) -> int | None:
        """Close time of the last bar that is finished with, in milliseconds; ``None`` for none."""
        decided = self._keeper.has_decided
        if decided is None or self._kept.finished_ms == 0:
            return None
        return min(decided, self._kept.finished_ms)

    @property
    def newest_bar_ms(self) -> int | None:
        """Close time of the newest bar that it has taken up; ``None`` before the first."""
        return self._keeper.newest_bar_ms

    @property
    def pending_looks(self) -> int:
        """Looks that are due, and whether the store is about to answer."""
        is_awaited = self._is_writing and not self._is_away
        return self._keeper.pending_looks + int(is_awaited)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way, and what is held is as well protected as can be."""
        is_awaited = self._is_writing and not self._is_away
        return self._keeper.is_settled and not is_awaited and not self._may_go()

    def started(self) -> None:
        """Begin the warm-up."""
        self.background(self._prepare)

    def begin(self) -> None:
        """Look, from now on: everybody's warm-up is over."""
        self._keeper.begin()

    def bar(self, bar: ClosedBar) -> None:
        """Take up a closed bar; the strategy is given it at the next look."""
        self._keeper.bar(bar)

    def order_changed(self, change: OrderChange) -> None:
        """Take up what has happened to an order."""
        self._keeper.order_changed(change)

    def position_changed(self) -> None:
        """Forget the protection of a position that is gone, and look."""
        self._forget_protection()
        self._keeper.position_changed()

    def look_again(self) -> None:
        """Look: what may be done has changed."""
        self._keeper.look_again()

    def stopped(self) -> None:
        """Send nothing any more."""
        self._has_ended = True
        self._keeper.stopped()

    # -- Start -----------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        history = await ask(
            "orders", lambda: self._exchange.order_history(self._owner), self._desk.warn
        )
        self._known = frozenset(history.orders)
        if history.orders and not self._memory.was_there:
            self._listener.note(
                f"The store has nothing that {self._line.tag} remembers, though it has traded: it "
                "begins anew, and the stop and the target that work are taken for those declared."
            )
        self._adopt_protection()
        since_ms = self._desk.wanted_since_ms()
        bars = await self.past_bars(since_ms or 0)
        if since_ms is None:
            bars = bars[-self.window :]
        if bars:
            # The last one is decided, unless that has been done.
            is_finished = self._now.finished_ms >= bars[-1].close_ms
            past = bars if is_finished else bars[:-1]
            for bar in past:
                self._give_past(bar)
            self._take_up_due(bars[-1].close_ms)
        self._desk.end_of_past()
        self._is_prepared = True
        self._keeper.started()

    def _adopt_protection(self) -> None:
        """
        Let what works at the exchange count, where the store knows less than that.

        It may be lost, or an old one put back: then a later bar than it knows has sent the stop.
        """
        held = self._desk.position()
        if held is None:
            return
        working = {
            leg_of(row.client_order_id, self._owner): row
            for row in self._desk.unfinished()
            if row.signed_quantity * held.quantity < 0
        }
        if (stop := working.get(Leg.STOP)) is None:
            return
        declared = self._now.protection_of(held.quantity)
        if declared is not None:
            at_ticks = on_tick(Target(held.quantity, declared.stop), self._desk.tick_size)
            parts = parse(stop.client_order_id)
            is_later = parts is not None and parts.close_seconds > self._now.finished_ms // 1000
            if not is_later or at_ticks.stop == stop.trigger_price:
                return
        target = working.get(Leg.TAKE_PROFIT)
        price = target.price if target else None
        adopted = Protection(held.quantity > 0, stop.trigger_price, price)
        self._now = self._kept = self._now.protected(adopted)

    async def past_bars(self, since_ms: int) -> list[ClosedBar]:
        """Return the closed bars since then, as far as there are, and as one question brings."""
        count = MOST_BARS if since_ms else self.window
        bars = await ask("bars", lambda: self._exchange.closed_bars(count), self._desk.warn)
        return [bar for bar in bars if bar.close_ms >= since_ms]

    def _take_up_due(self, last_ms: int) -> None:
        """Take up what was remembered and may not have been sent."""
        for deed in self._now.due:
            parts = parse(deed.client_order_id)
            if deed.order is None or (parts and parts.close_seconds == last_ms // 1000):
                self._unsent.append(deed)
            elif not self._is_known(deed.client_order_id):
                self._desk.warn(
                    f"{deed.client_order_id} was not sent before the end, and its bar is over: it "
                    "is dropped"
                )

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`, and end the node if it fails."""

        async def guarded() -> None:
            try:
                await work()
            except Exception as error:
                self._has_ended = True
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
            if self._may_go() or self._now is not self._kept:
                self._write_soon()
            self._give(view.bars)
        if view.position == 0:
            self._told_naked = None
            self._cancel_left_exits()
            return Target(Decimal(0))
        # What the store has not taken yet might be taken back; it is better than nothing.
        for record in (self._kept, self._now):
            if (protection := record.protection_of(view.position)) is not None:
                return Target(view.position, protection.stop, protection.take_profit)
        if not self._line.stops:
            return Target(view.position)
        if self._told_naked != view.position:
            self._told_naked = view.position
            self._desk.warn(
                f"No stop is declared for the position of {view.position} {self._line.symbol}: it "
                "is closed; declare one with protect() or a bracket before the entry is sent"
            )
        return Target(Decimal(0))

    def _cancel_left_exits(self) -> None:
        """Cancel the strategy's own exits where nothing is left to exit from."""
        for row in self._desk.unfinished():
            is_exit = leg_of(row.client_order_id, self._owner) is Leg.EXIT
            if is_exit and not row.is_in_flight and row.type != "MARKET":
                self._desk.cancel(row.client_order_id)

    def _forget_protection(self) -> None:
        """Forget the levels of a position that is gone, or of an entry that has come to nothing."""
        names = [row.client_order_id for row in self._desk.unfinished()]
        is_entering = any(leg_of(name, self._owner) is Leg.ENTRY for name in names)
        if is_entering or any(deed.opens for deed in self._unsent):
            return
        held = self._desk.position()
        position = held.quantity if held else Decimal(0)
        fitting = tuple(each for each in self._now.protections if each.fits(position))
        if fitting != self._now.protections:
            self._now = replace(self._now, protections=fitting)
            self._write_soon()

    # -- Bars ------------------------------------------------------------------------------------

    def _give(self, bars: Sequence[ClosedBar]) -> None:
        done_ms = max(self._given_ms, self._now.finished_ms)
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
        self._deny_unsent("Until its bar was over, a condition held: /state names it.")
        self._sent.clear()
        self._forget_protection()
        # It is asked again, as if it had not failed before.
        self._listener.right(About.STRATEGY, self._line.symbol)
        before, due = self._now, list(self._unsent)
        try:
            self._desk.give(bar)
        except Exception as error:
            self._now, self._unsent = before, due
            self.handler_failed(error)
            return
        self._now = replace(self._now, finished_ms=bar.close_ms)
        self._write_soon()

    def handler_failed(self, error: Exception) -> None:
        """Take up that the strategy has failed; its protection is kept."""
        self._desk.warn("".join(traceback.format_exception(error)))
        told = f"{self._line.tag} has failed: {type(error).__name__}: {one_line(error)}."
        self._listener.wrong(About.STRATEGY, self._line.symbol, told, WHILE_FAILED)

    # -- What the strategy asks for --------------------------------------------------------------

    @property
    def memory(self) -> Json:
        """What the strategy remembers: a copy of its own."""
        return copy_of(self._now.value)

    def remember(self, value: Json) -> None:
        """
        Remember a value; the store has it before anything is sent that is asked for after this.

        Raises
        ------
        ValueError
            If it is no JSON value.

        """
        self._now = replace(self._now, value=copy_of(value))
        self._write_soon()

    def protect(self, protection: Protection) -> None:
        """
        Keep the position at these levels.

        Raises
        ------
        ValueError
            If each position must have a stop, and this has none.

        """
        if protection.stop is None and self._line.stops:
            raise ValueError(
                f"Each position of {self._line.tag} must have a stop; its line in strategies/ can "
                "say stops=False."
            )
        if protection not in self._now.protections:
            self._now = self._now.protected(protection)
            self._write_soon()

    def next_id(self, leg: Leg) -> str:
        """Return the client order id of the strategy's next order."""
        close_ms = self._given_ms or BEFORE_ALL_BARS_MS
        name, self._now = self._now.next_id(self._owner, close_ms, leg)
        return name

    def do(self, deed: Deed) -> None:
        """Do it once it is remembered; deny it if it must not be."""
        if reason := self._refusal(deed):
            self._deny(deed, reason)
        elif deed.order is None and (waiting := self._waiting(deed.client_order_id)):
            self._unsent.remove(waiting)
            self._now = replace(self._now, due=tuple(self._unsent))
            self._deny(waiting, "It was cancelled before it was sent.")
            self._write_soon()
        elif deed.order is not None and self._is_known(deed.client_order_id):
            self._desk.warn(f"{deed.client_order_id} is known already, and not sent again")
        else:
            self._unsent.append(deed)
            self._write_soon()

    def _waiting(self, name: str) -> Deed | None:
        found = (deed for deed in self._unsent if deed.client_order_id == name)
        return next((deed for deed in found if deed.order is not None), None)

    def _refusal(self, deed: Deed) -> str:
        if not self._listener.trades() or not self._is_prepared or self._has_ended:
            return "The node does not trade yet, or not any more."
        if deed.opens and not self._keeper.is_time_to_open:
            return "For some bars after a stop-out, and after refusals, nothing is opened."
        return ""

    def _may_go(self) -> list[Deed]:
        """Return what is not sent and need not wait: while a condition holds, nothing is opened."""
        may_open = self._listener.may_open(self._line.symbol)
        return [deed for deed in self._unsent if may_open or not deed.opens]

    def _is_known(self, name: str) -> bool:
        return name in self._known or self._desk.order(name) is not None

    def _deny(self, deed: Deed, reason: str) -> None:
        self._desk.warn(f"{deed.client_order_id} is not sent: {reason}")
        if deed.order is not None:
            self._desk.deny(deed, reason)

    def _deny_unsent(self, reason: str) -> None:
        unsent, self._unsent = self._unsent, []
        for deed in unsent:
            self._deny(deed, reason)

    def never_arrived(self, client_order_id: str) -> None:
        """Send an order again that the exchange has never known, as long as its bar is the last."""
        deed = self._sent.pop(client_order_id, None)
        if deed is not None:
            self._unsent.append(deed)
            self._write_soon()
        elif leg_of(client_order_id, self._owner) in (Leg.ENTRY, Leg.EXIT):
            self._desk.warn(f"{client_order_id} never arrived, and its bar is over: it is dropped")
        self._keeper.look_again()

    # -- Remembered, then sent -------------------------------------------------------------------

    def _write_soon(self) -> None:
        if not self._is_writing and self._is_prepared and not self._has_ended:
            self._is_writing = True
            self.background(self._write)

    async def _write(self) -> None:
        try:
            while not self._has_ended and (self._may_go() or self._now is not self._kept):
                if await self._remember():
                    self._send_all([deed for deed in self._may_go() if deed in self._kept.due])
                else:
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._is_writing = self._is_away = False
        self._keeper.look_again()

    async def _remember(self) -> bool:
        """Bring all of it to the store; return whether the store has it."""
        writing = self._now = replace(self._now, due=tuple(self._unsent))
        about = (About.MEMORY, self._line.symbol)
        try:
            await self._memory.remember(writing.to_json())
        except NotRememberedError as error:
            self._is_away = True
            told = f"The store does not take what {self._line.tag} remembers: {error}."
            self._listener.wrong(*about, told, WHILE_AWAY)
            # What closes a position does not wait: under its id, it is known after a restart.
            self._send_all(self._may_go())
            return False
        self._is_away = False
        self._kept = writing
        self._listener.right(*about)
        return True

    def _send_all(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            self._unsent.remove(deed)
            name = deed.client_order_id
            if reason := self._refusal(deed):
                self._deny(deed, reason)
            elif deed.order is None:
                if (row := self._desk.order(name)) is not None and not row.is_closed:
                    self._desk.send(deed)
            elif not self._is_known(name):
                self._sent[name] = deed
                self._desk.send(deed)


def _record_of(memory: Memory, tag: str) -> EventRecord:
    try:
        return from_json(memory.value)
    except ValueError as error:
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"What {tag} remembers {error}; look at it with the command `state`, then correct it, "
            "or delete its key in the store and let it begin anew.",
        ) from None
