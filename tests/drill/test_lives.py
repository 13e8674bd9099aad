"""The end of a life that is to be killed: killed, ended by itself, or quicker than the drill."""

import sys
from pathlib import Path
from typing import Any

import pytest

from recovery_drill.failures import Inconclusive, Unsupported
from recovery_drill.play.lives import Lives
from recovery_drill.proc.child import Child
from recovery_drill.record.history import History
from recovery_drill.record.model import read_records

ENDS = "import sys; sys.exit({code})"
WAITS = "import time; time.sleep(600)"


class Nodes:
    """A runtime whose nodes are programs of one line."""

    def __init__(self, folder: Path, program: str) -> None:
        self.on_node = None
        self._folder = folder
        self._program = program

    def node(self, number: int, *, rival: bool, stands_by: bool = False) -> tuple[Child, str]:
        child = Child(
            "node",
            [sys.executable, "-c", self._program],
            environment={},
            log_path=self._folder / f"node-{number}.log",
            directory=self._folder,
        )
        return child, "http://127.0.0.1:1"


def begun(folder: Path, program: str) -> tuple[Lives, History]:
    history = History(folder / "history.jsonl")
    # It needs what starts a node and nothing else of a runtime.
    nodes: Any = Nodes(folder, program)  # all of a runtime that is needed here
    return Lives(nodes, history, lambda _: None), history


def ending(folder: Path) -> tuple[int, str]:
    records = read_records((folder / "history.jsonl").read_text(encoding="utf-8").splitlines())
    (ended,) = (record.data for record in records if record.kind == "node.ended")
    return ended["code"], ended["how"]


async def test_a_kill_is_proven(tmp_path: Path) -> None:
    lives, history = begun(tmp_path, WAITS)
    await lives.begin()
    await lives.kill()
    history.close()
    assert ending(tmp_path) == (-9, "killed")


async def test_an_end_by_itself_before_the_kill_is_the_node_s(tmp_path: Path) -> None:
    lives, history = begun(tmp_path, ENDS.format(code=0))
    node = await lives.begin()
    await node.child.wait()
    with pytest.raises(Inconclusive, match="ended with code 0 before"):
        await lives.kill()
    history.close()
    assert ending(tmp_path) == (0, "by itself")


@pytest.mark.parametrize(
    ("code", "failure", "how"), [(0, Unsupported, "stopped"), (1, Inconclusive, "by itself")]
)
async def test_a_stop_as_asked_may_be_quicker_than_the_kill(
    tmp_path: Path, code: int, failure: type[Exception], how: str
) -> None:
    """A crash point behind the last answer to a node that stops cannot be held."""
    lives, history = begun(tmp_path, ENDS.format(code=code))
    node = await lives.begin()
    await node.child.wait()
    lives._asked_to_stop.add(node.number)
    with pytest.raises(failure):
        await lives.kill()
    history.close()
    assert ending(tmp_path) == (code, how)
