"""How a process comes to be: by starting a program, or otherwise."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

LINE_LIMIT_BYTES = 1 << 20


class Spawned(Protocol):
    """A process that has been started."""

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""

    @property
    def returncode(self) -> int | None:
        """Its exit code; negative is the signal that ended it; None while it runs."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """What it writes to its standard output."""

    async def wait(self) -> int:
        """Wait for its end, and return its exit code."""


@dataclass(frozen=True)
class Start:
    """What is started, in a session of its own.

    Parameters
    ----------
    command : tuple[str, ...]
        The program and its arguments.
    environment : Mapping[str, str]
        All of its environment.
    directory : Path
        Its working directory.
    errors : BinaryIO
        Where its standard error goes.

    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    errors: BinaryIO


type Spawn = Callable[[Start], Awaitable[Spawned]]
"""Starts a process; raises OSError where it cannot be started."""


async def start_cold(start: Start) -> Spawned:
    """Start a program as a shell would; see `Spawn`."""
    return await asyncio.create_subprocess_exec(
        *start.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=start.errors,
        env=start.environment,
        cwd=start.directory,
        limit=LINE_LIMIT_BYTES,
        # A Ctrl-C at the terminal is for the drill, which ends its children itself.
        start_new_session=True,
    )
