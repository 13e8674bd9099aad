"""What the node makes of a user stream that overtakes itself, loses a fill, or has expired."""

import time
from typing import Any

import pytest

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import last_bar, sockets, step_until_position

STOCK = """
import os, sys
from nautilus_trader.adapters.binance import BinanceLiveExecClientFactory
from trading_node.commands.run import load
from trading_node.engine.v1.start import EngineV1
from trading_node.life.runner import run
settings, traded = load()
code = run(settings, traded, EngineV1(settings, BinanceLiveExecClientFactory))
sys.stdout.flush()
os._exit(int(code))
"""
"""A node with the engine's own adapter."""

SECONDS = 10.0


def stop_out(exchange: Exchange, node: Node, fault: str | None) -> list[str]:
    """Let the stop of a position fill while a fault befalls the fill; return its trade ids."""
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    name = stop["client_order_id"]
    if fault is not None:
        told = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE", "client_order_id": name}
        exchange.post("faults", {"name": fault, "match": told})
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.position() == "0"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        state: dict[str, Any] = node.get("state")[1]
        [row] = [row for row in state["orders"] if row["client_order_id"] == name]
        if row["status"] == "FILLED":
            return list(row["trade_ids"])
        time.sleep(0.02)
    raise AssertionError(f"{name} was not filled in the node.\n{node.everything()}")


@pytest.mark.parametrize("fault", [None, "reorder_event", "lose_event"])
def test_a_stop_has_the_fill_that_was_made(
    start: Start, store: Store, exchange: Exchange, fault: str | None
) -> None:
    node = start()
    booked = stop_out(exchange, node, fault)
    assert booked == [exchange.get("ledger")["fills"][-1]["trade_id"]]
    assert "overfill rejected" not in "".join(node.output)


@pytest.mark.parametrize("fault", ["reorder_event", "lose_event"])
def test_the_stock_adapter_invents_a_fill(
    start: Start, store: Store, exchange: Exchange, fault: str
) -> None:
    """Why `late_fills` exists; it may go when this fails. Seen against this exchange only."""
    [invented] = stop_out(exchange, start(STOCK), fault)
    assert invented.startswith("ALGO-")


def test_an_unlearned_fill_ends_the_node(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    told = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"}
    exchange.post("faults", {"name": "lose_event", "match": told})
    refused = {"match": {"request": "trades.all"}, "times": 1000, "status": 503, "code": -1001}
    failing = exchange.post("faults", {"name": "fail", **refused})["id"]
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert node.wait() == 75
    assert node.said("the fill could not be learned"), node.everything()
    exchange.release(failing)
    again = start()
    again.until("trading")
    assert again.settle(last_bar(exchange))["positions"] == []


def until_user_sockets(exchange: Exchange, count: int) -> None:
    """Wait until so many user streams have been opened."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if sockets(exchange, "user") == count:
            return
        time.sleep(0.02)
    raise AssertionError(f"The node did not open user stream {count} within {SECONDS:g} s.")


def test_an_expired_listen_key_is_renewed(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    exchange.post("faults", {"name": "expire_listen_key"})
    until_user_sockets(exchange, 2)
    state = step_until_position(exchange, node)
    [position] = state["positions"]
    assert position["quantity"] == exchange.position()
    records = exchange.get("journal?after=0")["records"]
    told = [record["data"] for record in records if record["kind"] == "event"]
    assert [event["delivered"] for event in told if event["execution"] == "TRADE"] == [1]
