"""What is traded: a rule or a strategy, on a symbol, by bars of a length, under a tag."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from .bars import BarLength
from .event_record import EventRecord
from .memory import Json, MemoryForm, first, form_of
from .order_ids import owner_of
from .target import Rule, Target, View

_TAG = re.compile(r"[A-Za-z0-9_]{1,10}")
_SYMBOL = re.compile(r"[A-Z0-9]{2,30}")
MOST_BARS = 1_000
"""The longest window: what one question for bars may ask for without paging."""


@dataclass(frozen=True, slots=True)
class Traded:
    """
    One line of the list of what is traded.

    Parameters
    ----------
    rule : Rule
        The decision, with its parameters.
    symbol : str
        The perpetual contract, as the exchange writes it.
    bar : str
        The length of its bars: a value of `BarLength`, from ``1m`` to ``1d``.
    tag : str
        1 to 10 characters of ``[A-Za-z0-9_]``. It names the owner of orders and positions; changing
        it orphans what is open.
    cool_down : int
        For how many bars nothing is opened after a stop has closed the position, so that a stop is
        not followed by the entry that it has just closed; 0 for none.
    max_quantity : Decimal, optional
        The largest position that its orders may lead to, in coins; besides the limits of the node,
        which hold in any case.

    """

    rule: Rule
    symbol: str
    bar: str
    tag: str
    cool_down: int = 3
    max_quantity: Decimal | None = None

    @property
    def bar_length(self) -> BarLength:
        """
        The length of its bars.

        Raises
        ------
        ValueError
            If there is no such length.

        """
        return BarLength(self.bar)

    @property
    def memory_form(self) -> MemoryForm | None:
        """What is said of its memory; ``None`` when it remembers nothing."""
        return form_of(self.rule)


@dataclass(frozen=True, slots=True)
class _NoRule:
    """Stands where an event-driven strategy has no rule: it only says how many bars are needed."""

    window: int

    def target(self, view: View) -> Target:
        raise NotImplementedError("An event-driven strategy is not asked for a target.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDriven(Traded):
    """
    A line for a strategy that acts upon events; see docs/event-driven.md.

    Parameters
    ----------
    make : Callable[[], object]
        Makes the strategy: an `EventDrivenStrategy`. Called once, at the start.
    window : int
        How many closed bars it is given before its first decision; 1 to 1,000.
    stops : bool
        Whether each position must have a stop: one that has none declared is closed. Without,
        a position is left as it is.
    first_memory : Json
        What the strategy remembers before it has remembered anything.
    memory_version : int
        The version of the form of what it remembers; a new one for each new form.
    upgraded : Callable[[int, Json], Json], optional
        Makes what was remembered in an earlier version one of this version.

    """

    rule: Rule = field(init=False, repr=False)
    make: Callable[[], object]
    window: int
    stops: bool = True
    first_memory: Json = None
    memory_version: int = 1
    upgraded: Callable[[int, Json], Json] | None = None

    def __post_init__(self) -> None:
        # A frozen field can be set in no other way.
        object.__setattr__(self, "rule", _NoRule(self.window))

    @property
    def memory_form(self) -> MemoryForm:
        """What is said of its memory: the strategy's own value is a part of what is remembered."""
        upgraded = self.upgraded

        def upgrade(version: int, record: Json) -> Json:
            assert upgraded is not None
            if not isinstance(record, dict) or "value" not in record:
                raise ValueError("It is no record of an event-driven strategy.")
            return {**record, "value": upgraded(version, record["value"])}

        first_record = EventRecord(value=self.first_memory).to_json()
        form = MemoryForm(self.memory_version, first_record)
        return form if upgraded is None else replace(form, upgraded=upgrade)


def complaints(traded: Sequence[Traded], trader_id: str) -> list[str]:
    """Return what is wrong with the list of what is traded, in sentences; empty when nothing is."""
    if not traded:
        return ["strategies/ lists nothing to trade; add a line to the list in its __init__.py."]
    found = [sentence for each in traded for sentence in _complaints_about(each)]
    for tag, count in Counter(each.tag for each in traded).items():
        if count > 1:
            found.append(
                f"The tag {tag} is used by {count} lines of strategies/; each needs its own."
            )
    for symbol, count in Counter(each.symbol for each in traded).items():
        if count > 1:
            found.append(
                f"{symbol} is traded by {count} lines of strategies/. A symbol has one position at "
                "the exchange, and who owns which part of it could not be told: one line a symbol."
            )
    owners = Counter(owner_of(trader_id, each.tag, each.symbol) for each in traded)
    if not found and len(owners) < len(traded):
        found.append(
            "Two lines of strategies/ would make the same client order ids; change one of their "
            "tags."
        )
    return found


def _complaints_about(each: Traded) -> Iterator[str]:
    name = f"The line of strategies/ with the tag {each.tag!r}"
    if _TAG.fullmatch(each.tag) is None:
        yield f"{name} needs a tag of 1 to 10 letters, digits or underscores."
    if _SYMBOL.fullmatch(each.symbol) is None:
        yield f"{name} needs a symbol as the exchange writes it, for example BTCUSDT."
    if each.bar not in list(BarLength):
        yield f"{name} has bars of {each.bar!r}; there are {', '.join(BarLength)}."
    window = each.rule.window
    if not 1 <= window <= MOST_BARS:
        yield f"{name} looks at {window} bars; 1 to {MOST_BARS:,} can be had."
    if not 0 <= each.cool_down <= MOST_BARS:
        yield f"{name} cools down for {each.cool_down} bars; 0 to {MOST_BARS:,} can be."
    if each.max_quantity is not None and not each.max_quantity > 0:
        yield f"{name} has a max_quantity of {each.max_quantity}; it must be above 0."
    yield from _complaints_about_memory(name, each)


def _complaints_about_memory(name: str, each: Traded) -> Iterator[str]:
    form, rule = each.memory_form, each.rule
    if form is None:
        if hasattr(rule, "memory_version") or hasattr(rule, "first_memory"):
            yield f"{name} needs both to remember something: memory_version and first_memory."
        return
    if isinstance(form.version, bool) or not isinstance(form.version, int) or form.version < 1:
        yield f"{name} has a memory_version of {form.version!r}; it counts from 1."
    try:
        first(form)
    except ValueError as error:
        yield f"{name} has a first_memory that cannot be kept: {error}."
