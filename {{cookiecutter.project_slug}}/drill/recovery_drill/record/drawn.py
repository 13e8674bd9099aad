"""A schedule of faults that chance has drawn, as a value: what is played can be played again."""

import msgspec

from recovery_drill.record.boundary import CrashPoint


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a drawn schedule.

    Parameters
    ----------
    fault : str
        Which; `recovery_drill.scenarios.drawn` has them by name.
    after : int
        How many bars pass before it, since the one before it is over and all is well again.
    bars : int
        How many bars pass while it lasts.
    kill : bool
        Whether the node is killed as well, before it is over.
    at : CrashPoint or None
        Where the node is killed in the midst of its work; None is for a kill at rest.

    """

    fault: str
    after: int = 0
    bars: int = 0
    kill: bool = False
    at: CrashPoint | None = None

    @property
    def words(self) -> str:
        """What it is, in few words: ``store.pause for 2 bars and a kill``."""
        words = self.fault
        if self.at is not None:
            words += f" at {self.at.name}"
        if self.bars:
            words += f" for {self.bars} bar{'s' * (self.bars != 1)}"
        return words + " and a kill" * self.kill


class Drawn(msgspec.Struct, frozen=True):
    """One after the other, the faults of one play."""

    strikes: tuple[Strike, ...] = ()

    @property
    def words(self) -> str:
        """What happens, in few words."""
        return "; ".join(strike.words for strike in self.strikes)

    @property
    def length(self) -> tuple[int, int]:
        """How many faults there are, a kill within one counted as one more, and how many bars."""
        faults = sum(1 + strike.kill for strike in self.strikes)
        return faults, sum(strike.after + strike.bars for strike in self.strikes)
