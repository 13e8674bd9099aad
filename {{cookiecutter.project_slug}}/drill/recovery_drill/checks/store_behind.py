"""The store has what the node has."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence


def store_holds_what_node_holds(evidence: Evidence) -> Iterator[str | None]:
    """Judge each look at the store: it lacks nothing once its budget has passed.

    A look waits for the whole budget before it says what is lacking. One that was taken while
    something was done to the store says nothing.
    """
    seconds = evidence.policy.budgets.store_seconds
    for look in evidence.store_looks:
        at = look.mono_ns
        if any(f.of_store and f.touches(at, at) for f in evidence.faults):
            continue
        yield (
            None
            if look.behind is None
            else f"The store did not have within {seconds:g} s what the node has {look.when}: "
            f"{look.behind}"
        )
