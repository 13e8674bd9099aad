"""The overlay ``compose.ha.yaml``: a server of the store is killed, and the node trades again."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from engine import Stack, needs_engine, why_none
from stack.conftest import MakeStack

IMAGE = "haproxy:3.0"
FAILOVER_SECONDS = 60.0
"""Until the node trades again: sentinels take seven of them, and a node that ends starts anew."""


def has_image() -> bool:
    """Return whether HAProxy's image is here."""
    if why_none():
        return False
    asked = ["docker", "image", "inspect", IMAGE]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


pytestmark = [
    needs_engine,
    pytest.mark.skipif(not has_image(), reason=f"The image {IMAGE} is not on this machine."),
    pytest.mark.long,
]
SERVERS = ("store", "store-2", "store-3")


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Iterator[Stack]:
    """A stack with three servers that trades."""
    stack = make_stack("ha")
    stack.environment["COMPOSE_FILE"] = "compose.yaml:compose.ha.yaml"
    stack.compose("up", "--detach", "--wait")
    stack.until_stage("trading")
    yield stack
    stack.remove()


def part(stack: Stack, server: str) -> dict[str, str]:
    """Return what a server says of its part."""
    said = stack.compose(
        "exec", "-T", server, "sh", "/etc/store/ask", "INFO", "replication", code=None
    )
    rows = (line.strip().partition(":") for line in said.splitlines())
    return {name: value for name, _, value in rows if value}


def primaries(stack: Stack) -> list[str]:
    """Return which servers are primaries."""
    return [server for server in SERVERS if part(stack, server).get("role") == "master"]


def until_whole(stack: Stack) -> None:
    """Wait until there is one primary with two replicas."""
    deadline = time.monotonic() + FAILOVER_SECONDS
    while True:
        found = [part(stack, server) for server in SERVERS]
        if sorted(each.get("role", "") for each in found) == ["master", "slave", "slave"] and any(
            each.get("min_slaves_good_slaves") == "2" for each in found
        ):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


@pytest.mark.parametrize(("how", "back"), [("kill", "start"), ("pause", "unpause")])
def test_the_node_trades_on_by_another_server(stack: Stack, how: str, back: str) -> None:
    until_whole(stack)
    [primary] = primaries(stack)
    stack.compose(how, primary)
    stack.until_stage("degraded")
    stack.until_stage("trading", FAILOVER_SECONDS)
    stack.compose(back, primary)
    until_whole(stack)
    assert primaries(stack) != [primary]
    stack.until_stage("trading", FAILOVER_SECONDS)


def test_after_all_were_killed_the_last_primary_is_it_again(stack: Stack) -> None:
    until_whole(stack)
    before = primaries(stack)
    stack.compose("kill")
    stack.compose("up", "--detach", "--wait")
    until_whole(stack)
    assert primaries(stack) == before


def test_a_backup_is_not_put_under_servers_that_would_undo_it(stack: Stack) -> None:
    (stack.project / "backup.rdb").write_bytes(b"any")
    said = stack.run("make", "restore", "BACKUP=backup.rdb", code=None)
    assert "docs/high-availability.md" in said
    stack.until_stage("trading")


def test_the_node_cannot_reach_a_server_but_by_the_proxy(stack: Stack) -> None:
    look = "import socket; socket.create_connection((%r, 6379), 3).close()"
    stack.compose("exec", "-T", "node", "python", "-c", look % "store")
    for name in ("store-1", "store-2", "sentinel-1"):
        assert "error" in stack.compose("exec", "-T", "node", "python", "-c", look % name, code=1)
