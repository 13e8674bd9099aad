"""No exit order works where there is nothing to exit from."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Ledger


def no_exit_without_position(evidence: Evidence) -> Iterator[str | None]:
    """Look, where the exchange is flat, for working orders that could only reduce a position.

    At rest, and after the node was stopped. Such an order belongs to a position that is gone, and
    would close part of the next one.
    """
    for snapshot in evidence.snapshots:
        yield from _left_over(evidence, snapshot.ledger, snapshot.when)
    if evidence.after_stop is not None:
        yield from _left_over(evidence, evidence.after_stop, "after it was asked to stop")


def _left_over(evidence: Evidence, ledger: Ledger, when: str) -> Iterator[str | None]:
    for symbol in evidence.policy.symbols:
        if ledger.position(symbol) != 0:
            continue
        exits = [o for o in ledger.working(symbol) if o.reduce_only or o.close_position]
        names = ", ".join(f"{o.client_order_id} {o.type} {o.side} {o.quantity}" for o in exits)
        yield f"No {symbol} is held {when}, but an exit is working: {names}." if exits else None
