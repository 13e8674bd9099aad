"""Exit codes of the node, the exception that carries one with its plain sentence, and its words."""

import sys
from collections.abc import Callable, Iterable
from enum import IntEnum

SHORTEST_SECRET = 8
"""Letters; what is shorter would be found in ordinary words."""
HIDDEN = "***"


class ExitCode(IntEnum):
    """What a supervisor may conclude from the end of the process."""

    STOPPED = 0
    """Stopped as asked."""
    DEFECT = 1
    """A defect in the node or the strategy: look before restarting."""
    REFUSED = 70
    """What the exchange tells cannot be believed, or is not what the node has: look at both."""
    AWAY = 75
    """A dependency is away or a start-up bound has passed: restart me."""
    CONFIGURATION = 78
    """The configuration is wrong or the HTTP port is taken: a restart does not help."""


class NodeExit(Exception):
    """
    End the process with this code and this sentence.

    Parameters
    ----------
    code : ExitCode
        The exit code of the process.
    sentence : str
        One plain line for stderr: what is broken and what to do.
    at_once : bool
        Whether the end does not wait for what is on its way. Ends other than for a restart never
        do: what a defect or a refusal would do meanwhile cannot be trusted.

    """

    def __init__(self, code: ExitCode, sentence: str, *, at_once: bool = False) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.at_once = at_once or code is not ExitCode.AWAY


def one_line(error: object) -> str:
    """Return what an error says, in one line and without its full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


_secrets: set[str] = set()
_listeners: list[Callable[[str, str], None]] = []


def keep_secret(values: Iterable[str]) -> None:
    """Take up texts that are written nowhere from now on, whoever says them."""
    _secrets.update(value for value in values if len(value) >= SHORTEST_SECRET)


def without_secrets(text: str) -> str:
    """Return a text with each secret in it hidden."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


def printable(text: str) -> str:
    """
    Return a text in which what would do something to a terminal, or hide in it, is escaped.

    What the exchange, the store and other people say ends up in sentences. Only line breaks stay.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else _escaped(letter) for letter in text
    )


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def hear_complaints(listener: Callable[[str, str], None]) -> None:
    """Let somebody hear each sentence that is written from now on, and its level."""
    _listeners.append(listener)


def complain(sentence: str, level: str = "WARNING") -> None:
    """Write the plain line, or lines, to stderr, without secrets and control characters."""
    sentence = printable(without_secrets(sentence))
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
    for listener in _listeners:
        listener(sentence, level)
