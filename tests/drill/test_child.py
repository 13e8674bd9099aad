"""Child processes are started, heard, killed for real and proven dead."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.proc.child import Child

PRINT_AND_WAIT = """
import json, sys, time
print("noise"); print('{"not": "an event"}'); print('{"torn')
print("trouble", file=sys.stderr, flush=True)
print(json.dumps({"event": "ready", "n": 1}), flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"event": "ready"}', flush=True)
time.sleep(60)
"""


def child(tmp_path: Path, code: str, events: list[dict[str, Any]], heard: asyncio.Event) -> Child:
    def on_event(event: dict[str, Any]) -> None:
        events.append(event)
        heard.set()

    return Child(
        "node",
        [sys.executable, "-c", code],
        environment={},
        log_path=tmp_path / "node.log",
        directory=tmp_path,
        on_event=on_event,
    )


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def test_a_killed_child_is_gone_and_says_signal_nine(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    heard = asyncio.Event()
    process = child(tmp_path, PRINT_AND_WAIT, events, heard)
    await process.start()
    await asyncio.wait_for(heard.wait(), 20)
    assert events == [{"event": "ready", "n": 1}]
    pid = process.pid
    assert await process.kill() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    log = (tmp_path / "node.log").read_text()
    assert "noise" in log
    assert "trouble" in log


async def test_a_child_that_ignores_a_stop_is_killed(tmp_path: Path) -> None:
    heard = asyncio.Event()
    process = child(tmp_path, STUBBORN, [], heard)
    await process.start()
    await asyncio.wait_for(heard.wait(), 20)
    assert await process.stop(0.2) == -signal.SIGKILL


async def test_a_program_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    process = Child(
        "node",
        [str(tmp_path / "nothing")],
        environment={},
        log_path=tmp_path / "node.log",
        directory=tmp_path,
    )
    with pytest.raises(UsageError, match="The command of the node cannot be started"):
        await process.start()


async def test_a_start_that_is_cancelled_leaves_nothing_unheld(tmp_path: Path) -> None:
    process = child(tmp_path, PRINT_AND_WAIT, [], asyncio.Event())
    starting = asyncio.ensure_future(process.start())
    await asyncio.sleep(0)  # it has begun, and cannot have finished
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert process.running
    assert await process.kill() == -signal.SIGKILL


async def test_waiting_has_a_bound_and_a_message(tmp_path: Path) -> None:
    process = child(tmp_path, PRINT_AND_WAIT, [], asyncio.Event())
    await process.start()
    with pytest.raises(Inconclusive, match=r"had not ended after 0\.1 s"):
        await process.wait(0.1)
    await process.kill()


async def test_killing_a_wrapper_kills_what_it_runs(tmp_path: Path) -> None:
    script = tmp_path / "wrapper.sh"
    python = f'{sys.executable} -c "import time; time.sleep(60)"'
    script.write_text(f'{python} &\necho "{{\\"event\\": \\"ready\\", \\"pid\\": $!}}"\nwait\n')
    events: list[dict[str, Any]] = []
    heard = asyncio.Event()

    def on_event(event: dict[str, Any]) -> None:
        events.append(event)
        heard.set()

    process = Child(
        "node",
        ["/bin/sh", str(script)],
        environment={},
        log_path=tmp_path / "node.log",
        directory=tmp_path,
        on_event=on_event,
    )
    await process.start()
    await asyncio.wait_for(heard.wait(), 20)
    wrapped = events[0]["pid"]
    assert is_alive(wrapped)
    # The wrapper's output is read to its end, which comes when the last writer is gone.
    assert await process.kill() == -signal.SIGKILL
    assert not is_alive(wrapped)


async def test_a_node_does_not_inherit_settings_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADER_STORE_URL_FILE", "/secrets/live")
    script = "import json, os; print(json.dumps({'event': 'ready', **os.environ}), flush=True)"
    events: list[dict[str, Any]] = []
    process = child(tmp_path, script, events, asyncio.Event())
    await process.start()
    assert await process.wait() == 0
    assert "TRADER_STORE_URL_FILE" not in events[0]
    assert "PATH" in events[0]


async def test_its_last_words_are_its_own_not_the_log(tmp_path: Path) -> None:
    script = """
import sys
print("The store at 127.0.0.1:1 is away.", file=sys.stderr)
print("2026-11-22T18:06:24Z [INFO] STOPPED", flush=True)
print('{"event": "stage"}', flush=True)
"""
    process = child(tmp_path, script, [], asyncio.Event())
    await process.start()
    await process.wait()
    assert process.last_words() == "The store at 127.0.0.1:1 is away."
