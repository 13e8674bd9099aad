"""A service of the stack: its container now, and the runs of it that the engine tells of."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from recovery_drill.failures import Inconclusive
from recovery_drill.runtimes.containers.engine import Event, call
from recovery_drill.runtimes.containers.run import Run

START_SECONDS = 90.0
"""More than the minute that a restart policy may wait before it starts a container again."""


class Service:
    """A service, heard of by the engine's events.

    Parameters
    ----------
    name : str
        Of the service.
    folder : Path
        Where the output of its runs is kept.

    Attributes
    ----------
    container : str
        The id of its container.
    run : Run or None
        The latest one.
    out_of_memory : asyncio.Event
        Set when the engine has told that it ran out of memory.
    on_run : Callable or None
        Called with each run that began without having been asked for.

    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.container = ""
        self.run: Run | None = None
        self.runs: list[Run] = []
        self.out_of_memory = asyncio.Event()
        self.on_run: Callable[[Run], None] | None = None
        self._folder = folder
        self._asked: Run | None = None
        self._news = asyncio.Event()
        self._died_ns: dict[str, int] = {}

    def next_run(self, log: str = "") -> Run:
        """Return a run that has not begun; its output is kept under a name of its own, if given."""
        return Run(self, self._folder / f"{log or self.name}.log")

    async def start(self, run: Run) -> None:
        """Start the container, or wait for its restart policy to: then the engine does nothing.

        Raises
        ------
        Inconclusive
            If it does not start.

        """
        self._asked = run
        try:
            await call("docker", "start", self.container)
            async with asyncio.timeout(START_SECONDS):
                await run.begun()
        except TimeoutError as error:
            raise Inconclusive(
                f"The container of {self.name} did not start within {START_SECONDS:g} s."
            ) from error
        finally:
            self._asked = None

    async def after(self, run: Run | None) -> None:
        """Wait for the run that follows another."""
        while self.run is run:
            self._news.clear()
            await self._news.wait()

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event.action:
            case "start":
                self.container = event.container
                asked, self._asked = self._asked, None
                self.run = run = asked or self.next_run()
                self.runs.append(run)
                self._news.set()
                # All that an earlier run printed came before its end.
                run.begin(event, self._died_ns.get(event.container, 0))
                if asked is None and self.on_run is not None:
                    self.on_run(run)
            case "die" if self.run is not None:
                self._died_ns[event.container] = event.wall_ns
                self.run.end(event.code)
            case "oom":
                self.out_of_memory.set()
            case _:
                pass

    async def close(self) -> None:
        """Stop listening to its runs."""
        for run in self.runs:
            await run.close()
