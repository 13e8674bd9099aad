"""One compose project of its own: made for a play, and gone after it."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recovery_drill.proc.child import Child
from recovery_drill.record.schedule import write_json
from recovery_drill.runtimes.containers.engine import (
    PROJECT_LABEL,
    SERVICE_LABEL,
    call,
    read_event,
)
from recovery_drill.runtimes.containers.overlay import IMAGES, SERVICES
from recovery_drill.runtimes.containers.service import Service

FILE, OVERLAY = "compose.yaml", "compose.drill.json"
LONG_SECONDS = 300.0
"""What may pull an image, or waits until services are healthy."""
LOOK_BACK_SECONDS = 60
BUILD_SECONDS = 1200.0
TOLD = ("create", "start", "pause", "unpause", "oom", "kill", "die", "destroy")
"""The events that are kept; health checks tell of themselves several times a second."""


class Stack:
    """The project's services in a compose project with a name of its own.

    Parameters
    ----------
    project : Path
        The drilled project's folder, with its ``compose.yaml``.
    folder : Path
        Where overlay, logs and the engine's events are kept.
    overlay : Mapping[str, Any]
        What is laid over the project's file.
    environment : Mapping[str, str]
        Of compose, and of the project's scripts.

    """

    def __init__(
        self,
        project: Path,
        folder: Path,
        overlay: Mapping[str, Any],
        environment: Mapping[str, str],
    ) -> None:
        self.name = f"drill-{secrets.token_hex(4)}"
        self._project, self._folder = project, folder
        self._overlay = overlay
        self._environment = {
            **environment,
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": os.pathsep.join([str(project / FILE), str(folder / OVERLAY)]),
            "COMPOSE_PATH_SEPARATOR": os.pathsep,
        }
        self.services = {name: Service(name, folder) for name in SERVICES}
        self._events = Child(
            "engine's list of events",
            [
                *("docker", "events", "--filter", f"label={PROJECT_LABEL}={self.name}"),
                *(word for action in TOLD for word in ("--filter", f"event={action}")),
                # Nothing is lost of what happens before it listens.
                *("--since", str(int(time.time()) - LOOK_BACK_SECONDS)),
                *("--format", '{"event":{{json .}}}'),
            ],
            environment={},
            log_path=folder / "engine.log",
            directory=folder,
            on_event=self._hear,
        )
        self._is_made = False

    def _hear(self, line: dict[str, Any]) -> None:
        event = read_event(line["event"])
        if event is not None and event.service in self.services:
            self.services[event.service].hear(event)

    async def compose(self, *words: str, seconds: float = LONG_SECONDS) -> str:
        """Let compose do something with this project."""
        return await self.script("docker", "compose", *words, seconds=seconds)

    async def script(self, *words: str, seconds: float = LONG_SECONDS) -> str:
        """Let a script of the drilled project do something with this project."""
        return await call(
            *words, directory=self._project, environment=self._environment, seconds=seconds
        )

    async def create(self) -> None:
        """Make networks, volumes and containers; nothing is started."""
        if not self._is_made:
            self._is_made = True
            write_json(self._folder / OVERLAY, self._overlay)
            await self._events.start()
        await self.compose("create", "--no-build")
        row = f'{{{{.Label "{SERVICE_LABEL}"}}}} {{{{.ID}}}}'
        listed = await self._list("ps", "--all", "--no-trunc", "--format", row)
        for service, container in (line.split() for line in listed):
            if service in self.services:
                self.services[service].container = container

    async def _list(self, *words: str) -> list[str]:
        label = f"label={PROJECT_LABEL}={self.name}"
        return (await call("docker", *words, "--filter", label)).splitlines()

    async def network(self, name: str) -> str:
        """Return the id of a network of the project."""
        return await self._only("network", name)

    async def volume(self, name: str) -> str:
        """Return the name of a volume of the project."""
        return await self._only("volume", name)

    async def _only(self, kind: str, name: str) -> str:
        label = f"label=com.docker.compose.{kind}={name}"
        (found,) = await self._list(kind, "ls", "--quiet", "--filter", label)
        return found

    async def close(self) -> None:
        """Remove everything of this project."""
        if not self._is_made:
            return
        try:
            # No grace: what matters was copied out before.
            await self.compose("down", "--volumes", "--remove-orphans", "--timeout", "0")
        finally:
            await asyncio.gather(*(service.close() for service in self.services.values()))
            if self._events.started:
                await self._events.stop()


async def build(project: Path, environment: Mapping[str, str], images: Iterable[str]) -> None:
    """Build images of the project.

    Parameters
    ----------
    project : Path
        Its folder.
    environment : Mapping[str, str]
        Of compose; it names them.
    images : Iterable[str]
        By which names of the environment.

    """
    await call(
        *("docker", "compose", "build", "--quiet", *(IMAGES[image] for image in images)),
        directory=project,
        environment={**environment, "COMPOSE_FILE": str(project / FILE)},
        seconds=BUILD_SECONDS,
        whole=False,
    )
