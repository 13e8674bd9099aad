"""
What the exchange allows of a symbol: its status and its filters. Pure functions.

Source: USD-M Futures, Exchange Information, and Common Definition: "Filters", "Symbol status".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .fields import Row

MOST_SYMBOLS = 5_000
MOST_FILTERS = 50
TRADING = "TRADING"


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """
    What the exchange allows of one symbol; a bound of ``None`` is none.

    Parameters
    ----------
    symbol : str
        Which one.
    status : str
        Whether it is traded: ``TRADING``, or why not.
    tick : Decimal, optional
        Prices are multiples of it.
    step : Decimal, optional
        Quantities are multiples of it.
    least, most : Decimal, optional
        The bounds of a quantity.
    market_most : Decimal, optional
        The most that one market order takes.
    least_value : Decimal, optional
        The least value of an order that is not reduce-only, in the currency of settlement.

    """

    symbol: str
    status: str
    tick: Decimal | None = None
    step: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    market_most: Decimal | None = None
    least_value: Decimal | None = None


def read_rules(answer: Any, symbols: tuple[str, ...]) -> dict[str, SymbolRules]:
    """
    Return the rules of `symbols`, as far as ``exchangeInfo`` lists them.

    Raises
    ------
    ExchangeError
        If the answer cannot be read.

    """
    listed = Row("its rules", answer).rows("symbols", "a symbol", MOST_SYMBOLS)
    return {name: _rules(row, name) for row in listed if (name := row.text("symbol")) in symbols}


def _rules(row: Row, symbol: str) -> SymbolRules:
    filters = {f.text("filterType"): f for f in row.rows("filters", "a filter", MOST_FILTERS)}

    def bound(kind: str, name: str) -> Decimal | None:
        if kind not in filters or not filters[kind].has(name):
            return None
        return filters[kind].amount(name) or None

    leasts = (bound("LOT_SIZE", "minQty"), bound("MARKET_LOT_SIZE", "minQty"))
    return SymbolRules(
        symbol,
        row.text("status"),
        tick=bound("PRICE_FILTER", "tickSize"),
        step=bound("LOT_SIZE", "stepSize"),
        least=max((least for least in leasts if least is not None), default=None),
        most=bound("LOT_SIZE", "maxQty"),
        market_most=bound("MARKET_LOT_SIZE", "maxQty"),
        least_value=bound("MIN_NOTIONAL", "notional"),
    )


def quantity_complaints(rules: SymbolRules, quantity: Decimal, price: Decimal) -> Iterator[str]:
    """Yield why the exchange refuses every order of `quantity` at about `price`."""
    symbol, size = rules.symbol, abs(quantity)
    if rules.step and size % rules.step:
        yield (
            f"The quantity {size} is no multiple of {rules.step}, the smallest step of {symbol}."
        )
    if rules.least and size < rules.least:
        yield f"The quantity {size} is below {rules.least}, the least of {symbol}."
    mosts = [most for most in (rules.most, rules.market_most) if most is not None]
    if mosts and size > min(mosts):
        yield f"The quantity {size} is above {min(mosts)}, the most of one order of {symbol}."
    if rules.least_value and size * price < rules.least_value:
        yield (
            f"The quantity {size} of {symbol} is worth {size * price:.2f} at {price}, and an order "
            f"must be worth {rules.least_value} at least."
        )
