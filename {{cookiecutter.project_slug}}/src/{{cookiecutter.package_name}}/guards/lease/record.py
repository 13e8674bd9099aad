"""
What stands in the store about who trades, and whether somebody else may. Pure.

There is one record a trader, ``lease:<trader id>``. Its holder writes it again and again with a
growing beat. Nobody's clock is compared with another's: whoever wants the lease looks for as long
as a lease lasts, by a clock of its own, whether the beat still grows.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import Enum

LEASE_SECONDS = 3.0
"""How long a holder may send after it has written the record."""
RENEW_SECONDS = 0.5
"""How often it writes."""
SPARE_SECONDS = 0.25
"""How much earlier than that it sends no more: the exchange's time is known only so well."""


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Who trades.

    Parameters
    ----------
    owner : str
        The name of the process, which no other one has.
    epoch : int
        Grows by one with each holder.
    beat : int
        Grows with each renewal.
    host, pid : str, int
        Where it runs, for people.
    since_ms : int
        Since when, in milliseconds of its wall time.
    process : str
        What `processes` knows the process by.
    is_released : bool
        Whether it has given the lease back, with nothing on its way any more.

    """

    owner: str
    epoch: int
    beat: int
    host: str
    pid: int
    since_ms: int
    process: str = ""
    is_released: bool = False

    def next_beat(self) -> "Holder":
        """Return the record as it is written next."""
        return replace(self, beat=self.beat + 1)

    def given_back(self) -> "Holder":
        """Return the record as it is written last."""
        return replace(self, is_released=True)

    def told(self) -> str:
        """Return who it is, in words."""
        return f"process {self.pid} on {self.host}, in epoch {self.epoch}"


def key_of(trader: str) -> str:
    """Return the key of a trader's lease: outside the engine's own, which begin with "trader-"."""
    return f"lease:{trader}"


def encode(holder: Holder) -> bytes:
    """Return a record as it stands in the store."""
    return json.dumps(asdict(holder)).encode()


def decode(value: bytes | None) -> Holder | None:
    """
    Return the record that stands in the store; ``None`` for none.

    Raises
    ------
    ValueError
        If it is none.

    """
    if value is None:
        return None
    try:
        holder = Holder(**json.loads(value))
        is_right = all(isinstance(each, int) for each in (holder.epoch, holder.beat, holder.pid))
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise ValueError("something that is no lease")
    return holder


class Free(Enum):
    """Whether the lease may be taken."""

    NOW = "now"
    """Whoever held it has given it back, or has ended."""
    RUN_OUT = "run out"
    """It was not renewed for as long as it lasts."""
    LATER = "later"
    """Its record is gone, so nobody can say who has held it: it may be taken, and is in force only
    once every lease of before has ended."""
    NOT_YET = "not yet"
    """It was not renewed since the first look, which was too short a time ago."""
    HELD = "held"
    """It is renewed."""


TAKEN = frozenset({Free.NOW, Free.RUN_OUT, Free.LATER})


class Claim:
    """
    The looks of one process that wants the lease.

    Parameters
    ----------
    process : str
        What the process itself is known by.
    has_ended : Callable[[str], bool]
        Whether a process is known to have ended.

    """

    def __init__(self, process: str, has_ended: Callable[[str], bool]) -> None:
        self._process = process
        self._has_ended = has_ended
        self._seen: Holder | None = None
        self._since = 0.0

    def judge(
        self, holder: Holder | None, asked: float, told: float, *, may_be_old: bool = False
    ) -> Free:
        """
        Return whether the lease may be taken after a look.

        Parameters
        ----------
        holder : Holder, optional
            What the look has found.
        asked, told : float
            When the look began and ended, in seconds of the monotonic clock.
        may_be_old : bool
            Whether the store may have lost what was written last: nothing that the record says is
            believed then, but that it changes.

        """
        if holder is None:
            return Free.LATER
        if not may_be_old and (holder.is_released or self._is_over(holder)):
            return Free.NOW
        if self._seen is None or self._is_other(holder, self._seen):
            is_renewed = self._seen is not None and self._seen.owner == holder.owner
            self._seen, self._since = holder, told
            return Free.HELD if is_renewed else Free.NOT_YET
        return Free.RUN_OUT if asked - self._since >= LEASE_SECONDS else Free.NOT_YET

    def _is_over(self, holder: Holder) -> bool:
        """Return whether its process has ended, or has become this one."""
        if not holder.process:
            return False
        return holder.process == self._process or self._has_ended(holder.process)

    @staticmethod
    def _is_other(holder: Holder, seen: Holder) -> bool:
        return (holder.owner, holder.epoch, holder.beat) != (seen.owner, seen.epoch, seen.beat)
