"""Processes that tests and benchmarks start: what they say can be awaited, and they all end."""

import atexit
import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from baking import clean_environment

SECONDS_TO_END = 20.0
BETWEEN_LOOKS = 0.05

_started: list[list["Process"]] = [[]]
"""The processes of whoever asked last that all be ended; the first list is this whole run's."""


class Process:
    """A child process whose output is kept, and whose JSON lines can be awaited.

    Whatever it waits for, it waits for some seconds at most, and then fails with what the process
    said until then.

    Parameters
    ----------
    command
        The program and its arguments.
    folder
        Where it runs; made if it is not there. Where this process runs, by default.
    environment
        Added to what it inherits.
    inherits
        What it inherits: by default this process's environment without what others left in it.
    hears
        Whether it is told something on its standard input, which is empty otherwise.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        inherits: Mapping[str, str] | None = None,
        hears: bool = False,
    ) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.output: list[str] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as this object
        inherited = clean_environment() if inherits is None else inherits
        self.child = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **(environment or {})},
            stdin=subprocess.PIPE if hears else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            errors="replace",
        )
        _started[-1].append(self)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        try:
            with self.child.stdout as lines:
                for line in lines:
                    self.output.append(line)
                    if line.startswith("{"):
                        self._lines.put(json.loads(line))
        finally:
            self._lines.put(None)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return type(self).__name__.lower()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.child.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.child.poll() is not None

    def children(self) -> list[int]:
        """Return the ids of the processes that it has started and that still run."""
        found: list[int] = []
        for thread in Path(f"/proc/{self.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found += [int(child) for child in thread.read_text().split()]
        return found

    def next_line(self, seconds: float) -> dict[str, Any]:
        """Return the next JSON line on stdout; fail when there is none in time."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            message = f"No line within {seconds:g} s from the {self.name}."
            raise AssertionError(f"{message}\n{self.everything()}") from None
        if line is None:
            self._lines.put(None)  # whoever asks again is told the same
            code = self.wait()
            raise AssertionError(f"The {self.name} ended with {code}.\n{self.everything()}")
        return line

    def until_seen(self, seen: Callable[[], bool], seconds: float) -> None:
        """Look until `seen` is true, for what nobody tells of, such as a file that grows."""
        deadline = time.monotonic() + seconds
        while not seen():
            in_time = time.monotonic() < deadline
            assert in_time, f"Not seen within {seconds:g} s.\n{self.everything()}"
            assert not self.ended, f"The {self.name} ended too soon.\n{self.everything()}"
            time.sleep(BETWEEN_LOOKS)

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.child.stdin is not None, f"The {self.name} was not started to be told anything."
        self.child.stdin.write(f"{line}\n")
        self.child.stdin.flush()

    def send(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        self.child.send_signal(number)

    def wait(self, seconds: float = SECONDS_TO_END) -> int:
        """Return its exit code, once its output is read; fail when it does not end in time."""
        deadline = time.monotonic() + seconds
        # Before its end is asked for: the end of its output is told, that of a process is not.
        self._reader.join(seconds)
        try:
            return self.child.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            message = f"The {self.name} is alive after {seconds:g} s."
            raise AssertionError(f"{message}\n{self.everything()}") from None

    def stop(self, number: int = signal.SIGTERM, seconds: float = SECONDS_TO_END) -> int:
        """Send it a signal, if it has not ended, and return its exit code."""
        self.send(number)
        return self.wait(seconds)

    def kill(self) -> int:
        """End it with SIGKILL and return its exit code."""
        return self.stop(signal.SIGKILL)

    def end(self) -> None:
        """Kill it, and what it has started."""
        left = self.children()
        self.send(signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()

    def errors(self) -> str:
        """Return what it wrote to stderr so far."""
        # The child shares the place in the file, so it is read without being moved.
        number = self._errors.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode("utf-8", "replace")

    def whole(self) -> str:
        """Return both outputs from their beginnings, for what must or must not stand in them."""
        return "".join(self.output) + self.errors()

    def everything(self) -> str:
        """Return the end of both outputs, for messages."""
        return "".join(self.output[-30:]) + self.errors()[-3000:]


@contextlib.contextmanager
def all_ended() -> Iterator[list[Process]]:
    """End what is started in this block, the last first; its processes are in the list."""
    mine: list[Process] = []
    _started.append(mine)
    try:
        yield mine
    finally:
        _started.pop()
        _end(mine)


def _end(processes: Sequence[Process]) -> None:
    with contextlib.ExitStack() as ends:  # it goes on with the others when one fails
        for process in processes:
            ends.callback(process.end)


atexit.register(_end, _started[0])


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    # Behind the name, which may hold anything: the 12th and 13th field are user and system time.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Return what a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
