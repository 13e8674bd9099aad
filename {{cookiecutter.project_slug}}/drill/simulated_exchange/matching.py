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
from dataclasses import dataclass, replace
from decimal import Decimal

from . import account
from .errors import ExchangeError
from .journal import Journal
from .orders import Fill, Order
from .state import Book, State
from .symbols import rounded, text


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for; the trigger makes it a conditional order."""

    symbol: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal = Decimal(0)
    trigger_price: Decimal = Decimal(0)
    time_in_force: str = "GTC"
    working_type: str = "CONTRACT_PRICE"
    reduce_only: bool = False
    close_position: bool = False
    client_order_id: str = ""


class Matching:
    """Decide, record, and thereby change the state.

    Parameters
    ----------
    state : State
        Read here, written by the journal.
    journal : Journal
        Where decisions go.
    now : Callable[[], int], optional
        The market time while it runs by itself. Without it, each change takes one millisecond, so
        that the same requests get the same stamps.
    """

    def __init__(
        self, state: State, journal: Journal, now: Callable[[], int] | None = None
    ) -> None:
        self._state = state
        self._journal = journal
        self._now = now

    # Orders

    def place(self, request: OrderRequest) -> Order:
        """Accept a market or limit order and match it.

        Returns
        -------
        Order
            The order as it was accepted; `State.orders` has what became of it.

        Raises
        ------
        ExchangeError
            When the exchange refuses it; nothing has changed then.
        """
        book = self._state.books[request.symbol]
        self._check_client_id("order", request.client_order_id)
        return self._enter(self._admit(request, book), book, request.type)

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> Order:
        """Change quantity and price of an open limit order.

        The amendment cancels the order when it leaves nothing to fill, and a post-only order when
        it would take. Source: "Modify Order (TRADE)" of the exchange's documentation.
        """
        book = self._state.books[order.symbol]
        self._check_filters(book, quantity, price, order.reduce_only)
        if (quantity, price) == (order.quantity, order.price):
            raise ExchangeError(-5027)
        taking = _marketable(book, order.sign, price)
        if quantity <= order.filled or (order.time_in_force == "GTX" and taking):
            return self.cancel(order)
        changed = replace(order, quantity=book.rules.quantity(quantity), price=price)
        changed = self._write_order("amended", changed)
        return self._fill(changed, changed.remaining, book, maker=False) if taking else changed

    def cancel(self, order: Order) -> Order:
        """Cancel an open order, or an open conditional order."""
        return self._close(order, "CANCELED")

    def place_conditional(self, request: OrderRequest) -> Order:
        """Accept a conditional order; its margin and position are looked at when it triggers."""
        book = self._state.books[request.symbol]
        self._check_client_id("conditional", request.client_order_id)
        if not request.close_position:
            shown = request.price or request.trigger_price
            self._check_filters(book, request.quantity, shown, request.reduce_only)
        self._check_price(book, request.trigger_price)
        order = self._draft("conditional", request, request.type)
        if _is_due(order, book):
            raise ExchangeError(-2021)
        return self._write_order("accepted", order)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        data = {"symbol": symbol, "leverage": leverage}
        self._journal.write("leverage.changed", data, self._next_ms())

    # Prices

    def travel(
        self, symbol: str, price: Decimal, point: int, at_ms: int, *, jump: bool = False
    ) -> None:
        """Move the last price and do what it meets on the way.

        Parameters
        ----------
        symbol : str
            Whose price moves.
        price : Decimal
            Where it goes.
        point : int
            How many points of the forming bar's path are passed once it is there.
        at_ms : int
            The market time of the move.
        jump : bool, default False
            Whether it skips the prices in between.
        """
        book = self._state.books[symbol]
        if jump:
            self._move(book, price, point, at_ms)
        while hit := self._next_met(book, price):
            order, level = hit
            if level != book.price:
                self._move(book, level, book.points, at_ms)
            if order.kind == "conditional":
                self._trigger(order, book)
            else:
                self._fill(order, order.remaining, book, maker=True)
        if (book.price, book.points) != (price, point) or book.forming is None:
            self._move(book, price, point, at_ms)

    def _next_met(self, book: Book, target: Decimal) -> tuple[Order, Decimal] | None:
        """Return the order that the price meets first on its way, and the price there."""
        met: list[tuple[Decimal, str, Order, Decimal]] = []
        for key in self._state.open_ids:
            order = self._state.orders[key]
            if order.symbol != book.rules.name:
                continue
            level, upwards = _level(order, book)
            if (target >= level) if upwards else (target <= level):
                at = max(level, book.price) if upwards else min(level, book.price)
                met.append((abs(at - book.price), order.exchange_order_id, order, at))
        if not met:
            return None
        _, _, order, at = min(met)
        return order, at

    def _move(self, book: Book, price: Decimal, point: int, at_ms: int) -> None:
        data = {"symbol": book.rules.name, "price": text(price), "point": point}
        self._journal.write("market.price", data, max(self._state.market_ms, at_ms))

    # Decisions on one order

    def _admit(self, request: OrderRequest, book: Book) -> OrderRequest:
        """Check a request against book, position and wallet, or refuse it."""
        sign = 1 if request.side == "BUY" else -1
        taking = request.type == "MARKET" or _marketable(book, sign, request.price)
        touch = book.ask if sign > 0 else book.bid
        price = touch if request.type == "MARKET" else request.price
        self._check_filters(book, request.quantity, price, request.reduce_only)
        if request.time_in_force == "GTX" and taking:
            raise ExchangeError(-5022)
        if request.time_in_force == "FOK" and not taking:
            raise ExchangeError(-5021)
        if request.reduce_only:
            closable = account.reducible(book, sign)
            if not closable:
                raise ExchangeError(-2022)
            return replace(request, quantity=min(request.quantity, closable))
        needed = account.margin_needed(book, sign, request.quantity, price)
        if needed > account.available(self._state):
            raise ExchangeError(-2019)
        return request

    def _enter(self, request: OrderRequest, book: Book, origin_type: str) -> Order:
        """Put an admitted order into the book and match it."""
        accepted = self._write_order("accepted", self._draft("order", request, origin_type))
        if accepted.type == "MARKET" or _marketable(book, accepted.sign, accepted.price):
            self._fill(accepted, accepted.remaining, book, maker=False)
        elif accepted.time_in_force == "IOC":
            self._close(accepted, "EXPIRED")
        return accepted

    def _fill(self, order: Order, quantity: Decimal, book: Book, *, maker: bool) -> Order:
        """Fill a quantity of an open order: position and wallet first, then order and fill."""
        if order.reduce_only:
            quantity = min(quantity, account.reducible(book, order.sign))
            if not quantity:
                return self._close(order, "EXPIRED")
        touch = book.ask if order.sign > 0 else book.bid
        price = order.price if maker else touch
        fee = account.commission(quantity, price, maker=maker)
        after = account.booked(book.position, book.entry_price, order.sign * quantity, price)
        wallet = rounded(self._state.wallet + after.realized_pnl - fee)
        open_pnl = after.position * (book.price - after.entry_price)
        position = {
            "symbol": order.symbol,
            "quantity": text(after.position),
            "entry_price": text(after.entry_price),
            "wallet": text(wallet),
            "unrealized_pnl": text(rounded(open_pnl)),
        }
        self._journal.write("position.changed", position, self._next_ms())
        now = self._next_ms()
        fill = Fill(
            trade_id=self._state.next_trade_id,
            exchange_order_id=order.exchange_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            commission=fee,
            realized_pnl=after.realized_pnl,
            maker=maker,
            market_ms=now,
            position_after=after.position,
        )
        filled = order.filled + quantity
        status = "FILLED" if filled == order.quantity else "PARTIALLY_FILLED"
        quote = order.quote + quantity * price
        done = replace(order, filled=filled, quote=quote, status=status, updated_ms=now)
        self._journal.write("order.filled", done.row() | {"fill": fill.row()}, now)
        if not done.is_open:
            self._finish_conditional(done)
        elif order.reduce_only:
            return self._close(done, "EXPIRED")
        return done

    def _trigger(self, conditional: Order, book: Book) -> None:
        """Turn a conditional order into a market or limit order, if that is admitted."""
        now = self._next_ms()
        conditional = replace(conditional, triggered_ms=now, status="TRIGGERING")
        conditional = self._write_order("triggered", conditional, now)
        quantity = conditional.quantity
        if conditional.close_position:
            quantity = account.reducible(book, conditional.sign)
        request = OrderRequest(
            symbol=conditional.symbol,
            side=conditional.side,
            type="MARKET" if conditional.type.endswith("_MARKET") else "LIMIT",
            quantity=quantity,
            price=conditional.price,
            time_in_force=conditional.time_in_force,
            working_type=conditional.working_type,
            reduce_only=conditional.reduce_only or conditional.close_position,
            client_order_id=conditional.client_order_id,
        )
        try:
            if not quantity:
                raise ExchangeError(-2022)
            request = self._admit(request, book)
        except ExchangeError as refusal:
            self._close(conditional, "REJECTED", refusal.message)
            return
        became = self._state.next_order_id
        placed = replace(conditional, status="TRIGGERED", triggered_order_id=became)
        self._write_order("triggered", placed)
        self._enter(request, book, conditional.type)

    def _close(self, order: Order, status: str, reason: str = "") -> Order:
        """End an order without a further fill."""
        closed = self._write_order("closed", replace(order, status=status), reason=reason)
        self._finish_conditional(closed)
        return closed

    def _finish_conditional(self, order: Order) -> None:
        """Say of the conditional that an order came from that the order is done."""
        parent = self._state.conditional_of_order.get(order.exchange_order_id)
        if parent is None:
            return
        conditional = self._state.orders[parent]
        finished = replace(conditional, status="FINISHED", filled=order.filled, quote=order.quote)
        self._write_order("closed", finished)

    def _draft(self, kind: str, request: OrderRequest, origin_type: str) -> Order:
        """Make the order that a request asks for, as it is accepted now."""
        key = self._state.next_order_id
        now = self._next_ms()
        return Order(
            kind="conditional" if kind == "conditional" else "order",
            exchange_order_id=key,
            client_order_id=request.client_order_id or f"exchange_{key}",
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            origin_type=origin_type,
            time_in_force=request.time_in_force,
            quantity=self._state.books[request.symbol].rules.quantity(request.quantity),
            price=request.price,
            trigger_price=request.trigger_price,
            working_type=request.working_type,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            created_ms=now,
            updated_ms=now,
        )

    def _write_order(
        self, verb: str, order: Order, now: int | None = None, reason: str = ""
    ) -> Order:
        """Record what happened to an order, stamped with the time of the change."""
        now = order.created_ms if verb == "accepted" else now or self._next_ms()
        order = replace(order, updated_ms=now)
        extra = {"reason": reason} if reason else {}
        self._journal.write(f"{order.kind}.{verb}", order.row() | extra, now)
        return order

    def _next_ms(self) -> int:
        if self._now is None:
            return self._state.market_ms + 1
        return max(self._state.market_ms, self._now())

    # Filters

    def _check_client_id(self, kind: str, client_order_id: str) -> None:
        """Refuse a name that an open order has; that of a closed order may be used again."""
        same = (o.client_order_id for o in map(self._state.orders.get, self._state.open_ids)
                if o is not None and o.kind == kind)  # fmt: skip
        if client_order_id and client_order_id in same:
            raise ExchangeError(-4116)

    def _check_filters(
        self, book: Book, quantity: Decimal, price: Decimal, reduce_only: bool
    ) -> None:
        """Check quantity, price and notional against the symbol's rules."""
        rules = book.rules
        if quantity <= 0:
            raise ExchangeError(-4003)
        if quantity > rules.max_quantity:
            raise ExchangeError(-4005)
        _check_grid(quantity, rules.step, rules.quantity_places, -4023)
        self._check_price(book, price)
        if not reduce_only and quantity * price < rules.min_notional:
            needed = text(rules.min_notional)
            msg = (
                f"Order's notional must be no smaller than {needed} "
                "(unless you choose reduce only)."
            )
            raise ExchangeError(-4164, msg)

    def _check_price(self, book: Book, price: Decimal) -> None:
        if price <= 0:
            raise ExchangeError(-4001)
        _check_grid(price, book.rules.tick, book.rules.price_places, -4014)


def _check_grid(value: Decimal, step: Decimal, places: int, code: int) -> None:
    """Refuse a number with too many decimals, or one between two steps."""
    if -int(value.normalize().as_tuple().exponent) > places:
        raise ExchangeError(-1111)
    if value % step:
        raise ExchangeError(code)


def _marketable(book: Book, sign: int, price: Decimal) -> bool:
    """Tell whether a limit order at a price would take at once."""
    return price >= book.ask if sign > 0 else price <= book.bid


def _level(order: Order, book: Book) -> tuple[Decimal, bool]:
    """Return the last price at which an order is due, and whether it is due from there upwards."""
    if order.kind == "conditional":
        return order.trigger_price, order.triggers_upwards
    return order.price - order.sign * book.rules.tick, order.sign < 0


def _is_due(order: Order, book: Book) -> bool:
    level, upwards = _level(order, book)
    return book.price >= level if upwards else book.price <= level
