"""A position is what its fills add up to, in the node and in the store."""

from collections.abc import Iterator
from decimal import Decimal

from recovery_drill.record.evidence import Evidence, Snapshot
from recovery_drill.record.model import Fill, StoreLook


def position_is_sum_of_fills(evidence: Evidence) -> Iterator[str | None]:
    """Add up the fills that the node has, and those of the positions in the store.

    A write that was torn leaves an order that is filled and a position that does not know it. A
    look at the store counts when it had caught up and nothing had happened since the last snapshot.
    """
    for snapshot in evidence.snapshots:
        if snapshot.state is None:
            continue
        known = {trade_id for order in snapshot.state.orders for trade_id in order.trade_ids}
        for symbol in evidence.policy.symbols:
            fills = [f for f in snapshot.ledger.fills_since_flat(symbol) if f.trade_id in known]
            total = sum((_signed(fill) for fill in fills), Decimal(0))
            here = snapshot.state.position(symbol)
            yield (
                None
                if here == total
                else f"The node holds {here} {symbol} {snapshot.when}, but the fills that it has "
                f"of it add up to {total}."
            )
    for look in evidence.store_looks:
        if look.behind is None and not _disturbed(evidence, look):
            yield from _stored(evidence, look)


def _signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.side == "BUY" else -fill.quantity


def _disturbed(evidence: Evidence, look: StoreLook) -> bool:
    return any(f.of_store and f.touches(look.mono_ns, look.mono_ns) for f in evidence.faults)


def _stored(evidence: Evidence, look: StoreLook) -> Iterator[str | None]:
    seen = [s for s in evidence.snapshots if s.mono_ns <= look.mono_ns and s.state is not None]
    if not seen or _moved_since(evidence, seen[-1], look):
        return
    state = seen[-1].state
    assert state is not None
    for symbol in evidence.policy.symbols:
        here, there = state.position(symbol), look.position(symbol)
        yield (
            None
            if here == there
            else f"The fills of the positions in {symbol} that the store has add up to {there} "
            f"{look.when}, but the node holds {here}."
        )


def _moved_since(evidence: Evidence, snapshot: Snapshot, look: StoreLook) -> bool:
    return any(
        record.kind == "position.changed"
        and record.seq > snapshot.ledger.seq
        and record.mono_ns <= look.mono_ns
        for record in evidence.journal
    )
