"""
The base class of ordinary, event-driven strategies; docs/event-driven.md says what it promises.

The strategy's calls mean what they mean in the engine, and go through an `EventKeeper` first: it
remembers them, asks whether they were sent before, and sends them. What protects a position is
declared, and kept by the node.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, cast

import msgspec
from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.message import Event
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide, OrderType, TriggerType
from nautilus_trader.model.events import OrderEvent, PositionEvent
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.orders.list import OrderList
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from ...plan.event_record import Deed, Protection
from ...plan.memory import Json
from ...plan.order_ids import Leg, parse
from ...plan.traded import EventDriven
from ..desk import EventKeeper, MakeKeeper
from ..mending.store_format import STRATEGY
from .outcome_hooks import NEVER_ARRIVED_TOPIC
from .own_orders import NoBracketError, OwnOrders, bracket_of, made_again, remembered
from .seat_desk import Asked, SeatDesk
from .strategy_desk import bar_type_of
from .views import closed_bar, instrument_id_of

BEING_MADE: ContextVar[EventDriven] = ContextVar("BEING_MADE")
"""The line of ``strategies/`` whose strategy is made now."""
CONDITIONAL = (
    OrderType.STOP_MARKET,
    OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP_MARKET,
    OrderType.TRAILING_STOP_LIMIT,
)
KEPT = frozenset({Leg.STOP, Leg.TAKE_PROFIT})
"""Of orders that the node keeps, and a strategy leaves alone."""

type Price = Decimal | Any
"""A price: a `Decimal`, or the engine's."""


