"""
What a stored list of events makes of an order: the engine's own rules, without the engine.

An order whose list breaks one of them stops NautilusTrader from loading anything, or is a thing
that it would not have written.

Source: ``nautilus_trader/model/orders/base.pyx``, ``_ORDER_STATE_TABLE`` and ``apply``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import UNSET

from .codec import Codec
from .events import (
    BadEvent,
    OrderEvent,
    OrderFilled,
    OrderInitialized,
    OrderUpdated,
)

MOST_EVENTS = 10_000
"""The longest list of events that is looked at."""
MOST_QUANTITY = Decimal(10) ** 9

LEADS_TO = {
    "OrderDenied": "DENIED",
    "OrderSubmitted": "SUBMITTED",
    "OrderAccepted": "ACCEPTED",
    "OrderRejected": "REJECTED",
    "OrderCanceled": "CANCELED",
    "OrderExpired": "EXPIRED",
    "OrderTriggered": "TRIGGERED",
    "OrderPendingUpdate": "PENDING_UPDATE",
    "OrderPendingCancel": "PENDING_CANCEL",
}
REFUSED = {"OrderModifyRejected": "PENDING_UPDATE", "OrderCancelRejected": "PENDING_CANCEL"}
"""What was asked for, by the name of its refusal."""
SENT = frozenset({"OrderSubmitted", "OrderAccepted", "OrderFilled"})
"""Events that tell the engine which account an order is on."""
_FILLS = frozenset({"PARTIALLY_FILLED", "FILLED"})
_ENDS = frozenset({"CANCELED", "EXPIRED"})
_ASKED = frozenset({"PENDING_UPDATE", "PENDING_CANCEL"})
ALLOWED: dict[str, frozenset[str]] = {
    "INITIALIZED": _ENDS | {"DENIED", "SUBMITTED", "REJECTED", "ACCEPTED", "TRIGGERED"},
    "SUBMITTED": _FILLS | _ASKED | {"REJECTED", "CANCELED", "ACCEPTED"},
    "ACCEPTED": _FILLS | _ASKED | _ENDS | {"REJECTED", "TRIGGERED"},
    "CANCELED": _FILLS,
    "PENDING_UPDATE": _FILLS | _ASKED | _ENDS | {"REJECTED", "ACCEPTED", "TRIGGERED", "SUBMITTED"},
    "PENDING_CANCEL": _FILLS | _ENDS | {"REJECTED", "PENDING_CANCEL", "ACCEPTED"},
    "TRIGGERED": _FILLS | _ASKED | _ENDS | {"REJECTED"},
    "PARTIALLY_FILLED": _FILLS | _ASKED | _ENDS,
}
"""From which status the engine lets an order into which; from the others into none."""
STAYS = {("PENDING_UPDATE", "SUBMITTED"): "PENDING_UPDATE"}
"""Where a status is let in and leads to another one."""
CLOSED = frozenset({"DENIED", "REJECTED", "CANCELED", "EXPIRED", "FILLED"})
UNHEARD = frozenset({"INITIALIZED", "SUBMITTED"})
TRIGGERABLE = frozenset({"STOP_LIMIT", "LIMIT_IF_TOUCHED"})
NEEDS = {
    "LIMIT": ("price", "expire_time_ns"),
    "STOP_MARKET": ("trigger_price", "trigger_type", "expire_time_ns"),
    "STOP_LIMIT": ("price", "trigger_price", "trigger_type", "expire_time_ns"),
    "MARKET_IF_TOUCHED": ("trigger_price", "trigger_type", "expire_time_ns"),
    "LIMIT_IF_TOUCHED": ("price", "trigger_price", "trigger_type", "expire_time_ns"),
    "TRAILING_STOP_MARKET": (
        "trigger_type",
        "trailing_offset",
        "trailing_offset_type",
        "expire_time_ns",
    ),
}
"""Options without which the engine cannot make an order of a type."""


@dataclass(slots=True)
class StoredOrder:
    """
    One order as its stored events make it.

    Parameters
    ----------
    init : OrderInitialized
        How it began.
    raw : list[bytes]
        All events, as stored.
    events : list[OrderEvent]
        The same, decoded.

    """

    init: OrderInitialized
    raw: list[bytes] = field(default_factory=list)
    events: list[OrderEvent] = field(default_factory=list)
    status: str = "INITIALIZED"
    quantity: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)
    price: str | None = None
    trigger_price: str | None = None
    number: str | None = None
    account: str | None = None
    fills: list[OrderFilled] = field(default_factory=list)
    _before: str = "INITIALIZED"
    _trades: set[str] = field(default_factory=set)
    _event_ids: set[str] = field(default_factory=set)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in CLOSED

    @property
    def is_unheard(self) -> bool:
        """Whether the exchange has said nothing about it."""
        return self.status in UNHEARD

    def copy_of(self, count: int) -> "StoredOrder":
        """Return the order as its first `count` events have made it."""
        return folded(self.events[:count], self.raw[:count])

    def apply(self, event: OrderEvent, raw: bytes) -> None:
        """
        Take up one more event.

        Raises
        ------
        BadEvent
            If the engine would not, or if it belongs to another order.

        """
        # By its name and not by isinstance: this runs a hundred thousand times in a second.
        kind = event.__class__.__name__
        if event.event_id in self._event_ids:
            raise BadEvent(f"has one event twice ({kind})")
        self._check_owner(event)
        status = before = self.status
        if (leads_to := LEADS_TO.get(kind)) is not None:
            if kind == "OrderTriggered" and self.init.order_type not in TRIGGERABLE:
                raise BadEvent(f"is a {self.init.order_type} order and has triggered")
            status = self._next(leads_to, kind)
        elif kind == "OrderFilled":
            status = self._fill(event)  # type: ignore[arg-type]  # as its name says
        elif kind == "OrderUpdated":
            if status == "PENDING_UPDATE":
                status = self._next(self._before, kind)
            self._update(event)  # type: ignore[arg-type]  # likewise
        elif kind == "OrderInitialized":
            raise BadEvent("begins a second time")
        elif status == REFUSED[kind]:
            status = self._next(self._before, kind)
        if kind in SENT:
            self.account = event.account_id  # type: ignore[union-attr]  # likewise
            if kind == "OrderAccepted":
                self.number = event.venue_order_id  # type: ignore[union-attr]  # likewise
        if before not in _ASKED:
            self._before = before
        self.status = status
        self._event_ids.add(event.event_id)
        self.events.append(event)
        self.raw.append(raw)

    def _next(self, status: str, kind: str) -> str:
        if status not in ALLOWED.get(self.status, ()):
            raise BadEvent(f"has {kind} while it was {self.status}")
        return STAYS.get((self.status, status), status)

    def _check_owner(self, event: OrderEvent) -> None:
        init = self.init
        if event.client_order_id != init.client_order_id:
            raise BadEvent(f"has an event of the order {event.client_order_id}")
        if (
            event.instrument_id != init.instrument_id
            or event.strategy_id != init.strategy_id
            or event.trader_id != init.trader_id
        ):
            raise BadEvent(
                f"has an event of {event.trader_id}, {event.strategy_id}, {event.instrument_id}"
            )
        if self.number is None or event.__class__ is OrderUpdated:
            return
        number = getattr(event, "venue_order_id", None)
        if number and self.number != number:
            raise BadEvent(f"has the numbers {self.number} and {number} at once")

    def _fill(self, event: OrderFilled) -> str:
        if event.trade_id in self._trades:
            raise BadEvent(f"has the fill {event.trade_id} twice")
        if event.order_side != self.init.order_side:
            raise BadEvent(f"is a {self.init.order_side} and has a fill that is none")
        place = f"{event.instrument_id}-{event.strategy_id}"
        if event.position_id is not None and event.position_id != place:
            raise BadEvent(f"has a fill of the position {event.position_id}")
        size = Decimal(event.last_qty)
        if not size > 0:
            raise BadEvent(f"has the fill {event.trade_id} of nothing")
        filled = self.filled + size
        status = self._next(
            "PARTIALLY_FILLED" if filled < self.quantity else "FILLED", "OrderFilled"
        )
        if filled > self.quantity:
            raise BadEvent(f"has filled {filled} of {self.quantity}")
        self.filled, self.number = filled, event.venue_order_id
        self.fills.append(event)
        self._trades.add(event.trade_id)
        return status

    def _update(self, event: OrderUpdated) -> None:
        quantity = Decimal(event.quantity)
        if not 0 < quantity <= MOST_QUANTITY or quantity < self.filled:
            raise BadEvent(f"has changed its quantity to {quantity} with {self.filled} filled")
        if self.number and event.venue_order_id and self.init.order_type != "MARKET":
            self.number = event.venue_order_id
        self.quantity = quantity
        self.price = event.price or self.price
        self.trigger_price = event.trigger_price or self.trigger_price


def begun(init: OrderInitialized, raw: bytes) -> StoredOrder:
    """Return an order that has just been made; raise `BadEvent` when the engine could not."""
    options, quantity = init.options, Decimal(init.quantity)
    if not 0 < quantity <= MOST_QUANTITY:
        raise BadEvent(f"is for a quantity of {init.quantity}")
    if init.quote_quantity:
        raise BadEvent("is for a quantity of money")
    for name in NEEDS.get(init.order_type, ()):
        if getattr(options, name) is UNSET:
            raise BadEvent(f"is a {init.order_type} order without {name}")
    good_till_date = init.time_in_force == "GTD"
    if good_till_date and (init.order_type == "MARKET" or not options.expire_time_ns):
        raise BadEvent("expires at a date and has none")
    if not good_till_date and options.expire_time_ns not in (0, None, UNSET):
        raise BadEvent("has an expiry and never expires")
    if options.trigger_type == "NO_TRIGGER" and "trigger_type" in NEEDS.get(init.order_type, ()):
        raise BadEvent("is triggered by nothing")
    order = StoredOrder(init, raw=[raw], events=[init], quantity=quantity)
    order.price = options.price or None
    order.trigger_price = options.trigger_price or None
    order._event_ids.add(init.event_id)
    return order


def folded(events: Sequence[OrderEvent], raw: Sequence[bytes]) -> StoredOrder:
    """Return the order that a list of events makes; raise `BadEvent` when it makes none."""
    if not events or not isinstance(events[0], OrderInitialized):
        raise BadEvent("does not begin with OrderInitialized")
    order = begun(events[0], raw[0])
    for event, value in zip(events[1:], raw[1:], strict=True):
        order.apply(event, value)
    return order


def stored_order(name: str, trader: str, rows: Sequence[bytes], codec: Codec) -> StoredOrder:
    """Return the order that is stored under a name; raise `BadEvent` when none is."""
    if len(rows) > MOST_EVENTS:
        raise BadEvent(f"has more than {MOST_EVENTS:,} events")
    order = folded([codec.order_event(row) for row in rows], rows)
    if order.init.client_order_id != name:
        raise BadEvent(f"holds the order {order.init.client_order_id}")
    if order.init.trader_id != trader:
        raise BadEvent(f"is an order of the trader {order.init.trader_id}")
    return order


def readable_prefix(
    name: str, trader: str, rows: Iterable[bytes], codec: Codec
) -> StoredOrder | None:
    """Return the order that the first good events of a broken list make; ``None`` without any."""
    order: StoredOrder | None = None
    for row in rows:
        try:
            event = codec.order_event(row)
            if order is not None:
                order.apply(event, row)
            elif isinstance(event, OrderInitialized):
                order = begun(event, row)
                if (event.client_order_id, event.trader_id) != (name, trader):
                    return None
            else:
                return None
        except BadEvent:
            return order
    return order
