"""Which orders are the exchange's own doing: those that conditional orders turned into."""

from collections.abc import Iterable

from recovery_drill.record.model import Record


def turned_into(journal: Iterable[Record]) -> frozenset[str]:
    """Return the exchange's ids of the orders that conditional orders turned into.

    Such an order has the conditional one's client order id, and no request of the node stands
    behind it.
    """
    return frozenset(
        str(r.data["triggered_order_id"])
        for r in journal
        if r.kind.startswith("conditional.") and r.data.get("triggered_order_id")
    )
