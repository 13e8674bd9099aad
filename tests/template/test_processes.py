"""What the tests start is heard in time or said to be silent, and is ended whatever happens."""

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from processes import Process, all_ended

SILENT = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('{}', flush=True); time.sleep(600)"
)
FAILS = "import sys; print('{\"number\": 1}'); print('It broke.', file=sys.stderr); sys.exit(3)"
PARENT = (
    "import json, subprocess, sys, time\n"
    "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    "print(json.dumps({'child': child.pid}), flush=True); time.sleep(600)\n"
)
ECHO = "import json, os, sys; print(json.dumps({'said': input(), 'names': list(os.environ)}))"


def python(code: str) -> Process:
    return Process([sys.executable, "-c", code])


def test_what_is_left_is_ended_with_what_it_has_started() -> None:
    with all_ended() as started:
        parent = python(PARENT)
        child = parent.next_line(20)["child"]
        assert started == [parent]
        assert parent.children() == [child]
        end_of_child = os.pidfd_open(child)
    assert parent.wait(0) == -signal.SIGKILL
    assert select.select([end_of_child], [], [], 20)[0], "The child lives on."
    os.close(end_of_child)


def test_one_that_cannot_be_ended_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AssertionError("It stays.")

    ending = all_ended()
    ending.__enter__()
    first, last = python(SILENT), python(SILENT)
    monkeypatch.setattr(last, "end", fail)
    with pytest.raises(AssertionError, match=r"It stays\."):
        ending.__exit__(None, None, None)
    assert first.ended
    last.kill()


def test_one_that_says_nothing() -> None:
    with pytest.raises(AssertionError, match=r"No line within 0\.2 s from the process\."):
        python(SILENT).next_line(0.2)


def test_one_that_ended_says_so_each_time() -> None:
    process = python(FAILS)
    assert process.next_line(20) == {"number": 1}
    for _ in range(2):
        with pytest.raises(AssertionError, match=r"ended with 3\.\n(.|\n)*It broke\."):
            process.next_line(20)
    assert (process.wait(), process.errors()) == (3, "It broke.\n")
    assert process.output == ['{"number": 1}\n']


def test_one_that_does_not_end() -> None:
    process = python(STUBBORN)
    process.next_line(20)
    with pytest.raises(AssertionError, match=r"alive after 0\.2 s\."):
        process.stop(seconds=0.2)
    assert process.kill() == -signal.SIGKILL


def test_what_is_never_seen() -> None:
    with pytest.raises(AssertionError, match=r"Not seen within 0\.1 s\."):
        python(SILENT).until_seen(lambda: False, 0.1)
    with pytest.raises(AssertionError, match=r"ended too soon\.\n(.|\n)*It broke\."):
        python(FAILS).until_seen(lambda: False, 20)


def test_it_inherits_nothing_of_a_node_or_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADER_ID", "ANOTHER-001")
    monkeypatch.setenv("MAKEFLAGS", "-n")
    command = [sys.executable, "-c", ECHO]
    process = Process(command, tmp_path / "new", {"OWN": "1"}, hears=True)
    process.tell("hello")
    said = process.next_line(20)
    assert said["said"] == "hello"
    assert {"OWN", "PATH"} <= set(said["names"])
    assert not {"TRADER_ID", "MAKEFLAGS"} & set(said["names"])
    assert (tmp_path / "new").is_dir()
