"""Measures what the machine can do, and how long the processes of a play wait for it."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from recovery_drill.record.machine import Figures, Machine, machine_of

TIMES = 3
LOOP = 2_000_000
PAGE = b"." * 4096
IO_PRESSURE = Path("/proc/pressure/io")
PROCESSES = Path("/proc")


async def measure() -> Machine:
    """Measure the machine: three times each, and the middle one counts. It takes a second or so."""
    figures = Figures(
        process_seconds=await _median(_start_process),
        flush_seconds=await _median(lambda: asyncio.to_thread(_flush)),
        loop_seconds=await _median(lambda: asyncio.to_thread(_count)),
    )
    return machine_of(figures)


async def _median(work: Callable[[], Awaitable[None]]) -> float:
    took = []
    for _ in range(TIMES):
        began = time.monotonic()
        await work()
        took.append(time.monotonic() - began)
    return statistics.median(took)


async def _start_process() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", "pass")
    await process.wait()


def _flush() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(PAGE)
        file.flush()
        os.fsync(file.fileno())


def _count() -> None:
    for _ in range(LOOP):
        pass


class Waiting:
    """How long processes have waited for a processor, and everything for the disk.

    That is what the kernel counts of each thread that could run and may not (``schedstat``), and of
    all of them that stand still for the disk (``pressure/io``). A node that waits for the exchange
    waits for neither. Where the kernel does not count, nothing is lost as far as one knows. How
    much the processor is asked for says less: two busy processes on two cores look like twelve.
    """

    def __init__(self) -> None:
        self._threads: dict[Path, int] = {}
        self._disk = _stalled()

    def seconds(self, pids: Iterable[int]) -> float:
        """Return what the worst off of them has lost since this was asked for the last time."""
        threads = {}
        for pid in pids:
            for place in (PROCESSES / str(pid) / "task").glob("*/schedstat"):
                try:
                    threads[place] = int(place.read_text("ascii").split()[1])
                except (OSError, ValueError, IndexError):
                    continue  # it has ended meanwhile
        lost = (now - self._threads.get(place, now) for place, now in threads.items())
        waited = max(lost, default=0) / 1e9
        disk, before = _stalled(), self._disk
        self._threads, self._disk = threads, disk
        return max(waited, disk - before)


def _stalled() -> float:
    """Return for how many seconds all that had work stood still for the disk, since it started."""
    try:
        rows = IO_PRESSURE.read_text("ascii").splitlines()
    except OSError:
        return 0.0
    full = next((row for row in rows if row.startswith("full")), "total=0")
    return int(full.rsplit("total=", 1)[1]) / 1e6
