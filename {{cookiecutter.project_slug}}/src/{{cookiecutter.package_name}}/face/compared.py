"""What the last comparison with the exchange has shown, for whoever asks later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ..plan.rows import Rows


@dataclass(frozen=True, slots=True)
class Look:
    """
    One comparison of what the node believes with what stands at the exchange.

    Parameters
    ----------
    asked : float
        When the exchange was asked, by the monotonic clock.
    differences : Sequence[str]
        Where they differ, in sentences.
    held : Mapping[str, Decimal]
        By symbol what the node believed to hold; nothing where it holds nothing.
    again : int
        How many comparisons before this one have found a difference, too, without one between
        that found none.

    """

    asked: float
    differences: Sequence[str] = ()
    held: Mapping[str, Decimal] = field(default_factory=dict)
    again: int = 0


class LastLook:
    """
    The last comparison of this life.

    Attributes
    ----------
    now : Look, optional
        The comparison; ``None`` before the first.

    """

    def __init__(self) -> None:
        self.now: Look | None = None

    def tell(self, asked: float, rows: Rows, differences: Sequence[str]) -> None:
        """Take up a comparison."""
        before = self.now
        again = before.again + 1 if before is not None and before.differences else 0
        self.now = Look(asked, tuple(differences), held(rows), again)


def held(rows: Rows) -> dict[str, Decimal]:
    """Return by symbol what is held; nothing where nothing is."""
    found: dict[str, Decimal] = {}
    for row in rows.positions:
        found[row.symbol] = found.get(row.symbol, Decimal(0)) + row.quantity
    return {symbol: quantity for symbol, quantity in found.items() if quantity}
