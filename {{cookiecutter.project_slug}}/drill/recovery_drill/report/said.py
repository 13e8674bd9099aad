"""What a check said, each promise once: the same sentence of many moments is told as a span; pure.

A promise that stays broken is found at each look, so a check may say one sentence hundreds of
times, with another moment each time.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from recovery_drill.report.times import readable

WHEN = re.compile(
    r"(?:at bar|inside the bar after) \d{13}(?: with another hand)?"
    r"|(?:after|before) (?:re)?(?:start|kill) \d+|\d+ bars later"
)
NUMBER = re.compile(r"\d{13}")


@dataclass(frozen=True)
class Said:
    """One broken promise: its first sentence and its last, and how often it was found."""

    first: str
    last: str
    times: int = 1

    @property
    def sentence(self) -> str:
        """Return the first sentence, readable, with how often it was found."""
        said = readable(self.first)
        if self.times == 1:
            return said
        return f"{said} (found {self.times} times{_until(self.first, self.last)})"


def _until(first: str, last: str) -> str:
    end = WHEN.search(last)
    return f", until {readable(end[0])}" if end and end[0] not in first else ""


def spans(sentences: Iterable[str], whens: Collection[str] = ()) -> list[Said]:
    """Return each promise once, in the order in which they broke first.

    Parameters
    ----------
    sentences : Iterable[str]
        What a check said.
    whens : Collection[str]
        How moments are called in them, beyond what every play has.

    """
    longest = sorted(whens, key=len, reverse=True)
    named = re.compile("|".join(map(re.escape, longest))) if longest else None
    found: dict[str, Said] = {}
    for sentence in sentences:
        key = NUMBER.sub("#", WHEN.sub("#", named.sub("#", sentence) if named else sentence))
        if (before := found.get(key)) is None:
            found[key] = Said(sentence, sentence)
        else:
            found[key] = Said(before.first, sentence, before.times + 1)
    return list(found.values())
