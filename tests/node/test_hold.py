"""With TRADER_ON_REFUSAL=hold, a node that no restart helps stays up and says why."""

import signal
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.conftest import Start
from node.processes import Exchange, Node, Store, free_port
from processes import cpu_seconds
from recovery_drill.record.model import NodeState

AWAY = 75
CONFIGURATION = 78
READY_SECONDS = 20.0
WATCHED_SECONDS = 2.0
MOST_CPU_SECONDS = 0.1


@pytest.fixture
def hold(start: Start) -> Start:
    """Start a node that is to hold."""

    def start_to_hold(*code: str, **changes: str) -> Node:
        return start(*code, **{"TRADER_ON_REFUSAL": "hold", **changes})

    return start_to_hold


def end(node: Node, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the node to stop; it must end at once and with the code of its refusal."""
    node.child.send_signal(number)
    assert node.wait(5) == CONFIGURATION


def is_held(node: Node) -> dict[str, Any]:
    """Wait until the node is held, look at all that it answers, and return its health."""
    node.until("refused", READY_SECONDS)
    status, health = node.get("health")
    assert status == 503
    assert health["stage"] == "refused"
    assert health["reason"] == "\n".join(node.complaint())
    status, body = node.get("state")
    assert status == 200
    state = msgspec.convert(body, NodeState)
    assert (state.stage, state.pid) == ("refused", node.child.pid)
    assert (state.orders, state.positions, state.inflight) == ((), (), 0)
    answer: dict[str, Any] = health
    return answer


def says_nothing_more(node: Node, since_ns: int) -> None:
    """Listen for a while; what was said before that may still be on its way, from a thread."""
    lines = iter(lambda: node.next_line(WATCHED_SECONDS), None)
    with pytest.raises(AssertionError, match="No line within"):
        next(line for line in lines if line["wall_ns"] >= since_ns)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_settings_that_are_wrong(hold: Start, number: signal.Signals) -> None:
    node = hold(TRADER_SYMBOL="?", TRADER_ID="?")
    assert is_held(node)["reason"].count("\n") == 1
    assert node.stages == ["refused"]
    end(node, number)


def test_settings_of_the_env_file(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "node-0"
    folder.mkdir()
    del environment["TRADER_SYMBOL"]
    lines = ["trader_on_refusal=hold", "TRADER_SYMBOL=?"]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")
    node = start()
    is_held(node)
    end(node)


def test_env_file_that_is_not_text(hold: Start, tmp_path: Path) -> None:
    folder = tmp_path / "node-0"
    folder.mkdir()
    (folder / ".env").write_bytes(b"TRADER_SYMBOL=\xff\n")
    node = hold()
    assert is_held(node)["reason"] == ".env cannot be read: not text."
    end(node)


def test_port_that_is_taken(hold: Start) -> None:
    # The deadline of its stop must not end a node that is held: here it passes soon.
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.life import runner

runner.STOP_SECONDS = 1.0
sys.exit(cli.main(["run"]))
"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        node = hold(code, TRADER_HTTP_PORT=str(taken.getsockname()[1]))
        node.until("refused", READY_SECONDS)
        why, held = node.complaint()
        assert "cannot be used" in why
        assert held == f"The node is held without an endpoint. {why}"
        says_nothing_more(node, time.time_ns())
        end(node)


def test_wrong_store_password(hold: Start, exchange: Exchange, tmp_path: Path) -> None:
    store = Store(tmp_path / "locked", "--requirepass", "right")
    node = hold(TRADER_STORE_URL=store.url, TRADER_STORE_PASSWORD="hush")
    assert "refuses the user name or password" in is_held(node)["reason"]
    assert node.stages == ["preflight", "stopping", "refused"]
    end(node)


def test_quantity_that_the_exchange_cannot_fill(
    hold: Start, store: Store, exchange: Exchange
) -> None:
    node = hold(TRADER_ORDER_QUANTITY="0.0105")
    assert "no multiple of" in is_held(node)["reason"]
    assert node.stages == ["preflight", "stopping", "refused"]
    assert exchange.get("ledger")["orders"] == []
    # The engine has gone: whatever the market does, nobody hears of it or asks for anything.
    spent, seq = cpu_seconds(node.child.pid), exchange.get("journal?after=0")["seq"]
    stepped = time.time_ns()
    exchange.post("step", {"bars": 1})
    says_nothing_more(node, stepped)
    assert cpu_seconds(node.child.pid) - spent < MOST_CPU_SECONDS
    records = exchange.get(f"journal?after={seq}")["records"]
    assert "market.bar_closed" in {record["kind"] for record in records}
    assert {"request", "socket.opened", "socket.closed"}.isdisjoint(r["kind"] for r in records)
    end(node)


def test_what_a_restart_helps_is_not_held(hold: Start, store: Store) -> None:
    node = hold()
    assert node.wait() == AWAY
    assert "refused" not in node.whole()


def test_a_defect_is_not_held(hold: Start) -> None:
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.life import watchdog

watchdog.AWAKE_SECONDS = 0.2
watchdog._interpret = lambda script: None
sys.exit(cli.main(["run"]))
"""
    assert hold(code).wait() == 1


def test_default_is_to_end(start: Start) -> None:
    node = start(TRADER_ON_REFUSAL="Hold", TRADER_HTTP_PORT=str(free_port()))
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert line.startswith("TRADER_ON_REFUSAL ")
