"""What others want to buy and sell: the levels of the book. Pure functions; no order of ours.

The best bid and ask stand one tick under and over the last price, and there is a level at each tick
from there. The best one holds a tenth of what the last closed bar traded, at least 10,000 USDT
worth, or what a fault says; the next one twice that, then three times, and so on. What our fills
took from a level stays away until the price moves or the bar closes.
"""

from collections.abc import Iterator
from decimal import ROUND_UP, Decimal
from itertools import islice

from ..journal.orders import ZERO
from ..journal.state import Book

DEEPEST = 1_000
"""How many levels a side has."""

LEAST_WORTH = Decimal(10_000)
"""What the best price holds at least, in USDT, unless a fault thins it out."""

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


def _levels(book: Book, sign: int) -> Iterator[Level]:
    best = unit(book)
    for number in range(DEEPEST):
        price = book.touch(sign) + sign * number * book.rules.tick
        left = (number + 1) * best - book.taken.get(price, ZERO)
        if price <= 0:
            return
        if left > 0:
            yield price, left
