"""Look at who holds the lease, without taking it."""

import asyncio
import time
from collections.abc import Sequence

from ...config.settings import Settings
from ...exit_codes import NodeExit
from ...guards.lease.guard import another_trades, no_record
from ...guards.lease.processes import has_ended
from ...guards.lease.record import LEASE_SECONDS, RENEW_SECONDS, Holder, decode, key_of
from ..node import ask_node
from ..trader_keys import opened
from .finding import Finding, ok, wrong
from .patient import Patient

ROW = "lease"
LOOK_SECONDS = 3 * RENEW_SECONDS
"""How long it is looked whether a holder renews it."""
PAUSE_SECONDS = 0.1


async def look_at_lease(patient: Patient) -> Sequence[Finding]:
    """Say whether a start would get the lease; of a store that is away, another row speaks."""
    settings = patient.quiet().settings
    try:
        holder = await asyncio.to_thread(holder_of, settings)
        is_renewed = holder is not None and await _is_renewed(settings, holder)
    except NodeExit:
        return []
    except ValueError as error:
        end = no_record(settings.id, error)
        return [wrong(ROW, end.sentence, f"redis-cli del {key_of(settings.id)}", end.code)]
    if holder is None:
        return [ok(ROW, f"Nobody has held the lease of {settings.id} in this store yet.")]
    if not is_renewed:
        return [ok(ROW, free(holder))]
    node = await ask_node(settings.http_host, settings.http_port)
    if node.is_node and (node.state or {}).get("lease_epoch") == holder.epoch:
        return [ok(ROW, f"The node that answers here holds it, in epoch {holder.epoch}.")]
    end = another_trades(settings.id, holder)
    fix = "Look on that host; a second node is of use with --standby only."
    return [wrong(ROW, end.sentence, fix, end.code)]


def holder_of(settings: Settings) -> Holder | None:
    """
    Return who holds the lease, as the store tells it; this blocks: call it in a thread.

    Raises
    ------
    NodeExit
        When the store is away or refuses.
    ValueError
        If what stands there is no lease.

    """
    with opened(settings) as client:
        return decode(client.get(key_of(settings.id)))  # type: ignore[arg-type]  # not awaitable


async def _is_renewed(settings: Settings, holder: Holder) -> bool:
    """Return whether the record still changes; one that need not is not waited for."""
    if holder.is_released or has_ended(holder.process):
        return False
    end = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(PAUSE_SECONDS)
        now = await asyncio.to_thread(holder_of, settings)
        if now is not None and (now.owner, now.beat) != (holder.owner, holder.beat):
            return not now.is_released
    return False


def free(holder: Holder) -> str:
    """Return in a sentence that a lease which nobody renews is free, or soon will be."""
    if holder.is_released:
        return f"It is free: {holder.told()}, has given it back."
    if has_ended(holder.process):
        return f"It is free: {holder.told()}, has ended."
    return (
        f"Nobody renews it any more; {holder.told()}, had it. A start waits {LEASE_SECONDS:.0f} s "
        "at most until it has run out."
    )
