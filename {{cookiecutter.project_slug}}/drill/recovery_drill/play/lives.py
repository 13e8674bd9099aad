"""The lives of a drilled node: each is a process that is started, listened to, and ended."""

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

from recovery_drill.checks.fit import silent, stuck
from recovery_drill.failures import Inconclusive, Unsettled, Unsupported, UsageError
from recovery_drill.proc.node import Node
from recovery_drill.proc.process import EXIT_WAIT_SECONDS, Process
from recovery_drill.record.contract import Stage
from recovery_drill.record.evidence import How
from recovery_drill.record.history import History
from recovery_drill.runtimes.protocol import Runtime

SILENT_SECONDS = 25.0
"""After so long a node that has shown nothing of itself is taken for one that cannot be drilled."""


class Lives:
    """One node after the other, all started in the same way; perhaps a second one beside one.

    The second one is a rival, or stands by and takes the place of the first.

    Parameters
    ----------
    runtime : Runtime
        Where they come from.
    history : History
        Where each beginning, stage and end is recorded.
    on_stage : Callable
        Called with the stages of the life that is drilled, not of one beside it.
    stop_seconds : float
        How long one may take to end that was asked to.

    """

    def __init__(
        self,
        runtime: Runtime,
        history: History,
        on_stage: Callable[[str], None],
        stop_seconds: float = EXIT_WAIT_SECONDS,
    ) -> None:
        self._stop_seconds = stop_seconds
        self._runtime = runtime
        runtime.on_node = self._adopt
        self._history = history
        self._on_stage = on_stage
        self._ended: set[int] = set()
        self._asked_to_stop: set[int] = set()
        self._begun: list[Node] = []
        self._node: Node | None = None
        self._adopted = asyncio.Event()

    @property
    def node(self) -> Node:
        """The life that is drilled now."""
        assert self._node is not None, "no node was started"
        return self._node

    @property
    def count(self) -> int:
        """How many there have been, rivals included."""
        return len(self._begun)

    @property
    def children(self) -> list[Process]:
        """The processes of all of them."""
        return [node.child for node in self._begun]

    @property
    def running(self) -> bool:
        """Whether there is a node, and its process has not ended."""
        return self._node is not None and self._node.child.running

    async def begin(self, *, rival: bool = False) -> Node:
        """Start the next process; it takes the place of the one before, unless it is a rival."""
        return await self._begin(rival=rival)

    async def stand_by(self) -> Node:
        """Start a process that stands by beside the one that is drilled."""
        return await self._begin(rival=True, stands_by=True)

    async def _begin(self, *, rival: bool, stands_by: bool = False) -> Node:
        number = self.count + 1
        child, url = self._runtime.node(number, rival=rival, stands_by=stands_by)
        node = self._next(number, child, url, rival=rival)
        await node.start()
        self._note_start(node, rival=rival)
        return node

    def hand_over(self, node: Node) -> None:
        """Let the one that stands by be the one that is drilled: it is its turn from now on."""
        data = {"number": node.number, "from": self.node.number}
        self._history.record("drill", "node.turn", data)
        self._node = node

    def _next(self, number: int, child: Process, url: str, *, rival: bool) -> Node:
        def on_stage(event: dict[str, Any]) -> None:
            self._stage(node, event)

        node = Node(number, child, url, on_stage)
        self._begun.append(node)
        if not rival:
            self._node = node
        return node

    def _adopt(self, child: Process, url: str) -> None:
        """Take a process that a supervisor has started for the next life."""
        self._note_start(self._next(self.count + 1, child, url, rival=False))
        self._adopted.set()

    async def until_adopted(self, after: Node, seconds: float) -> None:
        """Wait until a supervisor has started the life that follows another.

        Raises
        ------
        Unsettled
            If none has begun within the bound.

        """
        try:
            async with asyncio.timeout(seconds):
                while self.node is after:
                    self._adopted.clear()
                    await self._adopted.wait()
        except TimeoutError as error:
            raise Unsettled(
                f"the node was not started again within {seconds:g} s of its end"
            ) from error

    async def until_met(self, seconds: float) -> None:
        """Wait until the node shows the drill anything, and not for long.

        Raises
        ------
        UsageError
            If it runs and shows nothing, as one that was not made to be drilled; or says that it
            starts, and its log is full of errors.

        """
        node, seconds = self.node, min(SILENT_SECONDS, seconds)
        if not await node.shows_itself(seconds) and await node.state() is None:
            raise UsageError(silent(seconds, node.child.said()))
        if node.number > 1 or await node.reaches(Stage.TRADING, seconds) or not node.child.running:
            return
        if errors := node.child.errors():
            raise UsageError(stuck(seconds, errors))

    def _note_start(self, node: Node, *, rival: bool = False) -> None:
        child = node.child
        data = {"number": node.number, "pid": child.pid, "command": list(child.command)}
        data["rival"] = rival
        self._history.record("node", "node.started", data, mono_ns=child.started_ns)

    def _stage(self, node: Node, event: dict[str, Any]) -> None:
        stage = str(event.get("stage"))
        data = {"number": node.number, "stage": stage}
        self._history.record("node", "node.stage", data, mono_ns=event.get("mono_ns"))
        if node is self._node:
            self._on_stage(stage)

    async def kill(self, node: Node | None = None) -> None:
        """End a life with SIGKILL and prove it: its exit code is minus nine.

        Raises
        ------
        Inconclusive
            If it had ended otherwise before.
        Unsupported
            If it had been asked to stop, and was quicker.

        """
        node = node or self.node
        await node.child.kill()
        await self.prove_killed(node)

    async def prove_killed(self, node: Node) -> None:
        """Wait for the end of a life that has been killed, and prove it; see `kill`."""
        code = await node.child.wait()
        await node.close()
        if code == 0 and node.number in self._asked_to_stop:
            # What comes after a node's last answer cannot be held, so its end may be quicker.
            self.note_end(node, "stopped")
            raise Unsupported("The node had stopped, as asked, before it could be killed there.")
        if code != -signal.SIGKILL:
            self.note_end(node, "by itself")
            raise Inconclusive(
                f"The node was not killed by signal 9: it had ended with code {code} before "
                f"({node.child.last_words()})."
            )
        self.note_end(node, "killed")

    async def stop(self) -> None:
        """Ask the node to stop (SIGTERM) and wait for its end."""
        self._asked_to_stop.add(self.node.number)
        await self.node.child.stop(self._stop_seconds)
        self.note_end(self.node, "stopped")

    async def pause(self, node: Node) -> None:
        """Let a node stand still (SIGSTOP): it keeps its sockets, and does nothing."""
        self._history.record("drill", "node.paused", {"number": node.number})
        await node.child.signal(signal.SIGSTOP)

    async def resume(self, node: Node) -> None:
        """Let it go on (SIGCONT)."""
        await node.child.signal(signal.SIGCONT)
        self._history.record("drill", "node.resumed", {"number": node.number})

    def note_end(self, node: Node, how: How) -> None:
        """Record the end of a life; the first word on it counts."""
        if node.number in self._ended:
            return
        self._ended.add(node.number)
        code = node.child.exit_code
        data = {"number": node.number, "code": code, "how": how, "said": node.child.said()}
        ended_ns = node.child.ended_ns or time.monotonic_ns()
        self._history.record("node", "node.ended", data, mono_ns=ended_ns)

    def note_ends(self, how: How) -> None:
        """Record the end of every process that has ended and of which nothing was said yet."""
        for node in self._begun:
            if node.child.started and not node.child.running:
                self.note_end(node, how)

    async def close(self) -> None:
        """Kill whatever still runs."""
        self._runtime.on_node = None
        for node in self._begun:
            await node.close()
