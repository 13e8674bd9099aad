"""What is done to an order: accepted, filled, ended; every step is a record. No decisions."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from enum import IntEnum

from ..account import booking, margin
from ..journal.journal import Journal
from ..journal.orders import Fill, Order
from ..journal.state import FIRST_ID, State
from ..market.symbols import rounded, text
from .liquidity import reaching, takeable


class Expiry(IntEnum):
    """Why an order ended by itself: the exchange's numbers for the expiry reason (``er``)."""

    NONE = 0
    IMMEDIATE_REST = 2
    NOTHING_TO_REDUCE = 4
    LIQUIDATION = 5
    MARKET_REST = 9


class Execution:
    """Record what happens to orders, and thereby change the state.

    `now` is the market time while it runs by itself. Without it, each change takes one millisecond,
    so that the same requests get the same stamps.
    """

    def __init__(
        self, state: State, journal: Journal, now: Callable[[], int] | None = None
    ) -> None:
        self._state = state
        self._journal = journal
        self._now = now

    def next_ms(self) -> int:
        """Return the stamp of the next change."""
        if self._now is None:
            return self._state.market_ms + 1
        return max(self._state.market_ms, self._now())

    def accept(self, order: Order) -> Order:
        """Give an order its ids and record it."""
        key, now = self._state.next_order_id, self.next_ms()
        accepted = replace(
            order,
            exchange_order_id=key,
            client_order_id=order.client_order_id or f"exchange_{key}",
            origin_type=order.origin_type or order.type,
            quantity=self._state.books[order.symbol].rules.quantity(order.quantity),
            created_ms=now,
            queued_ms=now,
        )
        return self.write("accepted", accepted, now)

    def match(self, order: Order) -> Order:
        """Let an order take what it can, level by level, and end what may not rest in the book."""
        for price, quantity in takeable(self._state.books[order.symbol], order):
            order = self._fill(order, price, quantity, maker=False)
        if order.is_open and order.type == "MARKET":
            return self.close(order, "EXPIRED", expiry=Expiry.MARKET_REST)
        if order.is_open and order.time_in_force in ("IOC", "FOK"):
            return self.close(order, "EXPIRED", expiry=Expiry.IMMEDIATE_REST)
        return order

    def meet(self, order: Order) -> Order:
        """Fill a resting order that the price has reached, as far as it is reached."""
        quantity = reaching(self._state.books[order.symbol], order)
        return self._fill(order, order.price, quantity, maker=True)

    def close(
        self, order: Order, status: str, *, reason: str = "", expiry: Expiry = Expiry.NONE,
        at_ms: int = 0,
    ) -> Order:  # fmt: skip
        """End an order without a further fill; `at_ms` is the earliest stamp."""
        now = max(at_ms, self.next_ms())
        closed = self.write("closed", replace(order, status=status), now, reason, expiry)
        self._finish_conditional(closed)
        return closed

    def write(
        self, verb: str, order: Order, now: int | None = None, reason: str = "",
        expiry: Expiry = Expiry.NONE,
    ) -> Order:  # fmt: skip
        """Record what happened to an order, stamped with the time of the change."""
        now = self.next_ms() if now is None else now
        order = replace(order, updated_ms=now)
        extra: dict[str, object] = {"reason": reason} if reason else {}
        if expiry:
            extra["expiry"] = int(expiry)
        self._journal.write(f"{order.kind}.{verb}", order.row() | extra, now)
        return order

    def _fill(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool) -> Order:
        """Fill a part of an open order: position and wallet first, then order and fill."""
        book = self._state.books[order.symbol]
        if order.reduce_only:
            quantity = min(quantity, margin.reducible(book, order.sign))
        quantity = book.rules.quantity(quantity)
        fee = booking.commission(quantity, price, maker=maker)
        after = booking.booked(book.position, book.entry_price, order.sign * quantity, price)
        position = {
            "symbol": order.symbol,
            "quantity": text(after.position),
            "entry_price": text(after.entry_price),
            "wallet": text(rounded(self._state.wallet + after.realized_pnl - fee)),
            "unrealized_pnl": text(rounded(after.position * (book.price - after.entry_price))),
        }
        now = self.next_ms()  # one change: both events of a fill have its stamp
        self._journal.write("position.changed", position, now)
        fill = Fill(
            trade_id=str(FIRST_ID + len(self._state.fills)), market_ms=now, symbol=order.symbol,
            exchange_order_id=order.exchange_order_id, client_order_id=order.client_order_id,
            side=order.side, quantity=quantity, price=price, maker=maker, commission=fee,
            realized_pnl=after.realized_pnl, position_after=after.position,
        )  # fmt: skip
        status = "FILLED" if quantity == order.remaining else "PARTIALLY_FILLED"
        filled, quote = order.filled + quantity, order.quote + quantity * price
        done = replace(order, filled=filled, quote=quote, status=status, updated_ms=now)
        self._journal.write("order.filled", done.row() | {"fill": fill.row()}, now)
        if not done.is_open:
            self._finish_conditional(done)
        self._knock_out(order.symbol)
        return self._state.orders[done.exchange_order_id]

    def _knock_out(self, symbol: str) -> None:
        """End the reduce-only orders for which no position is left."""
        book = self._state.books[symbol]
        for order in self._state.open_orders("order", symbol):
            if order.reduce_only and not margin.reducible(book, order.sign):
                self.close(order, "EXPIRED", expiry=Expiry.NOTHING_TO_REDUCE)

    def _finish_conditional(self, order: Order) -> None:
        """Say of the conditional that an order came from that the order is done."""
        parent = self._state.conditional_of_order.get(order.exchange_order_id)
        if parent is not None:
            conditional = replace(self._state.orders[parent], status="FINISHED")
            self.write("closed", replace(conditional, filled=order.filled, quote=order.quote))
