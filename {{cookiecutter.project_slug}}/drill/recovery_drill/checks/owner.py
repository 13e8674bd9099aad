"""A position belongs to the strategy that made it."""

from collections.abc import Iterator

from recovery_drill.record.evidence import Evidence


def position_has_one_owner(evidence: Evidence) -> Iterator[str | None]:
    """Look for open positions that have several owners, another one than before, or none.

    The engine gives what it cannot place to an owner of its own, and then a strategy that is flat
    and an owner that nobody asks can add up to what the exchange has.
    """
    owners: dict[str, str] = {}
    for snapshot in evidence.snapshots:
        if snapshot.state is None:
            continue
        for symbol in evidence.policy.symbols:
            held = {
                p.strategy_id: p.quantity
                for p in snapshot.state.positions
                if p.symbol == symbol and p.quantity
            }
            if not held:
                continue
            owner = next(iter(held))
            before = owners.setdefault(symbol, owner)
            shares = ", ".join(f"{quantity} to {name}" for name, quantity in sorted(held.items()))
            if evidence.policy.words.nobody in held:
                yield f"A position in {symbol} belongs to no strategy {snapshot.when}: {shares}."
            elif len(held) > 1:
                yield f"A position in {symbol} has {len(held)} owners {snapshot.when}: {shares}."
            elif owner != before:
                yield (
                    f"The position in {symbol} belongs to {owner} {snapshot.when}, and belonged to "
                    f"{before} before."
                )
            else:
                yield None
