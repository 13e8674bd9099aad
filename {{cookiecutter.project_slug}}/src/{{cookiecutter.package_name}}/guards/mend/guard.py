"""Mend the store, as the guard that stands before the engine's load."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...engine.stored import Owner
from ...exit_codes import ExitCode, NodeExit
from ...plan.order_ids import owner_of, parse
from ...venue.binance.history import exchange_record
from ...venue.records import ExchangeRecord
from ..asking import answer_to
from ..guard import Start
from .store import MendReport, StoreMend

AGREE_SECONDS = 8.0
"""How long store and exchange may contradict each other: a history lags by seconds at most."""
PAUSE_SECONDS = 0.5


def store_mend(start: Start) -> StoreMend:
    """Return the mend of the trader's keys."""
    return StoreMend(
        start.settings.store_url.get_secret_value(),
        start.settings.id,
        start.engine.store_format,
        start.note,
    )


async def check_store_format(start: Start) -> None:
    """
    Refuse a store whose keys another engine or trader has written.

    Raises
    ------
    NodeExit
        With code 78 when they are, 75 when the store is away.

    """
    if sentence := await store_mend(start).foreign():
        raise NodeExit(
            ExitCode.CONFIGURATION,
            f"{sentence}. Nothing was changed; give this node another TRADER_ID or store.",
        )


async def check_mend(start: Start) -> str:
    """
    Bring the store to what the exchange says has happened; return what was done, in a sentence.

    Raises
    ------
    NodeExit
        With code 70 when the exchange contradicts itself or the store for too long, 75 when one of
        them is away, 78 when the keys are another engine's.

    """
    mend = store_mend(start)
    owners = [Owner(each.symbol, each.tag) for each in start.traded]
    loop = asyncio.get_running_loop()
    late = start.lease.quiet_from
    deadline = loop.time() + AGREE_SECONDS
    unknown: dict[str, bool] = {}
    while True:
        is_last = loop.time() > deadline
        # Only the process before this one can have sent them, and what it has signed expires.
        is_late = loop.time() > late
        gone = {name for name, is_unheard in unknown.items() if is_late or not is_unheard}
        record = await _ask(start, unknown)
        report = await mend.mend(record, owners, may_start_cold=is_last, forgettable=gone)
        if set(report.unknown) - gone:
            unknown = dict(report.unknown)
            if any(unknown.values()):
                await asyncio.sleep(max(0.0, late - loop.time()))
                deadline = max(deadline, loop.time() + AGREE_SECONDS)
        elif not report.unexplained:
            break
        elif is_last:
            raise NodeExit(
                ExitCode.REFUSED,
                f"The store and the exchange cannot be brought together: {report.unexplained[0]}",
            )
        else:
            await asyncio.sleep(PAUSE_SECONDS)
    return told(report)


def told(report: MendReport) -> str:
    """Return in a sentence what a mend has done."""
    took = f"in {report.seconds * 1000:.0f} ms"
    done = []
    if report.cold:
        done.append("nothing but a start from the exchange alone was left")
    elif report.put_aside:
        done.append(f"{_count(report.put_aside, 'key')} put aside")
    if report.mended:
        done.append(f"{_count(report.mended, 'thing')} put right")
    if not done:
        return f"The mend compared {report.keys:,} keys with the exchange {took}: all as it should."
    return f"The mend compared {report.keys:,} keys with the exchange {took}: {' and '.join(done)}."


def _count(found: Sequence[str], what: str) -> str:
    return f"{len(found):,} {what}{'' if len(found) == 1 else 's'}"


async def _ask(start: Start, unknown: Mapping[str, bool]) -> ExchangeRecord:
    symbol_of = {owner_of(start.settings.id, t.tag, t.symbol): t.symbol for t in start.traded}
    known: dict[str, list[str]] = {}
    for name in unknown:
        parts = parse(name)
        if parts is not None and parts.owner in symbol_of:
            known.setdefault(symbol_of[parts.owner], []).append(name)
    record = await exchange_record(start.settings, start.requests, start.symbols, known=known)
    if not start.engine.store_format.adopts_all:
        return record
    listed = await answer_to(
        "what it lists", lambda: start.requests.get("/fapi/v1/exchangeInfo", {}, sign=False)
    )
    return replace(record, listed=listed)
