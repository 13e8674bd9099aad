"""What node, store and exchange are to the drill: a process, whatever it runs in."""

import signal
from collections.abc import Callable
from typing import Any, Protocol

EXIT_WAIT_SECONDS = 10.0

OnEvent = Callable[[dict[str, Any]], None]


class Process(Protocol):
    """One process from its start to its end.

    Attributes
    ----------
    name : str
        What it is called in messages.
    on_event : Callable or None
        Called with each line on its standard output that is a JSON object with an ``event`` key;
        set before it starts.
    started_ns, ended_ns : int
        Monotonic times; 0 until then.

    """

    name: str
    on_event: OnEvent | None
    started_ns: int
    ended_ns: int

    @property
    def command(self) -> tuple[str, ...]:
        """What was started, for the record."""

    @property
    def pid(self) -> int:
        """The process id, for the record."""

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""

    @property
    def started(self) -> bool:
        """Whether it was started; it may have ended since."""

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative is the signal that ended it; None while it runs."""

    async def start(self) -> None:
        """Start it."""

    async def wait(self, seconds: float = EXIT_WAIT_SECONDS) -> int:
        """Wait for its end and return its exit code; a bound that passes is Inconclusive."""

    async def ended(self) -> int:
        """Wait for its end without a bound."""

    async def kill(self) -> int:
        """End it with SIGKILL, wait until it is gone, and return its exit code."""

    async def stop(self, seconds: float = EXIT_WAIT_SECONDS) -> int:
        """Ask it to end, kill it when it has not after so long, and return its exit code."""

    async def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""

    def last_words(self) -> str:
        """Return the last plain line that it wrote, or that there is none, for messages."""

    def said(self) -> str:
        """Return the last plain line that it wrote, no log line and no event; empty for none."""

    def errors(self) -> list[str]:
        """Return the first errors in its log."""
