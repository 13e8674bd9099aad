"""A node that comes back after many days to a position that its stop has closed meanwhile."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Store
from node.relay import Relay
from node.test_trading import last_bar, step, step_until_position

DAYS, BARS_A_DAY = 8, 1_440
"""A day more than the exchange tells of unasked."""
NO_SUCH_ORDER = (400, {"code": -2013, "msg": "Order does not exist."})


@pytest.fixture
def relay(exchange: Exchange, environment: dict[str, str]) -> Iterator[Relay]:
    """Between the node and the exchange."""
    between = Relay(exchange.http)
    environment["TRADER_EXCHANGE_HTTP_URL"] = between.url
    yield between
    between.close()


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["told by name", "told no more"])
def test_away_for_days_with_a_position(
    start: Start, store: Store, exchange: Exchange, relay: Relay, *, is_forgotten: bool
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    [stop] = exchange.working_stops()
    node.kill()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    for _ in range(DAYS):
        exchange.post("step", {"bars": BARS_A_DAY})
    assert exchange.position() == "0"
    entry, closing = exchange.get("ledger")["fills"]

    def forgotten(row: Any) -> Any:
        names = (row.get("clientAlgoId"), row.get("clientOrderId"))
        return NO_SUCH_ORDER if stop["client_order_id"] in names else row

    if is_forgotten:
        relay.changes |= {"/v1/algoOrder": forgotten, "/v1/order": forgotten}
    again = start(TRADER_INSTANCE_ID="second")
    again.until("trading")
    state = again.settle(last_bar(exchange))
    rows = {order["client_order_id"]: order for order in state["orders"]}
    old = rows[stop["client_order_id"]]
    assert not again.said("from the exchange alone"), again.everything()
    if is_forgotten:
        assert (old["status"], old["trade_ids"]) == ("CANCELED", [])
        assert again.said("the exchange has it no more")
    else:
        assert (old["status"], old["trade_ids"]) == ("FILLED", [closing["trade_id"]])
        assert again.said("and is 0 by 2.")  # entry and stop, as it was
    assert entry["trade_id"] in {each for row in state["orders"] for each in row["trade_ids"]}
    for _ in range(3):
        state = step(exchange, again)
        held = sum(Decimal(each["quantity"]) for each in state["positions"])
        assert held == Decimal(exchange.position())
        assert state["conditions"] == []
        assert bool(held) == bool(exchange.working_stops())
