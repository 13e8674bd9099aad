"""Leases as a node leaves them in the store."""

from node.baked import module

RECORD = module("guards.lease.record")


def lease_given_back(trader: str) -> tuple[str, bytes]:
    """Return key and value of a lease that nobody holds any more: the next node need not wait."""
    holder = RECORD.Holder(
        owner="earlier", epoch=0, beat=1, host="earlier", pid=1, since_ms=1_700_000_000_000
    )
    return RECORD.key_of(trader), RECORD.encode(holder.given_back())
