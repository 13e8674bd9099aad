"""The store forgets nothing that it had."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from recovery_drill.record.contract import FIRING_AT_EXCHANGE, OPEN_AT_EXCHANGE
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record, StoredEvent, StoreLook

TOLD_MS = 7 * 86_400_000
"""How far back the exchange tells of orders and trades unasked, in market time."""


def store_keeps_what_it_has(evidence: Evidence) -> Iterator[str | None]:
    """Compare each look at the store with the one before, unless the store was disturbed between.

    What strategies remember stays, every order that the exchange has ever accepted stays, and of an
    order that has ended the stored events can only grow. An order that never reached the exchange
    may be cleared away, and fills that the exchange never made may give way to those that it made.
    One that ended so long ago that the exchange tells of it to nobody unasked, and that is no part
    of what is held, may have left for an archive.
    """
    made = {fill.trade_id for snapshot in evidence.snapshots for fill in snapshot.ledger.fills}
    last = {
        str(r.data["client_order_id"]): r
        for r in evidence.journal
        if r.kind.startswith(("order.", "conditional."))
    }
    for before, after in pairwise(evidence.store_looks):
        if any(f.of_store and f.touches(before.mono_ns, after.mono_ns) for f in evidence.faults):
            continue
        yield from _keys(before, after)
        for name in before.orders:
            if name in last:
                if name not in after.orders and _may_be_archived(evidence, last[name], after):
                    continue
                ended = _ended(last[name], before)
                yield _order(name, before, after, made, ended=ended)


def _may_be_archived(evidence: Evidence, last: Record, look: StoreLook) -> bool:
    """Tell whether an order had ended long before a look, and nothing is held of it."""
    if not _ended(last, look) or last.market_ms is None:
        return False
    times = (r.market_ms for r in evidence.journal if r.mono_ns <= look.mono_ns)
    now_ms = max((ms for ms in times if ms is not None), default=0)
    if now_ms - last.market_ms <= TOLD_MS:
        return False
    ledgers = [s.ledger for s in evidence.snapshots if s.mono_ns <= look.mono_ns]
    held = {
        fill.client_order_id
        for symbol in evidence.policy.symbols
        for fill in (ledgers[-1].fills_since_flat(symbol) if ledgers else ())
    }
    return str(last.data["client_order_id"]) not in held


def _ended(last: Record, look: StoreLook) -> bool:
    """Tell whether the exchange had ended an order before the look."""
    return (
        last.mono_ns <= look.mono_ns
        and last.data["status"] not in OPEN_AT_EXCHANGE | FIRING_AT_EXCHANGE
    )


def _keys(before: StoreLook, after: StoreLook) -> Iterator[str | None]:
    for key in before.keys:
        yield (
            None
            if key in after.keys
            else f"The store had {key} {before.when}, and no longer does {after.when}."
        )


def _order(
    name: str, before: StoreLook, after: StoreLook, made: Collection[str], *, ended: bool
) -> str | None:
    had, has = before.orders[name], after.orders.get(name)
    if has is None:
        return f"The store had order {name} {before.when}, and no longer does {after.when}."
    if ended and has[: len(had)] != had and not _is_put_right(had, has, made):
        return (
            f"The store had {_words(had)} of order {name}, which had ended, {before.when}, and "
            f"has {_words(has)} {after.when}."
        )
    return None


def _is_put_right(
    had: Sequence[StoredEvent], has: Sequence[StoredEvent], made: Collection[str]
) -> bool:
    """Tell whether only fills that the exchange never made are gone, and no such one is left."""
    real = [event for event in had if event.trade_id is None or event.trade_id in made]
    invented = [event for event in has if event.trade_id is not None and event.trade_id not in made]
    return len(real) < len(had) and not invented and set(real) <= set(has)


def _words(events: tuple[tuple[object, ...], ...]) -> str:
    return ", ".join(" ".join(str(v) for v in event if v is not None) for event in events)
