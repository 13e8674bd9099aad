"""How a process comes to be: by starting a program, or otherwise."""

import asyncio
from collections.abc import Mapping, Sequence
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


class Spawn(Protocol):
    """Starts processes."""

    async def __call__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        errors: BinaryIO,
    ) -> Spawned:
        """Start a process in a session of its own, whose standard error goes to a file.

        Raises
        ------
        OSError
            If it cannot be started.

        """


async def start_cold(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    errors: BinaryIO,
) -> Spawned:
    """Start a program as a shell would; see `Spawn`."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env=environment,
        cwd=directory,
        limit=LINE_LIMIT_BYTES,
        # A Ctrl-C at the terminal is for the drill, which ends its children itself.
        start_new_session=True,
    )
