"""The store holds what the node holds."""

from collections.abc import Iterator

from recovery_drill.evidence import Evidence


def store_holds_what_node_holds(evidence: Evidence) -> Iterator[str | None]:
    """Judge each look at the store: it lacks nothing once its budget has passed.

    Not while something is done to the store, nor within a budget after it.
    """
    seconds = evidence.policy.budgets.store_seconds
    for look in evidence.store_looks:
        at = look.mono_ns
        if any(f.of_store and f.touches(at, at, after_seconds=seconds) for f in evidence.faults):
            continue
        yield (
            None
            if look.behind is None
            else f"The store did not hold within {seconds:g} s what the node holds {look.when}: "
            f"{look.behind}"
        )
