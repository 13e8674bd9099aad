"""Warm starts: a process that has imported what a node imports is forked for each of its starts.

A node is started a hundred times in an exploration, and spends most of a start on imports that are
the same each time. Here they happen once. What is forked is a process as any other: a process id,
a session, an environment, files and a death of its own. What it shares with the others is what an
import leaves behind, the seed of Python's hashes included.
"""

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, BinaryIO, Self

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.proc import warm_parent
from recovery_drill.proc.spawn import LINE_LIMIT_BYTES, Spawned, start_cold

IMPORT_SECONDS = 120.0
UNABLE = "{} cannot be what nodes are forked from: it ended before it had imported. Say --cold."
ENDED = "The process from which nodes are forked has ended by itself."
ONLY_AT_START = ("PYTHON", "LD_", "MALLOC_", "_RJEM_")
"""Variables whose names begin so are read when an interpreter starts, and never again."""

type Wanted = tuple[str, str, tuple[str, ...]]
"""``module``, ``file`` or ``code``; what of it; and its arguments."""


def what_is_run(command: Sequence[str]) -> Wanted | None:
    """Return what a command lets an interpreter run; None where a fork could not do the same."""
    match tuple(command):
        case (_, "-m", name, *arguments):
            return "module", name, tuple(arguments)
        case (_, "-c", code, *arguments):
            return "code", code, tuple(arguments)
        case (_, file, *arguments) if file.endswith(".py"):
            return "file", file, tuple(arguments)
        case _:
            return None


def starts_alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Return whether an interpreter starts the same in two environments."""
    read = [{k: v for k, v in each.items() if k.startswith(ONLY_AT_START)} for each in (one, other)]
    return read[0] == read[1]


class Forked:
    """A process that was forked; see `Spawned`."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = stdout
        self.returncode: int | None = None
        self._has_ended = asyncio.Event()

    def ended(self, code: int) -> None:
        """Take note of its end."""
        self.returncode = code
        self._has_ended.set()

    async def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        await self._has_ended.wait()
        assert self.returncode is not None
        return self.returncode


class WarmParent:
    """A process that has imported modules, and forks those that are to run.

    Parameters
    ----------
    program : str
        The interpreter.
    modules : Sequence[str]
        What it imports.
    environment : Mapping[str, str]
        What it is started with.
    directory : Path
        Where it is started: what lies there can be imported, as by ``-m``.

    """

    def __init__(
        self,
        program: str,
        modules: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        self._program, self._modules = program, tuple(modules)
        self._environment, self._directory = dict(environment), directory
        self._control, self._given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._starts: dict[int, asyncio.Future[int]] = {}
        self._running: dict[int, Forked] = {}
        self._early: dict[int, int] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """Its process id; None before it is started."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it, and wait until it has imported everything.

        Raises
        ------
        UsageError
            If something cannot be imported, or it ends before.
        Inconclusive
            If it says nothing in time.

        """
        script = str(Path(warm_parent.__file__))
        with self._given as given, tempfile.TemporaryFile() as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(self._program, script, str(given.fileno()), *self._modules),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                env=self._environment,
                cwd=self._directory,
                pass_fds=(given.fileno(),),
                start_new_session=True,
            )
        self._control.setblocking(False)
        asyncio.get_running_loop().add_reader(self._control, self._hear)
        try:
            async with asyncio.timeout(IMPORT_SECONDS):
                await self._is_ready
        except TimeoutError as error:
            raise Inconclusive(
                f"Importing {', '.join(self._modules)} took more than {IMPORT_SECONDS:g} s."
            ) from error

    def can_start(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Return whether a fork of it would be what a start of the command is."""
        is_the_same = command[0] == self._program and what_is_run(command) is not None
        return is_the_same and starts_alike(self._environment, environment)

    async def spawn(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        errors: BinaryIO,
    ) -> Spawned:
        """Fork a process for a command that it `can_start`; see `Spawn`."""
        wanted = what_is_run(command)
        assert wanted is not None, "asked whether it can be forked"
        kind, what, arguments = wanted
        number = len(self._starts)
        self._starts[number] = pid = asyncio.get_running_loop().create_future()
        order = {
            "number": number,
            "command": list(command),
            "kind": kind,
            "what": what,
            "arguments": arguments,
            "directory": str(directory),
            "environment": dict(environment),
        }
        heard, written = os.pipe()
        try:
            output = await _reader(heard)
            descriptors = [written, errors.fileno()]
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        except BrokenPipeError:
            raise Inconclusive(ENDED) from None
        finally:
            os.close(written)
        forked = Forked(await pid, output)
        self._running[forked.pid] = forked
        if forked.pid in self._early:
            self._end(forked.pid, self._early.pop(forked.pid))
        return forked

    def _hear(self) -> None:
        """Take one message of it."""
        try:
            text = self._control.recv(warm_parent.LONGEST_MESSAGE)
        except ConnectionResetError:
            text = b""
        if not text:
            self._lost()
            return
        message: dict[str, Any] = json.loads(text)
        if "ready" in message:
            self._is_ready.set_result(None)
        elif "failed" in message:
            self._is_ready.set_exception(
                UsageError(
                    "`warm_imports` in [tool.recovery-drill] names what cannot be imported: "
                    f"{message['failed']}."
                )
            )
        elif "number" in message:
            self._starts[message["number"]].set_result(message["pid"])
        else:
            self._end(message["pid"], message["code"])

    def _end(self, pid: int, code: int) -> None:
        if forked := self._running.pop(pid, None):
            forked.ended(code)
        else:
            self._early[pid] = code  # whoever waits for its start has not come to it yet

    def _lost(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        lost = Inconclusive(ENDED)
        if not self._is_ready.done():
            self._is_ready.set_exception(UsageError(UNABLE.format(self._program)))
        for start in self._starts.values():
            if not start.done():
                start.set_exception(lost)

    async def close(self) -> None:
        """End it; what it has forked has ended before."""
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader


class WarmStarts:
    """Starts warm what can be, and everything else cold; see `Spawn`."""

    def __init__(self) -> None:
        self._parents: list[WarmParent] = []
        self._endings = AsyncExitStack()

    async def prepare(
        self,
        program: str,
        modules: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        """Import modules into a process from which others are forked; see `WarmParent`."""
        parent = WarmParent(program, modules, environment=environment, directory=directory)
        self._endings.push_async_callback(parent.close)
        await parent.start()
        self._parents.append(parent)

    async def __call__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        errors: BinaryIO,
    ) -> Spawned:
        """Start a process."""
        fitting = (each for each in self._parents if each.can_start(command, environment))
        parent = next(fitting, None)
        spawn = start_cold if parent is None else parent.spawn
        return await spawn(command, environment=environment, directory=directory, errors=errors)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the processes from which others were forked."""
        await self._endings.aclose()
