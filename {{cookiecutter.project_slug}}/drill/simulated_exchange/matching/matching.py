"""What happens to orders: accepted, refused, filled, triggered, amended, cancelled. No I/O.

Price rules
-----------
* The best bid and ask stand one tick under and over the last price, with unlimited quantity.
* A taker fills at the best bid or ask. A resting limit order fills at its own price, once the other
  side of the market reaches it.
* Between two points of a bar's path the price passes through every tick. A conditional order
  triggers when the price is exactly at its trigger, and what it becomes is matched at that price:
  a stop that sells fills one tick under its trigger. Where the price jumps (between the close of
  a recorded bar and the open of the next), it is matched at the price after the jump.
* Orders that the same move reaches fill and trigger in the order in which the price meets them.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from ..account import booking, margin
from ..errors import ExchangeError
from ..journal.journal import Journal
from ..journal.orders import ZERO, Fill, Order
from ..journal.state import FIRST_ID, Book, State
from ..market.symbols import rounded, text


class Matching:
    """Decide, record, and thereby change the state.

    `now` is the market time while it runs by itself. Without it, each change takes one millisecond,
    so that the same requests get the same stamps.
    """

    def __init__(
        self, state: State, journal: Journal, now: Callable[[], int] | None = None
    ) -> None:
        self._state = state
        self._journal = journal
        self._now = now

    # What clients ask for

    def place(self, order: Order) -> Order:
        """Accept a market or limit order, match it, and return it as it was accepted.

        A refusal is an `ExchangeError`; nothing has changed then. So it is with all requests.
        """
        self._check_client_id(order)
        return self._enter(self._admitted(order))

    def place_conditional(self, order: Order) -> Order:
        """Accept a conditional order; its margin and position are looked at when it triggers."""
        book = self._state.books[order.symbol]
        self._check_client_id(order)
        if not order.close_position:
            shown = order.price or order.trigger_price
            book.rules.check(order.quantity, shown, reduce_only=order.reduce_only)
        book.rules.check_price(order.trigger_price)
        if _meets(order, book, book.price):
            raise ExchangeError(-2021)
        return self._accept(order)

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> Order:
        """Change quantity and price of an open limit order.

        The amendment cancels the order when it leaves nothing to fill, and a post-only order when
        it would take. Source: "Modify Order (TRADE)" of the exchange's documentation.
        """
        book = self._state.books[order.symbol]
        book.rules.check(quantity, price, reduce_only=order.reduce_only)
        if (quantity, price) == (order.quantity, order.price):
            raise ExchangeError(-5027)
        changed = replace(order, quantity=book.rules.quantity(quantity), price=price)
        taking = _takes(changed, book)
        if quantity <= order.filled or (order.time_in_force == "GTX" and taking):
            return self.cancel(order)
        changed = self._write("amended", changed)
        return self._fill(changed, maker=False) if taking else changed

    def cancel(self, order: Order) -> Order:
        """Cancel an open order, or an open conditional order."""
        return self._close(order, "CANCELED")

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        data = {"symbol": symbol, "leverage": leverage}
        self._journal.write("leverage.changed", data, self._next_ms())

    # What faults ask for

    def set_liquidity(self, symbol: str, quantity: Decimal | None) -> None:
        """Say what the best bid and ask of a symbol hold, or let the market say it again (None)."""
        told = None if quantity is None else text(quantity)
        self._journal.write(
            "market.liquidity", {"symbol": symbol, "quantity": told}, self._next_ms()
        )

    def liquidate(self, symbol: str) -> None:
        """End the open orders of a symbol and close its position, as for want of margin."""
        for order in self._state.open_orders(symbol=symbol):
            self._close(order, "EXPIRED" if order.kind == "order" else "CANCELED")
        book = self._state.books[symbol]
        if not book.position:
            return
        order = Order(
            kind="order",
            symbol=symbol,
            side="SELL" if book.position > 0 else "BUY",
            type="MARKET",
            quantity=abs(book.position),
            client_order_id=f"autoclose-{self._state.next_order_id}",
            liquidation=True,
        )
        self._fill(self._accept(order), maker=False)

    # Prices

    def travel(
        self, symbol: str, price: Decimal, points: int, at_ms: int, *, jump: bool = False
    ) -> None:
        """Move the last price and do what it meets on the way, unless it jumps over that.

        Once it is there, so many points of the forming bar's path are passed.
        """
        book = self._state.books[symbol]
        if jump:
            self._move(book, price, points, at_ms)
        while met := self._next_met(book, price):
            order, at_price = met
            if at_price != book.price:
                self._move(book, at_price, book.points, at_ms)
            if order.kind == "conditional":
                self._trigger(order)
            else:
                self._fill(order, maker=True)
        if (book.price, book.points) != (price, points) or book.forming is None:
            self._move(book, price, points, at_ms)

    def _next_met(self, book: Book, target: Decimal) -> tuple[Order, Decimal] | None:
        """Return the order that the price meets first on its way, and the price there."""
        met: list[tuple[Decimal, str, Order, Decimal]] = []
        for order in self._state.open_orders(symbol=book.rules.name):
            if _meets(order, book, target):
                level, upwards = _level(order, book)
                at = max(level, book.price) if upwards else min(level, book.price)
                met.append((abs(at - book.price), order.exchange_order_id, order, at))
        return min(met)[2:] if met else None

    def _move(self, book: Book, price: Decimal, points: int, at_ms: int) -> None:
        data = {"symbol": book.rules.name, "price": text(price), "point": points}
        self._journal.write("market.price", data, max(self._state.market_ms, at_ms))

    # Decisions on one order

    def _check_client_id(self, order: Order) -> None:
        """Refuse a name that an open order has; that of a closed order may be used again."""
        taken = (other.client_order_id for other in self._state.open_orders(order.kind))
        if order.client_order_id and order.client_order_id in taken:
            raise ExchangeError(-4116)

    def _admitted(self, order: Order) -> Order:
        """Check an order against book, position and wallet; return it, or what can be reduced."""
        book = self._state.books[order.symbol]
        taking = _takes(order, book)
        price = book.touch(order.sign) if order.type == "MARKET" else order.price
        book.rules.check(order.quantity, price, reduce_only=order.reduce_only)
        if order.time_in_force == "GTX" and taking:
            raise ExchangeError(-5022)
        if order.time_in_force == "FOK" and not taking:
            raise ExchangeError(-5021)
        if order.reduce_only:
            closable = margin.reducible(book, order.sign)
            if not closable:
                raise ExchangeError(-2022)
            return replace(order, quantity=min(order.quantity, closable))
        needed = margin.margin_needed(book, order.sign, order.quantity, price)
        if needed > margin.available(self._state):
            raise ExchangeError(-2019)
        return order

    def _accept(self, order: Order) -> Order:
        """Give an order its ids and record it."""
        key, now = self._state.next_order_id, self._next_ms()
        accepted = replace(
            order,
            exchange_order_id=key,
            client_order_id=order.client_order_id or f"exchange_{key}",
            origin_type=order.origin_type or order.type,
            quantity=self._state.books[order.symbol].rules.quantity(order.quantity),
            created_ms=now,
        )
        return self._write("accepted", accepted, now)

    def _enter(self, order: Order) -> Order:
        """Put an admitted order into the book and match it."""
        accepted = self._accept(order)
        if _takes(accepted, self._state.books[order.symbol]):
            self._fill(accepted, maker=False)
        elif accepted.time_in_force == "IOC":
            self._close(accepted, "EXPIRED")
        return accepted

    def _fill(self, order: Order, *, maker: bool) -> Order:
        """Fill what is left of an open order: position and wallet first, then order and fill."""
        book, quantity = self._state.books[order.symbol], order.remaining
        if order.reduce_only:
            quantity = min(quantity, margin.reducible(book, order.sign))
            if not quantity:
                return self._close(order, "EXPIRED")
        price = order.price if maker else book.touch(order.sign)
        fee = booking.commission(quantity, price, maker=maker)
        after = booking.booked(book.position, book.entry_price, order.sign * quantity, price)
        position = {
            "symbol": order.symbol,
            "quantity": text(after.position),
            "entry_price": text(after.entry_price),
            "wallet": text(rounded(self._state.wallet + after.realized_pnl - fee)),
            "unrealized_pnl": text(rounded(after.position * (book.price - after.entry_price))),
        }
        self._journal.write("position.changed", position, self._next_ms())
        now = self._next_ms()
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
        if done.is_open:  # less than the order was left to reduce
            return self._close(done, "EXPIRED")
        self._finish_conditional(done)
        return done

    def _trigger(self, conditional: Order) -> None:
        """Turn a conditional order into a market or limit order, if that is admitted."""
        now = self._next_ms()
        conditional = replace(conditional, status="TRIGGERING", triggered_ms=now)
        conditional = self._write("triggered", conditional, now)
        book, quantity = self._state.books[conditional.symbol], conditional.quantity
        if conditional.close_position:
            quantity = margin.reducible(book, conditional.sign)
        order = replace(
            conditional,
            kind="order",
            type="MARKET" if conditional.type.endswith("_MARKET") else "LIMIT",
            status="NEW",
            quantity=quantity,
            reduce_only=conditional.reduce_only or conditional.close_position,
            close_position=False,
            trigger_price=ZERO,
            triggered_ms=0,
        )
        try:
            if not quantity:
                raise ExchangeError(-2022)
            order = self._admitted(order)
        except ExchangeError as refusal:
            self._close(conditional, "REJECTED", refusal.message)
            return
        became = self._state.next_order_id
        placed = replace(conditional, status="TRIGGERED", triggered_order_id=became)
        self._write("triggered", placed)
        self._enter(order)

    def _close(self, order: Order, status: str, reason: str = "") -> Order:
        """End an order without a further fill."""
        closed = self._write("closed", replace(order, status=status), reason=reason)
        self._finish_conditional(closed)
        return closed

    def _finish_conditional(self, order: Order) -> None:
        """Say of the conditional that an order came from that the order is done."""
        parent = self._state.conditional_of_order.get(order.exchange_order_id)
        if parent is not None:
            conditional = replace(self._state.orders[parent], status="FINISHED")
            self._write("closed", replace(conditional, filled=order.filled, quote=order.quote))

    def _write(self, verb: str, order: Order, now: int | None = None, reason: str = "") -> Order:
        """Record what happened to an order, stamped with the time of the change."""
        now = self._next_ms() if now is None else now
        order = replace(order, updated_ms=now)
        extra = {"reason": reason} if reason else {}
        self._journal.write(f"{order.kind}.{verb}", order.row() | extra, now)
        return order

    def _next_ms(self) -> int:
        if self._now is None:
            return self._state.market_ms + 1
        return max(self._state.market_ms, self._now())


def _takes(order: Order, book: Book) -> bool:
    """Tell whether an order would fill at once, as it stands."""
    touch = book.touch(order.sign)
    reached = order.price >= touch if order.sign > 0 else order.price <= touch
    return order.type == "MARKET" or reached


def _level(order: Order, book: Book) -> tuple[Decimal, bool]:
    """Return the price at which an order is due, and whether it is due from there upwards."""
    if order.kind == "conditional":
        return order.trigger_price, (order.side == "BUY") == order.type.startswith("STOP")
    return order.price - order.sign * book.rules.tick, order.sign < 0


def _meets(order: Order, book: Book, price: Decimal) -> bool:
    level, upwards = _level(order, book)
    return price >= level if upwards else price <= level
