"""What befalls market and account from outside: no client of the API asked for it.

Each of `OUTSIDE` moves the market or does what the account's owner does on the web page, or what
the exchange does to him. A ValueError or `ExchangeError` says why it cannot be; nothing has changed
then.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ..journal.orders import CONDITIONAL_TYPES, ZERO, Order
from ..journal.state import SETTLING, TRADING, Book, State
from ..matching.course import Course
from ..matching.matching import Matching

Options = Mapping[str, Any]


class World(NamedTuple):
    """What faults act on."""

    state: State
    matching: Matching
    course: Course

    def book(self, options: Options) -> Book:
        """Return the book of the symbol in the options."""
        book = self.state.books.get(options["symbol"])
        if book is None:
            traded = ", ".join(self.state.books)
            raise ValueError(f"{options['symbol']} does not trade here: use one of {traded}.")
        return book


def reach(world: World, options: Options) -> None:
    """Let the price go towards a level, and stay where it fills or triggers an order."""
    world.course.reach(*_level(world, options))


def wick(world: World, options: Options) -> None:
    """Let the price touch a level and come back."""
    world.course.wick(*_level(world, options))


def _level(world: World, options: Options) -> tuple[str, Decimal]:
    """Return which price of which symbol is meant."""
    rules = world.book(options).rules
    if options["price"] > rules.max_price:
        raise ValueError(f"The price of {rules.name} goes up to {rules.max_price}: give less.")
    return rules.name, options["price"]


def thin(world: World, options: Options) -> None:
    """Leave only so much at the best bid and ask."""
    world.matching.set_liquidity(world.book(options).rules.name, options["quantity"])


def mark(world: World, options: Options) -> None:
    """Let the mark price stand somewhere else than the last price."""
    world.matching.set_mark(*_level(world, options))


def unmark(world: World, options: Options) -> None:
    """Undo `mark`."""
    world.matching.set_mark(options["symbol"], None)


def funding(world: World, options: Options) -> None:
    """Let a funding be due now."""
    world.matching.fund(world.book(options).rules.name, options["rate"])


def thicken(world: World, options: Options) -> None:
    """Undo `thin`."""
    world.matching.set_liquidity(options["symbol"], None)


def settle(world: World, options: Options) -> None:
    """Let a symbol settle: nothing that opens or adds is taken."""
    book = world.book(options)
    if book.status != TRADING:
        raise ValueError(f"{book.rules.name} does not trade now: its status is {book.status}.")
    world.matching.set_status(book.rules.name, SETTLING)


def resume(world: World, options: Options) -> None:
    """Undo `settle`."""
    world.matching.set_status(options["symbol"], TRADING)


def cancel(world: World, options: Options) -> None:
    """Cancel the open orders of a name or of a symbol, conditional ones too."""
    name, symbol = options["client_order_id"], options["symbol"]
    if (name is None) == (symbol is None):
        raise ValueError("cancel needs either client_order_id or symbol.")
    if symbol is not None:
        world.book(options)
    found = world.state.open_orders(symbol=symbol)
    found = [order for order in found if name in (None, order.client_order_id)]
    if not found:
        raise ValueError(f"Nothing is open for {name or symbol}: there is nothing to cancel.")
    for order in found:
        world.matching.cancel(order)


def close(world: World, options: Options) -> None:
    """Close a position at the market."""
    book = world.book(options)
    if not book.position:
        raise ValueError(f"There is no position in {book.rules.name} to close.")
    side = "SELL" if book.position > 0 else "BUY"
    _place(world, book, side, "MARKET", abs(book.position), reduce_only=True)


def order(world: World, options: Options) -> None:
    """Place an order."""
    kind, price, trigger = options["type"], options["price"], options["trigger_price"]
    book = world.book(options)
    if (price is not None) != (kind in ("LIMIT", "STOP", "TAKE_PROFIT")):
        raise ValueError(f"An order of type {kind} needs {'no ' if price else 'a '}price.")
    if (trigger is not None) != (kind in CONDITIONAL_TYPES):
        raise ValueError(
            f"An order of type {kind} needs {'no ' if trigger else 'a '}trigger_price."
        )
    _place(world, book, options["side"], kind, options["quantity"], price or ZERO, trigger or ZERO)


def liquidate(world: World, options: Options) -> None:
    """Let the exchange end all open orders of a symbol and its position."""
    book = world.book(options)
    if not book.position:
        raise ValueError(f"There is no position in {book.rules.name} to liquidate.")
    world.matching.liquidate(book.rules.name)


def reduce(world: World, options: Options) -> None:
    """Let the exchange take a part of a position, to deleverage somebody else's."""
    book = world.book(options)
    if not book.position:
        raise ValueError(f"There is no position in {book.rules.name} to reduce.")
    if options["quantity"] > abs(book.position):
        raise ValueError(f"The position in {book.rules.name} is {book.position}: take less of it.")
    world.matching.deleverage(book.rules.name, options["quantity"])


OUTSIDE: dict[str, Callable[[World, Options], None]] = {
    "reach": reach,
    "wick": wick,
    "thin": thin,
    "settle": settle,
    "mark": mark,
    "funding": funding,
    "cancel": cancel,
    "close": close,
    "order": order,
    "liquidate": liquidate,
    "reduce": reduce,
}
"""What each does, by its name."""

UNDO: dict[str, Callable[[World, Options], None]] = {
    "thin": thicken, "settle": resume, "mark": unmark,
}  # fmt: skip
"""What is undone once it is released, and how; the others are over at once."""


def _place(
    world: World,
    book: Book,
    side: str,
    kind: str,
    quantity: Decimal,
    price: Decimal = ZERO,
    trigger_price: Decimal = ZERO,
    *,
    reduce_only: bool = False,
) -> None:
    conditional = kind in CONDITIONAL_TYPES
    placed = Order(
        kind="conditional" if conditional else "order",
        symbol=book.rules.name,
        side=side,
        type=kind,
        quantity=quantity,
        price=price,
        trigger_price=trigger_price,
        reduce_only=reduce_only,
        client_order_id=f"web_{world.state.next_order_id}",
    )
    (world.matching.place_conditional if conditional else world.matching.place)(placed)
