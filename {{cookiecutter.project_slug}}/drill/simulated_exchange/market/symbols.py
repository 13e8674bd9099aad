"""What can be traded: the rules of each symbol, and how its numbers are written."""

import re
from dataclasses import dataclass
from decimal import Decimal

from ..errors import ExchangeError

SMALLEST = Decimal("0.00000001")
"""Money and averages are kept to eight decimals, as the exchange shows them."""


def text(number: Decimal) -> str:
    """Write a decimal without exponent; zero is always ``"0"``, which clients compare with."""
    return format(number, "f") if number else "0"


def rounded(number: Decimal) -> Decimal:
    """Round to eight decimals and drop trailing zeros."""
    return number.quantize(SMALLEST).normalize()


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """The filters of one perpetual contract; the digits of tick and step fix its precision."""

    name: str
    start_price: Decimal  # the seeded market moves around it
    tick: Decimal
    step: Decimal
    min_notional: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal

    @property
    def max_price(self) -> Decimal:
        """The highest price that can be asked for."""
        return self.tick * 10_000_000

    def price(self, value: float | Decimal) -> Decimal:
        """Put a number on the grid of allowed prices, two ticks up at least: a bid is one lower."""
        return max(2, round(Decimal(value) / self.tick)) * self.tick

    def quantity(self, value: Decimal) -> Decimal:
        """Write a quantity, which is a multiple of the step, with the right number of decimals."""
        return value.quantize(self.step)

    def check_quantity(self, quantity: Decimal, most: Decimal) -> None:
        """Refuse a quantity that is not positive, not on the grid, or more than that."""
        if quantity <= 0:
            raise ExchangeError(-4003)
        if quantity > most:
            raise ExchangeError(-4005)
        _check_grid(quantity, self.step, -4023)

    def check_price(self, price: Decimal) -> None:
        """Refuse a price that is not on the grid."""
        if price <= 0:
            raise ExchangeError(-4001)
        if price > self.max_price:
            raise ExchangeError(-4002)
        _check_grid(price, self.tick, -4014)


def places(step: Decimal) -> int:
    """Return the number of decimals that a step is written with."""
    return -int(step.as_tuple().exponent)


def _check_grid(value: Decimal, step: Decimal, code: int) -> None:
    if places(value.normalize()) > places(step):
        raise ExchangeError(-1111)
    if value % step:
        raise ExchangeError(code)


_KNOWN = {
    "BTCUSDT": ("60000", "0.10", "0.001", "100", "1000", "120"),
    "ETHUSDT": ("3000", "0.01", "0.001", "20", "10000", "2000"),
    "SOLUSDT": ("150", "0.0100", "0.01", "5", "100000", "5000"),
}
_OTHERS = ("1000", "0.01", "0.001", "5", "10000", "1000")


def symbol_rules(name: str) -> SymbolRules:
    """Return the rules of a USDT contract, else raise ValueError; most trade around 1,000 USDT."""
    if not re.fullmatch(r"[A-Z0-9]+USDT", name):
        raise ValueError(f"{name!r} is no symbol that trades here: give one like BTCUSDT.")
    return SymbolRules(name, *map(Decimal, _KNOWN.get(name, _OTHERS)))
