"""One symbol at this engine, through one of its strategies: what a keeper asks and orders."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.core.message import Event
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from ...plan.bars import BarLength
from ...plan.rows import OrderRow, PositionRow
from ...plan.situation import Submit
from ..order_changes import ChangeKind, OrderChange
from .unknown_outcomes import is_unheard
from .views import milliseconds, order_row, position_row

WOULD_TRADE = "-5022"
"""How the exchange refuses a post-only order that would trade at once, where it does not take and
end it (USD-M Futures, Error Codes)."""
UNITS = {"m": "MINUTE", "h": "HOUR", "d": "DAY"}


class StrategyDesk:
    """
    A keeper's desk in this engine.

    Parameters
    ----------
    seat : Strategy
        The strategy that owns what is sent here.
    instrument_id : InstrumentId
        The instrument.

    """

    def __init__(self, seat: Strategy, instrument_id: InstrumentId) -> None:
        self._seat = seat
        self._instrument_id = instrument_id
        self._background: set[asyncio.Task[None]] = set()

    @property
    def _instrument(self) -> Any:
        return self._seat.cache.instrument(self._instrument_id)

    @property
    def tick_size(self) -> Decimal:
        """The smallest price step."""
        return Decimal(self._instrument.price_increment.as_decimal())

    @property
    def lot(self) -> Decimal:
        """The smallest step of a quantity, in coins."""
        return Decimal(self._instrument.size_increment.as_decimal())

    def position(self) -> PositionRow | None:
        """Return what is held; ``None`` when nothing is."""
        found = self._seat.cache.positions_open(instrument_id=self._instrument_id)
        rows = [position_row(each) for each in found]
        # The exchange has one a symbol; where the engine has split it, the sum is what is held.
        quantity = sum((row.quantity for row in rows), Decimal(0))
        return replace(rows[0], quantity=quantity) if quantity else None

    def equity(self) -> Decimal | None:
        """Return what the wallet holds in the currency of settlement; ``None`` if not told yet."""
        account = self._seat.cache.account_for_venue(self._instrument_id.venue)
        total = account.balance_total(self._instrument.settlement_currency) if account else None
        return None if total is None else Decimal(total.as_decimal())

    def unfinished(self) -> list[OrderRow]:
        """Return every order of the symbol that is not closed, whoever's it is."""
        cache, own = self._seat.cache, self._instrument_id
        # Whoever asks the cache for those of one instrument lets it go through all of the past.
        names = cache.client_order_ids() - cache.client_order_ids_closed()
        orders = [cache.order(name) for name in sorted(names, key=lambda each: each.value)]
        return [
            order_row(order)
            for order in orders
            if order is not None and order.instrument_id == own and not order.is_closed
        ]

    def order(self, client_order_id: str) -> OrderRow | None:
        """Return an order of the symbol, closed ones included; ``None`` when there is none."""
        order = self._order(client_order_id)
        return None if order is None else order_row(order)

    def submit(self, order: Submit) -> None:
        """Send an order."""
        # Named, so that the engine can ask this client for an order whose answer was lost.
        Strategy.submit_order(self._seat, self._made(order), client_id=ClientId(BINANCE))

    def cancel(self, client_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        order = self._order(client_order_id)
        Strategy.cancel_order(self._seat, order, client_id=ClientId(BINANCE))

    def query(self, client_order_id: str) -> None:
        """Let the engine ask the exchange for an order, and take up the answer."""
        self._seat.query_order(self._order(client_order_id), client_id=ClientId(BINANCE))

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` after what is going on."""
        asyncio.get_running_loop().call_soon(work)

    def background(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work`; between its awaits it may use the desk."""
        task = asyncio.get_running_loop().create_task(work())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def warn(self, line: str) -> None:
        """Write a warning to the engine's log."""
        self._seat.log.warning(line)

    def change(self, event: Event) -> OrderChange:
        """Return what has happened to an order, in a keeper's words."""
        kind, reason = ChangeKind.OTHER, ""
        if isinstance(event, OrderFilled):
            kind = ChangeKind.FILLED
        elif isinstance(event, OrderCancelRejected) and not is_unheard(event.reason):
            kind, reason = ChangeKind.CANCEL_REFUSED, event.reason
        elif isinstance(event, OrderRejected | OrderDenied):
            kind, reason = ChangeKind.REFUSED, event.reason
        elif isinstance(event, OrderExpired) and self._is_post_only(event.client_order_id):
            kind, reason = ChangeKind.REFUSED, f"{WOULD_TRADE} It has expired"
        elif isinstance(event, OrderAccepted):
            kind = ChangeKind.TAKEN
        name, at_ms = event.client_order_id.value, milliseconds(event.ts_event)
        return OrderChange(name, kind, at_ms, reason)

    # -- In the engine's words -----------------------------------------------------------------

    def _is_post_only(self, client_order_id: ClientOrderId) -> bool:
        order = self._seat.cache.order(client_order_id)
        return order is not None and order.is_post_only

    def _order(self, client_order_id: str) -> Order | None:
        order = self._seat.cache.order(ClientOrderId(client_order_id))
        if order is None or order.instrument_id != self._instrument_id:
            return None
        return order

    def _made(self, order: Submit) -> Order:
        # The engine's own factory, also where a strategy has another one.
        instrument, factory = self._instrument, Strategy.order_factory.__get__(self._seat)
        side = OrderSide.BUY if order.quantity > 0 else OrderSide.SELL
        quantity = instrument.make_qty(abs(order.quantity))
        common = {
            "reduce_only": order.reduce_only,
            "client_order_id": ClientOrderId(order.client_order_id),
        }
        if order.trigger_price is not None:
            trigger = instrument.make_price(order.trigger_price)
            return factory.stop_market(
                instrument.id, side, quantity, trigger_price=trigger, **common
            )
        if order.price is not None:
            price = instrument.make_price(order.price)
            return factory.limit(
                instrument.id, side, quantity, price=price, post_only=order.post_only, **common
            )
        return factory.market(instrument.id, side, quantity, **common)


def bar_type_of(instrument_id: InstrumentId, length: BarLength) -> BarType:
    """Return the engine's name for the exchange's bars of a length."""
    return BarType.from_str(f"{instrument_id}-{length.units}-{UNITS[length.unit]}-LAST-EXTERNAL")
