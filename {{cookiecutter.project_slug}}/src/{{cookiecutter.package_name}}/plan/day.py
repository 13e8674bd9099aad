"""
What a day has brought: profit, loss and fees since 00:00 UTC. Pure.

The exchange's own income history is what counts. It is asked now and then, and may lag; a fill that
was heard of and that the history does not tell yet counts meanwhile, by its number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

DAY_MS = 86_400_000
LAGS_SECONDS = 60.0
"""How long the income history may lag; what was heard before that and is not in it never was."""
COMMISSION = "COMMISSION"
REALIZED = "REALIZED_PNL"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Income:
    """
    One row of the income history, in US dollars.

    Parameters
    ----------
    number : str
        Told once; another row has another one.
    kind : str
        ``REALIZED_PNL``, ``COMMISSION``, ``FUNDING_FEE``.
    amount : Decimal
        Positive is gained.
    at_ms : int
        When, in milliseconds of market time.
    trade : str
        Symbol and number of the fill that it is of; empty for none.

    """

    number: str
    kind: str
    amount: Decimal
    at_ms: int
    trade: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """
    A fill of one's own that the engine has heard of.

    Parameters
    ----------
    trade : str
        Symbol and number.
    profit, fee : Decimal
        What it has realized before its commission, and the commission; in US dollars.
    at_ms : int
        When, in milliseconds of market time.
    heard : float
        When it was heard, by the monotonic clock.

    """

    trade: str
    profit: Decimal
    fee: Decimal
    at_ms: int
    heard: float


@dataclass(frozen=True, slots=True)
class DayTotal:
    """
    A day's result so far; none of it is negative unless the day has gained.

    Parameters
    ----------
    lost, paid : Decimal
        Loss with all fees, and fees alone.
    most_lost, most_paid : Decimal
        The most that it was at any moment of the day.

    """

    lost: Decimal = ZERO
    paid: Decimal = ZERO
    most_lost: Decimal = ZERO
    most_paid: Decimal = ZERO


class Day:
    """One day after the other, each begun with nothing at 00:00 UTC."""

    def __init__(self) -> None:
        self._began_ms = 0
        self._told: dict[str, Income] = {}
        self._heard: dict[str, list[Heard]] = {}

    @property
    def began_ms(self) -> int:
        """When the day of the last answer has begun; 0 before the first."""
        return self._began_ms

    def tell(self, rows: Iterable[Income], now_ms: int, asked: float) -> None:
        """
        Take up an answer; rows that were told before are told once.

        Parameters
        ----------
        rows : Iterable[Income]
            The answer, or the last part of it.
        now_ms : int
            The exchange's now, in milliseconds of market time.
        asked : float
            When it was asked for, by the monotonic clock.

        """
        self._began_ms = day_of(now_ms)
        for row in rows:
            self._told[row.number] = row
        self._told = {n: row for n, row in self._told.items() if row.at_ms >= self._began_ms}
        self._heard = {
            trade: [each for each in fills if each.heard > asked - LAGS_SECONDS]
            for trade, fills in self._heard.items()
        }
        self._heard = {trade: fills for trade, fills in self._heard.items() if fills}

    def hear(self, fill: Heard) -> None:
        """Take up a fill that was heard of; one that closes and opens comes in two parts."""
        self._heard.setdefault(fill.trade, []).append(fill)

    def total(self) -> DayTotal:
        """Return the day's result, with what was heard and is not told yet."""
        lost = paid = most_lost = most_paid = ZERO
        rows = sorted(self._told.values(), key=lambda row: row.at_ms)
        for row in (*rows, *self._untold()):
            lost -= row.amount
            if row.kind == COMMISSION:
                paid -= row.amount
            most_lost, most_paid = max(lost, most_lost), max(paid, most_paid)
        return DayTotal(lost, paid, most_lost, most_paid)

    def curve(self) -> list[tuple[int, Decimal]]:
        """Return how the day's result has come about: when, and what it was from then on."""
        found, result = [], ZERO
        rows = (*self._told.values(), *self._untold())
        for row in sorted(rows, key=lambda row: row.at_ms):
            result += row.amount
            found.append((row.at_ms, result))
        return found

    def _untold(self) -> Iterable[Income]:
        told = {(row.trade, row.kind) for row in self._told.values() if row.trade}
        for trade, fills in self._heard.items():
            for fill in fills:
                if fill.at_ms < self._began_ms:
                    continue
                if (trade, REALIZED) not in told:
                    yield Income(trade, REALIZED, fill.profit, fill.at_ms)
                if (trade, COMMISSION) not in told:
                    yield Income(trade, COMMISSION, -fill.fee, fill.at_ms)


def day_of(at_ms: int) -> int:
    """Return when the day of a moment has begun, 00:00 UTC."""
    return at_ms - at_ms % DAY_MS
