"""The tape: the last public trades of one symbol.

There is one at every price that the market moves to, and one for each fill of ours. The bars from
before the start count as four trades each, at the points of their paths.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise, takewhile
from typing import NamedTuple

from .bars import MINUTE_MS, POINT_MS, Bar
from .symbols import SymbolRules

KEPT_TRADES = 4_000
"""How many trades are told; the older ones are forgotten."""


class Trade(NamedTuple):
    """A public trade; numbers count from 1, and `seq` is the journal's record of it."""

    number: int
    seq: int
    market_ms: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass
class Tape:
    """The last trades of one symbol, in order."""

    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    count: int = 0

    def add(
        self, seq: int, market_ms: int, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool
    ) -> None:
        """Print a trade."""
        self.count += 1
        trade = Trade(self.count, seq, market_ms, price, quantity, buyer_is_maker)
        self.trades.append(trade)

    def find(self, seq: int) -> Trade | None:
        """Return the trade that a record tells of, if it does and is not forgotten."""
        later = takewhile(lambda trade: trade.seq >= seq, reversed(self.trades))
        return next((trade for trade in later if trade.seq == seq), None)

    def print_bars(self, rules: SymbolRules, bars: Sequence[Bar], first_open_ms: int) -> None:
        """Print the trades of bars that are closed."""
        kept = KEPT_TRADES // len(POINT_MS)
        for number, bar in list(enumerate(bars))[-kept:]:
            open_ms, size = first_open_ms + number * MINUTE_MS, usual_size(rules, bar)
            path = zip(POINT_MS, pairwise((bar.open, *bar.path())), strict=True)
            for offset, (before, price) in path:
                self.add(0, open_ms + offset, price, size, buyer_is_maker=price < before)


def usual_size(rules: SymbolRules, bar: Bar) -> Decimal:
    """Return the quantity of a trade of others, after a bar: a fortieth of what it traded."""
    return max(rules.step, rules.quantity(bar.volume / 40))
