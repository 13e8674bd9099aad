"""A restart while the exchange's history lags behind what has happened: it is waited for."""

from decimal import Decimal

import pytest

from node.conftest import Start
from node.processes import Exchange, Store
from node.test_trading import kill_at, last_bar

LAGGING = [
    pytest.param(("orders.all",), 1, id="past orders"),
    pytest.param(("order.query", "orders.all", "trades.all", "positions.read"), 4, id="everything"),
]


@pytest.mark.parametrize(("requests", "times"), LAGGING)
def test_an_entry_that_history_does_not_tell_yet(
    start: Start, store: Store, exchange: Exchange, requests: tuple[str, ...], times: int
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    for request in requests:  # as things stand now, before the entry
        stale = {"name": "stale", "match": {"request": request}, "times": times}
        exchange.post("faults", stale)
    kill_at(exchange, node, {"leg": "entry"}, "processed")
    before = [row for row in exchange.get("ledger")["orders"] if row["kind"] == "order"]
    again = start()
    again.until("trading")
    state = again.settle(last_bar(exchange))
    after = [row for row in exchange.get("ledger")["orders"] if row["kind"] == "order"]
    assert [row["client_order_id"] for row in after] == [row["client_order_id"] for row in before]
    held = sum((Decimal(row["quantity"]) for row in state["positions"]), Decimal(0))
    assert held == Decimal(exchange.position())
