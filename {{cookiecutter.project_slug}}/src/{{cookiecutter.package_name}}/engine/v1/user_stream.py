"""
A user stream that the adapter gives up for good.

When all sockets have broken and the one request for a new listen key fails, nautilus_trader 1.231.0
writes a line to its log, closes the stream and trades on without it. Here somebody is told.
"""

from collections.abc import Callable
from typing import Any

FAILED = "_is_recovery_failed"
SENTENCE = (
    "The stream of the account's events broke and could not be opened again; the node ends, and "
    "its next start learns from the exchange what it has missed."
)


def tell_when_lost(stream: Any, tell: Callable[[str], None]) -> None:
    """
    Tell when the adapter has given its user stream up.

    Parameters
    ----------
    stream : Any
        The adapter's client for the user stream; it disconnects itself when it gives up.
    tell : Callable[[str], None]
        Takes the sentence.

    """
    stock = stream.disconnect

    async def disconnect() -> None:
        if getattr(stream, FAILED):
            tell(SENTENCE)
        await stock()

    stream.disconnect = disconnect
