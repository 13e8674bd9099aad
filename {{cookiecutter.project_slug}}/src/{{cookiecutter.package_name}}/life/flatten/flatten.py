"""
Flatten: look, cancel, close, and look again, until the exchange says that nothing is left.

It may be killed at any of its requests and begun anew: every look starts from what the exchange
says, cancelling what is gone does nothing, and a market order that is reduce-only closes nothing
twice and opens nothing.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...exit_codes import ExitCode, NodeExit
from ...venue.binance.closing import (
    Standing,
    cancel_all,
    is_hedged,
    reduce_at_market,
    rules_of,
    standing_of_all,
)
from ...venue.binance.one_order import ask_for_order
from ...venue.binance.refusals import refusal_of
from ...venue.binance.requests import FAILURES, ExchangeError, Requests, failure_words
from ...venue.binance.rules import SymbolRules
from ...venue.binance.signing_clock import NotAllowed
from .steps import Close, Fate, Step, fate_of, over_from, steps

SECONDS = 60.0
"""How long it tries."""
PAUSE_SECONDS = 0.1
"""The pause between two looks; it doubles with each, up to `MOST_PAUSE_SECONDS`."""
MOST_PAUSE_SECONDS = 3.0
"""A look of all symbols counts 90 of the 2,400 that the exchange allows a minute."""
HEDGED = (
    "The account is in hedge mode (two position sides), and this command closes positions of "
    "one-way mode alone: close them at the exchange, by hand."
)

type Say = Callable[[str], None]


@dataclass(slots=True)
class Seen:
    """What the looks have found so far."""

    standing: Standing | None = None
    trouble: str = ""

    def left(self) -> str:
        """Return what is left, in a sentence."""
        why = f" The last trouble: {self.trouble}." if self.trouble else ""
        if self.standing is None:
            return f"Nobody knows what the account holds.{why}"
        return f"Last seen: {self.standing.told()}.{why}"


class Flattening:
    """
    One flattening of an account.

    Parameters
    ----------
    requests : Requests
        How to ask, and to change; by their clock only as long as the lease is held.
    symbol : str, optional
        Which symbol alone.
    quiet_from : Callable[[], float]
        From when on nothing of whoever traded before can arrive any more, by the monotonic clock.
    say : Callable[[str], None]
        Takes a line about what is done.

    """

    def __init__(
        self,
        requests: Requests,
        symbol: str | None,
        quiet_from: Callable[[], float],
        say: Say,
    ) -> None:
        self._requests = requests
        self._symbol = symbol
        self._quiet_from = quiet_from
        self._say = say
        self._seen = Seen()
        self._flat_since: float | None = None
        self._last_was_answered = False
        self._cancelled: set[str] = set()
        self._rules: dict[str, SymbolRules] = {}
        self._asked_for_rules: set[str] = set()

    async def run(self, seconds: float = SECONDS) -> None:
        """
        Return once the exchange has said for a while that nothing is held and nothing waits.

        Raises
        ------
        NodeExit
            With code 70 when that is not so after so many seconds, 75 when the exchange does not
            answer, or the lease is lost, 78 when the account is in hedge mode or the key is
            refused; the sentence says what is left.

        """
        end = time.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                await self._until_flat()
        except TimeoutError:
            raise self._too_late(seconds) from None
        except NotAllowed:
            raise NodeExit(
                ExitCode.AWAY,
                f"The lease is lost while it is being flattened. {self._seen.left()} Run it again.",
            ) from None
        except NodeExit as error:
            if error.code is ExitCode.AWAY and time.monotonic() < end:
                raise NodeExit(error.code, f"{error.sentence} {self._seen.left()}") from None
            raise

    def _too_late(self, seconds: float) -> NodeExit:
        seen = self._seen
        if seen.standing is None or not self._last_was_answered:
            return NodeExit(
                ExitCode.AWAY,
                f"The exchange has not answered within {seconds:.0f} s. {seen.left()} Run it "
                "again, and look at the account.",
            )
        return NodeExit(
            ExitCode.REFUSED,
            f"Not flat after {seconds:.0f} s. {seen.left()} Run it again, or close it at the "
            "exchange by hand.",
        )

    async def _until_flat(self) -> None:
        pause, is_mode_known = PAUSE_SECONDS, False
        while True:
            asked = time.monotonic()
            try:
                if not is_mode_known and await is_hedged(self._requests):
                    raise NodeExit(ExitCode.CONFIGURATION, HEDGED)
                is_mode_known = True
                standing = await standing_of_all(self._requests, self._symbol)
            except FAILURES as error:
                self._flat_since, self._last_was_answered = None, False
                self._note("The exchange does not tell what stands", error)
            else:
                self._seen.standing, self._last_was_answered = standing, True
                if standing.is_flat:
                    since = self._flat_since = self._flat_since or asked
                    if asked >= (over := over_from(since, self._quiet_from())):
                        return
                    await self._rest_until(over)
                    continue
                self._flat_since = None
                await self._act(standing)
            await asyncio.sleep(pause)
            pause = min(2 * pause, MOST_PAUSE_SECONDS)

    async def _rest_until(self, over: float) -> None:
        """Wait for as long as something might still arrive."""
        left = max(0.0, over - time.monotonic())
        self._say(f"Nothing is left; for {left:.1f} s something late might still arrive.")
        await asyncio.sleep(left)

    async def _act(self, standing: Standing) -> None:
        await self._learn_rules(standing)
        for step in steps(standing, self._rules, self._cancelled):
            try:
                await self._do(step)
            except FAILURES as error:
                self._note(f"Nobody says whether it is done: {step.told()}", error)

    async def _do(self, step: Step) -> None:
        if isinstance(step, Close):
            await self._close(step)
            return
        self._say(f"It goes on: {step.told()}.")
        await cancel_all(self._requests, step.symbol, is_conditional=step.is_conditional)
        if step.is_conditional:  # the second of the two
            self._cancelled.add(step.symbol)

    async def _close(self, step: Close) -> None:
        for name in step.names:
            # Before each: this process, or one before it, may have sent it already.
            found = await ask_for_order(self._requests, step.symbol, name, is_conditional=False)
            match fate_of(found):
                case Fate.WAIT:
                    return
                case Fate.SEND:
                    self._say(f"It goes on: {step.told()} ({name}).")
                    await reduce_at_market(
                        self._requests, step.symbol, step.side, step.quantity, name
                    )
                    return
        self._seen.trouble = f"{len(step.names)} orders of {step.symbol} have ended without a fill"

    async def _learn_rules(self, standing: Standing) -> None:
        """Ask for the rules of what is held; without them an order is as large as its position."""
        new = {held.position.symbol for held in standing.positions} - self._asked_for_rules
        if not new:
            return
        try:
            self._rules |= await rules_of(self._requests, tuple(new))
        except FAILURES as error:
            self._note("The exchange does not tell its rules", error)
            return
        self._asked_for_rules |= new

    def _note(self, what: str, error: Exception) -> None:
        """Say what has failed; end where trying again does not help."""
        if isinstance(error, ExchangeError) and (refusal := refusal_of(error)) is not None:
            raise NodeExit(refusal.code, f"{refusal.sentence} {self._seen.left()}") from None
        words = failure_words(error)
        if words != self._seen.trouble:
            self._say(f"{what}: {words}.")
        self._seen.trouble = words
