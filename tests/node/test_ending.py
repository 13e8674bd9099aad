"""A node that ends leaves no position naked that was on its way: it waits, within a bound."""

import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import MOST_BARS, last_bar
from node.test_watches import AWAY, refuse_listen_keys

WELL = 200
ENDED_SECONDS = 15.0
AT_ONCE_SECONDS = 1.5
"""Less than an end waits: what is left of a life that does not wait."""
ON_ITS_WAY = [("entry", "received"), ("entry", "answered"), ("stop", "received")]
TOLD_TO_END = """
import asyncio
import os
import sys
from trading_node.commands import main as cli
from trading_node.exit_codes import ExitCode, NodeExit
from trading_node.guards.watch import Watch
from trading_node.life import runner


async def watch(trading):
    while not os.path.exists(os.environ["WHY"]):
        await asyncio.sleep(0.01)
    at_once = open(os.environ["WHY"]).read() == "at once"
    raise NodeExit(ExitCode.AWAY, "A watch ends the node.", at_once=at_once)


runner.WATCHES = (*runner.WATCHES, Watch("test", watch))
sys.exit(cli.main(["run"]))
"""
"""A node with one more watch, which ends it when a file is there."""


def hold_one(exchange: Exchange, node: Node, leg: str, phase: str) -> str:
    """Step until an order is on its way, and hold it there; return what holds it."""
    node.settle(last_bar(exchange))
    gate = {"name": "gate", "match": {"leg": leg}, "phase": phase}
    held = str(exchange.post("faults", gate)["id"])
    for _ in range(MOST_BARS):
        bar = exchange.post("step", {"bars": 1})["bar"]
        while not exchange.get(f"faults/{held}?wait_s=0.02")["fired"]:
            state: dict[str, Any] = node.get("state")[1]
            if state["decided_bar"].get(SYMBOL) == bar and not state["inflight"]:
                break
        else:
            return held
    raise AssertionError(f"No {leg} in {MOST_BARS} bars.")


def protected(exchange: Exchange) -> bool:
    """Return whether a position is held, and has one stop of its whole size."""
    position = abs(Decimal(exchange.position()))
    return [Decimal(stop["quantity"]) for stop in exchange.working_stops()] == [position] != [0]


def until_ending(node: Node) -> str:
    """Wait until the node is not well, or has ended; return what it said last."""
    deadline = time.monotonic() + ENDED_SECONDS
    while time.monotonic() < deadline and node.child.poll() is None:
        try:
            status, health = node.get("health")
        except OSError:
            break  # it has ended a moment ago
        if status != WELL:
            return f"{health['stage']}: {health['reason']}"
        time.sleep(0.01)
    return "nothing"


@pytest.mark.parametrize(("leg", "phase"), ON_ITS_WAY)
def test_an_end_waits_for_what_is_on_its_way(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path, leg: str, phase: str
) -> None:
    why = tmp_path / "why"
    node = start(TOLD_TO_END, WHY=str(why))
    node.until("trading")
    held = hold_one(exchange, node, leg, phase)
    why.touch()
    said = until_ending(node)
    exchange.release(held)
    assert node.wait(ENDED_SECONDS) == AWAY
    assert protected(exchange), "what was on its way is naked"
    assert said.startswith("degraded: A watch ends the node. Nothing new is opened;")
    assert node.complaint()[-1] == "A watch ends the node."


def test_an_end_by_a_lost_stream_asks_for_what_is_on_its_way(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    held = hold_one(exchange, node, "entry", "received")
    refuse_listen_keys(exchange, MOST_BARS)
    said = until_ending(node)
    exchange.release(held)
    assert node.wait(ENDED_SECONDS) == AWAY
    assert protected(exchange), "what was on its way is naked"
    assert "could not be opened again" in said


def test_a_stop_as_asked_waits_too(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    held = hold_one(exchange, node, "entry", "received")
    node.child.send_signal(signal.SIGTERM)
    said = until_ending(node)
    exchange.release(held)
    assert node.wait(ENDED_SECONDS) == 0
    assert protected(exchange), "what was on its way is naked"
    assert "The node was asked to stop." in said


def test_an_end_waits_no_longer_than_its_bound(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    why = tmp_path / "why"
    node = start(TOLD_TO_END, WHY=str(why))
    node.until("trading")
    hold_one(exchange, node, "entry", "received")
    why.touch()
    assert node.wait(ENDED_SECONDS) == AWAY
    assert node.said("Something was still on its way after 2 s")


@pytest.mark.parametrize("is_on_its_way", [True, False])
def test_an_end_that_does_not_wait(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path, *, is_on_its_way: bool
) -> None:
    why = tmp_path / "why"
    node = start(TOLD_TO_END, WHY=str(why))
    node.until("trading")
    if is_on_its_way:
        hold_one(exchange, node, "entry", "received")
        why.write_text("at once", "utf-8")
    else:
        node.settle(last_bar(exchange))
        why.touch()
    began = time.monotonic()
    node.until("stopping")
    assert time.monotonic() - began < AT_ONCE_SECONDS
    assert "degraded" not in node.stages, "nothing was waited for"
    assert node.wait(ENDED_SECONDS) == AWAY
