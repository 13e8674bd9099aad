"""What happens to orders: accepted, refused, filled, triggered, amended, cancelled. No I/O.

Price rules
-----------
* The best bid and ask stand one tick under and over the last price; `liquidity` says what they and
  the levels behind them hold. Orders of ours never meet each other.
* A taker walks the levels up to its limit, with a fill for each: a market order up to 5 % away. The
  rest of a market or IOC order expires; a FOK order that would leave a rest is refused.
* A resting limit order fills at its own price once the other side of the market reaches it: as much
  as that level holds, and the rest when the market goes a tick further. Orders of ours at one price
  share what there is by age; an amended order queues up anew.
* Between two points of a bar's path the price passes through every tick. A conditional order
  triggers when the price is exactly at its trigger, and what it becomes is matched at that price:
  a stop that sells fills one tick under its trigger. Where the price jumps (between the close of
  a recorded bar and the open of the next), it is matched at the price after the jump.
* Orders that the same move reaches fill and trigger in the order in which the price meets them.

Positions
---------
* A reduce-only order ends as soon as filling it would open a position (expiry reason 4): when none
  is left, or it has turned. One that is merely larger than the position stays, fills as far as
  there is one, and ends with it. Documented is the reason, not the moment: this is our reading.
* When a moving price takes the margin balance down to the maintenance margin, all open orders end
  (expiry reason 5) and the exchange closes all positions whole, at the best price, with market
  orders of its own named ``autoclose-…``; they pay the taker's commission, no clearance fee. The
  insurance fund pays what the wallet then lacks. The real exchange may close a part first.
* Nobody here is deleveraged by himself: there is one account. When a drill orders it, the exchange
  takes its part of the position by a market order of its own named ``adl_autoclose``, at the best
  price, and leaves open orders alone. The real one takes it at the other side's bankruptcy price.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures, "New Order", "Modify
Order", "New Algo Order" and "Event: Order Update" with its expiry reasons.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from ..account import margin
from ..errors import ExchangeError
from ..journal.journal import Journal
from ..journal.orders import ZERO, Order
from ..journal.payments import FundingFee, FundingRate
from ..journal.state import FIRST_ID, Book, State
from ..market.symbols import rounded, text
from . import admission
from .execution import Execution, Expiry
from .meeting import next_meeting

LIQUIDATED, DELEVERAGED = "autoclose-", "adl_autoclose"
"""What the exchange names its own orders: the beginning for liquidations, all of it for the other.

