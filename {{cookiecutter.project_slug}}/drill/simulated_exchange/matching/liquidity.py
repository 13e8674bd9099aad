"""What others want to buy and sell: the levels of the book. Pure functions; no order of ours.

The best bid and ask stand one tick under and over the last price, and there is a level at each tick
from there. The best one holds a tenth of what the last closed bar traded, at least 10,000 USDT
worth, or what a fault says; the next one twice that, then three times, and so on. What our fills
took from a level stays away until the price moves or the bar closes.
"""

from collections.abc import Iterator
from decimal import ROUND_UP, Decimal
from itertools import islice

from ..journal.orders import ZERO, Order
from ..journal.state import Book

DEEPEST = 1_000
"""How many levels a side has."""

LEAST_WORTH = Decimal(10_000)
"""What the best price holds at least, in USDT, unless a fault thins it out."""

TAKE_BOUND = Decimal("0.05")
"""How far from the last price a market order takes: `marketTakeBound` of the symbol."""

Level = tuple[Decimal, Decimal]
"""A price, and the quantity that is left there: never zero."""


def unit(book: Book) -> Decimal:
    """Return what the best price of a side holds while nothing is taken from it."""
    if book.liquidity is not None:
        return book.liquidity
    bar, step = book.bars[-1], book.rules.step
    least = (LEAST_WORTH / bar.close).quantize(step, ROUND_UP)
    return max(least, (bar.volume / 10).quantize(step))


def levels(book: Book, sign: int, count: int = DEEPEST) -> list[Level]:
    """Return the best levels to buy (plus, the asks) or to sell at (minus, the bids)."""
    return list(islice(_levels(book, sign), count))


def takeable(book: Book, order: Order) -> list[Level]:
    """Return what an order can take at once: the prices, best first, and how much at each."""
    if order.liquidation:  # the insurance fund takes over what the book may lack
        return [(book.touch(order.sign), order.remaining)]
    worst = order.price
    if order.type == "MARKET":
        worst = book.price * (1 + order.sign * TAKE_BOUND)
    parts, wanted = [], order.remaining
    for price, held in _levels(book, order.sign):
        if not wanted or (price - worst) * order.sign > 0:
            break
        parts.append((price, min(wanted, held)))
        wanted -= parts[-1][1]
    return parts


def reaching(book: Book, order: Order) -> Decimal:
    """Return how much of a resting order gets filled at the last price.

    While the other side of the market stands exactly at its price, that is what the level there
    still holds; once it has gone through it, everything.
    """
    beyond = (order.price - book.touch(order.sign)) * order.sign
    if beyond:
        return order.remaining if beyond > 0 else ZERO
    return min(order.remaining, max(ZERO, unit(book) - book.taken.get(order.price, ZERO)))


def _levels(book: Book, sign: int) -> Iterator[Level]:
    best = unit(book)
    for number in range(DEEPEST + len(book.taken)):
        price = book.touch(sign) + sign * number * book.rules.tick
        left = (number + 1) * best - book.taken.get(price, ZERO)
        if price <= 0:
            return
        if left > 0:
            yield price, left
