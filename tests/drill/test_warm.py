"""A process that is forked from one with everything imported is as one that was started."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from recovery_drill.campaign.warm import can_be_warm
from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.play.ground import Ground
from recovery_drill.proc.child import Child, inherited
from recovery_drill.proc.process import OnEvent
from recovery_drill.proc.spawn import Spawn, start_cold
from recovery_drill.proc.warm import WarmParent, WarmStarts, starts_alike, what_is_run
from recovery_drill.record.policy import Policy

ABOUT_ITSELF = """
import json, os, sys
print(json.dumps({
    "event": "about",
    "name": __name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "arguments": sys.argv[1:],
    "command": sys.orig_argv[1:],
    "first_on_path": os.path.abspath(sys.path[0]),
    "directory": os.getcwd(),
    "environment": dict(os.environ),
    "leads_its_session": os.getsid(0) == os.getpid(),
    "input": sys.stdin.read(),
    "open": sorted(os.listdir("/proc/self/fd"))[:3],
    "how_many_open": len(os.listdir("/proc/self/fd")),
    "interrupt": repr(__import__("signal").getsignal(__import__("signal").SIGINT)),
    "child": repr(__import__("signal").getsignal(__import__("signal").SIGCHLD)),
}), flush=True)
"""
COUNTED = """
import pathlib
with pathlib.Path(__file__).with_name("imports.txt").open("a") as file:
    file.write("imported\\n")
"""


@pytest.fixture
async def warm(tmp_path: Path) -> AsyncIterator[WarmStarts]:
    """Starts from a process that has imported `counted`, which lies in the test's folder."""
    (tmp_path / "counted.py").write_text(COUNTED)
    (tmp_path / "about.py").write_text(ABOUT_ITSELF)
    async with WarmStarts() as starts:
        modules = ["counted", "json"]
        await starts.prepare(WarmParent(sys.executable, modules, inherited(), tmp_path))
        yield starts


def a_node(
    tmp_path: Path,
    spawn: Spawn,
    *arguments: str,
    environment: dict[str, str] | None = None,
    on_event: OnEvent | None = None,
) -> Child:
    """Return a process that an interpreter runs, not yet started."""
    return Child(
        "node",
        [sys.executable, *arguments],
        environment=environment or {},
        log_path=tmp_path / "node.log",
        directory=tmp_path,
        on_event=on_event,
        spawn=spawn,
    )


async def told(tmp_path: Path, spawn: Spawn, *arguments: str, **environment: str) -> dict[str, Any]:
    """Start a process, wait for its end, and return what it has told of itself."""
    events: list[dict[str, Any]] = []
    child = a_node(tmp_path, spawn, *arguments, environment=environment, on_event=events.append)
    await child.start()
    assert await child.wait() == 0, child.log_path.read_text()
    [about] = events
    return about


@pytest.mark.parametrize("how", [("-m", "about"), ("about.py",), ("-c", ABOUT_ITSELF)])
async def test_a_forked_process_finds_what_a_started_one_finds(
    tmp_path: Path, warm: WarmStarts, how: tuple[str, ...]
) -> None:
    environment = {"GREETING": "good day"}
    cold = await told(tmp_path, start_cold, *how, "one", "two", **environment)
    assert await told(tmp_path, warm, *how, "one", "two", **environment) == cold
    assert cold["environment"]["GREETING"] == "good day"


async def test_a_forked_process_can_start_itself_anew(tmp_path: Path, warm: WarmStarts) -> None:
    code = """
import json, os, sys
if sys.argv[1:] == ["first"]:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:-1], "again"])
is_new = "counted" not in sys.modules
print(json.dumps({"event": "about", "arguments": sys.argv[1:], "is_new": is_new}))
"""
    (tmp_path / "again.py").write_text(code)
    about = await told(tmp_path, warm, "again.py", "first")
    assert about == {"event": "about", "arguments": ["again"], "is_new": True}


async def test_what_is_imported_is_imported_once(tmp_path: Path, warm: WarmStarts) -> None:
    for _ in range(3):
        code = "import counted, json; print(json.dumps({'event': 'here'}))"
        await told(tmp_path, warm, "-c", code)
    assert (tmp_path / "imports.txt").read_text() == "imported\n"
    await told(tmp_path, start_cold, "-c", code)
    assert (tmp_path / "imports.txt").read_text() == "imported\n" * 2


