"""The profile ``monitoring``: everybody is asked, somebody is told, and nothing stands open."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from engine import Stack, needs_engine
from processes import free_port
from stack.conftest import MakeStack

pytestmark = needs_engine

SERVICES = ("prometheus", "alertmanager", "store-metrics")
"""Grafana's image is the one that is in no test: its files are looked at elsewhere."""
SECONDS = 60.0


class Monitored:
    """A stack with what watches it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ports = {"PROMETHEUS_PORT": free_port(), "ALERTMANAGER_PORT": free_port()}
        self.stack.environment |= {name: str(port) for name, port in self.ports.items()}
        self.stack.environment["COMPOSE_PROFILES"] = "simulated,monitoring"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers."""
        found = self._get("PROMETHEUS_PORT", f"/api/v1/query?query={expression}")
        rows: list[dict[str, Any]] = found["data"]["result"]
        return rows

    def alerts(self) -> list[str]:
        """Return the names of the alerts that have come to Alertmanager."""
        return [
            each["labels"]["alertname"] for each in self._get("ALERTMANAGER_PORT", "/api/v2/alerts")
        ]

    def _get(self, port: str, path: str) -> Any:
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)


def until(seen: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait until something is seen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if seen():
                return
        except (OSError, ValueError):
            pass  # it is starting
        assert time.monotonic() < deadline, f"Not seen within {seconds:g} s: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def monitored(make_stack: MakeStack) -> Monitored:
    """A stack that has begun to be watched after it had begun to trade."""
    stack = make_stack("monitoring")
    stack.compose("up", "--detach", "--wait")
    monitored = Monitored(stack)
    stack.compose("up", "--detach", "--no-recreate", *SERVICES)
    return monitored


def test_everybody_answers(monitored: Monitored) -> None:
    def is_up() -> bool:
        rows = monitored.query("up")
        return {row["metric"]["job"] for row in rows if row["value"][1] == "1"} == {
            "trader",
            "store",
            "alertmanager",
        }

    until(is_up, "node, store and Alertmanager answer Prometheus")
    until(lambda: bool(monitored.query("redis_up")), "the store's metrics")
    assert monitored.query("redis_up")[0]["value"][1] == "1"
    [stage] = monitored.query("trader_stage==1")
    assert stage["metric"]["stage"] == "trading"


@pytest.mark.parametrize(
    "name",
    [
        "redis_memory_used_bytes",
        "redis_memory_max_bytes",
        "redis_aof_last_write_status",
        "redis_rdb_last_bgsave_status",
        "trader_naked_for_seconds",
        "trader_bar_age_seconds",
        "trader_clock_offset_seconds",
        "trader_day_result_usd",
    ],
)
def test_what_rules_ask_for_is_there(monitored: Monitored, name: str) -> None:
    until(lambda: bool(monitored.query(name)), name)


def test_the_watchdog_comes_through_and_nothing_else(monitored: Monitored) -> None:
    until(lambda: "Watchdog" in monitored.alerts(), "the watchdog at Alertmanager")
    assert set(monitored.alerts()) == {"Watchdog"}


def test_the_metrics_user_may_ask_for_nothing_else(monitored: Monitored) -> None:
    """Its password is no secret; the node's keys are."""
    server = monitored.stack.compose("exec", "-T", "store", "sh", "-c", "echo $STORE_SERVER")
    ask = f"{server.strip()}-cli --user metrics --pass none --no-auth-warning"
    for command in ("GET trader-X:orders", "KEYS *", "CONFIG GET *", "ACL LIST", "FLUSHALL"):
        answer = monitored.stack.compose(
            "exec", "-T", "store", "sh", "-c", f"{ask} {command}", code=None
        )
        assert "NOPERM" in answer, (command, answer)
    log = json.loads(monitored.stack.ask("--json", "ACL", "LOG"))
    refused = {each["object"] for each in log if each["username"] == "metrics"}
    assert not refused & {"info", "ping"}, log


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_stands_open(monitored: Monitored, service: str) -> None:
    found = monitored.stack.inspect(service)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert host["Memory"] > 0
    for bound in (found["NetworkSettings"]["Ports"] or {}).values():
        assert {each["HostIp"] for each in bound or []} <= {"127.0.0.1"}


def test_a_node_that_is_killed_is_told_of_by_its_restart_alone(monitored: Monitored) -> None:
    before = monitored.query("trader_start_time_seconds")[0]["value"][1]
    monitored.stack.kill_node()

    def is_another() -> bool:
        rows = monitored.query("trader_start_time_seconds")
        return bool(rows) and rows[0]["value"][1] != before

    until(is_another, "the new node's metrics")
    assert set(monitored.alerts()) == {"Watchdog"}
