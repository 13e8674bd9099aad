"""``docker compose up`` in a fresh bake: it trades, it comes back, and nothing stands open."""

import json
import time
from typing import Any

import pytest

from engine import Stack, needs_engine
from stack.conftest import MakeStack

pytestmark = needs_engine

SERVICES = ("store", "exchange", "node")
SECONDS_TO_AN_ORDER = 120


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    """A stack that a bare ``docker compose up`` has started."""
    stack = make_stack("running")
    stack.compose("up", "--detach", "--wait")
    return stack


def orders(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.ledger()["orders"]
    return found


def until_orders(stack: Stack, more_than: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_AN_ORDER
    while len(orders(stack)) <= more_than:
        if time.monotonic() > deadline:
            pytest.fail(f"No order within {SECONDS_TO_AN_ORDER} s of a running market.")
        time.sleep(0.2)


def test_it_trades(stack: Stack) -> None:
    assert stack.until_stage("trading")["reason"] == ""
    until_orders(stack, 0)


def test_health_is_what_the_engine_says_too(stack: Stack) -> None:
    for service in SERVICES:
        assert stack.inspect(service)["State"]["Health"]["Status"] == "healthy", service


def test_a_killed_node_is_started_again_and_trades_on(stack: Stack) -> None:
    stack.until_stage("trading")
    before = stack.inspect("node")
    stack.kill_node()
    # The old one no longer answers, or the new one does: only a new start counts.
    deadline = time.monotonic() + 60
    while stack.inspect("node")["State"]["StartedAt"] == before["State"]["StartedAt"]:
        assert time.monotonic() < deadline, "The restart policy started no node within 60 s."
        time.sleep(0.1)
    stack.until_stage("trading")
    assert stack.inspect("node")["RestartCount"] == before["RestartCount"] + 1
    until_orders(stack, len(orders(stack)))


def test_the_store_refused_the_node_nothing(stack: Stack) -> None:
    """After trading and a restart, so that it has loaded, too; what it may do is in users.acl."""
    stack.until_stage("trading")
    log = stack.ask("--json", "ACL", "LOG")
    assert json.loads(log) == [], log
    assert stack.ask("DBSIZE") != "0"


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        ("FLUSHALL", "NOPERM"),
        ("CONFIG GET requirepass", "NOPERM"),
        ("GET trader-ANOTHER-001:orders", "NOPERM"),
        ("SET preflight:ANOTHER-001 1", "NOPERM"),
    ],
)
def test_the_node_s_user_may_do_only_what_the_node_does(
    stack: Stack, command: str, refused: str
) -> None:
    as_node = (
        f'REDISCLI_AUTH="$(cat /run/secrets/store_password)" redis-cli --user trader {command}'
    )
    assert stack.compose("exec", "-T", "store", "sh", "-c", as_node).startswith(refused)
    stack.ask("ACL", "LOG", "RESET")


def test_nobody_gets_in_without_a_password(stack: Stack) -> None:
    answer = stack.compose("exec", "-T", "store", "redis-cli", "PING")
    assert answer.startswith("NOAUTH")


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_can_do_little(stack: Stack, service: str) -> None:
    found = stack.inspect(service)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Init"]
    assert 0 < host["PidsLimit"] <= 256
    assert 0 < host["Memory"] <= 2**30
    assert host["MemorySwap"] == host["Memory"]
    assert 0 < host["NanoCpus"] <= 10**9
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-file": "5", "max-size": "10m"},
    }
    user = stack.compose("exec", "-T", service, "id", "-u").strip()
    assert user != "0"
    said = stack.compose("exec", "-T", service, "sh", "-c", "touch /here", code=1)
    assert "Read-only file system" in said


def test_only_the_loopback_interface_is_published(stack: Stack) -> None:
    published = {
        service: stack.inspect(service)["NetworkSettings"]["Ports"] for service in SERVICES
    }
    assert not any(published["store"].values())
    for service in ("exchange", "node"):
        bound = [each for found in published[service].values() for each in found or ()]
        assert bound
        assert {each["HostIp"] for each in bound} == {"127.0.0.1"}


def test_the_exchange_does_not_reach_the_store(stack: Stack) -> None:
    ask = 'import socket; socket.create_connection(("store", 6379), 2)'
    said = stack.compose("exec", "-T", "exchange", "python", "-c", ask, code=1)
    assert "gaierror" in said
    assert stack.compose("exec", "-T", "node", "python", "-c", ask) == ""


def test_the_store_has_no_way_out(stack: Stack) -> None:
    routes = stack.compose("exec", "-T", "store", "cat", "/proc/net/route").splitlines()[1:]
    assert routes
    assert not [line for line in routes if line.split()[1] == "00000000"]


def test_each_container_has_only_its_own_secrets(stack: Stack) -> None:
    def secrets(service: str) -> list[str]:
        show = "ls /run/secrets 2>/dev/null || true"
        return stack.compose("exec", "-T", service, "sh", "-c", show).split()

    assert secrets("node") == ["store_password"]
    assert secrets("exchange") == []
    assert sorted(secrets("store")) == ["store_operator_password", "store_password"]
    for service in SERVICES:
        found = json.dumps(stack.inspect(service)["Config"])
        for name in secrets("store"):
            password = (stack.project / "secrets" / name).read_text(encoding="utf-8")
            assert password not in found
            assert password not in stack.compose("logs", service)


def test_the_production_image_holds_production_only(stack: Stack) -> None:
    files = stack.compose("exec", "-T", "node", "sh", "-c", "cd /app && ls -d *").split()
    assert files == ["my_trader"]
    said = stack.compose("exec", "-T", "node", "python", "-c", "import simulated_exchange", code=1)
    assert "ModuleNotFoundError" in said
    for program in ("gcc", "git", "curl", "/venv/bin/pip"):
        stack.compose("exec", "-T", "node", "sh", "-c", f"command -v {program}", code=127)


def test_down_and_up_again_keeps_what_it_remembers(stack: Stack) -> None:
    stack.until_stage("trading")
    before = [order["client_order_id"] for order in orders(stack)]
    # The node would learn its orders from the exchange alone; this only the store can know.
    stack.ask("SET", "kept", "in the volume")
    stack.compose("down")
    stack.compose("up", "--detach", "--wait")
    assert stack.ask("GET", "kept") == "in the volume"
    stack.until_stage("trading")
    assert [order["client_order_id"] for order in orders(stack)][: len(before)] == before
    known = [
        order["client_order_id"] for order in stack.get(stack.node_port, "/state")[1]["orders"]
    ]
    assert set(before) <= set(known)


def test_a_stop_by_hand_stays_a_stop(stack: Stack) -> None:
    stack.compose("stop", "node")
    state = stack.inspect("node")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
    stack.compose("up", "--detach", "--wait", "node")
    stack.until_stage("trading")
