"""Of two nodes with one id one trades; a node that stands by takes over, and none is in doubt."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from node.baked import module
from node.conftest import Start
from node.processes import Exchange, Node, Store, free_port
from node.test_trading import last_bar, step_until_position

RECORD = module("guards.lease.record")
PROCESSES = module("guards.lease.processes")
SIGNING = module("venue.binance.signing_clock")
KEY = "lease:TRADER-001"
AWAY = 75
CONFIGURATION = 78
LEASE = RECORD.LEASE_SECONDS
SEEN_SECONDS = 20.0


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A store in which no lease has been given back."""
    return empty_store


def record(store: Store) -> Any:
    """Return the record of who trades."""
    with redis.Redis(port=store.port, socket_timeout=5) as client:
        return json.loads(client.get(KEY) or "null")


def write(store: Store, value: Any) -> None:
    """Put another record in its place, or none."""
    with redis.Redis(port=store.port, socket_timeout=5) as client:
        if value is None:
            client.delete(KEY)
        else:
            client.set(KEY, json.dumps(value))


def rival(start: Start, *arguments: str) -> Node:
    """Start a second node with the same id."""
    code = (
        "import sys\n"
        "from trading_node.commands import main as cli\n"
        f"sys.exit(cli.main(['run', *{arguments!r}]))\n"
    )
    return start(code, TRADER_HTTP_PORT=str(free_port()), TRADER_INSTANCE_ID="rival")


def epoch(node: Node) -> int:
    """Return the number of a node's holding."""
    return int(node.get("state")[1]["lease_epoch"])


def until(seen: Callable[[], bool], what: str) -> float:
    """Wait until something is seen; return when it was."""
    deadline = time.monotonic() + SEEN_SECONDS
    while not seen():
        assert time.monotonic() < deadline, f"Not seen within {SEEN_SECONDS:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic()


def stands_by(start: Start) -> Node:
    """Return a node that waits for the lease."""
    node = rival(start, "--standby")
    node.until("lease")
    return node


# -- Real nodes ------------------------------------------------------------------------------------


