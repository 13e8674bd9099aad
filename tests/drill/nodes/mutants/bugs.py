"""Every bug by its name."""

from collections.abc import Callable

from drill.nodes.mutants import (
    decisions,
    ending,
    orders,
    protection,
    refusals,
    start,
    store,
    watching,
)
from drill.nodes.mutants.package import Package

Bug = Callable[[Package], None]

BUGS: dict[str, Bug] = {
    name: found
    for room in (store, start, orders, decisions, protection, refusals, ending, watching)
    for name, found in vars(room).items()
    if not name.startswith("_") and getattr(found, "__module__", "") == room.__name__
}
