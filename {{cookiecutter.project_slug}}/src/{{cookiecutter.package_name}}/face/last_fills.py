"""The last fills, and what each has brought, as far as the engine tells."""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal

from ..plan.rows import FillRow

MOST = 200
"""So many are kept, and told after a restart."""


class LastFills:
    """The last fills, each once, by symbol and number."""

    def __init__(self) -> None:
        self._fills: OrderedDict[str, FillRow] = OrderedDict()
        self._profits: dict[str, Decimal] = {}

    def begin(self, fills: Iterable[FillRow]) -> None:
        """Take up what happened before, under what has been heard since."""
        heard = self._fills
        before = {fill.name: fill for fill in sorted(fills, key=lambda fill: fill.at_ms)}
        self._fills = OrderedDict(before | heard)
        self._forget()

    def hear(self, fill: FillRow) -> bool:
        """Take up a fill; return whether it is new."""
        if fill.name in self._fills:
            return False
        self._fills[fill.name] = fill
        self._forget()
        return True

    def brought(self, name: str, profit: Decimal) -> None:
        """Take up what a fill has realized before its commission; one may come in two parts."""
        self._profits[name] = self._profits.get(name, Decimal(0)) + profit
        while len(self._profits) > MOST:
            del self._profits[next(iter(self._profits))]

    def profit(self, name: str) -> Decimal | None:
        """Return what a fill has realized; ``None`` when that was not heard in this life."""
        return self._profits.get(name)

    def newest_first(self, most: int = MOST) -> list[FillRow]:
        """Return so many of them."""
        found = sorted(self._fills.values(), key=lambda fill: fill.at_ms)
        return found[: -most - 1 : -1]

    def _forget(self) -> None:
        while len(self._fills) > MOST:
            self._fills.popitem(last=False)
