"""The store forgets nothing that it had."""

from collections.abc import Iterator
from itertools import pairwise

from recovery_drill.record.contract import FIRING_AT_EXCHANGE, OPEN_AT_EXCHANGE
from recovery_drill.record.evidence import Evidence
from recovery_drill.record.model import Record, StoreLook


def store_keeps_what_it_has(evidence: Evidence) -> Iterator[str | None]:
    """Compare each look at the store with the one before, unless the store was disturbed between.

    What strategies remember stays, every order that the exchange has ever accepted stays, and of an
    order that has ended the stored events can only grow. An order that never reached the exchange
    may be cleared away.
    """
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
                yield _order(name, before, after, ended=_ended(last[name], before))


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


def _order(name: str, before: StoreLook, after: StoreLook, *, ended: bool) -> str | None:
    had, has = before.orders[name], after.orders.get(name)
    if has is None:
        return f"The store had order {name} {before.when}, and no longer does {after.when}."
    if ended and has[: len(had)] != had:
        return (
            f"The store had {_words(had)} of order {name}, which had ended, {before.when}, and "
            f"has {_words(has)} {after.when}."
        )
    return None


def _words(events: tuple[tuple[object, ...], ...]) -> str:
    return ", ".join(" ".join(str(v) for v in event if v is not None) for event in events)
