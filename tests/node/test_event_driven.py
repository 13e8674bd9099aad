"""Ordinary strategies of NautilusTrader on a real node: what their calls come to."""

import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from node.conftest import Start
from node.event_nodes import node as code
from node.processes import Exchange, Node, Store
from node.test_trading import last_bar, step

BRACKET_ONCE = """
def on_bar(self, bar):
    said("bar", bar.ts_event // 1_000_000)
    if self.is_flat and not self.memory:
        self.remember("entered")
        self.bracket(bar)
"""


def said(folder: Path) -> list[str]:
    """Return what the strategy has written down in all its lives, a line each."""
    path = folder / "said.txt"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def names(exchange: Exchange) -> list[str]:
    """Return the legs of all orders, in order: what an id has after its bar."""
    rows = exchange.get("ledger")["orders"]
    return [row["client_order_id"].rpartition("-")[2] for row in rows]


def working(exchange: Exchange) -> dict[str, Any]:
    """Return what works, by the leg."""
    rows = exchange.get("ledger")["orders"]
    return {
        row["client_order_id"].rpartition("-")[2]: row for row in rows if row["status"] == "NEW"
    }


def trading(start: Start, exchange: Exchange, methods: str, more: str = "") -> Node:
    """Return a node that trades and has decided the last bar."""
    node = start(code(methods, more))
    node.until("trading")
    node.settle(last_bar(exchange))
    return node


def test_of_a_bracket_the_entry_is_sent_and_the_node_keeps_the_rest(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    node = trading(start, exchange, BRACKET_ONCE)
    assert Decimal(exchange.position()) == Decimal("0.010")
    assert set(working(exchange)) == {"S0", "T0"}
    requests = [r for r in exchange.get("journal?after=0")["records"] if r["kind"] == "request"]
    assert not [r for r in requests if r["data"]["request"] == "order.batch_new"]

    stop = working(exchange)["S0"]
    node.child.kill()
    node.wait()
    exchange.post("faults", {"name": "cancel", "client_order_id": stop["client_order_id"]})
    again = trading(start, exchange, BRACKET_ONCE)
    stops = [row for row in working(exchange).values() if row["kind"] == "conditional"]
    assert [row["trigger_price"] for row in stops] == [stop["trigger_price"]]
    assert [row for row in names(exchange) if row[0] == "E"] == ["E000"]
    # The bar was finished before, and nothing new has closed.
    assert len(said(tmp_path)) == 1
    step(exchange, again)
    assert len(said(tmp_path)) == 2

    level = stop["trigger_price"]
    exchange.post("faults", {"name": "wick", "symbol": "BTCUSDT", "price": level})
    again.settle(last_bar(exchange))
    assert Decimal(exchange.position()) == 0
    assert working(exchange) == {}


@pytest.mark.parametrize("phase", ["received", "processed", "answered"])
def test_an_entry_that_a_kill_comes_upon_is_sent_once(
    phase: str, start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    gate = {"name": "gate", "match": {"request": "order.new"}, "nth": 1, "phase": phase}
    held = exchange.post("faults", gate)["id"]
    node = start(code(BRACKET_ONCE))
    node.until("trading")
    assert exchange.get(f"faults/{held}?wait_s=10")["fired"]
    node.child.send_signal(signal.SIGKILL)
    node.wait()
    exchange.release(held)
    trading(start, exchange, BRACKET_ONCE)
    assert Decimal(exchange.position()) == Decimal("0.010")
    assert [name for name in names(exchange) if name[0] == "E"] == ["E000"]
    assert set(working(exchange)) == {"S0", "T0"}


def test_what_must_not_be_sent_is_denied_with_its_reason(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    methods = """
def on_start(self):
    super().on_start()
    order = self.market()
    self.submit_order(order)
    said("at the start:", order.status_string())

def on_bar(self, bar):
    from nautilus_trader.model.identifiers import ClientOrderId
    from nautilus_trader.model.enums import OrderSide
    stop = self.order_factory.stop_market(
        self.instrument_id, OrderSide.SELL, self.instrument.make_qty(1), self.price(bar, 0.9),
        reduce_only=True,
    )
    self.submit_order(stop)
    self.submit_order(self.market(client_order_id=ClientOrderId("mine-1")))
    self.submit_order(self.market())
"""
    trading(start, exchange, methods)
    reasons = [line.split(" ", 2)[2] for line in said(tmp_path)]
    assert reasons == [
        "start: DENIED",
        "The node keeps the stop: declare it with protect(stop=…).",
        "The node gives the ids: leave client_order_id out.",
    ]
    # It had no stop, so it is gone again.
    assert names(exchange) == ["E000", "X0"]
    assert Decimal(exchange.position()) == 0


def test_past_bars_come_and_their_end_is_called_however_early_they_are_asked_from(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    methods = """
def on_start(self):
    super().on_start()
    start = datetime(2020, 1, 1, tzinfo=UTC)
    self.past = 0
    self.request_bars(self.bar_type, start=start, callback=lambda _: said("past", self.past))

def on_historical_data(self, data):
    self.past += 1

def on_bar(self, bar):
    said("bar", self.past)
"""
    trading(start, exchange, methods)
    past, bar = said(tmp_path)
    count = int(past.split()[1])
    assert count > 50
    assert bar == f"bar {count}"


def test_what_is_remembered_comes_back_and_a_newer_version_ends_the_start(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    methods = """
def on_bar(self, bar):
    said("memory", self.memory)
    self.remember({"bars": self.memory["bars"] + 1})
"""
    first = 'first_memory={"bars": 0}'
    node = trading(start, exchange, methods, first)
    step(exchange, node)
    node.child.kill()
    node.wait()
    again = trading(start, exchange, methods, first)
    step(exchange, again)
    assert said(tmp_path) == [f"memory {{'bars': {n}}}" for n in range(3)]
    again.child.kill()
    again.wait()

    key = "trader-TRADER-001:general:memory:EVT001"
    client = redis.Redis.from_url(store.url)
    value = client.get(key)
    assert isinstance(value, bytes)
    client.set(key, value.replace(b'"version":1', b'"version":2'))
    refused = start(code(methods, first))
    assert refused.wait(60) == 78
    assert refused.said("has version 2, and the strategy knows 1 at most")


def test_a_strategy_that_fails_is_a_condition_and_its_stop_stays(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    methods = """
def on_bar(self, bar):
    if self.is_flat:
        self.bracket(bar)
    else:
        self.close_all_positions(self.instrument_id)
        raise ZeroDivisionError("seeded")
"""
    node = trading(start, exchange, methods)
    exchange.post("step", {"bars": 1})
    node.until("degraded")
    [wrong] = node.get("state")[1]["conditions"]
    assert wrong["name"] == "strategy of BTCUSDT"
    assert "ZeroDivisionError: seeded" in wrong["sentence"]
    assert Decimal(exchange.position()) == Decimal("0.010")
    assert set(working(exchange)) == {"S0", "T0"}


def test_a_line_that_makes_no_such_strategy_is_refused(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    wrong = code("pass").replace("return Ordinary()", "return 7")
    node = start(wrong)
    assert node.wait(60) == 78
    assert node.said("EVT001 makes a int, no EventDrivenStrategy")
