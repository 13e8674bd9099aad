"""Every order is where both sides say it is."""

from collections.abc import Iterator

from recovery_drill.evidence import Evidence
from recovery_drill.model import NOT_YET_AT_EXCHANGE


def no_order_in_limbo(evidence: Evidence) -> Iterator[str | None]:
    """At rest no order waits for the exchange, and both sides name the same working orders."""
    for snapshot in evidence.snapshots:
        if snapshot.state is None:
            continue
        there = {
            o.client_order_id for s in evidence.policy.symbols for o in snapshot.ledger.working(s)
        }
        here = {o.client_order_id: o for o in snapshot.state.unfinished(evidence.policy.symbols)}
        for client_id in sorted(there | set(here)):
            order = here.get(client_id)
            if order is None:
                yield (
                    f"Order {client_id} is working on the exchange {snapshot.when}, and the node "
                    "does not know it."
                )
            elif order.status in NOT_YET_AT_EXCHANGE:
                yield f"Order {client_id} is stuck in {order.status} in the node {snapshot.when}."
            elif client_id not in there:
                yield (
                    f"Order {client_id} is {order.status} in the node {snapshot.when}, but not "
                    "working on the exchange."
                )
            else:
                yield None
