"""Child processes: started, listened to, killed for real, and proven dead."""

import asyncio
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.proc.process import EXIT_WAIT_SECONDS, OnEvent
from recovery_drill.proc.spawn import Spawn, Spawned, Start, start_cold
from recovery_drill.record.contract import PREFIX

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT")
ERROR = "[ERROR]"
"""How NautilusTrader's log marks what went wrong; each of its lines begins with a time."""


class Child:
    """One operating-system process of a drill.

    Its output goes to `log_path`; lines on standard output that are JSON objects with an ``event``
    key are also handed to `on_event`, which is how stages and ready lines become awaitable.

    Parameters
    ----------
    name : str
        What the process is called in messages.
    command : Sequence[str]
        The program and its arguments.
    environment : Mapping[str, str]
        Added to the drill's own environment.
    log_path : Path
        Where standard output and standard error are kept.
    directory : Path
        The working directory of the process.
    on_event : Callable, optional
        Called with each event line.
    spawn : Spawn, optional
        What starts it.

    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_path: Path,
        directory: Path,
        on_event: OnEvent | None = None,
        spawn: Spawn = start_cold,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log_path = log_path
        self.started_ns = 0
        self.ended_ns = 0
        self._environment = {**inherited(), **environment}
        self._directory = directory
        self.on_event = on_event
        self._start = spawn
        self._process: Spawned | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def started(self) -> bool:
        """Whether the process was started; it may have ended since."""
        return self._process is not None

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative is the signal that ended it; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start the process.

        Raises
        ------
        UsageError
            If there is no such program.
        Inconclusive
            If it cannot be started for another reason.

        """
        find_program(self.name, self.command[0], self._directory, self._environment)
        self.started_ns = time.monotonic_ns()
        spawning = asyncio.ensure_future(self._spawn())
        try:
            await asyncio.shield(spawning)
        except asyncio.CancelledError:
            # Half a start is finished first: a process that nobody knows could not be ended.
            await spawning
            raise

    async def _spawn(self) -> None:
        with self.log_path.open("ab") as log:
            try:
                self._process = await self._start(
                    Start(self.command, self._environment, self._directory, log)
                )
            except OSError as error:
                raise Inconclusive(
                    f"The {self.name} could not be started ({' '.join(self.command)!r}): {error}."
                ) from error
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self.log_path.open("ab") as log:
            while line := await self._next_line(self._process.stdout):
                log.write(line)
                log.flush()
                if self.on_event is not None and line.startswith(b"{"):
                    event = _event(line)
                    if event is not None:
                        self.on_event(event)

    async def _next_line(self, output: asyncio.StreamReader) -> bytes:
        try:
            return await output.readline()
        except ValueError:  # a line beyond the limit; the reader has dropped it
            return b"(a line too long to keep)\n"

    async def wait(self, seconds: float = EXIT_WAIT_SECONDS) -> int:
        """Wait until the process has ended and its output is read; return its exit code.

        Raises
        ------
        Inconclusive
            If it is still there after `seconds`.

        """
        assert self._process is not None
        assert self._reader is not None
        try:
            async with asyncio.timeout(seconds):
                code = await self._process.wait()
                await asyncio.shield(self._reader)
        except TimeoutError as error:
            raise Inconclusive(
                f"The {self.name} (pid {self.pid}) had not ended after {seconds:g} s."
            ) from error
        self.ended_ns = self.ended_ns or time.monotonic_ns()
        return code

    async def ended(self) -> int:
        """Wait for its end without a bound, for processes that are meant to run on."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> int:
        """End the process with SIGKILL, wait until it is gone, and return its exit code."""
        if self.running:
            self._send(signal.SIGKILL)
            self.ended_ns = time.monotonic_ns()
        return await self.wait()

    async def stop(self, seconds: float = EXIT_WAIT_SECONDS) -> int:
        """Ask the process to end (SIGTERM); kill it after `seconds`; return its exit code."""
        self._send(signal.SIGTERM)
        try:
            return await self.wait(seconds)
        except Inconclusive:
            return await self.kill()

    def _send(self, number: signal.Signals) -> None:
        if self.running:
            os.killpg(self.pid, number)

    async def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process and to those that it started, and to no other.

        It leads a process group of its own, so that a wrapper does not hide what it runs.
        """
        self._send(number)

    def last_words(self) -> str:
        """Return the last plain line that it wrote, or that there is none, for messages."""
        return self.said() or "nothing in its log says why"

    def said(self) -> str:
        """Return the last plain line that it wrote, no log line and no event; empty for none."""
        return last_line(self.log_path)

    def errors(self) -> list[str]:
        """Return the first errors in its log."""
        return errors_in(self.log_path)


def errors_in(log_path: Path, most: int = 3) -> list[str]:
    """Return the first lines of a log that an engine has marked as errors, without colours.

    What stands below such a line, up to the next one of the log, belongs to it.
    """
    found: list[str] = []
    is_open = False
    for raw in _lines(log_path):
        line = COLOUR.sub("", raw).strip()
        if STAMP.match(line):
            is_open = ERROR in line
            found += [line.partition(ERROR)[2].strip()] * is_open
        elif is_open and line:
            found[-1] += f" {line}"
    return list(dict.fromkeys(found))[:most]


def _lines(log_path: Path) -> list[str]:
    try:
        return log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def inherited() -> dict[str, str]:
    """Return what a process has of the drill's own environment."""
    # What the developer's shell says about a node of theirs is not for this one.
    return {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}


def last_line(log_path: Path) -> str:
    """Return the last plain line of a process's log; see `Child.said`."""
    plain = [line.strip() for line in _lines(log_path) if line[:1].isalpha()]
    return plain[-1] if plain else ""


def find_program(name: str, program: str, directory: Path, environment: Mapping[str, str]) -> None:
    """Look for a program as a child process will.

    Raises
    ------
    UsageError
        If there is none.

    """
    # A path is relative to the child's working directory, a name is searched on its PATH.
    place = str(directory / program) if "/" in program else program
    if shutil.which(place, path=environment.get("PATH")) is None:
        raise UsageError(
            f"The command of the {name} cannot be started: there is no program {program}."
        )


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "event" in value else None
