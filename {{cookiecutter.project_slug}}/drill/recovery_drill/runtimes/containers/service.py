"""A service of the stack: its container now, and each start of it that the engine tells of."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from recovery_drill.failures import Inconclusive
from recovery_drill.proc.process import Process
from recovery_drill.runtimes.containers.engine import Event, call
from recovery_drill.runtimes.containers.process import ContainerProcess

START_SECONDS = 90.0
"""More than the minute that a restart policy may wait before it starts a container again."""


class Service:
    """A service, heard of by the engine's events.

    Parameters
    ----------
    name : str
        Of the service.
    folder : Path
        Where the output of its processes is kept.

    Attributes
    ----------
    container : str
        The id of its container.
    process : ContainerProcess or None
        The latest one.
    out_of_memory : asyncio.Event
        Set when the engine has told that it ran out of memory.
    on_process : Callable or None
        Called with each process that began without having been asked for.

    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.container = ""
        self.process: ContainerProcess | None = None
        self.processes: list[ContainerProcess] = []
        self.out_of_memory = asyncio.Event()
        self.on_process: Callable[[ContainerProcess], None] | None = None
        self._folder = folder
        self._asked: ContainerProcess | None = None
        self._news = asyncio.Event()
        self._died_ns: dict[str, int] = {}

    def next_process(self, log: str = "") -> ContainerProcess:
        """Return one that has not begun; its output is kept under a name of its own, if given."""
        return ContainerProcess(self, self._folder / f"{log or self.name}.log")

    async def start(self, process: ContainerProcess) -> None:
        """Start the container, or wait for its restart policy to: then the engine does nothing.

        Raises
        ------
        Inconclusive
            If it does not start.

        """
        self._asked = process
        try:
            await call("docker", "start", self.container)
            async with asyncio.timeout(START_SECONDS):
                await process.begun()
        except TimeoutError as error:
            raise Inconclusive(
                f"The container of {self.name} did not start within {START_SECONDS:g} s."
            ) from error
        finally:
            self._asked = None

    async def after(self, process: Process | None) -> None:
        """Wait for the process that follows another."""
        while self.process is process:
            self._news.clear()
            await self._news.wait()

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event.action:
            case "start":
                self.container = event.container
                asked, self._asked = self._asked, None
                self.process = process = asked or self.next_process()
                self.processes.append(process)
                self._news.set()
                # All that an earlier one printed came before its end.
                process.begin(event, self._died_ns.get(event.container, 0))
                if asked is None and self.on_process is not None:
                    self.on_process(process)
            case "die" if self.process is not None:
                self._died_ns[event.container] = event.wall_ns
                self.process.end(event.code)
            case "oom":
                self.out_of_memory.set()
            case _:
                pass

    async def close(self) -> None:
        """Stop listening to its processes."""
        for process in self.processes:
            await process.close()
