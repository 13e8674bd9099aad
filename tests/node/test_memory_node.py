"""What a rule remembers, at a real node and a real store: killed, paused, broken."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from node.conftest import Order, Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.scripted import Script, code
from node.test_trading import kill_at, last_bar, step

KEY = "trader-TRADER-001:general:memory:REM001"
LINE = 'Traded(Remembering(FOLDER, "rem"), "BTCUSDT", "1m", "REM001", cool_down=0)'
SECONDS = 15.0


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script of the one rule."""
    return Script(tmp_path / "script", "rem")


@pytest.fixture
def remembers(start: Start, tmp_path: Path, script: Script) -> Callable[[], Node]:
    """Start a node that trades the one line."""

    def started() -> Node:
        node = start(code(tmp_path / "script", LINE))
        node.until("trading")
        return node

    return started


def stored(store: Store) -> dict[str, Any]:
    """Return what the store has."""
    with redis.Redis.from_url(store.url) as client:
        value = client.get(KEY)
    return {} if value is None else dict(json.loads(value))


def pause_writes(store: Store, seconds: float) -> None:
    """Let the store keep every write waiting, as a disk that stands still does."""
    with redis.Redis.from_url(store.url) as client:
        client.execute_command("CLIENT", "PAUSE", int(seconds * 1000), "WRITE")


def go_on(store: Store) -> None:
    """Let the store write again."""
    with redis.Redis.from_url(store.url) as client:
        client.execute_command("CLIENT", "UNPAUSE")


def until(node: Node, name: str, is_there: bool) -> dict[str, Any]:
    """Wait until a condition has begun, or is over; return the state."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        state: dict[str, Any] = node.get("state")[1]
        if is_there == (name in {each["name"] for each in state["conditions"]}):
            return state
        time.sleep(0.02)
    raise AssertionError(f"{name} within {SECONDS} s: {is_there}.\n{node.everything()}")


def sent(exchange: Exchange) -> list[str]:
    """Return the ids of all orders that the exchange has taken."""
    return [row["client_order_id"] for row in exchange.get("ledger")["orders"]]


def test_killed_between_what_is_remembered_and_the_order(
    remembers: Callable[[], Node], script: Script, store: Store, exchange: Exchange
) -> None:
    node = remembers()
    node.settle(last_bar(exchange))
    script.says(quantity="0.010", stop="-1")
    kill_at(exchange, node, {"leg": "entry"}, "received")
    bar, before = last_bar(exchange), script.last(last_bar(exchange))
    # The order was on its way: what belongs to it was in the store before.
    assert stored(store) == {
        "version": 1, "close_ms": bar, "before": before["memory"],
        "after": {"bars": before["memory"]["bars"] + 1},
    }  # fmt: skip
    again = remembers()
    again.settle(bar)
    assert {look["memory"]["bars"] for look in script.looks() if look["bar"] == bar} == {
        before["memory"]["bars"]
    }
    assert len(sent(exchange)) == len(set(sent(exchange))) == 2  # the entry and its stop
    step(exchange, again)
    bars = [look["bar"] for look in script.looks()]
    assert script.looks()[-1]["memory"] == {"bars": len(set(bars)) - 1}


def test_killed_before_what_is_remembered_is_written(
    remembers: Callable[[], Node], script: Script, store: Store, exchange: Exchange
) -> None:
    node = remembers()
    node.settle(last_bar(exchange))
    before = stored(store)
    script.says(quantity="0.010", stop="-1")
    pause_writes(store, 60)
    exchange.post("step", {"bars": 1})
    bar = last_bar(exchange)
    until(node, f"memory of {SYMBOL}", is_there=True)
    node.kill()
    assert sent(exchange) == []
    go_on(store)
    assert stored(store) == before
    again = remembers()
    again.settle(bar)
    assert len(sent(exchange)) == 2
    assert {look["memory"]["bars"] for look in script.looks() if look["bar"] == bar} == {
        before["after"]["bars"]
    }


def test_a_store_that_takes_nothing_for_a_while(
    remembers: Callable[[], Node], script: Script, store: Store, exchange: Exchange
) -> None:
    node = remembers()
    node.settle(last_bar(exchange))
    script.says(quantity="0.010", stop="-5")
    step(exchange, node)
    [stop] = exchange.working_stops()
    script.says(quantity="0.020", stop="-4")
    pause_writes(store, 60)
    exchange.post("step", {"bars": 1})
    state = until(node, f"memory of {SYMBOL}", is_there=True)
    [told] = [each for each in state["conditions"] if each["name"].startswith("memory")]
    assert told["sentence"] == "The store does not take what REM001 remembers: it does not answer."
    # Nothing is added, and what protects is kept right.
    deadline = time.monotonic() + SECONDS
    while [row["client_order_id"] for row in exchange.working_stops()] == [stop["client_order_id"]]:
        assert time.monotonic() < deadline, node.everything()
        time.sleep(0.02)
    assert exchange.position() == "0.010"
    assert stored(store)["close_ms"] < last_bar(exchange)
    go_on(store)
    until(node, f"memory of {SYMBOL}", is_there=False)
    node.settle(last_bar(exchange))
    assert exchange.position() == "0.020"
    assert stored(store)["close_ms"] == last_bar(exchange)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b'{"version":2,"close_ms":0,"before":1,"after":1}',
         "has version 2, and the strategy knows 1 at most; look at it with the command `state`, "
         "then start the newer one, or delete the key " + KEY),
        (b'{"version":1', "is no JSON text; look at it with the command `state`, then correct it"),
        (b"[1]", "is JSON, and not what a node remembers"),
        (b"x" * 5_000_000, "is 5,000,000 bytes long, and 65,536 are allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_up_ends_the_start(
    start: Start,
    tmp_path: Path,
    script: Script,
    store: Store,
    exchange: Exchange,
    value: bytes,
    sentence: str,
) -> None:
    with redis.Redis.from_url(store.url) as client:
        client.set(KEY, value)
    node = start(code(tmp_path / "script", LINE))
    assert node.wait() == 78
    assert node.said(f"What REM001 remembers {sentence}"), node.everything()
    with redis.Redis.from_url(store.url) as client:
        assert client.get(KEY) == value


def test_a_list_in_its_place_ends_the_start(
    start: Start, tmp_path: Path, script: Script, store: Store, exchange: Exchange
) -> None:
    with redis.Redis.from_url(store.url) as client:
        client.rpush(KEY, "x")
    node = start(code(tmp_path / "script", LINE))
    assert node.wait() == 78
    assert node.said("What REM001 remembers is no text")


def test_a_store_that_has_lost_it(
    remembers: Callable[[], Node], script: Script, store: Store, exchange: Exchange, order: Order
) -> None:
    node = remembers()
    node.settle(last_bar(exchange))
    script.says(quantity="0.010", stop="-1")
    step(exchange, node)
    told = order("state").said()
    assert 'memory    memory:REM001 = {"version":1,"close_ms":' in told
    node.kill()
    with redis.Redis.from_url(store.url) as client:
        client.flushall()
    again = remembers()
    [note] = [n for n in again.get("state")[1]["notes"] if "REM001" in n]
    assert note.startswith("The store has nothing that REM001 remembers, though it has traded")
    again.settle(last_bar(exchange))
    assert script.looks()[-1]["memory"] == {"bars": 0}
    assert Decimal(exchange.position()) == Decimal("0.010")
