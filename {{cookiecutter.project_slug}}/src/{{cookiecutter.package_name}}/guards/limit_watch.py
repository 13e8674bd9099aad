"""
Ask for what the hard limits go by: before trading, and then at a steady rhythm.

Mark prices count 1 each at the exchange, what the account is worth 5, the day's income 30.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterator

from ..exit_codes import NodeExit
from ..plan.day import day_of
from ..venue.binance.income import account_worth, income, mark_price
from ..venue.binance.pages import ExchangeClock
from ..venue.binance.requests import FAILURES
from .asking import answer_to
from .guard import Scope, Start
from .watch import Trading

LOOK_SECONDS = 5.0
"""Between two looks; each asks for the mark prices."""
WORTH_SECONDS = 15.0
INCOME_SECONDS = 30.0
"""Between two questions for the account and for the income; fills are heard of at once."""
LAGS_MS = 300_000
"""How far back of now rows may be told late; the rest of the day was told before."""


async def check_limits(start: Start) -> None:
    """
    Ask for everything that limits go by.

    Raises
    ------
    NodeExit
        With code 78 when the key is refused, 70 when answers are absurd, 75 when there are none.

    """

    async def mark(symbol: str) -> None:
        await answer_to(f"the mark price of {symbol}", lambda: ask_mark(start, symbol))

    await asyncio.gather(
        *(mark(symbol) for symbol in start.symbols),
        answer_to("what the account is worth", lambda: ask_worth(start)),
        answer_to("the day's income", lambda: ask_income(start)),
    )


async def watch_limits(trading: Trading) -> None:
    """Look until cancelled; what is not told in time counts as unknown, and opens nothing."""
    book, limits = trading.limits, trading.settings.limits()
    while True:
        book.say(trading.conditions, limits, time.monotonic())
        for question in _due(trading):
            # Without an answer the watch of the account says so, too.
            with contextlib.suppress(*FAILURES, NodeExit):
                await question
        book.say(trading.conditions, limits, time.monotonic())
        await asyncio.sleep(LOOK_SECONDS)


def _due(trading: Trading) -> Iterator[Awaitable[None]]:
    """Yield the questions whose last answers are old enough, each begun as it is awaited."""
    book, now = trading.limits, time.monotonic()
    for symbol in trading.symbols:
        if book.mark_age(symbol, now) >= LOOK_SECONDS:
            yield ask_mark(trading, symbol)
    if book.worth_age(now) >= WORTH_SECONDS:
        yield ask_worth(trading)
    if book.income_age(now) >= INCOME_SECONDS:
        yield ask_income(trading)


async def ask_mark(scope: Scope, symbol: str) -> None:
    """Ask for the mark price of a symbol."""
    now = time.monotonic()
    scope.limits.tell_mark(symbol, await mark_price(scope.requests, symbol), now)


async def ask_worth(scope: Scope) -> None:
    """Ask what the account is worth."""
    now = time.monotonic()
    scope.limits.tell_worth(await account_worth(scope.requests), now)


async def ask_income(scope: Scope) -> None:
    """Ask for the day's income: all of it, or what may be new since it was asked for last."""
    book, asked = scope.limits, time.monotonic()
    clock = ExchangeClock(scope.settings, scope.requests)
    now_ms = await clock.now_ms()
    since_ms = day_of(now_ms)
    if book.day_began_ms == since_ms:
        since_ms = max(since_ms, book.income_ms - LAGS_MS)
    rows = await income(scope.requests, clock, since_ms, now_ms)
    book.tell_income(rows, now_ms, asked)
