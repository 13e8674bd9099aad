"""The health check: 0 only from a node that trades, quickly, and one plain line otherwise."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from node.baked import PACKAGE
from node.conftest import Start
from node.processes import Exchange, Store, free_port

MODULES = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"

HEALTHY = b'HTTP/1.1 200 OK\r\n\r\n{"stage": "trading", "reason": ""}'

Check = Callable[[int | str], subprocess.CompletedProcess[str]]


@pytest.fixture
def check(project: Path, tmp_path: Path) -> Check:
    """Run the health check against a port."""

    def run(port: int | str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"{PACKAGE}.face.health"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(project / "src"), "TRADER_HTTP_PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return run


def serve_once(answer: bytes, pause: float = 0.0) -> int:
    """Answer one connection with these bytes, one at a time when there is a `pause`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as client:
            client.recv(65_536)
            try:
                for part in [answer[i : i + 1] for i in range(len(answer))] if pause else [answer]:
                    client.sendall(part)
                    time.sleep(pause)
            except OSError:
                return  # it has given up

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def test_only_trading_is_healthy(
    start: Start, check: Check, store: Store, exchange: Exchange
) -> None:
    # The mend asks for trades first, then the audit.
    hang = {"name": "gate", "match": {"request": "trades.all"}, "nth": 2, "phase": "received"}
    gate = exchange.post("faults", hang)["id"]
    node = start()
    node.until("audit")
    answer = check(node.port)
    assert (answer.returncode, answer.stdout) == (1, "The node is at audit.\n")
    exchange.release(gate)
    node.until("trading")
    answer = check(node.port)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_it_imports_nothing_but_the_standard_library(project: Path) -> None:
    # What this Python imports at its start, whatever it runs, does not count.
    imported = [
        set(
            subprocess.run(
                [sys.executable, "-c", f"{before}{MODULES}"],
                env={"PYTHONPATH": str(project / "src")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        )
        for before in ("", f"import {PACKAGE}.face.health; ")
    ]
    assert imported[1] - imported[0] - sys.stdlib_module_names == {PACKAGE}


def test_nothing_answers(check: Check) -> None:
    port = free_port()
    answer = check(port)
    assert answer.returncode == 1
    assert answer.stdout == f"Nothing answers at 127.0.0.1:{port}: Connection refused.\n"
    assert answer.stderr == ""


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "is not the node"),
        (b"", "is not the node"),
        (b'HTTP/1.1 200 OK\r\n\r\n["trading"]', "is not the node"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"stage": "warmup", "reason": ""}', "is at warmup"),
        (b'HTTP/1.1 503 No\r\n\r\n{"stage": "trading", "reason": "a\\nb"}', "trading: a b"),
    ],
)
def test_something_else_answers(check: Check, answer: bytes, line: str) -> None:
    checked = check(serve_once(answer))
    assert checked.returncode == 1
    assert line in checked.stdout
    assert len(checked.stdout.splitlines()) == 1
    assert checked.stderr == ""


@pytest.mark.parametrize("port", ["abc", "70000", "-1"])
def test_what_is_no_port(check: Check, port: str) -> None:
    answer = check(port)
    assert (answer.returncode, answer.stdout) == (1, f"TRADER_HTTP_PORT is no port: {port}.\n")


def test_an_answer_that_trickles_is_bounded(check: Check) -> None:
    answer = check(serve_once(HEALTHY, pause=0.25))
    assert answer.returncode == 1
    assert "no answer within 2 s" in answer.stdout


def test_the_bound_is_on_the_whole_answer(importable: str) -> None:
    health: Any = import_module(f"{importable}.face.health")
    port = serve_once(HEALTHY, pause=0.75)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        health.ask(port, 1.0)
    assert time.monotonic() - began < 1.4  # the third byte would come after 1.5 s
