"""
Look at what is traded: whether it is listed and trading, and takes the configured sizes.

A rule that knows its sizes says so by an attribute `sizes`, a tuple of quantities in coins; one
with a `quantity` has that one. A rule with neither is not looked at.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

from ..config.complaints import PREFIX
from ..exit_codes import ExitCode, NodeExit
from ..plan.target import Rule
from ..venue.binance.fields import Row
from ..venue.binance.requests import NonsenseError, Requests
from ..venue.binance.rules import TRADING, SymbolRules, quantity_complaints, read_rules
from .asking import answer_to
from .guard import Start

SHORT_OF = Decimal("1.1")
"""How near to the least value an order may be before a person is told."""


def sizes_of(rule: Rule) -> tuple[Decimal, ...]:
    """Return the quantities that a rule asks for, as far as it says so."""
    sizes = getattr(rule, "sizes", None)
    if sizes is None:
        sizes = (getattr(rule, "quantity", None),)
    return tuple(abs(size) for size in sizes if isinstance(size, Decimal) and size)


async def check_symbols(start: Start, requests: Requests) -> None:
    """
    Ask for status, filters and price of what is traded.

    Raises
    ------
    NodeExit
        With code 78 when a symbol is not listed or not trading, or the exchange would refuse every
        order of a configured size; 75 when there is no answer.

    """
    for sentence in await traded_complaints(start, requests):
        raise NodeExit(ExitCode.CONFIGURATION, sentence)


async def traded_complaints(start: Start, requests: Requests) -> list[str]:
    """
    Return why what is traded cannot be; note which sizes are near to the least one.

    Raises
    ------
    NodeExit
        With code 75 when there is no answer, 70 when it is absurd.

    """
    rules = await answer_to("what it lists", lambda: _rules(start, requests))
    found = [
        sentence
        for symbol in start.symbols
        for sentence in symbol_complaints(symbol, rules.get(symbol))
    ]
    if found:
        return found
    prices = await asyncio.gather(*(_price(requests, rules[symbol]) for symbol in start.symbols))
    for each, price in zip(start.traded, prices, strict=True):
        rule = rules[each.symbol]
        for size in sizes_of(each.rule):
            wrong = [
                f"{sentence} Correct {PREFIX}ORDER_QUANTITY, or the line of strategies/ that "
                "names it."
                for sentence in quantity_complaints(rule, size, price)
            ]
            found += wrong
            if not wrong and rule.least_value and size * price < rule.least_value * SHORT_OF:
                start.note(
                    f"The quantity {size} of {each.symbol} is worth {size * price:.2f}, just above "
                    f"the {rule.least_value} that an order must be worth: if the price falls, "
                    "entries are refused."
                )
    return found


def symbol_complaints(symbol: str, rules: SymbolRules | None) -> Iterator[str]:
    """Yield why a symbol cannot be traded."""
    if rules is None:
        yield (
            f"The exchange does not list {symbol}; correct {PREFIX}SYMBOL, or the line of "
            "strategies/ that names it."
        )
    elif rules.status != TRADING:
        yield (
            f"The exchange does not trade {symbol} now: its status is {rules.status}. Wait until "
            f"it does, or correct {PREFIX}SYMBOL, or the line of strategies/ that names it."
        )


async def _rules(start: Start, requests: Requests) -> dict[str, SymbolRules]:
    answer = await requests.get("/fapi/v1/exchangeInfo", {}, sign=False)
    rules = read_rules(answer, start.symbols)
    for each in rules.values():
        if each.status == TRADING and not (each.tick and each.step):
            raise NonsenseError(
                f"The exchange does not tell the smallest step of price and quantity of "
                f"{each.symbol}."
            )
    return rules


async def _price(requests: Requests, rules: SymbolRules) -> Decimal:
    symbol = rules.symbol

    async def once() -> Decimal:
        query = {"symbol": symbol}
        row = Row("a price", await requests.get("/fapi/v2/ticker/price", query, sign=False))
        price = row.amount("price")
        if row.text("symbol") != symbol or not price:
            raise row.wrong("price", f"none of {symbol}")
        if rules.tick and price % rules.tick:
            raise NonsenseError(
                f"The exchange says that prices of {symbol} are multiples of {rules.tick}, and "
                f"that it is at {price}."
            )
        return price

    return await answer_to(f"the price of {symbol}", once)
