"""Look whether a person has halted the node, without changing what stands anywhere."""

import asyncio
from collections.abc import Sequence

from ...guards.halt.record import Halt
from .finding import Finding, note, ok
from .patient import Patient

ROW = "halt"


async def look_at_halt(patient: Patient) -> Sequence[Finding]:
    """Say what counts of file and store; of a store that is away, another row speaks."""
    now = await asyncio.to_thread(patient.quiet().halts.glance)
    if isinstance(now, Halt) and not now.is_halted:
        return [ok(ROW, now.told())]
    return [note(ROW, now.told(), "It trades, and opens nothing; the command resume ends it.")]