@pytest.mark.parametrize("spawn_is_warm", [False, True])
@pytest.mark.parametrize(
    ("code", "wanted", "said"),
    [
        ("raise SystemExit(70)", 70, ""),
        ("raise SystemExit('This is why.')", 1, "This is why."),
        ("raise ValueError('nothing fits')", 1, "ValueError: nothing fits"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
        ("import os; os._exit(75)", 75, ""),
    ],
)
async def test_ends_are_told_alike(
    tmp_path: Path, warm: WarmStarts, spawn_is_warm: bool, code: str, wanted: int, said: str
) -> None:
    child = a_node(tmp_path, warm if spawn_is_warm else start_cold, "-c", code)
    await child.start()
    assert await child.wait() == wanted
    assert child.said() == said


async def test_a_forked_process_and_what_it_started_are_killed(
    tmp_path: Path, warm: WarmStarts
) -> None:
    code = """
import json, subprocess, time
other = subprocess.Popen(["sleep", "60"])
print(json.dumps({"event": "here", "pid": other.pid}), flush=True)
time.sleep(60)
"""
    heard: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    child = a_node(tmp_path, warm, "-c", code, on_event=heard.set_result)
    await child.start()
    other = (await asyncio.wait_for(heard, 20))["pid"]
    end_of_other = os.pidfd_open(other)
    assert child.running
    assert await child.kill() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
    ended, _, _ = select.select([end_of_other], [], [], 20)
    os.close(end_of_other)
    assert ended, "What a killed process had started was still there after 20 s."


async def test_what_cannot_be_imported_is_told(tmp_path: Path) -> None:
    async with WarmStarts() as starts:
        parent = WarmParent(sys.executable, ["nowhere_to_be_found"], inherited(), tmp_path)
        with pytest.raises(UsageError, match="No module named 'nowhere_to_be_found'"):
            await starts.prepare(parent)


async def test_what_is_no_interpreter_is_told(tmp_path: Path) -> None:
    async with WarmStarts() as starts:
        with pytest.raises(UsageError, match="false cannot be what nodes are forked from"):
            await starts.prepare(WarmParent("false", ["json"], inherited(), tmp_path))


async def test_a_parent_that_has_ended_forks_nothing(tmp_path: Path) -> None:
    parent = WarmParent(sys.executable, ["json"], inherited(), tmp_path)
    await parent.start()
    try:
        assert parent.pid is not None
        os.kill(parent.pid, signal.SIGKILL)
        with pytest.raises(Inconclusive, match="has ended by itself"):
            await told(tmp_path, parent.fork, "-c", "pass")
    finally:
        await parent.close()


def test_what_a_fork_can_run() -> None:
    assert what_is_run(["python", "-m", "node", "run"]) == ("module", "node", ("run",))
    assert what_is_run(["python", "node.py", "--fast"]) == ("file", "node.py", ("--fast",))
    assert what_is_run(["python", "-c", "pass", "x"]) == ("code", "pass", ("x",))
    for command in (["python"], ["node"], ["faketime", "-1h", "python", "-m", "node"]):
        assert what_is_run(command) is None
    assert what_is_run(["python", "-X", "dev", "-m", "node"]) is None


def test_where_starts_can_be_warm() -> None:
    policy = Policy(
        node_command=("{python}", "-m", "node"), warm_imports=("json",), intent="(?P<intent>.*)"
    )
    ground = Ground(policy, Path(), ("python", "-m", "simulated_exchange"))
    assert can_be_warm(ground)
    assert not can_be_warm(replace(ground, runtime="compose"))
    for change in ({"warm_imports": ()}, {"node_command": ("false",)}):
        other = msgspec.structs.replace(policy, **change)
        assert not can_be_warm(replace(ground, policy=other))


def test_variables_that_an_interpreter_reads_at_its_start() -> None:
    assert starts_alike({"A": "1"}, {"B": "2"})
    assert not starts_alike({"LD_PRELOAD": "libfaketime.so.1"}, {})
    assert not starts_alike({"PYTHONPATH": "here"}, {"PYTHONPATH": "there"})


async def test_what_an_interpreter_reads_at_its_start_starts_one(
    tmp_path: Path, warm: WarmStarts
) -> None:
    code = """
import json, sys
print(json.dumps({"event": "here", "is_new": "counted" not in sys.modules}))
"""
    assert (await told(tmp_path, warm, "-c", code))["is_new"] is False
    assert (await told(tmp_path, warm, "-c", code, PYTHONHASHSEED="7"))["is_new"] is True
