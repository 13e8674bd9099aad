"""A restart in which nothing happened on the exchange changes nothing in the node."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from recovery_drill.record.evidence import Evidence, Snapshot, trimmed
from recovery_drill.record.model import NodeOrder, NodeState

CHANGES = ("order.", "conditional.", "position.")


def restart_changes_nothing(evidence: Evidence) -> Iterator[str | None]:
    """Compare the node before and after each restart between which the exchange stood still.

    Positions with their owners, and each order with its status and fills, are what they were.
    Orders that had not reached the exchange are left aside: they are what recovery settles. A node
    that lost its store need only know again what is open.
    """
    for before, after in pairwise(evidence.snapshots):
        if before.state is None or after.state is None or not _restart(evidence, before, after):
            continue
        if _exchange_moved(evidence, before, after):
            continue
        yield from _positions(evidence, before.state, after.state, after.when)
        yield from _orders(evidence, before, after)


def _restart(evidence: Evidence, before: Snapshot, after: Snapshot) -> bool:
    return any(
        before.mono_ns < life.due_ns <= after.mono_ns and not life.only_beside
        for life in evidence.lives
    )


def _exchange_moved(evidence: Evidence, before: Snapshot, after: Snapshot) -> bool:
    return any(
        before.ledger.seq < record.seq <= after.ledger.seq and record.kind.startswith(CHANGES)
        for record in evidence.journal
    )


def _store_disturbed(evidence: Evidence, before: Snapshot, after: Snapshot) -> bool:
    """Tell whether the store was disturbed, or had been and had not caught up when the node ended.

    Until it has, it may lack what was written meanwhile, and a node may end because it does.
    """
    restart = max(life.due_ns for life in evidence.lives if life.due_ns <= after.mono_ns)
    looks = [look for look in evidence.store_looks if look.mono_ns <= restart]
    whole = [look.mono_ns for look in looks if look.behind is None]
    since = min(before.mono_ns, max(whole, default=before.mono_ns))
    return any(f.of_store and f.touches(since, after.mono_ns) for f in evidence.faults)


def _positions(
    evidence: Evidence, before: NodeState, after: NodeState, when: str
) -> Iterator[str | None]:
    for symbol in evidence.policy.symbols:
        had, has = _held(before, symbol), _held(after, symbol)
        yield (
            None
            if had == has
            else f"The node held {_shares(had, symbol)} before the restart and holds "
            f"{_shares(has, symbol)} {when}, while nothing changed on the exchange."
        )


def _held(state: NodeState, symbol: str) -> list[tuple[str, Decimal]]:
    return sorted((p.strategy_id, p.quantity) for p in state.positions if p.symbol == symbol)


def _shares(held: list[tuple[str, Decimal]], symbol: str) -> str:
    return " and ".join(f"{quantity} {symbol} of {owner}" for owner, quantity in held) or (
        f"no {symbol}"
    )


def _orders(evidence: Evidence, before: Snapshot, after: Snapshot) -> Iterator[str | None]:
    had, has = _by_id(evidence, before), _by_id(evidence, after)
    names = had.keys() | has.keys()
    if not (before.whole and after.whole) or _store_disturbed(evidence, before, after):
        # Closed orders are not recorded, or need not be known: then only what is open is asked for.
        names = _by_id(evidence, trimmed(before)).keys() | _by_id(evidence, trimmed(after)).keys()
    unsent = evidence.policy.words.not_yet_at_exchange
    waiting = {name for name, order in had.items() if order.status in unsent}
    for name in sorted(names - waiting):
        # Where closed orders are not recorded, one that is missing may have been closed.
        absent = "unknown" if before.whole else "not open"
        old, new = _words(had.get(name), absent), _words(has.get(name), absent)
        yield (
            None
            if old == new
            else f"Order {name} was {old} in the node before the restart and is {new} "
            f"{after.when}, while nothing changed on the exchange."
        )


def _by_id(evidence: Evidence, snapshot: Snapshot) -> dict[str, NodeOrder]:
    symbols = ("", *evidence.policy.symbols)
    orders = snapshot.state.orders if snapshot.state is not None else ()
    return {o.client_order_id: o for o in orders if o.symbol in symbols}


def _words(order: NodeOrder | None, absent: str) -> str:
    if order is None:
        return absent
    fills = f" in {', '.join(sorted(order.trade_ids))}" if order.trade_ids else ""
    return f"{order.status}, {order.filled} filled{fills}"
