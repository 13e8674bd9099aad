"""
What may leave the store for the archive: pure rules over rows with times.

Never what the exchange may still report: the engine's reconciliation and the mend ask for the last
seven days, and would take up anew what they do not find. While a position is open, they ask back to
the moment at which it was opened, however long ago that was, and count every fill since.
"""

from collections.abc import Iterable, Sequence

from ..plan.kept_days import LEAST_DAYS
from .archived import ArchivedOrder, ArchivedPosition, Openings

DAY_NS = 86_400_000_000_000
MOST_STATES = 1_000
"""With more states than this, an account's oldest go to the archive."""
KEPT_STATES = 500


def cutoff_ns(now_ns: int, days: int) -> int:
    """
    Return the moment before which a thing must have ended to be archived.

    It moves once a day, at midnight in UTC: what is due comes in one piece, and not in crumbs.

    Parameters
    ----------
    now_ns : int
        The exchange's now.
    days : int
        How long what has ended stays in the store, at least.

    """
    kept_from = now_ns - max(days, LEAST_DAYS) * DAY_NS
    return max(0, kept_from - kept_from % DAY_NS)


def openings(positions: Iterable[ArchivedPosition]) -> Openings:
    """Return when what is held was opened, by symbol; of several positions in one, the first."""
    found: dict[str, int] = {}
    for each in positions:
        if each.quantity:
            found[each.symbol] = min(each.opened_ns, found.get(each.symbol, each.opened_ns))
    return found


def order_may_leave(order: ArchivedOrder, held_since: Openings, before_ns: int) -> bool:
    """Return whether nobody needs an ended order, and nobody tells of it unasked, any more."""
    return order.at_ns < min(before_ns, held_since.get(order.symbol, before_ns))


def position_may_leave(position: ArchivedPosition, before_ns: int) -> bool:
    """Return whether a position is closed, and was before."""
    return not position.quantity and position.at_ns < before_ns


def states_due(count: int) -> int:
    """Return how many of an account's states, from the oldest on, are due."""
    return count - KEPT_STATES if count > MOST_STATES else 0


def parts[Row](rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    """Return rows in parts of at most `size`."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
