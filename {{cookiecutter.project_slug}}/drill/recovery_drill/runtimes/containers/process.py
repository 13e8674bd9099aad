"""What `Child` is on this machine: what a service's container runs, from its start to its end."""

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recovery_drill.failures import Inconclusive
from recovery_drill.proc.child import Child, errors_in, last_line
from recovery_drill.proc.process import EXIT_WAIT_SECONDS, OnEvent
from recovery_drill.runtimes.containers.clock import heard
from recovery_drill.runtimes.containers.engine import EngineError, Event, call

if TYPE_CHECKING:
    from recovery_drill.runtimes.containers.service import Service

STOP_SECONDS = 60.0
"""Longer than the grace that any service has of its own."""
LISTEN_SECONDS = 3600.0


class ContainerProcess:
    """What a service's container runs, from one start to its end.

    What its processes print is followed from its start, and kept in `log_path`.

    Parameters
    ----------
    service : Service
        Whose container it is.
    log_path : Path
        Where its output is kept.

    """

    def __init__(self, service: "Service", log_path: Path) -> None:
        self.name = service.name
        self.log_path = log_path
        self.on_event: OnEvent | None = None
        self.started_ns = 0
        self.ended_ns = 0
        self.exit_code: int | None = None
        self.pid = 0
        """Nobody is told which it is outside of the container."""
        self._service = service
        self._container = ""
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """What was started, for the record."""
        return ("docker", "start", self._container[:12])

    @property
    def started(self) -> bool:
        """Whether it has begun; it may have ended since."""
        return self._begun.is_set()

    @property
    def running(self) -> bool:
        """Whether it has begun, and not ended."""
        return self.started and not self._ended.is_set()

    async def start(self) -> None:
        """Start the container, or wait for its restart policy to."""
        await self._service.start(self)

    async def begun(self) -> None:
        """Wait for its beginning."""
        await self._begun.wait()

    def begin(self, event: Event, since_ns: int) -> None:
        """Take note of its beginning; what was printed before `since_ns` is of an earlier one."""
        self._container = event.container
        self.started_ns = time.monotonic_ns()
        self._begun.set()
        self._listening = asyncio.create_task(self._listen(since_ns))

    def end(self, code: int | None) -> None:
        """Take note of its end."""
        self.exit_code, self.ended_ns = code, time.monotonic_ns()
        self._ended.set()

    async def _listen(self, since_ns: int) -> None:
        since = f"{since_ns // 10**9}.{since_ns % 10**9:09}"
        logs = Child(
            f"{self.name}'s output",
            ["docker", "logs", "--follow", "--since", since, self._container],
            environment={},
            log_path=self.log_path,
            directory=self.log_path.parent,
            on_event=self._hear,
        )
        try:
            await logs.start()
            await logs.wait(LISTEN_SECONDS)
        finally:
            if logs.running:
                await asyncio.shield(logs.kill())

    def _hear(self, event: dict[str, Any]) -> None:
        if self.on_event is not None:
            self.on_event(heard(event))

    async def wait(self, seconds: float = EXIT_WAIT_SECONDS) -> int:
        """Wait for its end, until all that it printed has been read.

        Raises
        ------
        Inconclusive
            If that is not so within `seconds`.

        """
        assert self._listening is not None, f"{self.name} was not started"
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
                await asyncio.shield(self._listening)
        except TimeoutError as error:
            what = "its output goes on" if self._ended.is_set() else "it runs"
            raise Inconclusive(
                f"The container of {self.name} had not ended after {seconds:g} s: {what}."
            ) from error
        assert self.exit_code is not None
        return self.exit_code

    async def ended(self) -> int:
        """Wait for its end without a bound."""
        await self._ended.wait()
        assert self.exit_code is not None
        return self.exit_code

    async def kill(self) -> int:
        """End it with SIGKILL; its restart policy takes that for a stop by hand."""
        return await self._end("kill", EXIT_WAIT_SECONDS)

    async def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end; the engine kills it when its own grace is over."""
        return await self._end("stop", max(seconds, STOP_SECONDS))

    async def _end(self, verb: str, seconds: float) -> int:
        failed: EngineError | None = None
        if self.running:
            try:
                await call("docker", verb, self._container, seconds=seconds)
            except EngineError as error:
                failed = error  # it may have ended by itself in between
        try:
            return await self.wait(seconds)
        except Inconclusive:
            raise failed or Inconclusive(f"The container of {self.name} does not end.") from None

    async def signal(self, number: signal.Signals) -> None:
        """Let it stand still, or go on, or send it a signal, after which it stays down."""
        match number:
            case signal.SIGSTOP:
                await call("docker", "pause", self._container)
            case signal.SIGCONT:
                await call("docker", "unpause", self._container)
            case _:
                await call("docker", "kill", "--signal", number.name, self._container)

    def last_words(self) -> str:
        """Return the last plain line that it wrote, or that there is none, for messages."""
        return self.said() or "nothing in its log says why"

    def said(self) -> str:
        """Return the last plain line that it wrote; empty for none."""
        return last_line(self.log_path)

    def errors(self) -> list[str]:
        """Return the first errors in its log."""
        return errors_in(self.log_path)

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
