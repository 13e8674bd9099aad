"""The container engine as its command line shows it: bounded calls, and its events."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recovery_drill.failures import Inconclusive, UsageError

CALL_SECONDS = 60.0
LEAST_ENGINE, LEAST_COMPOSE = (25, 0), (2, 24)
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
SIGNALS = range(129, 193)


class EngineError(Inconclusive):
    """The engine did not do what it was asked to."""


@dataclass(frozen=True)
class Event:
    """What became of the container of a service.

    Parameters
    ----------
    service, container : str
        Name and id.
    action : str
        ``start``, ``die``, ``oom`` and others.
    code : int or None
        With which exit code it died; negative is a signal.
    wall_ns : int
        When, by the engine's clock.

    """

    service: str
    container: str
    action: str
    code: int | None
    wall_ns: int


def read_event(message: Mapping[str, Any]) -> Event | None:
    """Return what an event of the engine says about a service; None if it is about none."""
    actor = message.get("Actor", {})
    labels = actor.get("Attributes", {})
    service = labels.get(SERVICE_LABEL)
    # One that a script runs for a moment belongs to the service, but is not it.
    if message.get("Type") != "container" or service is None or labels.get(ONE_OFF_LABEL) == "True":
        return None
    code = labels.get("exitCode")
    return Event(
        service=str(service),
        container=str(actor["ID"]),
        action=str(message["Action"]),
        code=None if code is None else signed(int(code)),
        wall_ns=int(message["timeNano"]),
    )


def signed(status: int) -> int:
    """Return an exit code as Python does: the signal that ended it is negative."""
    return 128 - status if status in SIGNALS else status


async def call(
    *words: str,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = CALL_SECONDS,
    whole: bool = True,
) -> str:
    """ContainerProcess a command to its end and return what it printed.

    Parameters
    ----------
    words : str
        The command.
    directory, environment : Path, Mapping[str, str]
        Its own, if not those of the drill.
    seconds : float
        How long it may take.
    whole : bool
        Whether an interrupt waits for its end: what half a command makes afterwards would stay.

    Raises
    ------
    EngineError
        If it fails, or is not over in time.

    """
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=directory,
        env=environment,
        # A Ctrl-C at the terminal is for the drill.
        start_new_session=True,
    )
    said = " ".join(words[:3])
    talking = asyncio.ensure_future(process.communicate())
    try:
        async with asyncio.timeout(seconds):
            output, errors = await asyncio.shield(talking)
    except TimeoutError as error:
        os.killpg(process.pid, signal.SIGKILL)
        await talking
        raise EngineError(f"`{said}` was not over after {seconds:g} s.") from error
    except asyncio.CancelledError:
        if not whole:
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait([talking], timeout=seconds)
        raise
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines() or ["it did not say why"]
        raise EngineError(f"`{said}` ended with code {process.returncode}: {lines[-1].strip()}")
    return output.decode(errors="replace")


async def check_engine() -> None:
    """Find out whether there is an engine that can be drilled in.

    Raises
    ------
    UsageError
        If there is none, or it is too old.

    """
    if shutil.which("docker") is None:
        raise UsageError("There is no docker command; --runtime compose needs a container engine.")
    asked = (
        ("Docker Engine", LEAST_ENGINE, ("version", "--format", "{{.Server.Version}}")),
        ("Docker Compose", LEAST_COMPOSE, ("compose", "version", "--short")),
    )
    for name, least, words in asked:
        try:
            version = (await call("docker", *words)).strip()
        except EngineError as error:
            raise UsageError(
                f"{name} does not answer, so nothing can be drilled in: {error}"
            ) from error
        if version_of(version) < least:
            needed = ".".join(map(str, least))
            raise UsageError(f"{name} is {version}; the drill needs {needed} or newer.")


def version_of(text: str) -> tuple[int, int]:
    """Return the first two numbers of a version; zeros when there are none."""
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
