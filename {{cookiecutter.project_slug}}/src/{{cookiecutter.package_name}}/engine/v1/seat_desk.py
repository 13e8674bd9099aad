"""The desk of an event-driven strategy: what its keeper gives it, and sends for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.events import OrderDenied
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from ...plan.bars import ClosedBar
from ...plan.event_record import Deed
from .own_orders import made_again
from .strategy_desk import StrategyDesk
from .views import NS_PER_MS


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for past bars that came before the node was ready."""

    since_ms: int
    request_id: UUID4
    callback: Callable[[UUID4], None] | None


class SeatDesk(StrategyDesk):
    """
    The desk of an event-driven strategy.

    Parameters
    ----------
    seat : Any
        The strategy, an `EventDrivenStrategy`.
    instrument_id : InstrumentId
        The instrument.
    bar_type : BarType
        The bars that it decides on.

    """

    def __init__(self, seat: Any, instrument_id: InstrumentId, bar_type: BarType) -> None:
        super().__init__(seat, instrument_id)
        self._bar_type = bar_type
        self.orders: dict[str, Order] = {}
        """Those that are not sent yet, as the strategy has made them."""
        self.asked: list[Asked] = []

    def wanted_since_ms(self) -> int | None:
        """Return from when on it has asked for past bars; ``None`` when it has not."""
        return min((each.since_ms for each in self.asked), default=None)

    def give_past(self, bar: ClosedBar) -> None:
        """Give it a closed bar that nothing is decided on any more."""
        Strategy.handle_bar(self._seat, self.bar(bar), True)

    def end_of_past(self) -> None:
        """Tell it that it has been given what it has asked for, or what there is of it."""
        asked, self.asked = self.asked, []
        for each in asked:
            if each.callback is not None:
                each.callback(each.request_id)

    def give(self, bar: ClosedBar) -> None:
        """Give it the last closed bar; what it raises, this raises."""
        self.orders.clear()
        Strategy.handle_bar(self._seat, self.bar(bar), False)

    def opens(self, deed: Deed) -> bool:
        """Return whether an order of its own could make larger what is held now."""
        assert deed.order is not None
        return self.could_open(self.orders.get(deed.client_order_id) or made_again(deed.order))

    def could_open(self, order: Order) -> bool:
        """Return whether an order could make larger what is held now."""
        if order.is_reduce_only:
            return False
        held, signed = self.position(), order.signed_decimal_qty()
        is_against = held is not None and held.quantity * signed < 0
        return not (is_against and held is not None and abs(signed) <= abs(held.quantity))

    def send(self, deed: Deed) -> None:
        """Send an order of its own, or the request to cancel one."""
        name = deed.client_order_id
        if deed.order is None:
            self.cancel(name)
            return
        order = self.orders.pop(name, None) or made_again(deed.order)
        Strategy.submit_order(self._seat, order, client_id=ClientId(BINANCE))

    def deny(self, deed: Deed, reason: str) -> None:
        """Tell it that an order of its own is not sent; nobody else has heard of the order."""
        assert deed.order is not None
        order = self.orders.pop(deed.client_order_id, None) or made_again(deed.order)
        denied = OrderDenied(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            reason=reason,
            event_id=UUID4(),
            ts_init=self._seat.clock.timestamp_ns(),
        )
        order.apply(denied)
        self._seat.tell(denied)

    def bar(self, bar: ClosedBar) -> Bar:
        """Return a bar in the engine's words."""
        instrument, at_ns = self._instrument, bar.close_ms * NS_PER_MS
        prices = [instrument.make_price(p) for p in (bar.open, bar.high, bar.low, bar.close)]
        volume = instrument.make_qty(bar.volume)
        return Bar(self._bar_type, *prices, volume, ts_event=at_ns, ts_init=at_ns)
