"""A client order id stands for one order, over all lives of the node."""

from collections.abc import Iterator

from recovery_drill.checks.triggered import turned_into
from recovery_drill.record.contract import EXCHANGE_S_OWN
from recovery_drill.record.evidence import Evidence


def client_order_ids_unique(evidence: Evidence) -> Iterator[str | None]:
    """Look for an id that the exchange has accepted twice; its own orders are not asked for.

    The exchange lets an id be used again once its order has ended, so that it does not tell. The
    order that a conditional one turned into carries the same id and is the same order.
    """
    triggered = turned_into(evidence.journal)
    first: dict[tuple[str, str], str] = {}
    for record in evidence.journal:
        row = record.data
        if record.kind not in ("order.accepted", "conditional.accepted"):
            continue
        name, number = str(row["client_order_id"]), str(row["exchange_order_id"])
        if row["symbol"] not in evidence.policy.symbols or number in triggered:
            continue
        if name.startswith(EXCHANGE_S_OWN):
            continue
        earlier = first.setdefault((str(row["symbol"]), name), number)
        yield (
            None
            if earlier == number
            else f"Client order id {name} names order {earlier} and order {number} of the exchange."
        )
