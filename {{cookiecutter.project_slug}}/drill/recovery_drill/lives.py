"""The lives of a drilled node: each is a process that is started, listened to, and ended."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recovery_drill.evidence import How
from recovery_drill.failures import Inconclusive
from recovery_drill.history import History
from recovery_drill.policy import Policy, fill_in
from recovery_drill.processes.node import Node
from recovery_drill.store.server import free_port


class Lives:
    """One node after the other, all with the same settings; perhaps a rival beside one.

    Parameters
    ----------
    policy : Policy
        How the node is started.
    project, folder : Path
        Its working directory, and where its logs are kept.
    trader_id : str
        Its name in the store.
    history : History
        Where each beginning, stage and end is recorded.
    on_stage : Callable
        Called with the stages of the lives that are drilled, not with a rival's.

    """

    def __init__(
        self,
        policy: Policy,
        *,
        project: Path,
        folder: Path,
        trader_id: str,
        history: History,
        on_stage: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._project = project
        self._folder = folder
        self._trader_id = trader_id
        self._history = history
        self._on_stage = on_stage
        self._ended: set[int] = set()
        self._begun: list[Node] = []
        self._node: Node | None = None
        self.addresses: dict[str, str] = {}
        self.environment: dict[str, str] = {}

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
    def running(self) -> bool:
        """Whether there is a node, and its process has not ended."""
        return self._node is not None and self._node.child.running

    async def begin(self, *, rival: bool = False) -> Node:
        """Start the next process; it takes the place of the one before, unless it is a rival."""
        number, http_port = len(self._begun) + 1, free_port()
        values = {
            **self.addresses,
            "http_port": str(http_port),
            "instance_id": f"drill-{number}",
        }
        environment = self._policy.node_environment(values)
        node = Node(
            number,
            [fill_in(word, values) for word in self._policy.node_command],
            environment={**environment, "TRADER_ID": self._trader_id, **self.environment},
            http_port=http_port,
            folder=self._folder,
            directory=self._project,
            on_stage=lambda event: self._stage(number, event, rival=rival),
        )
        self._begun.append(node)
        if not rival:
            self._node = node
        await node.start()
        command = list(node.child.command)
        data = {"number": number, "pid": node.child.pid, "command": command, "rival": rival}
        self._history.record("node", "node.started", data, mono_ns=node.child.started_ns)
        return node

    def _stage(self, number: int, event: dict[str, Any], *, rival: bool) -> None:
        stage = str(event.get("stage"))
        data = {"number": number, "stage": stage}
        self._history.record("node", "node.stage", data, mono_ns=event.get("mono_ns"))
        if not rival:
            self._on_stage(stage)

    async def kill(self, node: Node | None = None) -> None:
        """End a life with SIGKILL and prove it: its exit code is minus nine.

        Raises
        ------
        Inconclusive
            If it had ended otherwise before.

        """
        node = node or self.node
        code = await node.child.kill()
        await node.close()
        if code != -signal.SIGKILL:
            self.note_end(node, "by itself")
            raise Inconclusive(
                f"The node was not killed by signal 9: it had ended with code {code} before "
                f"({node.child.last_words()})."
            )
        self.note_end(node, "killed")

    async def stop(self) -> None:
        """Ask the node to stop (SIGTERM) and wait for its end."""
        await self.node.child.stop()
        self.note_end(self.node, "stopped")

    def pause(self) -> None:
        """Let the node stand still (SIGSTOP): it holds its sockets, and does nothing."""
        self.node.child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.node.child.signal(signal.SIGCONT)

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
        for node in self._begun:
            await node.close()
