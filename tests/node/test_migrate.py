"""A trader's keys go from one engine's words to the other's, with a position and its stop open."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from baking import bake, clean_environment
from node.baked import module
from node.conftest import Order, Start
from node.processes import TRADER, Exchange, Node, Store
from node.tap import Boundaries, Tap
from node.test_trading import step_until_position

FORMATS = module("engine.mending.formats").FORMATS
READ_KEYS = module("guards.mend.reading").read_keys
DONE, AWAY, CONFIGURATION = 0, 75, 78
SECONDS = 90
PREFIX = f"trader-{TRADER}:"


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    code: int
    said: str


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the other engine; the command starts none, so it runs on any Python here."""
    return bake(tmp_path_factory.mktemp("other"), project_slug="other-node", engine="v2").path


@pytest.fixture
def migrate(other: Path, environment: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    """Begin to migrate to the other engine; keyword arguments change the environment."""

    def begin(*arguments: str, **changes: str) -> subprocess.Popen[str]:
        (tmp_path / "migrate").mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "other_node", "migrate", *arguments],
            cwd=tmp_path / "migrate",
            env={
                **clean_environment(),
                **environment,
                **changes,
                "PYTHONPATH": str(other / "src"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def ended(process: subprocess.Popen[str]) -> Ended:
    said, _ = process.communicate(timeout=SECONDS)
    return Ended(process.returncode, said)


def keys_of(store: Store) -> dict[str, Any]:
    with redis.Redis(port=store.port, protocol=2) as client:
        keys: dict[str, Any] = READ_KEYS(client, PREFIX)
        return keys


def told(store: Store, room: str) -> dict[str, Any]:
    """Return what orders and positions are, in no version's words."""
    stored = FORMATS[room](TRADER).read(keys_of(store))
    assert stored.put_aside == []
    return {
        "orders": {n: (o.status, o.number, o.filled) for n, o in stored.orders.items()},
        "positions": {
            n: (p.quantity, [fill.trade_id for fill in p.fills])
            for n, p in stored.positions.items()
        },
    }


def format_of(store: Store) -> str:
    """Return what the mark says."""
    return str(json.loads(keys_of(store)["format"].value)["format"])


def copied(store: Store) -> dict[bytes, bytes]:
    """Return everything that the store has, as the store itself writes it."""
    with redis.Redis(port=store.port) as client:
        return {key: client.dump(key) for key in client.keys("*")}


def put_back(store: Store, everything: Mapping[bytes, bytes]) -> None:
    with redis.Redis(port=store.port) as client:
        client.flushall()
        for key, value in everything.items():
            client.restore(key, 0, value)


@pytest.fixture
def halted(
    start: Start, store: Store, exchange: Exchange, order: Order, tmp_path: Path
) -> Iterator[Exchange]:
    """A node has traded and stands halted and stopped, with a position and its stop open."""
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    order("halt", "--why", "another engine").said()
    node.stop()
    assert len(exchange.working_stops()) == 1
    yield exchange
    shutil.rmtree(tmp_path / "migrate", ignore_errors=True)


def test_there_and_back_with_a_position_open(
    halted: Exchange, store: Store, migrate: Callable[..., Any], order: Order, start: Start
) -> None:
    before, stops = told(store, "v1"), halted.working_stops()
    dry = ended(migrate("--dry-run"))
    assert (dry.code, format_of(store)) == (DONE, "nautilus-1"), dry.said
    there = ended(migrate("--yes"))
    assert (there.code, format_of(store)) == (DONE, "nautilus-2"), there.said
    assert told(store, "v2") == before
    again = ended(migrate("--yes"))
    assert again.code == DONE
    assert "already" in again.said
    refused = start()
    assert refused.wait(30) == CONFIGURATION
    order("migrate", "--yes").said(SECONDS)
    assert format_of(store) == "nautilus-1"
    assert told(store, "v1") == before
    node: Node = start()
    node.until("trading")
    assert halted.working_stops() == stops


def test_a_node_that_is_not_halted_is_not_migrated(
    start: Start, store: Store, exchange: Exchange, migrate: Callable[..., Any]
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    node.stop()
    end = ended(migrate("--yes"))
    assert (end.code, format_of(store)) == (CONFIGURATION, "nautilus-1")
    assert "halt" in end.said


def test_nothing_is_done_while_a_node_trades(
    start: Start, store: Store, exchange: Exchange, order: Order, migrate: Callable[..., Any]
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    order("halt", "--why", "another engine").said()
    end = ended(migrate("--yes"))
    assert (end.code, format_of(store)) == (AWAY, "nautilus-1")
    assert "stop that node" in end.said


@pytest.mark.long
def test_killed_at_any_boundary_the_store_is_the_old_one_or_the_new_one(
    halted: Exchange, store: Store, migrate: Callable[..., Any], environment: dict[str, str]
) -> None:
    everything, before = copied(store), told(store, "v1")
    port = urlsplit(halted.http).port
    assert port is not None
    at, states = 0, []
    running: list[subprocess.Popen[str]] = []
    while True:
        put_back(store, everything)
        running.clear()
        boundaries = Boundaries(at, lambda: running[0].kill())
        taps = [Tap(store.port, boundaries), Tap(port, boundaries)]
        running.append(
            migrate(
                "--yes",
                TRADER_STORE_URL=f"redis://127.0.0.1:{taps[0].port}",
                TRADER_EXCHANGE_HTTP_URL=f"http://127.0.0.1:{taps[1].port}",
            )
        )
        end = ended(running[0])
        for tap in taps:
            tap.close()
        if not boundaries.has_happened:
            assert end.code == DONE, end.said
            break
        states.append(format_of(store))
        room = {"nautilus-1": "v1", "nautilus-2": "v2"}[states[-1]]
        assert told(store, room) == before, at
        again = ended(migrate("--yes"))
        assert (again.code, format_of(store)) == (DONE, "nautilus-2"), (at, again.said)
        assert told(store, "v2") == before, at
        print(f"killed before {at}: {states[-1]}", flush=True)
        at += 1
    print(f"killed at {at} boundaries: {states.count('nautilus-2')} after the transaction")
    assert at > 10
    assert set(states) <= {"nautilus-1", "nautilus-2"}
