"""Exit codes of the node, and the exception that carries one with its plain sentence."""

import sys
from enum import IntEnum


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


def complain(sentence: str) -> None:
    """Write the plain line, or lines, to stderr."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
