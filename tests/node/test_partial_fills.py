"""Orders that fill in several parts, heard by the node and after a restart."""

import time
from decimal import Decimal

import redis

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import MOST_BARS, last_bar, step, step_until_position

PART = "0.002"


def fills_are_known(exchange: Exchange, node: Node) -> None:
    """Fail unless the node holds what the exchange holds, each fill once."""
    state = node.settle(last_bar(exchange))
    quantity = sum(Decimal(row["quantity"]) for row in state["positions"])
    assert quantity == Decimal(exchange.position())
    told = sorted(trade for row in state["orders"] for trade in row["trade_ids"])
    assert told == sorted(fill["trade_id"] for fill in exchange.get("ledger")["fills"])


def until_heard(node: Node, client_order_id: str, filled: str) -> None:
    """Wait until the node has booked so much of an order, and the store has what it booked.

    A kill between the store's writes of one fill loses its position event, which nothing repairs
    yet; the engine then invents a fill for the difference.
    """
    client = redis.Redis.from_url(node.store_url)
    deadline = time.monotonic() + 10
    size = -1
    while time.monotonic() < deadline:
        rows = {row["client_order_id"]: row for row in node.get("state")[1]["orders"]}
        before, size = size, int(client.info("persistence").get("aof_current_size", 0))
        if Decimal(rows[client_order_id]["filled"]) == Decimal(filled) and size == before:
            return
        time.sleep(0.05)
    raise AssertionError(f"The node and its store did not take up {filled} of {client_order_id}.")


def test_orders_that_fill_in_parts(start: Start, store: Store, exchange: Exchange) -> None:
    exchange.post("faults", {"name": "thin", "symbol": SYMBOL, "quantity": PART})
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    fills = exchange.get("ledger")["fills"]
    assert len(fills) > 2
    assert len({fill["exchange_order_id"] for fill in fills}) == 1
    fills_are_known(exchange, node)
    [stop] = exchange.working_stops()
    assert Decimal(stop["quantity"]) == abs(Decimal(exchange.position()))
    node.kill()
    again = start()
    again.until("trading")
    fills_are_known(exchange, again)
    for _ in range(MOST_BARS):
        if exchange.position() == "0":
            break
        step(exchange, again)
    else:
        raise AssertionError(f"No exit in {MOST_BARS} bars.")
    fills_are_known(exchange, again)


def test_killed_while_a_stop_fills_in_parts(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "thin", "symbol": SYMBOL, "quantity": PART})
    told = {"event": "ORDER_TRADE_UPDATE", "execution": "TRADE"}
    gate = exchange.post("faults", {"name": "gate", "match": told, "phase": "after"})["id"]
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.get(f"faults/{gate}?wait_s=10")["fired"]
    until_heard(node, stop["client_order_id"], PART)
    node.kill()
    exchange.release(gate)
    assert exchange.position() == "0"
    again = start()
    again.until("trading")
    fills_are_known(exchange, again)
