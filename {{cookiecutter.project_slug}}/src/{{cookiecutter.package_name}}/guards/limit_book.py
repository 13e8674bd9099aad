"""
What the hard limits go by, kept while the node trades, and what is said when one keeps an order.

Facts that are too old count as unknown, and what is unknown opens nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..config.complaints import PREFIX
from ..face.conditions import Conditions
from ..plan.day import Day, Heard, Income
from ..plan.limits import AtEngine, Breach, Limits, Told, Wanted, breach, day_breach, own_breach
from ..venue.binance.income import Worth

NAME = "limits"
"""The condition that a limit keeps orders back."""
MARK_SECONDS, WORTH_SECONDS, INCOME_SECONDS = 60.0, 120.0, 180.0
"""After so long, what was told counts no more."""
SAID_SECONDS = 60.0
"""How long it is said that an order was kept back, unless it happens again."""
KEPT_DOING = "It is not sent. What keeps the limits is sent, and so are stops and exits."
UNTIL_MIDNIGHT = "Nothing new is opened until 00:00 UTC; stops and exits are sent."
UNTIL_BELOW = "Nothing new is opened until it is below that again; stops and exits are sent."
UNTIL_KNOWN = "Nothing new is opened until it is known; stops and exits are sent."
QUANTUM = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about an order that was kept back, and when that has happened last."""

    sentence: str
    at: float


class LimitBook:
    """
    What the exchange has told that limits need. Times are those of the monotonic clock.

    Attributes
    ----------
    income_ms : int
        Until when income was asked for last, in milliseconds of market time.

    """

    def __init__(self) -> None:
        self._marks: dict[str, tuple[Decimal, float]] = {}
        self._worth: Worth | None = None
        self._worth_at = 0.0
        self._income_at: float | None = None
        self.income_ms = 0
        self._kept: dict[tuple[str, str], Said] = {}
        self._day_said: tuple[str, str] = ("", "")
        self._day = Day()

    # -- What is told ----------------------------------------------------------------------------

    def tell_mark(self, symbol: str, price: Decimal, now: float) -> None:
        """Take up a mark price."""
        self._marks[symbol] = price, now

    def tell_worth(self, worth: Worth, now: float) -> None:
        """Take up what the account is worth."""
        self._worth, self._worth_at = worth, now

    def tell_income(self, rows: list[Income], now_ms: int, asked: float) -> None:
        """Take up the day's income, or the last part of it."""
        self._day.tell(rows, now_ms, asked)
        self.income_ms = now_ms
        self._income_at = asked

    def hear(self, fill: Heard) -> None:
        """Take up a fill of one's own; what comes before the first answer is in the answer."""
        if self._income_at is not None:
            self._day.hear(fill)

    @property
    def day_began_ms(self) -> int:
        """When the day that is counted has begun; 0 before the first answer."""
        return self._day.began_ms

    def curve(self, now: float) -> list[tuple[int, Decimal]] | None:
        """Return how the day's result has come about; ``None`` when it is not known."""
        return self._day.curve() if self.income_age(now) < INCOME_SECONDS else None

    def mark(self, symbol: str, now: float) -> Decimal | None:
        """Return the mark price of a symbol; ``None`` when it is not known."""
        return self._marks[symbol][0] if self.mark_age(symbol, now) < MARK_SECONDS else None

    def mark_age(self, symbol: str, now: float) -> float:
        """Return how old the mark price of a symbol is, in seconds."""
        found = self._marks.get(symbol)
        return now - found[1] if found else float("inf")

    def worth_age(self, now: float) -> float:
        """Return how old it is what the account is worth, in seconds."""
        return now - self._worth_at if self._worth else float("inf")

    def income_age(self, now: float) -> float:
        """Return how old the day's income is, in seconds."""
        return float("inf") if self._income_at is None else now - self._income_at

    def told(self, known: Mapping[str, object], now: float) -> Told:
        """Return what is known now; `known` are the symbols that the engine answers for."""
        worth = self._worth if self.worth_age(now) < WORTH_SECONDS else None
        others = Decimal(0)
        if worth is not None:
            others = sum((w for s, w in worth.positions.items() if s not in known), Decimal(0))
        return Told(
            marks={s: price for s, (price, at) in self._marks.items() if now - at < MARK_SECONDS},
            equity=None if worth is None else worth.equity,
            others=others,
            day=self._day.total() if self.income_age(now) < INCOME_SECONDS else None,
        )

    # -- What is made of it ----------------------------------------------------------------------

    def refusal(
        self,
        wanted: Wanted,
        engine: AtEngine,
        limits: Limits,
        traded: tuple[str, ...],
        now: float,
        most: Decimal | None = None,
    ) -> str:
        """
        Return in a sentence why an order is kept back; empty when it may be sent.

        `most` is the largest position that the order's own line in ``strategies/`` allows.
        """
        known = {*traded, *engine.standing, wanted.symbol}
        found = own_breach(wanted, engine, most) or breach(
            wanted, engine, self.told(dict.fromkeys(known), now), limits
        )
        if found is None:
            return ""
        side = "buy" if wanted.quantity > 0 else "sell"
        sentence = (
            f"An order to {side} {abs(wanted.quantity)} {wanted.symbol} is kept back: "
            f"{in_words(found)}."
        )
        key = (found.limit or found.what, wanted.symbol)
        before = self._kept.get(key)
        self._kept[key] = Said(before.sentence if before else sentence, now)
        return sentence

    def say(self, conditions: Conditions, limits: Limits, now: float) -> None:
        """Say what limits keep back now, or that they keep nothing back any more."""
        sentence, doing = self._day_sentence(limits, now)
        if sentence:
            conditions.begin(NAME, sentence, doing)
            return
        self._kept = {key: said for key, said in self._kept.items() if now - said.at < SAID_SECONDS}
        if self._kept:
            told = " ".join(said.sentence for said in self._kept.values())
            # Smaller orders may keep the limits, so nothing else is held.
            conditions.begin(NAME, told, KEPT_DOING, holds=False)
        else:
            conditions.end(NAME)

    def _day_sentence(self, limits: Limits, now: float) -> tuple[str, str]:
        """Return why nothing may be opened at all, and until when; the first words stay."""
        if self.income_age(now) >= INCOME_SECONDS:
            self._day_said = ("", "")
            return "The exchange has not told the day's profit and loss lately.", UNTIL_KNOWN
        found = day_breach(self._day.total(), limits)
        if found is None:
            self._day_said = ("", "")
            return "", ""
        if self._day_said[0] != found.limit:
            self._day_said = found.limit, f"The limit of the day is reached: {in_words(found)}."
        return self._day_said[1], UNTIL_MIDNIGHT if limits.halts_for_the_day else UNTIL_BELOW


def in_words(found: Breach) -> str:
    """Return a breach in words: what, its value, the limit and the setting, without a full stop."""
    if not found.limit:
        return found.what
    return (
        f"{found.what} would be {_plain(found.value)}, and {PREFIX}{found.limit.upper()} allows "
        f"{_plain(found.allowed)}"
    )


def _plain(value: Decimal) -> str:
    """Return a number without an exponent and without zeros at its end."""
    text = f"{value.quantize(QUANTUM):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
