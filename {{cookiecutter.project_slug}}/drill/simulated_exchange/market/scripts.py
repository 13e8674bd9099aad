"""The scripts that the market follows: seeded, or recorded bars. Pure: the same bar for ever."""

import hashlib
import math
from collections.abc import Sequence
from decimal import Decimal

from .bars import Bar
from .symbols import SymbolRules

RecordedRow = tuple[str, ...]
"""Open, high, low, close and quote volume, as a file has them."""


class RecordedMarket:
    """Bars that were recorded once; the market is used up after the last of them.

    Prices are put on the symbol's grid, which those of another exchange may not be on. The quote
    volume, divided by the close, becomes the volume of the base asset.
    """

    def __init__(self, rows: Sequence[RecordedRow]) -> None:
        self._rows = rows

    def bar(self, rules: SymbolRules, index: int) -> Bar | None:
        """Return the bar of one row, or None after the last."""
        if not 0 <= index < len(self._rows):
            return None
        *prices, quote = map(Decimal, self._rows[index])
        opened, high, low, closed = map(rules.price, prices)
        return Bar(opened, high, low, closed, rules.quantity(quote / closed))


class SeededMarket:
    """Bars as a pure function of (seed, symbol, bar index).

    The price swings by about 1 % with a period that wanders between 26 and 48 bars, so that an EMA
    cross of 5 and 20 bars changes side every 10 to 25 bars, on top of a slow drift. About every
    300 bars the swing dies down for a while. Bars join without gaps.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def bar(self, rules: SymbolRules, index: int) -> Bar:
        """Return one bar; there is always another."""
        opened, closed = self._level(rules, index), self._level(rules, index + 1)
        reach = float(rules.start_price) * 0.0006
        above, below, size = (self._chance(rules, index, salt) for salt in ("above", "below", "v"))
        high = rules.price(float(max(opened, closed)) + reach * above)
        low = rules.price(float(min(opened, closed)) - reach * below)
        volume = Decimal(round((5 + 45 * size) * 1000)) / 1000
        return Bar(opened, high, low, closed, volume)

    def _level(self, rules: SymbolRules, index: int) -> Decimal:
        salts = ("turn", "drift", "calm")
        turn, drift, calm = (math.tau * self._chance(rules, 0, salt) for salt in salts)
        swing = min(1.0, max(0.02, 1.7 + 1.8 * math.sin(math.tau * index / 300 + calm)))
        angle = math.tau * (index / 34 + 0.27 * math.sin(math.tau * index / 210 + drift)) + turn
        shape = 0.011 * swing * math.sin(angle)
        shape += 0.006 * math.sin(math.tau * index / 1_100 + drift)
        shape += 0.0006 * swing * (self._chance(rules, index, "noise") - 0.5)
        return rules.price(float(rules.start_price) * (1 + shape))

    def _chance(self, rules: SymbolRules, index: int, salt: str) -> float:
        """Return a number in [0, 1) that depends on nothing but its arguments and the seed."""
        key = f"{self._seed}:{rules.name}:{index}:{salt}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=6).digest()) / 2**48


Market = RecordedMarket | SeededMarket
