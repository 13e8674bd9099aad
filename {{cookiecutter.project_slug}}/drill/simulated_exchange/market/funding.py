"""What funding costs: a rate of each symbol for every eight hours of market time. Pure."""

import hashlib
from decimal import Decimal

from .bars import MINUTE_MS
from .symbols import SMALLEST

FUNDING_MS = 480 * MINUTE_MS
HIGHEST_RATE = Decimal("0.03")
"""What either side may have to pay at most, as for the symbols that the real exchange bounds so."""

LEAST_DRAWN, MOST_DRAWN = Decimal("-0.0001"), Decimal("0.0003")
"""Between these a rate is drawn: the usual 0.01 % lies in the middle."""

DRAWN = "drawn"


class Funding:
    """The rates that are due: none, always the same, or drawn from the seed."""

    def __init__(self, seed: int = 0, rule: str = "") -> None:
        self._seed = seed
        self._rule = rule

    def rate(self, symbol: str, at_ms: int) -> Decimal | None:
        """Return the rate that is due in a symbol at a time, or None when nothing is."""
        if not self._rule or at_ms % FUNDING_MS:
            return None
        if self._rule != DRAWN:
            return Decimal(self._rule)
        key = f"{self._seed}:{symbol}:{at_ms}:funding".encode()
        part = Decimal(int.from_bytes(hashlib.blake2b(key, digest_size=4).digest())) / (1 << 32)
        return (LEAST_DRAWN + (MOST_DRAWN - LEAST_DRAWN) * part).quantize(SMALLEST)