def test_a_second_node_is_refused_with_the_holders_name(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    other = rival(start)
    assert other.wait(SEEN_SECONDS) == AWAY
    assert other.said(f"Another node with the id TRADER-001 trades: process {node.child.pid} on ")
    assert other.said("--standby")
    assert "trading" not in other.stages
    status, health = node.get("health")
    assert status == 200
    assert "Nobody has told who traded before; the node has waited 3 s, " in health["found"]
    held = record(store)
    assert (held["epoch"], held["pid"], held["is_released"]) == (1, node.child.pid, False)


def test_a_node_that_was_killed_is_followed_at_once(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    node.kill()
    again = start()
    again.until("trading")
    assert epoch(again) == 2
    found = again.get("state")[1]["found"]
    assert "lease in force" not in found, "nobody had to wait"


def test_a_node_that_has_stopped_gives_it_back(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.child.terminate()
    assert node.wait(SEEN_SECONDS) == 0
    assert record(store)["is_released"]


def test_who_stands_by_takes_over_from_one_that_was_killed(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    other = stands_by(start)
    status, health = other.get("health")
    assert (status, health["stage"]) == (503, "lease")
    node.kill()
    other.until("trading")
    assert epoch(other) == 2
    assert len(exchange.working_stops()) == 1
    other.settle(exchange.post("step", {"bars": 1})["bar"])


def test_who_stands_by_takes_over_from_one_that_stops(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    other = stands_by(start)
    node.child.terminate()
    assert node.wait(SEEN_SECONDS) == 0
    other.until("trading")
    assert epoch(other) == 2


def test_one_that_stood_still_finds_that_another_has_taken_over(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    other = stands_by(start)
    node.child.send_signal(signal.SIGSTOP)
    other.until("trading")
    before = len(exchange.get("journal?after=0")["records"])
    node.child.send_signal(signal.SIGCONT)
    assert node.wait(SEEN_SECONDS) == AWAY
    assert node.said("Another node has taken over: process ")
    sent = [
        each
        for each in exchange.get("journal?after=0")["records"][before:]
        if each["kind"].startswith(("order.", "conditional."))
    ]
    assert sent == [], "what it had still to send was not sent, or refused"
    assert other.get("health")[0] == 200
    assert len(exchange.working_stops()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: None, "has lost the record of who trades"),
        (lambda held: {**held, "owner": "older", "epoch": 0}, "has gone back to epoch 0"),
        (lambda held: {**held, "owner": "newer", "epoch": 9}, "Another node has taken over"),
    ],
    ids=["gone", "restored", "taken"],
)
def test_a_record_that_is_not_its_own_any_more_ends_the_node(
    start: Start, store: Store, exchange: Exchange, change: Callable[[Any], Any], words: str
) -> None:
    node = start()
    node.until("trading")
    write(store, change(record(store)))
    assert node.wait(SEEN_SECONDS) == AWAY
    assert node.said(words)


def test_a_store_that_is_away_for_longer_than_a_lease(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    store.send(signal.SIGSTOP)

    def named() -> set[str]:
        return {each["name"] for each in node.get("state")[1]["conditions"]}

    until(lambda: {"store", "lease"} <= named(), "the lease has run out")
    assert len(exchange.working_stops()) == 1
    store.send(signal.SIGCONT)
    until(lambda: node.get("health")[0] == 200, "it is renewed")
    assert epoch(node) == 1
    node.settle(exchange.post("step", {"bars": 1})["bar"])


def test_a_record_that_is_none_is_not_overwritten(
    start: Start, store: Store, exchange: Exchange
) -> None:
    write(store, ["nonsense"])
    node = start()
    assert node.wait(SEEN_SECONDS) == CONFIGURATION
    assert node.said("The store has at lease:TRADER-001 something that is no lease")
    assert record(store) == ["nonsense"]


# -- The decisions alone ---------------------------------------------------------------------------


def holder(**changes: Any) -> Any:
    """Return a record."""
    given = {"owner": "a", "epoch": 3, "beat": 7, "host": "h", "pid": 1, "since_ms": 0}
    return RECORD.Holder(**{**given, "process": "there", **changes})


def claim(*ended: str) -> Any:
    """Return the looks of a process that knows of some that have ended."""
    return RECORD.Claim("here", lambda process: process in ended)


def test_a_record_is_read_as_it_was_written() -> None:
    assert RECORD.decode(RECORD.encode(holder())) == holder()
    assert RECORD.decode(None) is None


@pytest.mark.parametrize("value", [b"", b"3", b"{}", b'{"owner": "a"}', b"\xff"])
def test_what_is_no_record_is_said(value: bytes) -> None:
    with pytest.raises(ValueError, match="no lease"):
        RECORD.decode(value)


def test_without_a_record_it_is_free_later() -> None:
    assert claim().judge(None, 0, 0) is RECORD.Free.LATER


def test_what_was_given_back_is_free() -> None:
    assert claim().judge(holder(is_released=True), 0, 0) is RECORD.Free.NOW


def test_that_of_a_process_that_has_ended_is_free() -> None:
    assert claim("there").judge(holder(), 0, 0) is RECORD.Free.NOW
    assert claim().judge(holder(process="here"), 0, 0) is RECORD.Free.NOW
    nobody_tells = RECORD.Claim("", lambda _: False)
    assert nobody_tells.judge(holder(process=""), 0, 0) is RECORD.Free.NOT_YET


def test_a_store_that_may_have_lost_something_is_not_believed() -> None:
    looks = claim("there")
    assert looks.judge(holder(), 0, 0, may_be_old=True) is RECORD.Free.NOT_YET
    released = holder(is_released=True)
    assert looks.judge(released, 1, 1, may_be_old=True) is RECORD.Free.NOT_YET


def test_one_that_is_not_renewed_runs_out() -> None:
    looks = claim()
    assert looks.judge(holder(), 0.0, 0.4) is RECORD.Free.NOT_YET
    assert looks.judge(holder(), LEASE, LEASE) is RECORD.Free.NOT_YET, "from the end of the look"
    assert looks.judge(holder(), LEASE + 0.4, LEASE + 0.4) is RECORD.Free.RUN_OUT


def test_one_that_is_renewed_is_held() -> None:
    looks = claim()
    assert looks.judge(holder(), 0, 0) is RECORD.Free.NOT_YET
    assert looks.judge(holder(beat=8), 1, 1) is RECORD.Free.HELD
    assert looks.judge(holder(beat=8), LEASE, LEASE) is RECORD.Free.NOT_YET
    assert looks.judge(holder(beat=8), LEASE + 1, LEASE + 1) is RECORD.Free.RUN_OUT


def test_one_that_changes_hands_has_to_run_out_anew() -> None:
    looks = claim()
    looks.judge(holder(), 0, 0)
    assert looks.judge(holder(owner="b", epoch=4), LEASE, LEASE) is RECORD.Free.NOT_YET


@pytest.mark.processes
def test_it_is_known_of_processes_here_whether_they_have_ended() -> None:
    here = PROCESSES.this_process()
    assert here
    assert not PROCESSES.has_ended(here)
    assert not PROCESSES.has_ended("")
    assert not PROCESSES.has_ended("another-boot 4026531836 1 100"), "of others nobody can tell"
    place = here.rsplit(" ", 2)[0]
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = PROCESSES._name(child.pid).rsplit(" ", 1)[1]
    known = f"{place} {child.pid} {began}"
    assert not PROCESSES.has_ended(known)
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: bool(PROCESSES.has_ended(known)), "a child that nobody has waited for")
    child.communicate()
    assert PROCESSES.has_ended(known)
    assert PROCESSES.has_ended(f"{place} {os.getpid()} 1"), "its number was given again"


def test_a_change_is_accepted_no_longer_than_it_is_allowed() -> None:
    clock = SIGNING.SigningClock()
    assert clock.stamp(is_change=True)["recvWindow"] == SIGNING.RECEIVE_WINDOW_MS
    clock.allowed = lambda: 0.7
    assert clock.stamp(is_change=True)["recvWindow"] == 700
    assert clock.stamp(is_change=False)["recvWindow"] == SIGNING.RECEIVE_WINDOW_MS
    for left in (0.0009, 0.0, -1.0):
        clock.allowed = lambda left=left: left
        with pytest.raises(SIGNING.NotAllowed):
            clock.stamp(is_change=True)


@pytest.mark.processes
def test_a_store_that_has_taken_anothers_place_is_not_believed(tmp_path: Path) -> None:
    """Its record may be from before the holder of now took the lease from one that gave it back."""
    first = Store(tmp_path / "first")
    write(first, asdict(holder(is_released=True)))
    second = Store(tmp_path / "second", "--replicaof", "127.0.0.1", str(first.port))
    until(lambda: record(second) is not None, "the replica has it")
    settings = SimpleNamespace(
        store_url=SimpleNamespace(get_secret_value=lambda: second.url), id="TRADER-001"
    )
    with redis.Redis(port=second.port) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
        until(lambda: client.info("server")["uptime_in_seconds"] > LEASE + 1, "it is not young")
    lease = module("guards.lease.lease").Lease(settings, 0.0)
    try:
        assert lease.look() is RECORD.Free.NOT_YET
        time.sleep(LEASE)
        assert lease.look() is RECORD.Free.RUN_OUT
    finally:
        lease.release()
