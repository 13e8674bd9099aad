"""
What the engine keeps in memory of the past, made to stay small.

Its own purges by a timer (``purge_closed_orders_interval_mins`` and the like) are not used: they
delete what nobody has archived yet, look at no open position, and of an account's events they leave
the store as it is (``delete_account_event`` of 1.231.0 does nothing). `Cache.purge_order` and
`Cache.purge_position` do the right thing in memory, and refuse what is open; the store is the
archive's.
"""

from collections.abc import Sequence
from typing import Any

from nautilus_trader.model.identifiers import ClientOrderId, PositionId

from ...books.archive_plan import KEPT_STATES, MOST_STATES

MOST_SNAPSHOTS = 100
"""Each position of before that had the same id is kept as a snapshot, for as long as the process
lives; with so many, a closed one goes with all of them."""
NS_PER_SECOND = 1_000_000_000


def forget_orders(cache: Any, names: Sequence[str]) -> list[str]:
    """Forget ended orders; return those of `names` that the cache does not have any more."""
    gone = []
    for name in names:
        order = cache.order(ClientOrderId(name))
        if order is not None and order.is_closed:
            cache.purge_order(order.client_order_id)
            order = None
        if order is None:
            gone.append(name)
    return gone


def forget_positions(cache: Any, names: Sequence[str]) -> list[str]:
    """Forget closed positions; return those of `names` that the cache does not have any more."""
    gone = []
    for name in names:
        position = cache.position(PositionId(name))
        if position is not None and position.is_closed:
            cache.purge_position(position.id)
            position = None
        if position is None:
            gone.append(name)
    return gone


def tidy(cache: Any, now_ns: int) -> None:
    """Forget what the store has anyway and nobody asks for: states and snapshots of long ago."""
    for account in cache.accounts():
        if account.event_count > MOST_STATES:
            kept_from = account.events[-KEPT_STATES].ts_event
            account.purge_account_events(now_ns, (now_ns - kept_from) // NS_PER_SECOND + 1)
    for position in cache.positions_closed():
        if len(cache.position_snapshot_bytes(position.id)) >= MOST_SNAPSHOTS:
            cache.purge_position(position.id)
