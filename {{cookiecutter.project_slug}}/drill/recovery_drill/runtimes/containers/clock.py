"""Monotonic times of containers, as this machine's clock would have told them.

On Linux they are the same. Where an engine runs in a machine of its own, as on a desktop, its
monotonic clock is another one; its wall clock agrees.
"""

import time
from typing import Any

import msgspec

SAME_CLOCK_NS = 1_000_000_000


def apart_ns(mono_ns: int, wall_ns: int, *, here_mono_ns: int, here_wall_ns: int) -> int:
    """Return how far a container's monotonic clock is behind the one here; 0 if it is the same.

    Wall clocks that are a little apart must not be taken for another monotonic clock.
    """
    apart = (wall_ns - mono_ns) - (here_wall_ns - here_mono_ns)
    return apart if abs(apart) > SAME_CLOCK_NS else 0


def heard(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event line with its monotonic time as of here; without one, it is now."""
    now = time.monotonic_ns()
    mono_ns, wall_ns = event.get("mono_ns"), event.get("wall_ns")
    if not isinstance(mono_ns, int) or not isinstance(wall_ns, int):
        return {**event, "mono_ns": now}
    apart = apart_ns(mono_ns, wall_ns, here_mono_ns=now, here_wall_ns=time.time_ns())
    return {**event, "mono_ns": mono_ns + apart}


def moved(journal: bytes) -> bytes:
    """Return an exchange's journal with its monotonic times as of here."""
    lines = [line for line in journal.split(b"\n") if line.endswith(b"}")]
    if not lines:
        return journal
    last = msgspec.json.decode(lines[-1])
    here = {"here_mono_ns": time.monotonic_ns(), "here_wall_ns": time.time_ns()}
    apart = apart_ns(last["mono_ns"], last["wall_ns"], **here)
    if not apart:
        return journal
    records = map(msgspec.json.decode, lines)
    rows = [{**record, "mono_ns": record["mono_ns"] + apart} for record in records]
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
