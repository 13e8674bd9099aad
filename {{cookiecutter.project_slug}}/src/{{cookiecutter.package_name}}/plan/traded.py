"""What is traded: a rule, on a symbol, by bars of a length, under a tag."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .bars import BarLength
from .memory import first, form_of
from .order_ids import owner_of
from .target import Rule

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
    yield from _complaints_about_memory(name, each.rule)


def _complaints_about_memory(name: str, rule: Rule) -> Iterator[str]:
    form = form_of(rule)
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
