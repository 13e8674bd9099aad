"""
The thinking behind one line of what is traded: it turns events into looks, and plans into orders.

An event only says "look again". A look compares target and reality and sends at most one command;
the answer to that command is the next event. No engine is in here: what it needs of one is a
`Desk`.
"""

import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import Any

from ..engine.desk import Desk
from ..engine.order_changes import ChangeKind, OrderChange
from ..exit_codes import ExitCode, NodeExit
from ..plan.attempts import candidates
from ..plan.bars import BarWindow, ClosedBar
from ..plan.order_ids import Leg, leg_of, parse
from ..plan.planner import plan
from ..plan.rows import OrderRow
from ..plan.situation import Cancel, OrderView, Settled, Situation, Submit, order_view
from ..plan.target import View
from ..plan.traded import Traded
from ..venue.binance.order_refusals import ACCOUNT, refusal_for
from ..venue.binance.orders import NO_SUCH_ORDER_TO_CANCEL
from ..venue.questions import ask
from .around import About, Exchange, Listener
from .asked_rule import AskedRule
from .memory import Memory
from .memory_writing import MemoryWriting
from .past import Past
from .refusals import Refusals

CANCEL_REFUSALS = 3
"""Refusals after which an order is left alone until the next bar."""


class Keeper:
    """
    Keep position and orders equal to what a rule asks for.

    Parameters
    ----------
    traded : Traded
        The rule, its symbol and the length of its bars.
    owner : str
        Whose orders these are: the first part of each client order id.
    desk : Desk
        The symbol at the engine.
    exchange : Exchange
        Where to ask for bars and for the own orders.
    listener : Listener
        Told when it is ready, has looked, or cannot go on.
    memory : Memory, optional
        What the rule remembers, loaded; ``None`` for a rule without.

    """

    def __init__(
        self,
        traded: Traded,
        owner: str,
        desk: Desk,
        exchange: Exchange,
        listener: Listener,
        memory: Memory | None = None,
    ) -> None:
        self._traded = traded
        self._rule = AskedRule(traded, memory, desk, listener)
        self._memory = memory
        self._writing = MemoryWriting(
            memory, traded.tag, traded.symbol, desk, listener, self._look_soon
        )
        self._owner = owner
        self._desk = desk
        self._exchange = exchange
        self._listener = listener
        self._window = BarWindow(traded.rule.window, traded.bar_length.ms)
        self._past = Past(owner, traded.cool_down * traded.bar_length.ms)
        self._refusals = Refusals(traded.symbol, traded.bar_length.ms)
        self._cancel_refusals: Counter[str] = Counter()
        self._cancels_bar_ms = 0
        self._gone: set[str] = set()
        self._decided_ms: int | None = None
        self._wants_stop = True
        self._is_warm = False
        self._is_ready = False
        self._has_ended = False
        self._is_look_due = False
        self._has_settled = False
        self._is_asking = False
        self._is_reload_due = False

    @property
    def has_decided(self) -> int | None:
        """Close time of the last decided bar, in milliseconds; ``None`` before the first."""
        return self._decided_ms

    @property
    def newest_bar_ms(self) -> int | None:
        """Close time of the newest bar that it has taken up; ``None`` before the first."""
        return self._window.last_close_ms

    @property
    def wants_stop(self) -> bool:
        """Whether what is held should have a stop, by the last target that held anything."""
        return self._wants_stop

    @property
    def pending_looks(self) -> int:
        """Looks that are due and have not happened: 0 or 1."""
        return int(self._is_look_due or self._writing.is_awaited)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way, and what is held is as well protected as can be."""
        is_looking = self._is_ready and not self._has_ended
        return not is_looking or (self._has_settled and not self._is_look_due)

    # -- Start ---------------------------------------------------------------------------------

    def started(self) -> None:
        """Begin the warm-up."""
        self._ask_in_background(self._warm_up)

    async def _warm_up(self) -> None:
        past = self._past
        past.take(await self._ask("orders", lambda: self._exchange.order_history(self._owner)))
        if past.orders and self._memory is not None and not self._memory.was_there:
            self._listener.note(
                f"The store has nothing that {self._traded.tag} remembers, though it has traded: "
                "it begins anew with its first memory."
            )
        for row in self._own_orders():
            # A fill has an event of its own: asked for as well, it would count twice.
            name = row.client_order_id
            if past.has_ended_unheard(row) and past.orders[name].filled == 0:
                self._desk.query(name)
        await self._load_bars()
        self._is_warm = True
        self._listener.ready(self._traded.tag)

    def begin(self) -> None:
        """Look, from now on: the warm-up is over, everybody's."""
        self._is_ready = True
        self._look_soon()

    async def _load_bars(self) -> None:
        bars = await self._ask("bars", lambda: self._exchange.closed_bars(self._traded.rule.window))
        self._window.add(bars)
        if self._window.last_close_ms is None:
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange has no closed bar of {self._traded.symbol}, and without "
                "one nothing can be decided or protected; start again when it has.",
            )

    async def _reload_bars(self) -> None:
        # Another odd bar may come while this one is asked for.
        while self._is_reload_due:
            self._is_reload_due = False
            await self._load_bars()
        if self._window.has_hole:
            self._desk.warn(
                "The exchange's history has a hole; positions are protected, "
                "and nothing else is decided until it has passed"
            )
        self._look_soon()

    # -- Questions -----------------------------------------------------------------------------

    async def _ask[Answer](self, what: str, question: Callable[[], Awaitable[Answer]]) -> Answer:
        return await ask(what, question, self._desk.warn)

    def _ask_in_background(self, question: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._is_asking:
            return

        async def guarded() -> None:
            try:
                await question()
            except Exception as error:
                self._fail(error)
            finally:
                self._is_asking = False

        self._is_asking = True
        self._desk.background(guarded)

    def _fail(self, error: Exception) -> None:
        self._has_ended = True
        if not isinstance(error, NodeExit):
            self._desk.warn("".join(traceback.format_exception(error)))
            error = NodeExit(
                ExitCode.DEFECT,
                f"The strategy {self._traded.tag} failed: {type(error).__name__}: {error}.",
            )
        self._listener.failed(error)

    # -- Events --------------------------------------------------------------------------------

    def bar(self, bar: ClosedBar) -> None:
        """Take up a closed bar and look; ask again when bars were missed, or this one is odd."""
        if self._is_warm and not self._window.expects(bar):
            self._desk.warn(f"The bar of {self._traded.symbol} that closed at {bar.close} is odd")
            self._is_reload_due = True
            self._ask_in_background(self._reload_bars)
            return
        self._window.add([bar])
        self._look_soon()

    def order_changed(self, change: OrderChange) -> None:
        """Remember exits and refusals, and look."""
        name = change.client_order_id
        if leg_of(name, self._owner) is None:
            self._listener.odd(ACCOUNT)  # another hand is at work
        self._take_up(change)
        if change.kind is ChangeKind.CANCEL_REFUSED:
            # The usual reason is that the order has ended and its event was lost.
            self._cancel_refusals[name] += 1
            if NO_SUCH_ORDER_TO_CANCEL in change.reason:
                self._gone.add(name)
            self._desk.query(name)
        self._look_soon()

    def _take_up(self, change: OrderChange) -> None:
        parts = parse(change.client_order_id)
        if parts is None or parts.owner != self._owner:
            return
        if change.kind is ChangeKind.REFUSED:
            self._refusals.refused(parts.leg, self._window.last_close_ms or 0, change.reason)
            if watch := refusal_for(change.reason).watch:
                self._listener.odd(watch)
        elif change.kind in (ChangeKind.TAKEN, ChangeKind.FILLED):
            self._refusals.taken(parts.leg)
        if change.kind is ChangeKind.FILLED:
            self._past.filled(parts, change.at_ms)

    def position_changed(self) -> None:
        """Look."""
        self._look_soon()

    def look_again(self) -> None:
        """Look: what may be done has changed."""
        self._look_soon()

    def stopped(self) -> None:
        """Look no more."""
        self._has_ended = True
        self._writing.stopped()

    # -- Looks ---------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        if self._is_ready and not self._has_ended and not self._is_look_due:
            self._is_look_due = True
            self._desk.soon(self._look)

    def _look(self) -> None:
        self._is_look_due = False
        if self._has_ended:
            return
        try:
            self._compare()
        except Exception as error:
            self._fail(error)
        self._listener.looked()

    def _compare(self) -> None:
        self._has_settled = False
        bars, close_ms = self._window.complete(), self._window.last_close_ms
        if close_ms is None or (bars is None and self._is_asking):
            return  # what is missing has been asked for, within a bound
        if close_ms != self._cancels_bar_ms:
            self._cancels_bar_ms = close_ms
            self._cancel_refusals.clear()
        target = self._rule.target(self._view(bars)) if bars else None
        if target is not None and target.quantity:
            self._wants_stop = target.stop is not None
        if self._writing.must_wait():
            return  # the answer of the store is the next event
        slots = [each.slot for each in target.resting] if target else []
        position = self._desk.position()
        is_right = self._listener.may_open(self._traded.symbol)
        self._tell_refusals(close_ms)
        action = plan(
            Situation(
                owner=self._owner,
                close_ms=close_ms,
                target=target,
                position=position.quantity if position else Decimal(0),
                orders=self._order_views(close_ms, slots),
                last_exit_fill_ms=self._past.last_exit_ms,
                last_slot_fill_ms=self._past.slot_fills,
                refused_cancels=self.refused_cancels,
                gone=self._gone,
                may_open=is_right and self.is_time_to_open,
                tick_size=self._desk.tick_size,
            )
        )
        self._has_settled = isinstance(action, Settled)
        match action:
            case Submit():
                self._desk.submit(action)
            case Cancel():
                self._desk.cancel(action.client_order_id)
            case Settled() if bars and is_right:
                self._decided_ms = close_ms

    @property
    def refused_cancels(self) -> set[str]:
        """The orders that the exchange keeps refusing to cancel during this bar."""
        return {name for name, n in self._cancel_refusals.items() if n >= CANCEL_REFUSALS}

    @property
    def is_time_to_open(self) -> bool:
        """Whether neither refusals nor a stop-out of before keep anything from being opened."""
        close_ms = self._window.last_close_ms
        return close_ms is not None and (
            self._refusals.may_open(close_ms) and self._past.has_cooled_down(close_ms)
        )

    def _tell_refusals(self, close_ms: int) -> None:
        symbol = self._traded.symbol
        if sentence := self._refusals.told(close_ms):
            doing = "It is tried again later, less often each time."
            self._listener.wrong(About.ORDERS, symbol, sentence, doing)
        else:
            self._listener.right(About.ORDERS, symbol)

    # -- What is -------------------------------------------------------------------------------

    def _view(self, bars: tuple[ClosedBar, ...]) -> View:
        position = self._desk.position()
        return View(
            bars=bars,
            position=position.quantity if position else Decimal(0),
            tick_size=self._desk.tick_size,
            entry_price=position.entry_price if position else None,
            entry_ms=position.entry_ms if position else None,
            exits=self._past.exits,
            equity=self._desk.equity(),
            lot=self._desk.lot,
        )

    def _own_orders(self) -> list[OrderRow]:
        rows = self._desk.unfinished()
        return [row for row in rows if leg_of(row.client_order_id, self._owner) is not None]

    def _order_views(self, close_ms: int, slots: list[int]) -> dict[str, OrderView]:
        views: dict[str, OrderView] = {}
        for leg in Leg:
            for name in candidates(self._owner, close_ms, leg, slots):
                if (row := self._desk.order(name)) is not None:
                    views[name] = order_view(row)
                elif name in self._past.orders:
                    views[name] = self._past.orders[name]
        for row in self._own_orders():
            name = row.client_order_id
            if self._past.has_ended_unheard(row) and not row.is_in_flight:
                views[name] = self._past.orders[name]
            else:
                views[name] = order_view(row)
        return views
