"""
What is remembered of an event-driven strategy, so that a kill takes nothing back. Pure.

All that a call of the strategy leads to is written as one value, before any of it is sent: which
bar it has finished with, what it remembers, which stop it has declared, which orders are due. A
restart finds either all of it or nothing. In the first case what is due is sent, if it has not
arrived; in the second the strategy is given the bar again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from .memory import Json
from .order_ids import MAX_SLOTS, Leg, make


@dataclass(frozen=True, slots=True)
class Protection:
    """
    The levels that protect a position.

    Parameters
    ----------
    is_long : bool
        Which side of position they are for.
    stop : Decimal, optional
        The trigger price of its stop.
    take_profit : Decimal, optional
        The price of the limit order that closes it.

    """

    is_long: bool
    stop: Decimal | None = None
    take_profit: Decimal | None = None

    def fits(self, position: Decimal) -> bool:
        """Return whether it is for such a position."""
        return position != 0 and (position > 0) == self.is_long


@dataclass(frozen=True, slots=True)
class Deed:
    """
    Something that a strategy wants done at the exchange.

    Parameters
    ----------
    client_order_id : str
        Of the order.
    order : Mapping[str, Json], optional
        What makes the order, in the engine's own words; ``None`` when it is to be cancelled.
    opens : bool
        Whether it could make the position larger.

    """

    client_order_id: str
    order: Mapping[str, Json] | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class EventRecord:
    """
    What is remembered.

    Parameters
    ----------
    value : Json
        What the strategy itself remembers.
    finished_ms : int
        Close time of the last bar that it has finished with; 0 for none.
    numbered_ms : int
        Close time of the bar that the numbers are of.
    numbers : Mapping[str, int]
        By leg: how many orders of that bar have a number.
    protections : tuple[Protection, ...]
        What it has declared, one for a side at most.
    due : tuple[Deed, ...]
        What was not sent when this was written, in order.

    """

    value: Json = None
    finished_ms: int = 0
    numbered_ms: int = 0
    numbers: Mapping[str, int] = field(default_factory=dict)
    protections: tuple[Protection, ...] = ()
    due: tuple[Deed, ...] = ()

    def next_id(self, owner: str, close_ms: int, leg: Leg) -> tuple[str, "EventRecord"]:
        """
        Return the client order id of the next order of a bar, and what is remembered of that.

        Raises
        ------
        ValueError
            If a bar has used up its numbers.

        """
        numbers = dict(self.numbers) if self.numbered_ms == close_ms else {}
        number = numbers.get(leg, 0)
        if number == MAX_SLOTS:
            raise ValueError(f"One bar has {MAX_SLOTS:,} orders of a kind, and no more.")
        name = make(owner, close_ms, leg, 0, number)
        numbers[leg.value] = number + 1
        return name, replace(self, numbered_ms=close_ms, numbers=numbers)

    def protected(self, declared: Protection) -> "EventRecord":
        """Return what is remembered once levels are declared, which replace those of their side."""
        others = [each for each in self.protections if each.is_long != declared.is_long]
        return replace(self, protections=(*others, declared))

    def protection_of(self, position: Decimal) -> Protection | None:
        """Return the levels that are declared for a position; ``None`` when none are."""
        return next((each for each in self.protections if each.fits(position)), None)

    def to_json(self) -> Json:
        """Return it as the store takes it."""
        fields = asdict(self)
        fields["protections"] = [
            {**asdict(each), "stop": _text(each.stop), "take_profit": _text(each.take_profit)}
            for each in self.protections
        ]
        return cast("Json", {**fields, "due": list(fields["due"])})


def from_json(found: Json) -> EventRecord:
    """
    Return what the store has.

    Raises
    ------
    ValueError
        If it is not what `EventRecord.to_json` makes.

    """
    try:
        fields: dict[str, Any] = dict(cast("dict[str, Any]", found))
        fields["protections"] = tuple(
            Protection(bool(each["is_long"]), _price(each["stop"]), _price(each["take_profit"]))
            for each in fields["protections"]
        )
        fields["due"] = tuple(Deed(**each) for each in fields["due"])
        record = EventRecord(**fields)
        numbers = [record.finished_ms, record.numbered_ms, *record.numbers.values()]
        if not all(type(each) is int and each >= 0 for each in numbers):
            raise ValueError("a number is none")
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"is not what an event-driven strategy remembers ({error})") from None
    return record


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)


def _price(text: str | None) -> Decimal | None:
    if text is None:
        return None
    price = Decimal(text)
    if not (price.is_finite() and price > 0):
        raise ValueError(f"{text} is no price")
    return price