class EventDrivenStrategy(Strategy):  # type: ignore[misc]  # the engine ships no types for it
    """
    A `Strategy` of NautilusTrader that a kill takes nothing from.

    It is made by a line `EventDriven` in ``strategies/``, and trades the line's symbol alone.

    Parameters
    ----------
    config : StrategyConfig, optional
        Its own configuration; tag, netting and claims are the line's.

    """

    def __init__(self, config: StrategyConfig | None = None) -> None:
        line = BEING_MADE.get(None)
        if line is None:
            name = type(self).__name__
            raise RuntimeError(
                f"Only the node makes a {name}, by the `make` of its EventDriven line "
                "in strategies/: no unit test and no backtest can."
            )
        self.instrument_id: InstrumentId = instrument_id_of(line.symbol)
        """The instrument of its line."""
        self.bar_type: BarType = bar_type_of(self.instrument_id, line.bar_length)
        """The bars of its line."""
        super().__init__(
            msgspec.structs.replace(
                config or StrategyConfig(),
                order_id_tag=line.tag,
                oms_type="NETTING",
                # What is found at the exchange belongs to this strategy.
                external_order_claims=[self.instrument_id],
            )
        )
        # Not by its class: a new name of that would orphan what is open.
        self.change_id(StrategyId(f"{STRATEGY}-{line.tag}"))
        self._line = line
        self._desk = SeatDesk(self, self.instrument_id, self.bar_type)
        self._keeper: EventKeeper

    # -- What it can do besides ------------------------------------------------------------------

    @property
    def memory(self) -> Json:
        """What it remembers across a kill; a copy."""
        return self._keeper.memory

    def remember(self, value: Json) -> None:
        """
        Remember a JSON value: what is submitted after this is not sent before the store has it.

        Raises
        ------
        ValueError
            If it is no JSON value.

        """
        self._keeper.remember(value)

    def protect(
        self,
        stop: Price | None = None,
        take_profit: Price | None = None,
        side: OrderSide | None = None,
    ) -> None:
        """
        Declare the levels that protect the position: the whole of it, as large as it is.

        Parameters
        ----------
        stop : Decimal or Price, optional
            The trigger price of its stop.
        take_profit : Decimal or Price, optional
            The price of a limit order that closes it.
        side : OrderSide, optional
            ``BUY`` for a long position, ``SELL`` for a short one; by default that of the position
            that is held. It is needed before an entry.

        Raises
        ------
        ValueError
            If nothing is held and no side is given, or a stop is missing.

        """
        held = self._desk.position()
        if side is None and held is None:
            raise ValueError("Nothing is held: say for which side of position, BUY or SELL.")
        is_long = side == OrderSide.BUY if side is not None else bool(held and held.quantity > 0)
        self._keeper.protect(Protection(is_long, _decimal(stop), _decimal(take_profit)))
        self._keeper.look_again()

    @cached_property
    def order_factory(self) -> OwnOrders:
        """Makes its orders; the ids are the node's."""
        return OwnOrders(
            self._keeper.next_id,
            trader_id=self.trader_id,
            strategy_id=self.id,
            clock=self.clock,
            cache=self.cache,
        )

    # -- What goes through the keeper ------------------------------------------------------------

    def submit_order(
        self,
        order: Order,
        position_id: Any = None,
        client_id: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Submit an order: it is sent once it is remembered, or denied."""
        self._at_once(partial(self._submit, order))

    def submit_order_list(
        self,
        order_list: OrderList,
        position_id: Any = None,
        client_id: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Submit a bracket: its entry is sent, its other legs are levels that the node keeps."""
        self._at_once(partial(self._submit_list, order_list))

    def cancel_order(
        self, order: Order, client_id: Any = None, params: dict[str, Any] | None = None
    ) -> None:
        """Ask for an order to be cancelled; what the node keeps is left alone."""
        self._at_once(partial(self._cancel, order))

    def cancel_orders(
        self, orders: list[Order], client_id: Any = None, params: dict[str, Any] | None = None
    ) -> None:
        """Ask for orders to be cancelled, one by one."""
        for order in orders:
            self.cancel_order(order)

    def cancel_all_orders(
        self,
        instrument_id: InstrumentId,
        order_side: OrderSide = OrderSide.NO_ORDER_SIDE,
        client_id: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Ask for all of its orders to be cancelled, but those that the node keeps."""
        which = {"instrument_id": instrument_id, "strategy_id": self.id, "side": order_side}
        for order in (*self.cache.orders_open(**which), *self.cache.orders_inflight(**which)):
            if _leg(order) not in KEPT:
                self.cancel_order(order)

    def modify_order(self, order: Order, *given: Any, **named: Any) -> None:
        """Refuse: an order is cancelled and made anew, so that its id says what it is."""
        self.log.error(f"{order.client_order_id} is not modified: cancel it and submit another")

    def close_position(
        self, position: Position, client_id: Any = None, tags: list[str] | None = None, **more: Any
    ) -> None:
        """Close a position at the market."""
        if position.is_closed:
            self.log.warning(f"{position.id} is closed already")
            return
        side = OrderSide.SELL if position.is_long else OrderSide.BUY
        self.submit_order(
            self.order_factory.market(
                position.instrument_id, side, position.quantity, reduce_only=True, tags=tags
            )
        )

    def close_all_positions(self, instrument_id: InstrumentId, *given: Any, **named: Any) -> None:
        """Close what is held at the market."""
        for position in self.cache.positions_open(instrument_id=instrument_id, strategy_id=self.id):
            self.close_position(position)

    def subscribe_bars(self, bar_type: BarType, *given: Any, **named: Any) -> None:
        """Subscribe to bars; those of its line come in any case."""
        if bar_type != self.bar_type:
            super().subscribe_bars(bar_type, *given, **named)

    def unsubscribe_bars(self, bar_type: BarType, *given: Any, **named: Any) -> None:
        """Subscribe to bars no more; those of its line come in any case."""
        if bar_type != self.bar_type:
            super().unsubscribe_bars(bar_type, *given, **named)

    def request_bars(
        self,
        bar_type: BarType,
        start: datetime,
        end: datetime | None = None,
        limit: int = 0,
        client_id: Any = None,
        callback: Callable[[UUID4], None] | None = None,
        **more: Any,
    ) -> UUID4:
        """
        Ask for past bars: those of its line are as many as there are, 1,000 at most.

        They come through `on_historical_data` and the registered indicators, and then `callback` is
        called, however few there are.
        """
        if bar_type != self.bar_type:
            named = {"client_id": client_id, "callback": callback, **more}
            request_id: UUID4 = super().request_bars(bar_type, start, end, limit, **named)
            return request_id
        asked = Asked(int(start.timestamp() * 1000), UUID4(), callback)
        if not self.is_running:
            self._desk.asked.append(asked)
        else:
            self._keeper.background(partial(self._answer, asked))
        return asked.request_id

    async def _answer(self, asked: Asked) -> None:
        for bar in await self._keeper.past_bars(asked.since_ms):
            self._desk.give_past(bar)
        if asked.callback is not None:
            asked.callback(asked.request_id)

    # -- What it wants done ----------------------------------------------------------------------

    def _submit(self, order: Order) -> None:
        deed = self._deed(order)
        self._desk.orders[deed.client_order_id] = order
        if reason := self._wrong_with(order):
            self._desk.deny(deed, reason)
        else:
            self._keeper.do(deed)

    def _deed(self, order: Order) -> Deed:
        opens = self._desk.could_open(order)
        return Deed(order.client_order_id.value, remembered(order), opens)

    def _wrong_with(self, order: Order) -> str:
        if order.instrument_id != self.instrument_id:
            return f"The line of this strategy trades {self._line.symbol}."
        if parse(order.client_order_id.value) is None:
            return "The node gives the ids: leave client_order_id out."
        if order.emulation_trigger != TriggerType.NO_TRIGGER or order.exec_algorithm_id is not None:
            return "Emulated orders and execution algorithms do not survive a kill."
        if self._line.stops and order.is_reduce_only and order.order_type in CONDITIONAL:
            return "The node keeps the stop: declare it with protect(stop=…)."
        return ""

    def _submit_list(self, order_list: OrderList) -> None:
        try:
            entry, stop, take_profit = bracket_of(order_list)
            side = None if entry.is_reduce_only else entry.side
            self.protect(stop, take_profit, side)
        except (NoBracketError, ValueError) as error:
            for order in order_list.orders:
                deed = self._deed(order)
                self._desk.orders[deed.client_order_id] = order
                self._desk.deny(deed, str(error))
            return
        self._submit(made_again(remembered(entry)))

    def _cancel(self, order: Order) -> None:
        if _leg(order) in KEPT:
            self.log.warning(f"{order.client_order_id} is kept by the node: change it by protect()")
        else:
            self._keeper.do(Deed(order.client_order_id.value))

    def _at_once(self, work: Callable[[], None]) -> None:
        """Do `work` now, or on the node's own thread: the engine's timers have another one."""
        if threading.get_ident() == self._thread:
            work()
        else:
            self._loop.call_soon_threadsafe(work)

    # -- What it is told -------------------------------------------------------------------------

    def sit_down(self, make_keeper: MakeKeeper) -> None:
        """Take the keeper that it works with."""
        # Its line is event-driven, and so is the keeper that is made for it.
        self._keeper = cast("EventKeeper", make_keeper(self._line, self._desk))

    def _start(self) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        super()._start()
        super().subscribe_bars(self.bar_type)
        self.msgbus.subscribe(NEVER_ARRIVED_TOPIC, self._on_never_arrived)
        self._keeper.started()

    def _stop(self) -> None:
        self._keeper.stopped()
        super()._stop()

    def handle_bar(self, bar: Bar, historical: bool = False) -> None:
        """Let the keeper take up a bar of the line; it gives it back when it is time."""
        if bar.bar_type == self.bar_type and not historical:
            self._keeper.bar(closed_bar(bar))
            return
        try:
            super().handle_bar(bar, historical)
        except Exception as error:
            self._keeper.handler_failed(error)

    def handle_event(self, event: Event) -> None:
        """Let keeper and strategy take up an event; a failure of the strategy ends nothing."""
        if not self.is_running:
            return
        if isinstance(event, OrderEvent):
            self._keeper.order_changed(self._desk.change(event))
        elif isinstance(event, PositionEvent):
            self._keeper.position_changed()
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Call the handlers of an event."""
        try:
            super().handle_event(event)
        except Exception as error:
            self._keeper.handler_failed(error)

    def _on_never_arrived(self, client_order_id: ClientOrderId) -> None:
        self._keeper.never_arrived(client_order_id.value)


def made(line: EventDriven, make_keeper: MakeKeeper) -> EventDrivenStrategy:
    """
    Return the strategy of a line, with its keeper.

    Raises
    ------
    TypeError
        If what the line makes is none.

    """
    token = BEING_MADE.set(line)
    try:
        strategy = line.make()
    finally:
        BEING_MADE.reset(token)
    if not isinstance(strategy, EventDrivenStrategy):
        raise TypeError(f"{line.tag} makes a {type(strategy).__name__}, no EventDrivenStrategy")
    strategy.sit_down(make_keeper)
    return strategy


def _leg(order: Order) -> Leg | None:
    parts = parse(order.client_order_id.value)
    return None if parts is None else parts.leg


def _decimal(price: Price | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))
