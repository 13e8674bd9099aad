"""Whether an order may enter the book, and as what. Pure functions; a refusal is an ExchangeError.

A reduce-only order that is larger than the position is cut to it, as clients of the real exchange
see it: the accepted order has another quantity than was asked for.
"""

from dataclasses import replace
from decimal import Decimal

from ..account import margin
from ..errors import ExchangeError
from ..journal.orders import Kind, Order
from ..journal.state import TRADING, Book, State
from ..market.symbols import text
from .liquidity import takeable
from .meeting import due

MOST_OPEN: dict[Kind, int] = {"order": 200, "conditional": 200}
"""How many may be open at once: orders in one symbol (`MAX_NUM_ORDERS`), conditionals in all."""

PRICE_BAND = Decimal("0.05")
"""`PERCENT_PRICE`: how far over the mark price one may offer to buy, or under it to sell."""

MOST_AMENDMENTS = 9_999


def check_new(state: State, order: Order) -> None:
    """Refuse the name of an open order, that of a closed one is free again; or one too many."""
    opened = state.open_orders(order.kind)
    if order.client_order_id and order.client_order_id in (o.client_order_id for o in opened):
        raise ExchangeError(-4116)
    counted = [o for o in opened if o.kind == "conditional" or o.symbol == order.symbol]
    if len(counted) >= MOST_OPEN[order.kind]:
        raise ExchangeError(-2025 if order.kind == "order" else -4045)


def check_filters(book: Book, order: Order, too_small: int | None = -4164) -> None:
    """Refuse what the filters of the symbol do not let pass; `too_small` is for the notional.

    The price of a conditional limit order may be as far from its trigger as that of a limit order
    from the mark price.
    """
    rules, limited = book.rules, not order.type.endswith("MARKET")
    middle = order.trigger_price or book.mark_price
    if order.kind == "conditional":
        rules.check_price(order.trigger_price)
    if order.close_position:
        return
    rules.check_quantity(
        order.quantity, rules.max_quantity if limited else rules.max_market_quantity
    )
    if limited:
        rules.check_price(order.price)
        _check_band(book, order, middle)
    elif order.kind == "order":
        check_best(book, order)
    price = order.price if limited else order.trigger_price or book.price
    if too_small and not order.reduce_only and order.quantity * price < rules.min_notional:
        sentence = f"Order's notional must be no smaller than {text(rules.min_notional)}"
        if too_small == -4164:
            sentence += " (unless you choose reduce only)."
        raise ExchangeError(too_small, sentence)


def check_best(book: Book, order: Order) -> None:
    """Refuse a market order when the best price of the other side is beyond the band.

    It can be there only while the mark price is not the last price. A conditional order that
    triggers then is rejected: that the filter applies to what it becomes, too, is our reading.
    """
    if order.type != "MARKET" or book.mark is None:
        return
    if (book.touch(order.sign) - _edge(book, order, book.mark)) * order.sign > 0:
        raise ExchangeError(-4131)


def check_status(book: Book, order: Order) -> None:
    """Refuse what may open or add while the symbol does not trade: all that is not reduce-only.

    Source: "Error Code", -4140. That what could only reduce is taken without saying so, too, is not
    documented: here it has to say so.
    """
    if book.status != TRADING and not (order.reduce_only or order.close_position):
        raise ExchangeError(-4140)


def check_trigger(book: Book, order: Order) -> None:
    """Refuse a conditional order that would trigger at once."""
    if due(order, book).is_met(book.price):
        raise ExchangeError(-2021)


def admitted(state: State, order: Order) -> Order:
    """Check an order against book, position and wallet; return it, or what of it can reduce."""
    book = state.books[order.symbol]
    check_status(book, order)
    order = _cut(book, order)
    parts, worst = takeable(book, order), order.price
    if order.type == "MARKET":
        worst = parts[-1][0] if parts else book.touch(order.sign)
    if order.time_in_force == "GTX" and parts:
        raise ExchangeError(-5022)
    if order.time_in_force == "FOK" and sum(part for _, part in parts) < order.quantity:
        raise ExchangeError(-5021)
    if margin.margin_needed(state, replace(order, price=worst)) > margin.available(state):
        raise ExchangeError(-2019)
    return order


def amended(state: State, order: Order, quantity: Decimal, price: Decimal) -> Order | None:
    """Check an amendment; return the order as it shall be, or None when the amendment ends it.

    It ends an order that has nothing left to fill, and a post-only order that would take. Source:
    "Modify Order (TRADE)" of the exchange's documentation.
    """
    book = state.books[order.symbol]
    if order.amendments >= MOST_AMENDMENTS:
        raise ExchangeError(-5026)
    changed = replace(order, quantity=quantity, price=price)
    if quantity > order.quantity:
        check_status(book, changed)
    check_filters(book, changed, too_small=None if quantity <= order.filled else -5029)
    if (quantity, price) == (order.quantity, order.price):
        raise ExchangeError(-5027)
    if quantity <= order.filled:
        return None
    changed = _cut(book, replace(changed, quantity=book.rules.quantity(quantity)))
    if order.time_in_force == "GTX" and takeable(book, changed):
        return None
    if margin.margin_needed(state, changed) > margin.available(state):
        raise ExchangeError(-2019)
    return changed


def _edge(book: Book, order: Order, middle: Decimal) -> Decimal:
    """Return how far from a price an order may go."""
    return book.rules.price(middle * (1 + order.sign * PRICE_BAND))


def _check_band(book: Book, order: Order, middle: Decimal) -> None:
    edge = _edge(book, order, middle)
    if (order.price - edge) * order.sign > 0:
        higher = order.sign > 0
        codes = (-4183, -4184) if order.kind == "conditional" else (-4016, -4024)
        word = "higher" if higher else "lower"
        sentence = f"Limit price can't be {word} than {text(edge)}."
        raise ExchangeError(codes[0] if higher else codes[1], sentence)


def _cut(book: Book, order: Order) -> Order:
    """Cut a reduce-only order to what is left of the position."""
    if not order.reduce_only:
        return order
    closable = margin.reducible(book, order.sign)
    if not closable:
        raise ExchangeError(-2022)
    return replace(order, quantity=min(order.quantity, order.filled + closable))
