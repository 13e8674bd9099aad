"""
What is sent next, and when: each message once, not too many a minute, and the rest as a digest.

Pure: the time is given, and nothing is sent here.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from .message import IMPORTANT_FIRST, Kind, Message

MOST_WAITING = 500
"""So many wait at most; the oldest are dropped then, and counted."""
MOST_IN_DIGEST = 12
LONGEST_PAUSE = 60.0
IN_WORDS = {
    Kind.FILLS: "fills",
    Kind.STOP_OUTS: "stop-outs",
    Kind.CONDITIONS: "conditions",
    Kind.HALTS: "halts",
    Kind.RESTARTS: "starts and ends",
    Kind.SUMMARY: "daily summaries",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """
    What is sent at once: one message, or a digest of many.

    Parameters
    ----------
    names : tuple[str, ...]
        The messages that it tells.
    title, text : str
        For people.
    is_loud : bool
        Whether it may make a sound.

    """

    names: tuple[str, ...]
    title: str
    text: str
    is_loud: bool


class Outbox:
    """
    What waits to be sent.

    Parameters
    ----------
    trader : str
        Whose node it is.
    most : int
        How many letters a minute.
    now : float
        The time, by the monotonic clock.
    sent : int
        How many the lives before have sent in the last minute: a node that starts again and again
        sends no more than one that does not.

    Attributes
    ----------
    dropped : int
        How many were dropped, and not told of yet.

    """

    def __init__(self, trader: str, most: int, now: float, sent: int = 0) -> None:
        self._trader = trader
        self._most = most
        self._may = float(max(0, most - sent))
        self._at = now
        self._waiting: OrderedDict[str, Message] = OrderedDict()
        self._not_before = now
        self._pause = 0.0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """Let a message wait; one that waits already does so once."""
        if message.name in self._waiting:
            return
        self._waiting[message.name] = message
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
            self.dropped += 1

    def next(self, now: float) -> Letter | None:
        """Return what may be sent now; it waits until it is said to be sent."""
        self._may = min(float(self._most), self._may + (now - self._at) * self._most / 60)
        self._at = now
        if not self._waiting or now < self._not_before or self._may < 1:
            return None
        if len(self._waiting) == 1 or self._may >= 2:  # the last one is a digest's
            return self._letter(next(iter(self._waiting.values())))
        return self._digest(list(self._waiting.values()))

    def due(self, now: float) -> float | None:
        """Return in how many seconds something may be sent; ``None`` when nothing waits."""
        if not self._waiting:
            return None
        may_in = max(0.0, (1 - self._may) * 60 / self._most)
        return max(may_in, self._not_before - now, 0.0)

    def sent(self, letter: Letter) -> None:
        """Take up that a letter was taken."""
        for name in letter.names:
            self._waiting.pop(name, None)
        self._may -= 1
        self._pause, self.dropped = 0.0, 0

    def failed(self, now: float) -> None:
        """Take up that nobody took it: it is tried again, each time later."""
        self._may -= 1
        self._pause = min(max(1.0, self._pause * 2), LONGEST_PAUSE)
        self._not_before = now + self._pause

    def _letter(self, message: Message) -> Letter:
        text = f"{message.text}{self._lost()}\n[{self._trader} {message.name}]"
        return Letter((message.name,), f"{self._trader}: {message.title}", text, message.is_loud)

    def _digest(self, messages: Sequence[Message]) -> Letter:
        counts = Counter(each.kind for each in messages)
        told = ", ".join(f"{counts[kind]} {IN_WORDS[kind]}" for kind in Kind if counts[kind])
        ranked = sorted(
            enumerate(messages), key=lambda each: (IMPORTANT_FIRST.index(each[1].kind), -each[0])
        )
        newest = [each for _, each in ranked[:MOST_IN_DIGEST]]
        lines = [f"- {each.title} [{each.name}]" for each in newest]
        if len(messages) > len(newest):
            lines.append(f"- and {len(messages) - len(newest)} more")
        text = (
            f"Held back, for no more than {self._most} a minute are sent: {told}.{self._lost()}\n"
            + "\n".join(lines)
        )
        title = f"{self._trader}: {len(messages)} things at once"
        return Letter(
            tuple(each.name for each in messages),
            title,
            f"{text}\n[{self._trader} digest {messages[0].name}]",
            any(each.is_loud for each in messages),
        )

    def _lost(self) -> str:
        if not self.dropped:
            return ""
        were = "1 message was" if self.dropped == 1 else f"{self.dropped} messages were"
        return f" Besides, {were} dropped, because too many waited."
