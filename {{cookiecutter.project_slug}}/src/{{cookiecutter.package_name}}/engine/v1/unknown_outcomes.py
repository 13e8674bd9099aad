"""
Orders whose outcome nobody has told: asked for by their client order ids until it is known.

A request to place or to cancel an order may fail in a way that does not say whether the exchange
carried it out; the events of one that it has taken may be lost. Such an order stays in flight in
the engine, which keeps the plan from sending anything, and the exchange is asked. What it has done
is told in the engine's events, fills by their own numbers. Where it says twice that there is no
such order, the second time when a late request can no longer be accepted, the order never arrived:
it is forgotten, and the same decision sends it again under the same id.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order

from ...venue.binance.one_order import OneOrder, ask_for_order
from ...venue.binance.requests import FAILURES, LATE_SECONDS, ExchangeError, Requests
from ...venue.records import ExchangeRecord, OrderRecord
from ..known import KnownOrder, known_orders
from .sending import OutcomeUnknown, reason_of
from .telling import UNHEARD, tell
from .views import symbol_of

QUIET_SECONDS = 2.0
"""How long an order may be in flight with nothing heard of it before it is asked for."""
LOOK_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
LIMITED_PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 3.0
UNKNOWN_SECONDS = 6.0
"""How long an outcome may stay unknown before that is a condition."""
LIMITED = (418, 429)
CANCEL_NEVER_ARRIVED = "The request to cancel never arrived"
"""The reason of a refusal to cancel which is none."""

type Say = Callable[[str], None]


class UnknownOutcomes:
    """
    Find out what has become of orders.

    Parameters
    ----------
    client : Any
        The adapter's execution client.
    requests : Requests
        How to ask.
    never_arrived : Callable[[Order], None]
        Told of an order that has been forgotten.
    unheard : Callable[[], None]
        Told that something was learned by asking that an event should have told.
    say : Say
        Told, in a sentence, what has been unknown for too long; an empty one when nothing is.

    """

    def __init__(
        self,
        client: Any,
        requests: Requests,
        never_arrived: Callable[[Order], None],
        unheard: Callable[[], None],
        say: Say,
    ) -> None:
        self._client = client
        self._cache = client._cache
        self._requests = requests
        self._never_arrived = never_arrived
        self._unheard = unheard
        self._say = say
        self._asking: set[Order] = set()
        self._overdue: dict[Order, str] = {}
        self._seen: dict[ClientOrderId, tuple[Order, int, float]] = {}

    # -- What is noticed -----------------------------------------------------------------------

    def failed(self, order: Order | None, error: OutcomeUnknown) -> None:
        """Find out what has become of an order after a request about it has failed."""
        if order is not None and self._cache.order(order.client_order_id) is order:
            self._client._log.warning(f"The outcome of {order.client_order_id} is unknown: {error}")
            self.find_out(order)

    def find_out(self, order: Order, since: float | None = None) -> None:
        """Begin to ask for an order of which nothing is heard since then, unless that has begun."""
        if order not in self._asking:
            self._asking.add(order)
            self._client.create_task(self._find_out(order, since or time.monotonic()))

    async def keep_looking(self) -> None:
        """Ask for orders of which nothing is heard, for as long as the client is connected."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for order, since in self._quiet(time.monotonic()):
                self.find_out(order, since)

    def _waiting(self) -> list[Order]:
        """Return the orders that wait for the exchange, by all that the engine knows."""
        executing = [
            order
            for order in self._cache.orders_open()
            if order.order_type == OrderType.MARKET
            or (
                order.status == OrderStatus.PARTIALLY_FILLED and order.order_type != OrderType.LIMIT
            )
        ]
        return [*self._cache.orders_inflight(), *executing]

    def _quiet(self, now: float) -> list[tuple[Order, float]]:
        """Return the waiting orders of which nothing was heard for some time, and since when."""
        seen, quiet = {}, []
        for order in self._waiting():
            name, count, since = order.client_order_id, order.event_count, now
            before = self._seen.get(name)
            if before is not None and before[0] is order and before[1] == count:
                since = before[2]
            if now - since >= QUIET_SECONDS:
                quiet.append((order, since))
                since = now
            seen[name] = (order, count, since)
        self._seen = seen
        return quiet

    # -- All of a symbol -----------------------------------------------------------------------

    def ask_for_differing(self, standing: Iterable[OrderRecord]) -> None:
        """Find out what has become of each order that does not work at the exchange as here."""
        there = {order.client_order_id: order for order in standing}
        for order in self._cache.orders_open():
            found = there.get(order.client_order_id.value)
            if found is None or found.filled != order.filled_qty.as_decimal():
                self.find_out(order)

    def ask_for_waiting(self) -> None:
        """Find out at once what has become of each order that waits for the exchange."""
        for order in self._waiting():
            self.find_out(order)

    # -- One order -----------------------------------------------------------------------------

    async def _find_out(self, order: Order, since: float) -> None:
        denials, pause = 0, FIRST_PAUSE_SECONDS
        try:
            while not order.is_closed:
                await asyncio.sleep(pause)
                asked = time.monotonic()
                is_late = asked - since >= LATE_SECONDS
                why, pause = "the exchange says that there is no such order", _longer(pause)
                try:
                    found = await self._ask(order)
                except FAILURES as error:
                    why = f"the exchange does not say ({reason_of(error)})"
                    if isinstance(error, ExchangeError) and error.status in LIMITED:
                        pause = LIMITED_PAUSE_SECONDS
                else:
                    denials += found is None
                    if found is not None:
                        why = "what the exchange says of it does not fit together yet"
                        if self._is_told(order, found, is_late=is_late):
                            return
                    elif is_late and denials > 1 and self._is_gone(order):
                        return
                if time.monotonic() - since > UNKNOWN_SECONDS:
                    self._overdue[order] = why
                    self._tell_overdue()
        finally:
            self._asking.discard(order)
            if self._overdue.pop(order, None) is not None:
                self._tell_overdue()

    def _is_told(self, order: Order, found: OneOrder, *, is_late: bool) -> bool:
        """Take up an answer; return whether nothing is left to ask."""
        name = order.client_order_id.value
        record = ExchangeRecord(0, orders=found.orders, trades=found.trades)
        known = known_orders(record, symbol_of(order.instrument_id)).get(name)
        if known is None or not found.is_whole:
            return False
        if tell(self._client, order, known):
            self._client._log.warning(f"What has become of {name} was learned by asking for it.")
            self._unheard()
            if known.trades:
                self._client.create_task(self._client._update_account_state())
        return order.status != OrderStatus.PENDING_CANCEL or self._is_cancel_over(
            order, known, is_late=is_late
        )

    def _is_cancel_over(self, order: Order, known: KnownOrder, *, is_late: bool) -> bool:
        if known.is_open and is_late:
            self._client.generate_order_cancel_rejected(
                order.strategy_id,
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                f"{CANCEL_NEVER_ARRIVED}; the order works.",
                self._client._clock.timestamp_ns(),
            )
        return is_late or not known.is_open

    def _is_gone(self, order: Order) -> bool:
        """Take up that there is no such order; return whether that can be."""
        if order.status in UNHEARD:
            # The exchange has never known it: its id is free, and the same decision sends it again.
            self._client._log.warning(f"{order.client_order_id} never arrived: forgotten")
            self._cache.purge_order(order.client_order_id, purge_from_database=True)
            self._never_arrived(order)
            return True
        if order.order_type == OrderType.MARKET:
            return False  # the exchange has taken it, and must know what became of it
        # It has worked, and works no more; the exchange forgets one that had no fill.
        self._client.generate_order_canceled(
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            order.venue_order_id,
            self._client._clock.timestamp_ns(),
        )
        return True

    async def _ask(self, order: Order) -> OneOrder | None:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await ask_for_order(
                self._requests,
                symbol_of(order.instrument_id),
                order.client_order_id.value,
                is_conditional=_is_conditional(order),
            )

    def _tell_overdue(self) -> None:
        self._say(
            " ".join(
                f"What has become of order {order.client_order_id} is unknown: {why}."
                for order, why in self._overdue.items()
            )
        )


def is_unheard(reason: str) -> bool:
    """Return whether a refusal to cancel is none: the request never arrived."""
    return reason.startswith(CANCEL_NEVER_ARRIVED)


def _longer(pause: float) -> float:
    return min(2 * pause, LONGEST_PAUSE_SECONDS)


def _is_conditional(order: Order) -> bool:
    return bool(order.has_trigger_price)