Source: "Event: Order Update", "Liquidation and ADL".
"""


class Matching:
    """Decide, record, and thereby change the state; `now` is the time of a market that runs."""

    def __init__(
        self, state: State, journal: Journal, now: Callable[[], int] | None = None
    ) -> None:
        self._state = state
        self._journal = journal
        self._execution = Execution(state, journal, now)

    # What clients ask for

    def place(self, order: Order) -> Order:
        """Accept a market or limit order, match it, and return it as it was accepted.

        A refusal is an `ExchangeError`; nothing has changed then. So it is with all requests.
        """
        admission.check_new(self._state, order)
        admission.check_filters(self._state.books[order.symbol], order)
        return self._enter(admission.admitted(self._state, order))

    def place_conditional(self, order: Order) -> Order:
        """Accept a conditional order; its margin and position are looked at when it triggers."""
        book = self._state.books[order.symbol]
        admission.check_new(self._state, order)
        admission.check_filters(book, order)
        admission.check_status(book, order)
        admission.check_trigger(book, order)
        return self._execution.accept(order)

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> Order:
        """Change quantity and price of an open limit order, which may end it."""
        changed = admission.amended(self._state, order, quantity, price)
        if changed is None:
            return self.cancel(order)
        now = self._execution.next_ms()
        changed = replace(changed, amendments=order.amendments + 1, queued_ms=now)
        return self._execution.match(self._execution.write("amended", changed, now))

    def cancel(self, order: Order) -> Order:
        """Cancel an open order, or an open conditional order."""
        return self._execution.close(order, "CANCELED")

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol, unless the account could not bear it."""
        more = margin.leverage_margin(self._state, symbol, leverage)
        if more > 0 and more > margin.available(self._state):
            raise ExchangeError(-2028)
        data = {"symbol": symbol, "leverage": leverage}
        self._journal.write("leverage.changed", data, self._execution.next_ms())

    # What faults ask for

    def set_liquidity(self, symbol: str, quantity: Decimal | None) -> None:
        """Say what the best bid and ask of a symbol hold, or let the market say it again (None).

        A ValueError says that the quantity is no quantity of this symbol.
        """
        step = self._state.books[symbol].rules.step
        if quantity is not None and (quantity <= 0 or quantity % step):
            raise ValueError(f"Liquidity of {symbol} comes in steps of {step}: give some of them.")
        told = {"symbol": symbol, "quantity": None if quantity is None else text(quantity)}
        self._journal.write("market.liquidity", told, self._execution.next_ms())

    def set_status(self, symbol: str, status: str) -> None:
        """Say whether a symbol trades; open orders stay, and what is held stays."""
        told = {"symbol": symbol, "status": status}
        self._journal.write("market.status", told, self._execution.next_ms())

    def set_mark(self, symbol: str, price: Decimal | None) -> None:
        """Say where the mark price of a symbol stands, or let it be the last price again (None)."""
        rules = self._state.books[symbol].rules
        told = {"symbol": symbol, "price": None if price is None else text(rules.price(price))}
        self._journal.write("market.mark", told, self._execution.next_ms())

    def fund(self, symbol: str, rate: Decimal, at_ms: int = 0) -> None:
        """Let a funding be due, and this account pay or get its part of it.

        At a positive rate who has bought pays who has sold.
        """
        book, now = self._state.books[symbol], max(at_ms, self._execution.next_ms())
        due = FundingRate(symbol=symbol, rate=rate, price=book.mark_price, market_ms=now)
        self._journal.write("market.funding", due.row(), now)
        amount = rounded(-book.position * book.mark_price * rate)
        if amount:
            fee = FundingFee(
                payment_id=str(FIRST_ID + len(self._state.funding_fees)), symbol=symbol,
                quantity=book.position, rate=rate, price=book.mark_price, amount=amount,
                market_ms=now,
            )  # fmt: skip
            wallet = text(rounded(self._state.wallet + amount))
            self._journal.write("wallet.funded", fee.row() | {"wallet": wallet}, now)

    def liquidate(self, symbol: str) -> None:
        """End the open orders of a symbol and close its position, as for want of margin."""
        self._liquidate([self._state.books[symbol]])

    def deleverage(self, symbol: str, quantity: Decimal) -> None:
        """Take so much of a position, as the counterparty of one that was liquidated.

        Open orders stay. A ValueError says that the quantity is no quantity of this symbol.
        """
        book = self._state.books[symbol]
        if quantity % book.rules.step:
            raise ValueError(f"{symbol} trades in steps of {book.rules.step}: give some of them.")
        self._close(book, quantity, DELEVERAGED)

    # Time and prices

    def expire(self, at_ms: int) -> None:
        """End the orders that were good till a date, when the market is to reach a time."""
        due = [o for o in self._state.open_orders() if o.expires_ms and o.expires_ms <= at_ms]
        for order in sorted(due, key=lambda order: order.expires_ms):
            self._execution.close(order, "EXPIRED", at_ms=order.expires_ms)

    def travel(
        self,
        symbol: str,
        price: Decimal,
        points: int,
        at_ms: int,
        *,
        jump: bool = False,
        halt: bool = False,
    ) -> bool:
        """Move the last price and do what it meets on the way, unless it jumps over that.

        Once it is there, so many points of the forming bar's path are passed. Told to halt, it
        stays where it has met something, and is not there yet. Returns whether it is.
        """
        book = self._state.books[symbol]
        self.expire(at_ms)
        if jump:
            self._move(book, price, book.points if halt else points, at_ms)
        while meeting := next_meeting(self._state, book, price):
            if meeting.price != book.price:
                self._move(book, meeting.price, book.points, at_ms)
            if meeting.order is None:
                self._liquidate(self._state.books.values())
            elif meeting.order.kind == "conditional":
                self._trigger(meeting.order)
            else:
                self._execution.meet(meeting.order)
            if halt:
                return False
        if (book.price, book.points) != (price, points) or book.forming is None:
            self._move(book, price, points, at_ms)
        return True

    def _move(self, book: Book, price: Decimal, points: int, at_ms: int) -> None:
        data = {"symbol": book.rules.name, "price": text(price), "point": points}
        self._journal.write("market.price", data, max(self._state.market_ms, at_ms))

    # What becomes of orders

    def _enter(self, order: Order) -> Order:
        """Put an admitted order into the book and match it."""
        accepted = self._execution.accept(order)
        self._execution.match(accepted)
        return accepted

    def _trigger(self, conditional: Order) -> None:
        """Turn a conditional order into a market or limit order, if that is admitted."""
        now = self._execution.next_ms()
        conditional = replace(conditional, status="TRIGGERING", triggered_ms=now)
        conditional = self._execution.write("triggered", conditional, now)
        book, quantity = self._state.books[conditional.symbol], conditional.quantity
        if conditional.close_position:
            quantity = margin.reducible(book, conditional.sign)
        at_market = conditional.type.endswith("_MARKET")
        order = replace(
            conditional,
            kind="order",
            type="MARKET" if at_market else "LIMIT",
            time_in_force="GTC" if at_market else conditional.time_in_force,
            status="NEW",
            quantity=quantity,
            reduce_only=conditional.reduce_only or conditional.close_position,
            close_position=False,
            trigger_price=ZERO,
            triggered_ms=0,
        )
        try:
            admission.check_new(self._state, order)
            admission.check_best(book, order)
            order = admission.admitted(self._state, order)
        except ExchangeError as refusal:
            self._execution.close(conditional, "REJECTED", reason=refusal.message)
            return
        became = self._state.next_order_id
        placed = replace(conditional, status="TRIGGERED", triggered_order_id=became)
        self._execution.write("triggered", placed)
        self._enter(order)

    def _liquidate(self, books: Iterable[Book]) -> None:
        """End the open orders of some symbols, then close their positions."""
        books = list(books)
        for book in books:
            for order in self._state.open_orders(symbol=book.rules.name):
                self._execution.close(order, "EXPIRED", expiry=Expiry.LIQUIDATION)
        for book in books:
            if book.position:
                name = f"{LIQUIDATED}{self._state.next_order_id}"
                self._close(book, abs(book.position), name)
        if self._state.wallet < 0 and not any(b.position for b in self._state.books.values()):
            change = {"wallet": "0", "change": text(-self._state.wallet)}
            self._journal.write("wallet.covered", change, self._execution.next_ms())

    def _close(self, book: Book, quantity: Decimal, client_order_id: str) -> None:
        """Close so much of a position by an order of the exchange's own."""
        order = Order(
            kind="order",
            symbol=book.rules.name,
            side="SELL" if book.position > 0 else "BUY",
            type="MARKET",
            quantity=quantity,
            client_order_id=client_order_id,
            liquidation=True,
        )
        self._enter(order)
