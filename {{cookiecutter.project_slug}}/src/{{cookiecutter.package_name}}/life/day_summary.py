"""Tell each day what it has brought, once it is over, from the exchange's own income."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ..exit_codes import NodeExit
from ..guards.guard import Start
from ..notify.message import Kind
from ..notify.record import Record
from ..plan.day import COMMISSION, DAY_MS, REALIZED, Income
from ..venue.binance.income import income
from ..venue.binance.pages import ExchangeClock, TooMuchError
from ..venue.binance.requests import FAILURES
from .notices import Notices

LOOK_SECONDS = 15.0
AGAIN_SECONDS = 120.0
TRIES = 5
ZERO = Decimal(0)


async def tell_days(scope: Start, notices: Notices) -> None:
    """Tell each day that is over, until cancelled; what fails here fails alone."""
    if not notices.wants(Kind.SUMMARY):
        return
    settings = scope.settings
    record = await asyncio.to_thread(Record, settings.state_folder, settings.id)
    # Before the first life there is no day to tell of.
    began_ms = scope.limits.day_began_ms if record.is_new else scope.limits.day_began_ms - DAY_MS
    if not record.is_new and record.has(f"summary {name_of(began_ms)}"):
        began_ms += DAY_MS
    tries = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS if tries == 0 else AGAIN_SECONDS)
        now_ms = scope.limits.day_began_ms
        if now_ms <= began_ms:
            continue
        try:
            clock = ExchangeClock(scope.settings, scope.requests)
            rows = await income(scope.requests, clock, began_ms, began_ms + DAY_MS - 1)
        except (*FAILURES, NodeExit, TooMuchError):
            tries += 1
            if tries < TRIES:
                continue
            text = "The exchange has not told it: the command pnl asks again."
        else:
            text = summary(rows, began_ms)
        notices.day(name_of(began_ms), text)
        # Of several days that have passed only the last is told.
        began_ms, tries = now_ms, 0


def name_of(began_ms: int) -> str:
    """Return how a day is called."""
    return datetime.fromtimestamp(began_ms / 1000, UTC).strftime("%Y-%m-%d")


def summary(rows: Sequence[Income], began_ms: int) -> str:
    """Return in a sentence what a day has brought."""
    of_day = [row for row in rows if began_ms <= row.at_ms < began_ms + DAY_MS]
    if not of_day:
        return "Nothing was won or paid."
    realized = sum((row.amount for row in of_day if row.kind == REALIZED), ZERO)
    paid = sum((row.amount for row in of_day if row.kind == COMMISSION), ZERO)
    other = sum((row.amount for row in of_day), ZERO) - realized - paid
    fills = len({row.trade for row in of_day if row.kind == COMMISSION})
    return (
        f"Result {_money(realized + paid + other)} US dollars: {_money(realized)} realized, "
        f"{_money(paid)} commission, {_money(other)} funding and other; {fills} "
        f"{'fill' if fills == 1 else 'fills'}."
    )


def _money(amount: Decimal) -> str:
    return f"{amount:+,.2f}"
