"""What one scrape tells, as plain values; `samples` puts them in Prometheus' words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the buckets of durations, in seconds."""


@dataclass(frozen=True, slots=True)
class Durations:
    """
    How long something has taken, again and again.

    Parameters
    ----------
    counts : tuple[int, ...]
        How often it was no longer than each of `BUCKETS` and longer than the one before; the last
        number counts what was longer than all of them.
    seconds : float
        All of it together.

    """

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of what is traded.

    Parameters
    ----------
    tag, symbol : str
        Which one.
    bar_seconds : float
        The length of its bars.
    bar_age : float, optional
        For how many seconds no new bar has come; ``None`` before the first.
    position : Decimal
        What is held, signed, in coins.
    stopped : Decimal
        How much of it working stops would close, in coins.
    wants_stop : bool
        Whether its position should have a stop.
    naked_seconds : float
        For how long the position has lacked a stop for some part of it; 0 when it lacks none.
    naked_seconds_total : float
        The same, summed up over this process's life.
    working : int
        Orders of the symbol that are not closed.

    """

    tag: str
    symbol: str
    bar_seconds: float
    bar_age: float | None = None
    position: Decimal = Decimal(0)
    stopped: Decimal = Decimal(0)
    wants_stop: bool = True
    naked_seconds: float = 0.0
    naked_seconds_total: float = 0.0
    working: int = 0


@dataclass(frozen=True, slots=True)
class Wrong:
    """
    A condition.

    Parameters
    ----------
    condition : str
        What it is about: one of a few words.
    symbol : str
        Which symbol alone; empty for all.
    holds : bool
        Whether nothing may be opened for as long as it is.
    seconds : float
        For how long it has been so.

    """

    condition: str
    symbol: str
    holds: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """The lease: the number of its holding, ``None`` when it is not held, and its seconds left."""

    epoch: int | None = None
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """By how many seconds the exchange's clock is ahead, give or take the doubt; and its age."""

    offset: float
    doubt: float
    age: float


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """
    The store, as its watch sees it.

    Parameters
    ----------
    lag : float
        For how many seconds it has lacked what the engine has written; 0 when it had all of it at
        the last look.
    look : float
        How many seconds the last look has taken.

    """

    lag: float
    look: float


@dataclass(frozen=True, slots=True)
class DayFacts:
    """
    Money, as the hard limits know it, in US dollars; ``None`` or nothing while nobody has told.

    Parameters
    ----------
    result : Decimal, optional
        What has been won since 00:00 UTC, with commission and funding; negative is lost.
    commission : Decimal, optional
        What has been paid for it since then.
    equity : Mapping[str, Decimal]
        By asset: what the account has of it, open positions included.
    most_loss, most_commission : Decimal
        Their limits.

    """

    result: Decimal | None
    commission: Decimal | None
    equity: Mapping[str, Decimal]
    most_loss: Decimal
    most_commission: Decimal


type Counts = Mapping[tuple[str, ...], int]
"""How often, by the values of labels."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    Everything that one scrape tells.

    Parameters
    ----------
    version, trader_id, profile : str
        Which node it is.
    stage : str
        The current stage.
    stages : Sequence[str]
        All that there are.
    started : float
        When the process began, in seconds of wall time.
    start_stages : Mapping[str, float]
        How many seconds each stage of the way up has taken, as far as it is over.
    start_seconds : float, optional
        How long it took from the process's beginning until it traded; ``None`` before.
    stands_by : bool
        Whether it waits while another node trades.
    lines : Sequence[Line]
        What is traded.
    orders : Counts
        By tag, symbol, leg and outcome.
    fills : Counts
        By tag, symbol and leg.
    refusals : Counts
        By tag, symbol and code.
    round_trips : Mapping[str, Durations]
        By kind of request: from its sending until something was heard of it.
    conditions : Sequence[Wrong]
        What is wrong.
    lease : LeaseFacts
        The lease.
    clock : ClockFacts, optional
        The clock; ``None`` before it was compared.
    store : StoreFacts, optional
        The store; ``None`` before it is watched.
    day : DayFacts, optional
        The money.
    asked, weight : int
        Questions that the node itself has asked the exchange, and what they count there.
    failures : int
        How often counting itself has failed; it is left out then, and nothing else happens.

    """

    version: str
    stage: str
    stages: Sequence[str]
    started: float
    trader_id: str = ""
    profile: str = ""
    start_stages: Mapping[str, float] = field(default_factory=dict)
    start_seconds: float | None = None
    stands_by: bool = False
    lines: Sequence[Line] = ()
    orders: Counts = field(default_factory=dict)
    fills: Counts = field(default_factory=dict)
    refusals: Counts = field(default_factory=dict)
    round_trips: Mapping[str, Durations] = field(default_factory=dict)
    conditions: Sequence[Wrong] = ()
    lease: LeaseFacts = field(default_factory=LeaseFacts)
    clock: ClockFacts | None = None
    store: StoreFacts | None = None
    day: DayFacts | None = None
    asked: int = 0
    weight: int = 0
    failures: int = 0
