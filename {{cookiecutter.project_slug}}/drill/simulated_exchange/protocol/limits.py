"""How much may be asked: request weight and order counts, within windows of wall time.

A request beyond a limit is answered with status 429 and -1003 or -1015, and counts as well. Each
answer tells the weight used; that to an order request tells the orders counted, too. The ban (418)
of who goes on asking is left out.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info,
"LIMITS"; the weights stand with each endpoint. Of its other markets only is it known that a window
begins with the minute, and that `Retry-After` tells when it ends.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..clock import wall_ms
from ..errors import filled
from .parameters import Parameters

WEIGHT_LIMIT, ORDER_LIMIT = 2_400, 1_200
"""What the real exchange allows in a minute; of orders, a quarter of it in ten seconds."""

Weight = Callable[[Parameters], int]


def by_symbol(one: int, every: int) -> Weight:
    """Weigh a request by whether it names a symbol or asks for all of them."""
    return lambda p: one if p.get("symbol") else every


def by_rows(default: int, *steps: tuple[int, int]) -> Weight:
    """Weigh a request by how many rows it wants: (most rows, weight), ascending."""

    def weigh(p: Parameters) -> int:
        given = p.get("limit", "")
        rows = int(given) if given.isdecimal() else default
        return next((weight for most, weight in steps if rows <= most), steps[-1][1])

    return weigh


class Cost(NamedTuple):
    """What a request counts: weight, and orders in the windows of ten seconds and of a minute."""

    weight: int | Weight = 1
    orders_10s: int = 0
    orders_1m: int = 0


class Window:
    """Counts what falls into the same stretch of wall time; the next stretch starts from zero."""

    def __init__(self, seconds: int, limit: int, now_ms: Callable[[], int]) -> None:
        self.limit = limit  # 0 is none
        self._length_ms = seconds * 1_000
        self._now_ms = now_ms
        self._number = 0
        self._used = 0

    @property
    def used(self) -> int:
        """What has been counted in the present stretch."""
        number = self._now_ms() // self._length_ms
        if number != self._number:
            self._number, self._used = number, 0
        return self._used

    def add(self, count: int) -> bool:
        """Count, and return whether that is still within the limit."""
        self._used = self.used + count
        return not (count and self.limit and self._used > self.limit)

    def seconds_left(self) -> int:
        """Return in how many seconds the present stretch is over, rounded up."""
        return -(-(self._length_ms - self._now_ms() % self._length_ms) // 1_000)


class Limits:
    """The limits of one exchange, each a number in a minute; 0 is none."""

    def __init__(
        self, weight: int = 0, orders: int = 0, now_ms: Callable[[], int] = wall_ms
    ) -> None:
        self.weight = Window(60, weight, now_ms)
        self.orders_10s = Window(10, -(-orders // 4), now_ms)
        self.orders_1m = Window(60, orders, now_ms)

    def weigh(self, cost: Cost, p: Parameters) -> None:
        """Count the weight of a request, from whomever it comes, and refuse too much."""
        weight = cost.weight if isinstance(cost.weight, int) else cost.weight(p)
        if not self.weight.add(weight):
            raise filled(-1003, self.weight.limit)

    def order(self, cost: Cost) -> None:
        """Count the orders of a request that may be made, and refuse too many."""
        soon, later = self.orders_10s.add(cost.orders_10s), self.orders_1m.add(cost.orders_1m)
        if not soon:
            raise filled(-1015, self.orders_10s.limit, "10 SECOND")
        if not later:
            raise filled(-1015, self.orders_1m.limit, "1 MINUTE")

    def headers(self, cost: Cost, status: int) -> dict[str, str]:
        """Return what the answer to a request tells of the limits."""
        told = {"X-MBX-USED-WEIGHT-1M": str(self.weight.used)}
        if cost.orders_1m:
            told["X-MBX-ORDER-COUNT-10S"] = str(self.orders_10s.used)
            told["X-MBX-ORDER-COUNT-1M"] = str(self.orders_1m.used)
        if status == 429:
            told["Retry-After"] = str(self._fullest().seconds_left())
        return told

    def counted(self, cost: Cost) -> list[dict[str, Any]]:
        """Return what an answer of the WebSocket API tells: the limits, and what is used."""
        weight, *orders = self.rows()
        weight |= {"count": self.weight.used}
        used = (self.orders_10s.used, self.orders_1m.used)
        counted = [row | {"count": count} for row, count in zip(orders, used, strict=True)]
        return [*counted, weight] if cost.orders_1m else [weight]

    def rows(self) -> list[dict[str, Any]]:
        """Tell the limits, as ``GET exchangeInfo`` does: of weight, then of orders."""
        told = (
            ("REQUEST_WEIGHT", "MINUTE", 1, self.weight.limit or WEIGHT_LIMIT),
            ("ORDERS", "SECOND", 10, self.orders_10s.limit or ORDER_LIMIT // 4),
            ("ORDERS", "MINUTE", 1, self.orders_1m.limit or ORDER_LIMIT),
        )
        names = ("rateLimitType", "interval", "intervalNum", "limit")
        return [dict(zip(names, row, strict=True)) for row in told]

    def _fullest(self) -> Window:
        """Return the window that one has to wait for the longest."""
        windows = (self.weight, self.orders_1m, self.orders_10s)
        full = (window for window in windows if window.limit and window.used > window.limit)
        return next(full, self.orders_10s)
