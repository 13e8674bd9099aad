"""Look at the exchange as the preflight does: host, clock, symbols, key and account."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ...config.complaints import PREFIX
from ...config.profiles import Profile
from ...exit_codes import ExitCode, NodeExit
from ...guards.account import account_complaints
from ...guards.clock import check_clock
from ...guards.exchange import check_hosts
from ...guards.live import check_live
from ...guards.questions import check_there
from ...guards.symbols import sizes_of, traded_complaints
from .finding import Finding, ended, note, ok, wrong
from .patient import Patient, Quiet

ROW, CLOCK, SYMBOLS, ACCOUNT = "exchange", "clock", "symbols", "account"
ADDRESS = f"Correct {PREFIX}EXCHANGE_HTTP_URL and {PREFIX}EXCHANGE_WS_URL."
ASK_AGAIN = "Look again in a minute; the exchange's status page says what it knows."
FIXES = {
    ROW: {
        ExitCode.AWAY: f"See whether it is up and this machine has a way to it. {ADDRESS}",
        ExitCode.CONFIGURATION: ADDRESS,
    },
    CLOCK: {ExitCode.CONFIGURATION: "Turn the time service on: timedatectl set-ntp true."},
    SYMBOLS: {ExitCode.CONFIGURATION: f"{PREFIX}SYMBOL and {PREFIX}ORDER_QUANTITY are in .env."},
    ACCOUNT: {
        ExitCode.CONFIGURATION: (
            f"{PREFIX}API_KEY[_FILE] and {PREFIX}API_SECRET[_FILE] name the key; what it and the "
            "account may do is set at the exchange."
        )
    },
}
NOTED = "Nothing has to be done for the node; see whether you want it so."


async def look_at_exchange(patient: Patient) -> Sequence[Finding]:
    """Look whether it is there; if so, at everything else at once."""
    start = patient.quiet()
    try:
        await check_hosts(start)
        await check_there(start)
    except NodeExit as end:
        return [
            ended(ROW, end, FIXES[ROW]),
            note(
                ROW, "Clock, symbols, key and account could not be looked at.", "Look again then."
            ),
        ]
    there = ok(ROW, f"The exchange answers at {start.settings.exchange_http_url}.")
    clock = await _looked(CLOCK, lambda: _clock(start))
    looks = (
        _looked(SYMBOLS, lambda: _symbols(patient.quiet())),
        _looked(ACCOUNT, lambda: _account(patient.quiet())),
    )
    return [there, *clock, *(each for found in await asyncio.gather(*looks) for each in found)]


async def _looked(row: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look()
    except NodeExit as end:
        return [
            ended(row, end, {ExitCode.AWAY: ASK_AGAIN, ExitCode.REFUSED: ASK_AGAIN} | FIXES[row])
        ]


async def _clock(start: Quiet) -> list[Finding]:
    await check_clock(start.requests)
    measured = start.requests.clock.measured
    assert measured is not None
    where = "behind" if measured.offset_ms >= 0 else "ahead of"
    return [
        ok(
            CLOCK,
            f"This machine's clock is {abs(measured.offset_ms):.0f} ms {where} the exchange's "
            f"(known to {measured.doubt_ms:.0f} ms).",
        )
    ]


async def _symbols(start: Quiet) -> list[Finding]:
    complaints = await traded_complaints(start, start.requests)
    fix = FIXES[SYMBOLS][ExitCode.CONFIGURATION]
    found = [wrong(SYMBOLS, sentence, fix) for sentence in complaints]
    if not found:
        sizes = ", ".join(
            f"{each.symbol} ({' and '.join(map(str, sizes_of(each.rule))) or 'size not told'})"
            for each in start.traded
        )
        found.append(ok(SYMBOLS, f"Listed and traded, and their sizes are taken: {sizes}."))
    return found + [note(SYMBOLS, sentence, NOTED) for sentence in start.notes]


async def _account(start: Quiet) -> list[Finding]:
    complaints = await account_complaints(start, start.requests)
    fix = FIXES[ACCOUNT][ExitCode.CONFIGURATION]
    found = [ok(ACCOUNT, f"The key is accepted{_rights(start.settings.profile)}.")]
    found += [wrong(ACCOUNT, sentence, fix) for sentence in complaints]
    if start.settings.profile is Profile.LIVE:
        await check_live(start)
        found.append(ok(ACCOUNT, "It is the account that its owner has named; the key is bounded."))
    if not complaints:
        found.append(ok(ACCOUNT, "It may trade, in one-way mode and single-asset mode."))
    return found + [note(ACCOUNT, sentence, NOTED) for sentence in start.notes]


def _rights(profile: Profile) -> str:
    if profile is not Profile.TESTNET:
        return ""  # the live profile asks
    return "; whether it may withdraw, only its own page at the exchange says: it should not"
