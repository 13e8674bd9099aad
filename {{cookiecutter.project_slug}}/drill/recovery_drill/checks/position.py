"""The node holds the position that the exchange holds."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence


def position_equals_exchange(evidence: Evidence) -> Iterator[str | None]:
    """Compare the signed position of each symbol in every snapshot; the exchange is right."""
    for snapshot in evidence.snapshots:
        for symbol in evidence.policy.symbols:
            there = snapshot.ledger.position(symbol)
            if snapshot.state is None:
                yield (
                    f"The node did not say what it holds {snapshot.when}: the exchange holds "
                    f"{there} {symbol}."
                )
                continue
            here = snapshot.state.position(symbol)
            yield (
                None
                if here == there
                else f"The node holds {here} {symbol} {snapshot.when}, but the exchange holds "
                f"{there}."
            )
