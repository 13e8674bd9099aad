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
from typing import Any, Self

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.proc import warm_parent
from recovery_drill.proc.spawn import LINE_LIMIT_BYTES, Spawned, Start, start_cold

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

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = None
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
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        self._program, self._modules = program, tuple(modules)
        self._environment, self._directory = dict(environment), directory
        self._control, self._given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._count = 0
        self._asked: dict[int, asyncio.Future[Forked]] = {}
        self._running: dict[int, Forked] = {}
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

    def can_fork(self, start: Start) -> bool:
        """Return whether a fork of it would be what was to be started."""
        is_the_same = start.command[0] == self._program and what_is_run(start.command) is not None
        return is_the_same and starts_alike(self._environment, start.environment)

    async def fork(self, start: Start) -> Spawned:
        """Fork what it `can_fork`; see `Spawn`.

        Raises
        ------
        Inconclusive
            If it has ended.

        """
        wanted = what_is_run(start.command)
        assert wanted is not None, "asked whether it can be forked"
        kind, what, arguments = wanted
        self._count += 1
        number = self._count
        self._asked[number] = asyncio.get_running_loop().create_future()
        order = {
            "number": number,
            "command": start.command,
            "kind": kind,
            "what": what,
            "arguments": arguments,
            "directory": str(start.directory),
            "environment": dict(start.environment),
        }
        heard, written = os.pipe()
        try:
            output = await _reader(heard)
            descriptors = [written, start.errors.fileno()]
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        except BrokenPipeError:
            raise Inconclusive(ENDED) from None
        finally:
            os.close(written)
        forked = await self._asked[number]
        del self._asked[number]
        forked.stdout = output
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
            self._running[message["pid"]] = forked = Forked(message["pid"])
            self._asked[message["number"]].set_result(forked)
        else:
            self._running.pop(message["pid"]).ended(message["code"])

    def _lost(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        if not self._is_ready.done():
            self._is_ready.set_exception(UsageError(UNABLE.format(self._program)))
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(Inconclusive(ENDED))

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

    async def prepare(self, parent: WarmParent) -> None:
        """Start a process that imports, and fork from it from now on; see `WarmParent.start`."""
        self._endings.push_async_callback(parent.close)
        await parent.start()
        self._parents.append(parent)

    async def __call__(self, start: Start) -> Spawned:
        """Start a process."""
        fitting = (parent.fork for parent in self._parents if parent.can_fork(start))
        spawn = next(fitting, start_cold)
        return await spawn(start)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the processes from which others were forked."""
        await self._endings.aclose()
