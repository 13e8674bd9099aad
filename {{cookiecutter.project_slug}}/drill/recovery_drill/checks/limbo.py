"""Every order is where both sides say it is."""

from collections.abc import Iterator

from recovery_drill.checks.triggered import turned_into
from recovery_drill.record.contract import ANOTHER_HAND
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import ExchangeOrder, NodeOrder


def no_order_in_limbo(evidence: Evidence) -> Iterator[str | None]:
    """At rest no order waits for the exchange, and both sides name the same working orders.

    Where both sides have the exchange's id of an order, it is the same, too; the order that a
    conditional one turned into has one of its own, which clients need not take over. Orders of
    another hand a node need not know.
    """
    triggered = turned_into(evidence.journal)
    waiting = evidence.policy.words.not_yet_at_exchange
    for snapshot in evidence.snapshots:
        if snapshot.state is None:
            continue
        there = {
            o.client_order_id: o
            for s in evidence.policy.symbols
            for o in snapshot.ledger.working(s)
        }
        here = {o.client_order_id: o for o in snapshot.state.unfinished(evidence.policy.symbols)}
        others = {n for n in there if n.startswith(ANOTHER_HAND) and n not in here}
        for name in sorted((there.keys() | here.keys()) - others):
            found = _wrong(here.get(name), there.get(name), waiting, triggered, snapshot.when)
            yield None if found is None else f"Order {name} {found}."


def _wrong(
    here: NodeOrder | None,
    there: ExchangeOrder | None,
    waiting: frozenset[str],
    triggered: frozenset[str],
    when: str,
) -> str | None:
    """Return what is wrong about an order as node and exchange have it."""
    if here is None:
        return f"is working on the exchange {when}, and the node does not know it"
    if here.status in waiting:
        return f"is stuck in {here.status} in the node {when}"
    if there is None:
        return f"is {here.status} in the node {when}, but not working on the exchange"
    number = there.exchange_order_id
    if here.exchange_order_id in (None, number) or number in triggered:
        return None
    return f"is number {here.exchange_order_id} in the node {when}, but {number} on the exchange"
