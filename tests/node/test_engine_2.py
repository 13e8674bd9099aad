"""
The node on NautilusTrader 2, where that can be had: name a Python with it in ENGINE2_PYTHON.

`make test-long` makes one from the locks of ``requirements/v2`` where there is a Python for it.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baking import bake, clean_environment
from node.conftest import Order, Start
from node.processes import Exchange, Node, Process, Store
from node.test_migrate import format_of, told
from node.test_trading import last_bar, step_until_position

PYTHON = os.environ.get("ENGINE2_PYTHON", "")
CONFIGURATION = 78
SECONDS = 90
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not PYTHON
        or subprocess.run([PYTHON, "-c", "import nautilus_trader.live"], check=False).returncode
        != 0,
        reason="ENGINE2_PYTHON names no Python with NautilusTrader 2.",
    ),
]


class Node2(Node):
    """A node of the other engine."""

    def __init__(self, folder: Path, project: Path, environment: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.port = int(environment["TRADER_HTTP_PORT"])
        self.store_url = environment["TRADER_STORE_URL"]
        self.stages = []
        own = {**clean_environment(), **environment, "PYTHONPATH": str(project / "src")}
        super(Node, self).__init__([PYTHON, "-m", "trader_2", "run"], folder, own)


@pytest.fixture(scope="session")
def project_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project baked with the other answer."""
    return bake(tmp_path_factory.mktemp("two"), project_slug="trader-2", engine="v2").path


@pytest.fixture
def start_2(
    tmp_path: Path, project_2: Path, processes: list[Process], environment: dict[str, str]
) -> Callable[..., Node2]:
    """Start the node with the environment of the test; keyword arguments change it."""

    def start_node(**changes: str) -> Node2:
        folder = tmp_path / f"node-2-{len(processes)}"
        return Node2(folder, project_2, {**environment, **changes})

    return start_node


def test_killed_with_a_position_it_comes_back_with_the_same_stop(
    start_2: Callable[..., Node2], store: Store, exchange: Exchange
) -> None:
    node = start_2()
    node.until("trading")
    step_until_position(exchange, node)
    [stop], held = exchange.working_stops(), exchange.position()
    node.kill()
    again = start_2()
    again.until("trading")
    again.settle(last_bar(exchange))
    assert exchange.position() == held
    assert exchange.working_stops() == [stop]
    assert format_of(store) == "nautilus-2"


def test_a_cancel_that_failed_costs_no_stop(
    start_2: Callable[..., Node2], store: Store, exchange: Exchange
) -> None:
    """Alone, the adapter takes it for "no such order", and the engine a stop for rejected."""
    node = start_2()
    node.until("trading")
    failing = {"name": "fail", "match": {"request": "conditional.cancel"}, "times": 1}
    exchange.post("faults", {**failing, "status": 503, "code": -1001})
    state: dict[str, Any] = step_until_position(exchange, node)
    for _ in range(20):
        bar = int(exchange.post("step", {"bars": 1})["bar"])
        state = node.settle(bar)
        assert len(exchange.working_stops()) == (1 if state["positions"] else 0)
    assert node.get("health")[0] == 200


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"STRATEGY_TRADES": "bracket"}, "event-driven")],
    ids=["event-driven"],
)
def test_what_it_does_not_do_is_refused(
    start_2: Callable[..., Node2],
    store: Store,
    exchange: Exchange,
    changes: dict[str, str],
    word: str,
) -> None:
    node = start_2(**changes)
    assert node.wait(40) == CONFIGURATION
    assert node.said(word)


def test_from_1_to_2_and_back_the_position_keeps_its_stop(
    start: Start,
    start_2: Callable[..., Node2],
    store: Store,
    exchange: Exchange,
    order: Order,
    project_2: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    order("halt").said()
    node.stop()
    before, stops, held = told(store, "v1"), exchange.working_stops(), exchange.position()
    subprocess.run(
        [PYTHON, "-m", "trader_2", "migrate", "--yes"],
        cwd=tmp_path,
        env={**clean_environment(), **environment, "PYTHONPATH": str(project_2 / "src")},
        timeout=SECONDS,
        check=True,
    )
    second = start_2()
    second.until("trading")
    assert (exchange.working_stops(), exchange.position()) == (stops, held)
    second.stop()
    assert told(store, "v2") == before
    order("migrate", "--yes").said(SECONDS)
    third = start()
    third.until("trading")
    assert (exchange.working_stops(), exchange.position()) == (stops, held)
    assert told(store, "v1") == before
