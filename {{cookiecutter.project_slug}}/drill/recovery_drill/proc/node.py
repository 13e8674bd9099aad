"""The node as the drill knows it: process, stage lines, HTTP endpoint and exit code."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from recovery_drill.failures import Inconclusive, Unsettled
from recovery_drill.proc.process import OnEvent, Process
from recovery_drill.record.contract import ExitCode, Stage
from recovery_drill.record.model import NodeState

POLL_SECONDS = 0.01
LONG_POLL_SECONDS = 5.0


class Node:
    """One life of the drilled node, from its start to its end.

    Parameters
    ----------
    number : int
        Which life this is, counted from 1.
    child : Process
        Its process.
    url : str
        Where it serves ``/health`` and ``/state``.
    on_stage : Callable
        Called with each stage line as it is read.

    """

    def __init__(self, number: int, child: Process, url: str, on_stage: OnEvent) -> None:
        self.number = number
        self.child = child
        self.url = url
        child.on_event = self._on_event
        self._on_stage = on_stage
        self._reached: dict[str, asyncio.Event] = {}
        self._spoke = asyncio.Event()
        self._session = aiohttp.ClientSession(
            url, timeout=aiohttp.ClientTimeout(total=2 * LONG_POLL_SECONDS)
        )
        self.trading_ns = 0

    def _on_event(self, event: dict[str, Any]) -> None:
        if event["event"] != "stage":
            return
        self._on_stage(event)
        stage = str(event.get("stage"))
        if stage == Stage.TRADING and not self.trading_ns:
            self.trading_ns = int(event.get("mono_ns", time.monotonic_ns()))
        self._stage(stage).set()
        self._spoke.set()

    def _stage(self, stage: str) -> asyncio.Event:
        return self._reached.setdefault(stage, asyncio.Event())

    async def reaches(self, stage: str, seconds: float) -> bool:
        """Wait until it says that it is in a stage; return whether it did within the bound."""
        try:
            async with asyncio.timeout(seconds):
                await self._stage(stage).wait()
        except TimeoutError:
            return False
        return True

    async def start(self) -> None:
        """Start the process; returns at once."""
        await self.child.start()

    async def until_trading(self, seconds: float) -> None:
        """Wait until the node says that it trades.

        Raises
        ------
        Inconclusive
            If the first life ends before, or any life for its configuration: then nothing has been
            shown of recovery.
        Unsettled
            If a later life ends before, or any stays silent for `seconds`.

        """
        trading = asyncio.ensure_future(self._stage(Stage.TRADING).wait())
        ended = asyncio.ensure_future(self.child.ended())
        both = {trading, ended}
        try:
            await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            trading.cancel()
            ended.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        if self.trading_ns:
            return
        if self.child.running:
            raise Unsettled(f"the node did not reach trading within {seconds:g} s of its start")
        code = await self.child.wait()
        said = f"the node ended with code {code} before it traded: {self.child.last_words()}"
        if self.number == 1 or code == ExitCode.CONFIGURATION:
            raise Inconclusive(f"Nothing was shown: {said}")
        raise Unsettled(said)

    async def shows_itself(self, seconds: float) -> bool:
        """Wait until it has said any stage, or ended; return whether either came in time."""
        ended = asyncio.ensure_future(self.child.ended())
        said = asyncio.ensure_future(self._spoke.wait())
        both = {ended, said}
        try:
            done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            said.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        return bool(done)

    async def state(self, after: int | None = None) -> NodeState | None:
        """Return the node's state, or None while it does not answer.

        With `after`, a revision, the node answers when its state has changed or a few seconds have
        passed.
        """
        query = {} if after is None else {"after": str(after), "wait_s": f"{LONG_POLL_SECONDS:g}"}
        try:
            async with self._session.get("/state", params=query) as answer:
                return msgspec.json.decode(await answer.read(), type=NodeState)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return None

    async def health(self) -> int | None:
        """Return the status of ``/health``, or None while it does not answer."""
        try:
            async with self._session.get("/health") as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def until(
        self, wanted: Callable[[NodeState], bool], seconds: float, promise: str
    ) -> NodeState:
        """Wait until the node's state is as wanted, and return it.

        Raises
        ------
        Unsettled
            If it is not so within `seconds`; the message says what it was instead.

        """
        deadline = time.monotonic() + seconds
        state = await self.state()
        while state is None or not wanted(state):
            left = deadline - time.monotonic()
            if left <= 0 or not self.child.running:
                raise Unsettled(f"{promise} within {seconds:g} s; {self.describe(state)}")
            state = await self.next_state(state, left)
        return state

    async def next_state(self, last: NodeState | None, seconds: float) -> NodeState | None:
        """Return the next state that differs from `last`; a node without revisions is polled."""
        if last is None or last.revision is None:
            await asyncio.sleep(POLL_SECONDS)
            return await self.state()
        try:
            async with asyncio.timeout(seconds):
                return await self.state(after=last.revision)
        except TimeoutError:
            return last

    def describe(self, state: NodeState | None) -> str:
        """Return one clause on what the node was last seen doing."""
        if not self.child.running:
            return f"it had ended with code {self.child.exit_code}: {self.child.last_words()}"
        if state is None:
            return "its endpoint did not answer"
        return state.doing()

    async def close(self) -> None:
        """End the process if it still runs, and the connection to its endpoint."""
        await self._session.close()
        if self.child.started:
            await self.child.kill()
