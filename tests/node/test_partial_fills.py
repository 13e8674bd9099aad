"""Orders that fill in several parts, heard by the node and after a restart."""

from decimal import Decimal
from typing import Any

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import MOST_BARS, last_bar, step, step_until_position, until_stored

PART = "0.002"


def fills_are_known(exchange: Exchange, node: Node) -> None:
    """Fail unless the node holds what the exchange holds, each fill once."""
    state = node.settle(last_bar(exchange))
    quantity = sum(Decimal(row["quantity"]) for row in state["positions"])
    assert quantity == Decimal(exchange.position())
    told = sorted(trade for row in state["orders"] for trade in row["trade_ids"])
    assert told == sorted(fill["trade_id"] for fill in exchange.get("ledger")["fills"])


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

    def knows(state: dict[str, Any]) -> bool:
        rows = {row["client_order_id"]: row for row in state["orders"]}
        return Decimal(rows[stop["client_order_id"]]["filled"]) == Decimal(PART)

    until_stored(node, knows)
    node.kill()
    exchange.release(gate)
    assert exchange.position() == "0"
    again = start()
    again.until("trading")
    fills_are_known(exchange, again)
