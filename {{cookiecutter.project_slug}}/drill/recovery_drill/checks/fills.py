"""Each fill of the open position is in the node exactly once, and the node has invented none."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence


def fills_exactly_once(evidence: Evidence) -> Iterator[str | None]:
    """Look for each fill since the exchange was last flat, and for fills the exchange never made.

    Older fills are not asked for: a node that lost its store need not know them.
    """
    for snapshot in evidence.snapshots:
        if snapshot.state is None:
            continue
        orders = snapshot.state.orders
        for symbol in evidence.policy.symbols:
            for fill in snapshot.ledger.fills_since_flat(symbol):
                times = sum(order.trade_ids.count(fill.trade_id) for order in orders)
                yield (
                    None
                    if times == 1
                    else f"Fill {fill.trade_id} ({fill.side} {fill.quantity} {symbol} of "
                    f"{fill.client_order_id}) is in the node {times} times instead of once "
                    f"{snapshot.when}."
                )
        if not snapshot.whole:
            continue
        made = {fill.trade_id for fill in snapshot.ledger.fills}
        for order in orders:
            for trade_id in order.trade_ids:
                yield (
                    None
                    if trade_id in made
                    else f"The node holds fill {trade_id} of order {order.client_order_id} "
                    f"({order.side} {order.filled}) {snapshot.when}, which the exchange never made."
                )
