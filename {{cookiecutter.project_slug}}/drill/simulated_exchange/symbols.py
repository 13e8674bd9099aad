"""What can be traded: the rules of each symbol, and how its numbers are written."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

SMALLEST = Decimal("0.00000001")
"""Money and averages are kept to eight decimals, as the exchange shows them."""


def text(number: Decimal) -> str:
    """Write a decimal without exponent; zero is always ``"0"``, which clients compare with."""
    return format(number, "f") if number else "0"


def rounded(number: Decimal) -> Decimal:
    """Round to eight decimals and drop trailing zeros."""
    value = number.quantize(SMALLEST, ROUND_HALF_EVEN).normalize()
    return value.quantize(Decimal(1)) if value.as_tuple().exponent > 0 else value  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """The filters of one perpetual contract.

    Parameters
    ----------
    name : str
        The symbol as the exchange writes it, for example ``BTCUSDT``.
    start_price : Decimal
        The price around which the seeded market moves, in USDT.
    tick : Decimal
        The smallest price step. Its digits fix the price precision.
    step : Decimal
        The smallest quantity step. Its digits fix the quantity precision.
    min_notional : Decimal
        The smallest price times quantity of an order that is not reduce-only, in USDT.
    max_quantity : Decimal
        The largest quantity of one order.
    """

    name: str
    start_price: Decimal
    tick: Decimal
    step: Decimal
    min_notional: Decimal
    max_quantity: Decimal = Decimal(1000)

    @property
    def base(self) -> str:
        """The asset that is bought and sold."""
        return self.name.removesuffix("USDT")

    @property
    def price_places(self) -> int:
        """The number of decimals of a price."""
        return -int(self.tick.as_tuple().exponent)

    @property
    def quantity_places(self) -> int:
        """The number of decimals of a quantity."""
        return -int(self.step.as_tuple().exponent)

    def price(self, value: float | Decimal) -> Decimal:
        """Put a number on the grid of allowed prices, at least one tick."""
        return max(1, round(Decimal(value) / self.tick)) * self.tick

    def quantity(self, value: Decimal) -> Decimal:
        """Write a quantity, which is a multiple of the step, with the right number of decimals."""
        return value.quantize(self.step)


_KNOWN = {
    "BTCUSDT": ("60000", "0.10", "0.001", "100"),
    "ETHUSDT": ("3000", "0.01", "0.001", "20"),
    "SOLUSDT": ("150", "0.0100", "0.01", "5"),
}


def symbol_rules(name: str) -> SymbolRules:
    """Return the rules of a symbol; unknown ones trade around 1,000 USDT.

    Raises
    ------
    ValueError
        When the name is no USDT contract.
    """
    if not re.fullmatch(r"[A-Z0-9]+USDT", name):
        msg = f"{name!r} is no symbol that trades here: give one like BTCUSDT."
        raise ValueError(msg)
    start, tick, step, notional = _KNOWN.get(name, ("1000", "0.01", "0.001", "5"))
    return SymbolRules(name, Decimal(start), Decimal(tick), Decimal(step), Decimal(notional))
