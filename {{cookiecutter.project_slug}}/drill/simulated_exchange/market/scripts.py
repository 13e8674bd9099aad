"""The scripts that the market follows: seeded, or recorded bars. Pure: the same bar for ever."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from .bars import Bar
from .regimes import REGIMES
from .symbols import SymbolRules, places

RecordedRow = tuple[str, ...]
"""Open, high, low, close and quote volume, as a file has them."""

USUAL_PRICE = 60_000
"""Of this price, 5 to 50 are traded each minute; of a lower one as many more."""


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
    """Bars as a pure function of (seed, regime, symbol, bar index).

    All symbols trade about the same in USDT. Bars join without gaps, but for those of one regime.
    """

    def __init__(self, seed: int, regime: str = "swing") -> None:
        self._seed = seed
        self._regime = REGIMES[regime]

    def bar(self, rules: SymbolRules, index: int) -> Bar:
        """Return one bar; there is always another."""
        chance = partial(self._chance, rules)
        start = float(rules.start_price)
        opened, closed = (
            rules.price(start * self._regime.level(chance, edge, index))
            for edge in (index, index + 1)
        )
        reach = start * 0.0006
        above, below, size = (chance(index, salt) for salt in ("above", "below", "v"))
        high = rules.price(float(max(opened, closed)) + reach * above)
        low = rules.price(float(min(opened, closed)) - reach * below)
        usual = (5 + 45 * size) * USUAL_PRICE / start * self._regime.volume(chance, index)
        scale = 10 ** places(rules.step)
        return Bar(opened, high, low, closed, Decimal(max(1, round(usual * scale))) / scale)

    def _chance(self, rules: SymbolRules, index: int, salt: str) -> float:
        key = f"{self._seed}:{rules.name}:{index}:{salt}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=6).digest()) / 2**48


Market = RecordedMarket | SeededMarket
