"""Fixtures: a baked project, and the processes around its node."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from node.baked import PACKAGE, baked_project
from node.leases import lease_given_back
from node.processes import TRADER, Command, Exchange, Node, Process, Store, node_settings

Start = Callable[..., Node]
Order = Callable[..., Command]


@pytest.fixture(scope="session")
def project() -> Path:
    """A project baked from this template, with the package `trading_node`."""
    return baked_project()


@pytest.fixture(scope="session")
def importable(project: Path) -> str:
    """The package's name, importable in this process."""
    return PACKAGE


@pytest.fixture
def processes(ended_with_the_test: list[Process]) -> list[Process]:
    """The processes that the test has started."""
    return ended_with_the_test


@pytest.fixture
def empty_store(tmp_path: Path) -> Store:
    """A store of its own that no node has used: the first start waits for every lease to end."""
    return Store(tmp_path / "store")


@pytest.fixture
def store(empty_store: Store, project: Path) -> Store:
    """A store of its own in which an earlier node has given its lease back."""
    empty_store.take_up(*lease_given_back(TRADER))
    return empty_store


@pytest.fixture
def exchange(tmp_path: Path, project: Path) -> Exchange:
    """A stepped exchange of its own."""
    return Exchange(tmp_path / "exchange", project / "drill")


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The node's settings; store and exchange are there when the test has them."""
    names = request.fixturenames
    store_url, http, ws = "redis://127.0.0.1:1", "http://127.0.0.1:1", "ws://127.0.0.1:1"
    if "store" in names:
        store_url = request.getfixturevalue("store").url
    if "exchange" in names:
        exchange = request.getfixturevalue("exchange")
        http, ws = exchange.http, exchange.ws
    return node_settings(tmp_path, store_url, http, ws)


@pytest.fixture
def start(
    tmp_path: Path, project: Path, processes: list[Process], environment: dict[str, str]
) -> Start:
    """Start the node with the environment of the test; keyword arguments change it."""

    def start_node(*code: str, **changes: str) -> Node:
        folder = tmp_path / f"node-{len(processes)}"
        settings: Mapping[str, str] = {**environment, **changes}
        return Node(folder, project / "src", PACKAGE, settings, *code)

    return start_node


@pytest.fixture
def order(tmp_path: Path, project: Path, environment: dict[str, str]) -> Order:
    """Start a command beside the node, with its environment; keyword arguments change it."""

    def start_command(*arguments: str, **changes: str) -> Command:
        settings = {**environment, **changes}
        return Command(tmp_path / "commands", project / "src", PACKAGE, settings, *arguments)

    return start_command
