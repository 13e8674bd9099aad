"""What a node trades, and how long its bars are."""

import msgspec


class Traded(msgspec.Struct, frozen=True):
    """What one strategy of the node trades.

    Parameters
    ----------
    tag : str
        The strategy.
    symbol : str
        What it trades, as the exchange writes it.
    bar_seconds : int
        How long its bars are.
    window : int
        How many closed ones it needs before its first decision.

    """

    tag: str
    symbol: str
    bar_seconds: int
    window: int

    @property
    def interval(self) -> str:
        """Its bars in the exchange's words: ``1m``, ``4h``, ``1d``."""
        return interval_of(self.bar_seconds)


def interval_of(seconds: int) -> str:
    """Return what the exchange calls bars of so many seconds."""
    for unit, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{letter}"
    return f"{seconds}s"


def last_close(bar: int, seconds: int) -> int:
    """Return when the last bar of so many seconds closed, once the minute `bar` has.

    Bars are named by the last millisecond in them, and begin with the Unix epoch.
    """
    return (bar + 1) // (seconds * 1000) * (seconds * 1000) - 1
