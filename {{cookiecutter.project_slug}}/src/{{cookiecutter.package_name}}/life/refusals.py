"""
What the exchange keeps refusing, and for how long nothing is opened because of it. Pure.

One refusal may pass: a price has moved. A stop that is refused in every attempt of a decision, or
entries that are refused bar after bar, will be refused again, and each try costs commission or
leaves a position naked for a moment. So the node waits, longer each time, until one is taken.
"""

from dataclasses import dataclass, field

from ..plan.order_ids import Leg

WAITS = (1, 4, 16, 64)
"""For how many bars nothing is opened after the first decision, the second, and so on."""
WOULD_TRIGGER = "-2021"
"""A stop's price was passed before it was there (USD-M Futures, Error Codes): it may pass."""
WORDS = {Leg.STOP: "stops", Leg.ENTRY: "entries", Leg.RESTING: "resting orders"}


@dataclass(slots=True)
class Refused:
    """One leg whose orders are refused, decision after decision."""

    reason: str
    until_ms: int
    may_pass: bool
    """One such decision is no reason to wait, or to say anything."""
    decisions: set[int] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How often in a row, one more where the first one says that others will follow."""
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
        may_pass = leg is not Leg.STOP or WOULD_TRIGGER in reason
        found = self._refused.setdefault(leg, Refused(reason, close_ms, may_pass))
        found.reason = reason
        found.may_pass = found.may_pass and may_pass
        found.decisions.add(close_ms)
        bars = WAITS[min(found.count, len(WAITS)) - 1]
        found.until_ms = max(found.until_ms, max(found.decisions) + bars * self._bar_ms)

    def taken(self, leg: Leg) -> None:
        """Take up that an order was taken: what was refused before has passed."""
        self._refused.pop(leg, None)

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
                return f"The exchange refuses {WORDS[leg]} of {self._symbol}: {each.reason}."
        return ""
