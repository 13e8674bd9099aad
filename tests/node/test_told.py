"""
An alert reaches people, and silence reaches the dead man's switch.

Prometheus and Alertmanager have the deployed rules and routes; who is told listens here.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine import needs_engine
from node.conftest import Start
from node.processes import Process, free_port
from node.prometheus import Container, Prometheus, images

pytestmark = [needs_engine, pytest.mark.long]

SLACK_SECONDS = 20.0
GONE_SECONDS = 90.0
"""Alertmanager forgets an alert that is not said again for four times its `resend-delay`."""


class People(ThreadingHTTPServer):
    """Whoever is told: by path, what has come and when."""

    daemon_threads = True

    def __init__(self) -> None:
        self.told: list[tuple[str, float, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Ear)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, path: str, status: str, alert: str = "") -> list[float]:
        """Return when a receiver was told of an alert."""
        return [
            at
            for where, at, body in list(self.told)
            if where == path
            and body["status"] == status
            and alert in ("", *(each["labels"]["alertname"] for each in body["alerts"]))
        ]


class _Ear(BaseHTTPRequestHandler):
    server: People

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, time.monotonic(), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def people() -> Iterator[People]:
    """Whoever is told."""
    made = People()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def prometheus(project: Path, tmp_path: Path, people: People) -> Iterator[Prometheus]:
    """A Prometheus and an Alertmanager, with the receivers as docs/monitoring.md shows them."""
    folder = tmp_path / "alertmanager"
    folder.mkdir()
    deployed = project / "deploy" / "monitoring" / "alertmanager.yml"
    configuration = yaml.safe_load(deployed.read_text("utf-8"))
    for receiver in configuration["receivers"]:
        name = receiver["name"]
        url = f"http://127.0.0.1:{people.server_port}/{name}"
        (folder / f"{name}_url").write_text(f"{url}\n", "utf-8")
        receiver["webhook_configs"] = [{"url_file": f"/etc/secrets/{name}_url"}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(configuration), "utf-8")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    port = free_port()
    alertmanager = Container(
        "alertmanager",
        *("--volume", f"{folder}:/etc/alertmanager:ro", "--volume", f"{folder}:/etc/secrets:ro"),
        *("--tmpfs", "/data:mode=1777"),
        images(project)["alertmanager"],
        "--config.file=/etc/alertmanager/alertmanager.yml",
        "--storage.path=/data",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    made = Prometheus(project, tmp_path / "prometheus", tells=f"127.0.0.1:{port}")
    yield made
    made.end()
    alertmanager.end()


def until(seen: Callable[[], object], what: str, seconds: float = SLACK_SECONDS) -> None:
    """Wait until something is seen."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, f"Not seen within {seconds:g} s: {what}"
        time.sleep(0.1)


def test_people_are_told_and_so_is_the_switch(
    start: Start,
    prometheus: Prometheus,
    people: People,
    environment: dict[str, str],
    processes: list[Process],
) -> None:
    until(
        lambda: people.of("/dead-mans-switch", "firing", "Watchdog"),
        "the watchdog",
        2 * SLACK_SECONDS,
    )
    assert not people.of("/people", "firing")
    prometheus.ask("trader", node=f"127.0.0.1:{environment['TRADER_HTTP_PORT']}")
    node = start(TRADER_SYMBOL="btc", TRADER_ON_REFUSAL="hold")
    node.until("refused")
    began = time.monotonic()
    until(lambda: people.of("/people", "firing", "TraderRefused"), "the alert at people's")
    print(f"measured: told of a refusal after {time.monotonic() - began:.1f} s")
    assert not people.of("/dead-mans-switch", "firing", "TraderRefused")
    until(
        lambda: len(people.of("/dead-mans-switch", "firing", "Watchdog")) >= 3,
        "the watchdog, again and again",
        3 * 60 + SLACK_SECONDS,
    )
    beats = people.of("/dead-mans-switch", "firing", "Watchdog")
    assert max(b - a for a, b in itertools.pairwise(beats)) < 120
    # Nobody applies rules any more: the switch hears nothing, or that it is over.
    prometheus.end()
    ended = time.monotonic()
    until(
        lambda: people.of("/dead-mans-switch", "resolved"),
        "the end of the watchdog",
        GONE_SECONDS + 2 * 30 + SLACK_SECONDS,
    )
    print(f"measured: the last sign of life {beats_after(people, ended):.1f} s after the end")


def beats_after(people: People, ended: float) -> float:
    """Return how long after the end of Prometheus the last sign of life has come."""
    return max(0.0, people.of("/dead-mans-switch", "firing", "Watchdog")[-1] - ended)
