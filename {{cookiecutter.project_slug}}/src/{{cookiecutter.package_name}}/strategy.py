"""
The thin shell around decision and plan: it turns engine events into looks, and plans into orders.

An event only says "look again". A look compares target and reality and sends at most one command;
the answer to that command is the next event.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.message import Event
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderCancelRejected, OrderFilled
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from . import order_ids
from .bars import BarWindow
from .engine_views import closed_bar, milliseconds, order_view
from .exchange import RECEIVE_WINDOW_MS, Exchange, OrderHistory
from .exit_codes import ExitCode, NodeExit
from .order_ids import Leg
from .planner import Cancel, OrderView, Phase, Settled, Situation, Submit, candidates, plan
from .questions import ask
from .settings import PREFIX
from .state import is_in_flight, symbol_of
from .target import Rule, View

CANCEL_REFUSALS = 3
"""Refusals after which a stop is left alone until the next bar."""
UNKNOWN_ORDER = "-2011"
"""In a refusal: there is no such working order (USD-M Futures, Error Codes)."""
LATE_SECONDS = RECEIVE_WINDOW_MS / 1000 + 1
"""How long after a process has died one of its requests may still be accepted; the exchange also
forgives clocks that are a second fast."""

UNHEARD = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
"""Statuses of orders that the exchange has said nothing about."""


class TargetStrategyConfig(StrategyConfig, frozen=True):
    """
    Configuration of a `TargetStrategy`.

    Parameters
    ----------
    instrument_id : InstrumentId
        The instrument that is traded; this strategy owns all of its orders and positions.

    """

    instrument_id: InstrumentId


class TargetStrategy(Strategy):  # type: ignore[misc]  # the engine ships no types for it
    """
    Keep position and protective stop equal to what a rule asks for.

    The class name is part of every stored order's owner: renaming it orphans open positions.

    Parameters
    ----------
    config : TargetStrategyConfig
        The configuration; `order_id_tag` is the tag of every client order id.
    rule : Rule
        The decision.
    exchange : Exchange
        Where to ask for bars and for this strategy's own orders.
    on_ready : Callable[[], None]
        Called once, when the warm-up is over and the first look is due.
    on_failure : Callable[[NodeExit], None]
        Called when the strategy cannot go on; it sends nothing any more.
    on_look : Callable[[], None]
        Called after each look, which may have decided a bar.

    """

    def __init__(
        self,
        config: TargetStrategyConfig,
        rule: Rule,
        exchange: Exchange,
        on_ready: Callable[[], None],
        on_failure: Callable[[NodeExit], None],
        on_look: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.decided_bar: dict[str, int] = {}
        self._rule = rule
        self._exchange = exchange
        self._on_ready = on_ready
        self._on_failure = on_failure
        self._on_look = on_look
        self._tag = config.order_id_tag or ""
        self._window = BarWindow(rule.window)
        self._history = OrderHistory({}, 0)
        self._last_stop_fill_ms = 0
        self._refusals: Counter[str] = Counter()
        self._refusals_bar_ms = 0
        self._gone: set[str] = set()
        self._born = time.monotonic()
        self._is_ready = False
        self._has_failed = False
        self._is_look_due = False
        self._asking: asyncio.Task[None] | None = None

    @property
    def pending_looks(self) -> int:
        """Looks that are due and have not happened: 0 or 1."""
        return int(self._is_look_due)

    # -- Start ---------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Subscribe to bars and begin the warm-up."""
        self._instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_bars(BarType.from_str(f"{self._instrument.id}-1-MINUTE-LAST-EXTERNAL"))
        self._ask_in_background(self._warm_up)

    async def _warm_up(self) -> None:
        await self._forget_what_was_never_sent()
        self._history = await self._ask("orders", lambda: self._exchange.order_history(self._tag))
        self._last_stop_fill_ms = max(self._last_stop_fill_ms, self._history.last_stop_fill_ms)
        for order in self._own_orders():
            name = order.client_order_id.value
            # A fill has an event of its own: asked for as well, it would count twice.
            if self._has_ended_unheard(order) and self._history.orders[name].filled == 0:
                self._query(order)
        await self._load_bars()
        self._is_ready = True
        self._on_ready()
        self._look_soon()

    async def _forget_what_was_never_sent(self) -> None:
        """
        Purge what was stored before a kill and never reached the exchange.

        Its id is free then, and the same decision sends it again. Only the process before this one
        can have sent it, so once its last signature is too old, it can no longer arrive.
        """
        unheard = [order for order in self._own_orders() if order.status in UNHEARD]
        missing = [order for order in unheard if not await self._is_known(order)]
        if missing:
            await asyncio.sleep(max(0.0, self._born + LATE_SECONDS - time.monotonic()))
        for order in missing:
            if order.status in UNHEARD and not await self._is_known(order):
                self.log.warning(f"{order.client_order_id} was stored and never sent: forgotten")
                self.cache.purge_order(order.client_order_id, purge_from_database=True)

    async def _is_known(self, order: Order) -> bool:
        name = order.client_order_id.value
        return await self._ask(f"order {name}", lambda: self._exchange.knows(name))

    async def _load_bars(self) -> None:
        bars = await self._ask("bars", lambda: self._exchange.closed_bars(self._rule.window))
        self._window.add(bars)
        if self._window.last_close_ms is None:
            raise NodeExit(
                ExitCode.AWAY,
                f"The exchange has no closed bar of {symbol_of(self._instrument.id)}, and without "
                "one nothing can be decided or protected; start again when it has.",
            )

    async def _reload_bars(self) -> None:
        await self._load_bars()
        if self._window.has_hole:
            self.log.warning(
                "The exchange's history has a hole; positions are protected, "
                "and nothing else is decided until it has passed"
            )
        self._look_soon()

    # -- Questions -----------------------------------------------------------------------------

    async def _ask[Answer](self, what: str, question: Callable[[], Awaitable[Answer]]) -> Answer:
        return await ask(what, question, self.log.warning)

    @property
    def _is_asking(self) -> bool:
        return self._asking is not None and not self._asking.done()

    def _ask_in_background(self, question: Callable[[], Awaitable[None]]) -> None:
        if self._is_asking:
            return

        async def guarded() -> None:
            try:
                await question()
            except Exception as error:
                self._fail(error)

        self._asking = asyncio.get_running_loop().create_task(guarded())

    def _fail(self, error: Exception) -> None:
        self._has_failed = True
        if not isinstance(error, NodeExit):
            self.log.exception("The strategy failed", error)
            error = NodeExit(
                ExitCode.DEFECT, f"The strategy failed: {type(error).__name__}: {error}."
            )
        self._on_failure(error)

    # -- Events --------------------------------------------------------------------------------

    def on_bar(self, bar: Bar) -> None:
        """Take up a closed bar and look; ask for what is missing when bars were missed."""
        self._window.add([closed_bar(bar)])
        if self._is_ready and self._window.has_hole:
            self._ask_in_background(self._reload_bars)
            return
        self._look_soon()

    def on_order_event(self, event: Event) -> None:
        """Remember stop fills and refused cancels, and look."""
        name = event.client_order_id.value
        parts = order_ids.parse(name)
        if isinstance(event, OrderFilled) and parts is not None and parts.leg is Leg.STOP:
            stamp = milliseconds(event.ts_event)
            self._last_stop_fill_ms = max(self._last_stop_fill_ms, stamp)
        if isinstance(event, OrderCancelRejected):
            # The usual reason is that the order has ended and its event was lost.
            self._refusals[name] += 1
            if UNKNOWN_ORDER in event.reason:
                self._gone.add(name)
            self._query(self.cache.order(event.client_order_id))
        self._look_soon()

    def on_position_event(self, event: Event) -> None:
        """Look."""
        self._look_soon()

    # -- Looks ---------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        if self._is_ready and not self._has_failed and not self._is_look_due:
            self._is_look_due = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._is_look_due = False
        if self._has_failed or not self.is_running:
            return
        try:
            self._compare()
        except Exception as error:
            self._fail(error)
        self._on_look()

    def _compare(self) -> None:
        bars, close_ms = self._window.complete(), self._window.last_close_ms
        if close_ms is None or (bars is None and self._is_asking):
            return  # what is missing has been asked for, within a bound
        if close_ms != self._refusals_bar_ms:
            self._refusals_bar_ms = close_ms
            self._refusals.clear()
        position = self._position()
        tick_size = self._instrument.price_increment.as_decimal()
        target = self._rule.target(View(bars, position, tick_size)) if bars else None
        action = plan(
            Situation(
                tag=self._tag,
                close_ms=close_ms,
                target=target,
                position=position,
                orders=self._order_views(close_ms),
                last_stop_fill_ms=self._last_stop_fill_ms,
                refused_cancels={k for k, n in self._refusals.items() if n >= CANCEL_REFUSALS},
                gone=self._gone,
                tick_size=tick_size,
            )
        )
        match action:
            case Submit():
                self._submit(action)
            case Cancel():
                order = self.cache.order(ClientOrderId(action.client_order_id))
                self.cancel_order(order, client_id=ClientId(BINANCE))
            case Settled() if bars:
                self.decided_bar[symbol_of(self._instrument.id)] = close_ms

    def _submit(self, action: Submit) -> None:
        instrument = self._instrument
        side = OrderSide.BUY if action.quantity > 0 else OrderSide.SELL
        quantity = instrument.make_qty(abs(action.quantity))
        if quantity.as_decimal() != abs(action.quantity):
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"The quantity {abs(action.quantity)} is no multiple of "
                f"{instrument.size_increment}, the step of {symbol_of(instrument.id)}; "
                f"correct {PREFIX}ORDER_QUANTITY.",
            )
        name = ClientOrderId(action.client_order_id)
        if action.trigger_price is None:
            order = self.order_factory.market(
                instrument.id,
                side,
                quantity,
                reduce_only=action.leg is Leg.EXIT,
                client_order_id=name,
            )
        else:
            order = self.order_factory.stop_market(
                instrument.id,
                side,
                quantity,
                trigger_price=instrument.make_price(action.trigger_price),
                reduce_only=True,
                client_order_id=name,
            )
        # Named, so that the engine can ask this client for an order whose answer was lost.
        self.submit_order(order, client_id=ClientId(BINANCE))

    # -- What is -------------------------------------------------------------------------------

    def _position(self) -> Decimal:
        positions = self.cache.positions_open(instrument_id=self._instrument.id)
        return sum((position.signed_decimal_qty() for position in positions), Decimal(0))

    def _own_orders(self) -> list[Order]:
        orders: list[Order] = self.cache.orders(instrument_id=self._instrument.id)
        return [order for order in orders if self._leg(order) is not None]

    def _leg(self, order: Order) -> Leg | None:
        """Return what `order` is for, or ``None`` when it is not this strategy's."""
        parts = order_ids.parse(order.client_order_id.value)
        return None if parts is None or parts.tag != self._tag else parts.leg

    def _has_ended_unheard(self, order: Order) -> bool:
        """Return whether the exchange has ended `order` and the cache has it open."""
        known = self._history.orders.get(order.client_order_id.value)
        if known is None or known.phase is not Phase.ENDED or order.is_closed:
            return False
        # A fill is on its way, or reconciliation has counted it: an order in flight stays that. A
        # stop protects no more in any case.
        return known.filled == 0 or self._leg(order) is Leg.STOP

    def _query(self, order: Order) -> None:
        """Let the engine ask for `order` and take up the answer."""
        self.query_order(order, client_id=ClientId(BINANCE))

    def _order_views(self, close_ms: int) -> dict[str, OrderView]:
        names = {name for leg in Leg for name in candidates(self._tag, close_ms, leg)}
        views = {name: view for name, view in self._history.orders.items() if name in names}
        for order in self._own_orders():
            name = order.client_order_id.value
            if self._has_ended_unheard(order) and not is_in_flight(order):
                views[name] = self._history.orders[name]
            elif name in names or not order.is_closed:
                views[name] = order_view(order)
        return views
