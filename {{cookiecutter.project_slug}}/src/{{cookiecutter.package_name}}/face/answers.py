"""
Three answers at a glance, each a pure function of what the node knows.

Does the position equal the exchange's? Is it protected? Is it safe to restart? An answer is yes or
no where the node knows it, and says that it is not known where the node does not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ..plan.rows import Rows
from .compared import Look, held
from .conditions import Condition
from .protection import Protection, protections
from .stages import Stage

OLD_SECONDS = 12.0
"""A comparison that is older tells nothing of now; there is one every four seconds."""
UP = (Stage.TRADING, Stage.DEGRADED)
HAS_ROWS = (Stage.WARMUP, *UP)
"""Stages in which the node has all that it will know: before, its engine is still loading."""
STAYS = ("halt", "limits")
"""Conditions that a restart neither ends nor makes worse."""


class Verdict(StrEnum):
    """What an answer is."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One answer.

    Parameters
    ----------
    question : str
        What it answers.
    verdict : Verdict
        Yes, no, or not known.
    sentence : str
        Why, and what it is about.

    """

    question: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the answers are made of.

    Parameters
    ----------
    stage : Stage
        What the node is at.
    reason : str
        Why it is there.
    now : float
        The monotonic clock.
    rows : Rows
        Positions, and the orders that are not closed.
    look : Look, optional
        The last comparison with the exchange.
    pending_looks : int
        Looks at the market that are due; each may send a command.
    conditions : Sequence[Condition]
        What is wrong.
    bare_symbols : Sequence[str]
        By choice without stops: the symbols of lines that ask for none.

    """

    stage: Stage
    now: float
    reason: str = ""
    rows: Rows = field(default_factory=Rows)
    look: Look | None = None
    pending_looks: int = 0
    conditions: Sequence[Condition] = ()
    bare_symbols: Sequence[str] = ()


def equals(known: Known) -> Answer:
    """Answer whether the position equals the exchange's."""

    def answer(verdict: Verdict, sentence: str) -> Answer:
        return Answer("Does the position equal the exchange's?", verdict, sentence)

    look = known.look
    if look is None:
        return answer(
            Verdict.UNKNOWN, f"Nothing was compared yet in this life: the node is at {known.stage}."
        )
    age = known.now - look.asked
    ago = f"{age:.0f} s ago"
    if age > OLD_SECONDS:
        was = "they differed" if look.differences else "they were equal"
        return answer(Verdict.UNKNOWN, f"They were compared last {ago}, and {was} then.")
    if look.differences and look.again:
        return answer(Verdict.NO, _some(look.differences))
    if look.differences:
        return answer(
            Verdict.UNKNOWN,
            f"{look.differences[0]} What has just happened is known at one place earlier; it is "
            "looked at again at once.",
        )
    if look.held != held(known.rows):
        return answer(
            Verdict.UNKNOWN,
            f"They were equal {ago}, and the position has changed since; the next comparison is "
            "due in some seconds.",
        )
    return answer(Verdict.YES, f"{_held(look.held)} at both, with every order; compared {ago}.")


def protected(known: Known) -> Answer:
    """Answer whether what is held is protected by stops at the exchange."""

    def answer(verdict: Verdict, sentence: str) -> Answer:
        return Answer("Is it protected?", verdict, sentence)

    if known.stage not in HAS_ROWS:
        return answer(
            Verdict.UNKNOWN,
            f"The node is at {known.stage} and does not know what is held. Stops that are at the "
            "exchange work all the same.",
        )
    found = protections(known.rows)
    naked = [each for each in found if not each.is_whole]
    if not found:
        return answer(Verdict.YES, "Nothing is held, so nothing needs a stop.")
    if not naked:
        return answer(Verdict.YES, " ".join(map(_covered, found)))
    if all(each.will_be_whole for each in naked):
        return answer(Verdict.UNKNOWN, " ".join(map(_coming, naked)))
    return answer(Verdict.NO, " ".join(_naked(each, known.bare_symbols) for each in naked))


def safe_to_restart(known: Known) -> Answer:
    """Answer whether the node may be restarted now, with nothing left open or to be found out."""

    def answer(verdict: Verdict, sentence: str) -> Answer:
        return Answer("Is it safe to restart?", verdict, sentence)

    if known.stage is Stage.REFUSED:
        return answer(Verdict.NO, f"It would refuse again: {known.reason}")
    if known.stage is Stage.STOPPING:
        return answer(Verdict.NO, "It is stopping already; let it end.")
    if known.stage not in UP:
        return answer(Verdict.NO, f"It is starting and at {known.stage}; let it come up first.")
    waits = sum(row.is_in_flight for row in known.rows.orders) + known.pending_looks
    if waits:
        things = "1 thing is" if waits == 1 else f"{waits} things are"
        return answer(
            Verdict.NO,
            f"{things} on the way to the exchange. Wait a moment; after a kill the next start asks "
            "what has become of it.",
        )
    shelter = protected(known)
    if shelter.verdict is not Verdict.YES:
        return answer(Verdict.NO, f"While it is down nobody adds a stop. {shelter.sentence}")
    same = equals(known)
    if same.verdict is Verdict.NO:
        return answer(Verdict.NO, same.sentence)
    for condition in known.conditions:
        if condition.name.partition(" of ")[0] not in STAYS:
            return answer(Verdict.NO, f"{condition.sentence} {condition.doing}")
    stays = [each.sentence for each in known.conditions]
    return answer(
        Verdict.YES,
        " ".join(["Nothing is on its way, and what is held has its stop at the exchange.", *stays]),
    )


QUESTIONS: tuple[Callable[[Known], Answer], ...] = (equals, protected, safe_to_restart)


def answers(known: Known) -> list[Answer]:
    """Return the three answers."""
    return [ask(known) for ask in QUESTIONS]


# -- In words --------------------------------------------------------------------------------------


def _held(quantities: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{q:+} {s}" for s, q in sorted(quantities.items())) or "Nothing"


def _some(sentences: Sequence[str]) -> str:
    more = len(sentences) - 1
    return sentences[0] + (f" And {more} more." if more else "")


def _covered(one: Protection) -> str:
    at = " and ".join(map(str, one.triggers))
    stops = "A stop" if len(one.triggers) == 1 else "Stops"
    return f"{stops} at {at} cover{'s' * (len(one.triggers) == 1)} {one.held:+} {one.symbol}."


def _coming(one: Protection) -> str:
    return f"The stop of {one.held:+} {one.symbol} is on its way to the exchange."


def _naked(one: Protection, bare: Sequence[str]) -> str:
    if one.symbol in bare:
        return f"{one.held:+} {one.symbol} has no stop, and its line asks for none."
    if not one.covered:
        return f"No stop covers {one.held:+} {one.symbol}."
    return f"Stops cover {one.covered} of {one.held:+} {one.symbol}."
