"""
Compare what the engine believes with what stands at the exchange, again and again.

Whatever a node was not told (a stream that is open and silent, a lost event, a hand on the account,
a liquidation) shows here, as a position or an order that differs. A difference that stays is not
guessed about: the node ends for its supervisor, and the mend of its next start learns what has
happened from the exchange's own history, by its own numbers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ..exit_codes import ExitCode, NodeExit, one_line
from ..plan.rows import Rows
from ..venue.binance.order_refusals import ACCOUNT, CLOCK
from ..venue.binance.refusals import refusal_of
from ..venue.binance.requests import FAILURES, WRONG_TIME, ExchangeError
from ..venue.binance.standing import standing
from ..venue.records import ExchangeRecord
from .audit import foreign
from .comparisons import COMPARISONS, Compared
from .watch import Trading

LOOK_SECONDS = 4.0
"""Between two looks; each counts 7 at the exchange, which allows 2,400 a minute."""
AGAIN_SECONDS = 0.5
"""Between two looks while something differs, or nobody answers."""
STAYS_SECONDS = 3.0
"""A difference counts when it stays: what has just happened is known at one place earlier."""
STAYS_LOOKS = 4
SILENT_SECONDS = 5.0
"""After so long without an answer, nothing new is opened."""
LASTING = (
    "positions",
    "missing orders",
    "ended orders",
    "quantities",
    "prices",
    "triggers",
    "sides",
)
"""The comparisons of the audit that need nothing past."""
NAME = "exchange"
DOING = "It is asked again and again; stops work there, and nothing new is opened."


async def watch_account(trading: Trading) -> None:
    """
    Look until cancelled.

    Raises
    ------
    NodeExit
        With code 75 when engine and exchange differ and go on differing.

    """
    differing, silence, loop = Differing(), Silence(), asyncio.get_running_loop()
    while True:
        asked = loop.time()
        try:
            # Also where the exchange asks to wait, and nothing is asked meanwhile.
            async with asyncio.timeout(SILENT_SECONDS):
                record = await standing(trading.requests, trading.symbols)
        except FAILURES as error:
            if isinstance(error, ExchangeError) and error.code == WRONG_TIME:
                trading.bells[CLOCK].ring()
            if sentence := refused_for_good(error):
                trading.conditions.begin(NAME, sentence, DOING)
            elif silence.lasts(asked, loop.time()):
                trading.conditions.begin(
                    NAME,
                    f"The exchange has not answered for {SILENT_SECONDS:.0f} s: {one_line(error)}.",
                    DOING,
                )
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        silence.ends()
        trading.conditions.end(NAME)
        for sentence in foreign(record, trading.owners, trading.symbols):
            trading.note(sentence)
        rows = trading.engine.rows()
        found = lasting_differences(rows, record, trading.owners, trading.symbols)
        trading.last_look.tell(asked, rows, found)
        if stayed := differing.look(found, asked):
            raise NodeExit(
                ExitCode.AWAY,
                f"{stayed} It has stayed so for {STAYS_SECONDS:.0f} s; the node ends, and its next "
                "start learns from the exchange what has happened.",
            )
        if found:
            # What the engine was not told can be asked for, order by order.
            trading.engine.ask_again(record)
        await trading.bells[ACCOUNT].wait(AGAIN_SECONDS if found else LOOK_SECONDS)


def refused_for_good(error: BaseException) -> str:
    """Return in a sentence that the exchange refuses the key, or something else that lasts."""
    if not isinstance(error, ExchangeError):
        return ""
    if error.code == WRONG_TIME:
        return f"The exchange refuses the time of requests ({one_line(error).rstrip('.')})."
    refusal = refusal_of(error)
    return refusal.sentence if refusal else ""


def lasting_differences(
    rows: Rows, record: ExchangeRecord, owners: Sequence[str], symbols: Sequence[str]
) -> list[str]:
    """Return in sentences where the engine differs from what stands at the exchange."""
    compared = Compared(rows, record, owners, symbols)
    return [sentence for name in LASTING for sentence in COMPARISONS[name](compared)]


@dataclass(slots=True)
class Silence:
    """Since when the exchange has not answered."""

    since: float | None = None

    def lasts(self, asked: float, now: float) -> bool:
        """Take up one more question without an answer; return whether that is too long now."""
        if self.since is None:
            self.since = asked
        return now - self.since >= SILENT_SECONDS

    def ends(self) -> None:
        """Take up an answer."""
        self.since = None


class Differing:
    """Which differences stay, and for how long; told apart by what they are about."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, int]] = {}

    def look(self, found: Sequence[str], now: float) -> str:
        """
        Take up what one look has found; return a sentence that has stayed, or an empty one.

        It has stayed when it was found in `STAYS_LOOKS` looks one after the other, over
        `STAYS_SECONDS`.
        """
        before, self._since = self._since, {}
        for sentence in found:
            about = sentence.partition(" is ")[0]  # the quantity in it may change meanwhile
            since, looks = before.get(about, (now, 0))
            self._since[about] = since, looks + 1
            if now - since >= STAYS_SECONDS and looks + 1 >= STAYS_LOOKS:
                return sentence
        return ""
