"""
What the exchange keeps refusing, and for how long nothing is opened because of it. Pure.

One refusal may pass: a price has moved. A stop that is refused in every attempt of a decision, or
entries that are refused bar after bar, will be refused again, and each try costs commission or
leaves a position naked for a moment. So the node waits, longer each time, until one is taken. What
the codes mean stands in `order_refusals`.
"""

from dataclasses import dataclass, field

from ..plan.limits import KEPT_BACK
from ..plan.order_ids import Leg
from ..venue.binance.order_refusals import refusal_for, words_of

WAITS = (1, 4, 16, 64)
"""For how many bars nothing is opened after the first decision, the second, and so on."""
WORDS = {Leg.STOP: "stops", Leg.ENTRY: "entries", Leg.RESTING: "resting orders"}


@dataclass(slots=True)
class Refused:
    """One leg whose orders are refused, decision after decision."""

    reason: str
    until_ms: int
    may_pass: bool
    """One such decision is no reason to wait, or to say anything."""
    lasts: bool = False
    """The next one will be refused as well, whatever happens."""
    waits: bool = True
    """While it recurs nothing is opened; else each bar is another case."""
    decisions: set[int] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How often in a row, one more where the first one says that others will follow."""
        if self.lasts:
            return len(WAITS)
        return len(self.decisions) + (not self.may_pass)


class Refusals:
    """
    The refusals of one symbol.

    Parameters
    ----------
    symbol : str
        Which one.
    bar_ms : int
        The length of its bars in milliseconds.

    """

    def __init__(self, symbol: str, bar_ms: int) -> None:
        self._symbol = symbol
        self._bar_ms = bar_ms
        self._refused: dict[Leg, Refused] = {}

    def refused(self, leg: Leg, close_ms: int, reason: str) -> None:
        """Take up that an order of the decision at `close_ms` was refused."""
        if leg not in WORDS:
            return
        refusal = refusal_for(reason)
        may_pass = leg is not Leg.STOP or refusal.passes
        found = self._refused.setdefault(leg, Refused(reason, close_ms, may_pass))
        found.reason = reason
        found.may_pass = found.may_pass and may_pass
        found.lasts = refusal.lasts
        found.waits = refusal.waits
        if not found.waits:  # only bars in a row tell that it recurs
            found.decisions = {ms for ms in found.decisions if ms >= close_ms - self._bar_ms}
        found.decisions.add(close_ms)
        bars = WAITS[min(found.count, len(WAITS)) - 1] if found.waits else 1
        found.until_ms = max(found.until_ms, max(found.decisions) + bars * self._bar_ms)

    def taken(self, leg: Leg) -> None:
        """Take up that an order was taken: what was refused before has passed."""
        found = self._refused.get(leg)
        # Beside an order that a post-only rule refuses, others of the leg may be taken.
        if found is not None and found.waits:
            del self._refused[leg]

    def may_open(self, close_ms: int) -> bool:
        """Return whether the decision at `close_ms` may open anything."""
        return all(
            close_ms >= each.until_ms or close_ms in each.decisions
            for each in self._refused.values()
        )

    def told(self, close_ms: int) -> str:
        """Return in a sentence what is refused again and again; empty when nothing is."""
        for leg, each in self._refused.items():
            if close_ms < each.until_ms and each.count > 1:
                words = words_of(each.reason)
                told = f"The exchange refuses {WORDS[leg]} of {self._symbol}: {words}."
                if each.reason.startswith(KEPT_BACK):
                    told = f"Limits keep {WORDS[leg]} of {self._symbol} back, again and again."
                return " ".join(filter(None, (told, refusal_for(each.reason).advice)))
        return ""
