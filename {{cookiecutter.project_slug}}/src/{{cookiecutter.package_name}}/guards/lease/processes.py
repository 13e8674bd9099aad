"""
Whether a process of this machine has ended; of others nobody here can tell.

A process is known by the machine's boot, the namespace of its number, its number and when it began:
no later one is the same. Only Linux tells all of it; elsewhere, and of a process in another
container, it is never known, and the lease of before has to run out.
"""

import os
from contextlib import suppress
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
ENDED_STATES = "ZX"
"""Of a process that has ended and is still listed."""


def this_process() -> str:
    """Return what this process is known by; an empty text where nobody tells."""
    return _name(os.getpid())


def has_ended(process: str) -> bool:
    """Return whether it is known that a process has ended."""
    here, _, rest = process.rpartition(" ")
    place, _, pid = here.rpartition(" ")
    if not pid.isdecimal() or not rest or place != _place():
        return False
    return _name(int(pid)) != process


def _name(pid: int) -> str:
    place = _place()
    began = _began(pid)
    return f"{place} {pid} {began}" if place and began else ""


def _place() -> str:
    with suppress(OSError):
        return f"{BOOT.read_text().strip()} {NAMESPACE.stat().st_ino}"
    return ""


def _began(pid: int) -> str:
    """Return when a process began, in ticks since the boot; an empty text when it has ended."""
    with suppress(OSError, IndexError):
        # The name, in brackets, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] not in ENDED_STATES:
            return fields[19]
    return ""
