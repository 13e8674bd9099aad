"""A line's own bounds at a real node: the cool-down after a stop-out, the largest position."""

from decimal import Decimal
from pathlib import Path

import pytest

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Store
from node.scripted import Script, code
from node.test_memory_node import until
from node.test_trading import last_bar, step

LINE = 'Traded(Scripted(FOLDER, "own"), "BTCUSDT", "1m", "OWN001", {more})'


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script of the one rule."""
    return Script(tmp_path / "script", "own")


def test_after_a_stop_out_nothing_is_opened_for_some_bars_whatever_is_killed(
    start: Start, tmp_path: Path, store: Store, exchange: Exchange, script: Script
) -> None:
    lines = code(tmp_path / "script", LINE.format(more="cool_down=3"))
    node = start(lines)
    node.until("trading")
    node.settle(last_bar(exchange))
    script.says(quantity="0.010", stop="-2")
    step(exchange, node)
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    step(exchange, node)
    assert exchange.position() == "0"
    node.kill()
    again = start(lines)
    again.until("trading")
    again.settle(last_bar(exchange))
    held = []
    for _ in range(4):
        step(exchange, again)
        held.append(exchange.position())
    assert held[-1] == "0.010"
    # The bar in which it was stopped out and the two after it, one of them before the loop.
    assert held.index("0.010") in (1, 2)


def test_no_order_passes_the_line_s_own_bound(
    start: Start, tmp_path: Path, store: Store, exchange: Exchange, script: Script
) -> None:
    more = 'cool_down=0, max_quantity=Decimal("0.015")'
    node = start(code(tmp_path / "script", LINE.format(more=more)))
    node.until("trading")
    script.says(quantity="0.010", stop="-5")
    step(exchange, node)
    assert exchange.position() == "0.010"
    script.says(quantity="0.016", stop="-5")
    exchange.post("step", {"bars": 1})
    state = until(node, "limits", is_there=True)
    [told] = [each["sentence"] for each in state["conditions"] if each["name"] == "limits"]
    assert told == (
        "An order to buy 0.006 BTCUSDT is kept back: the position in BTCUSDT would be 0.016, and "
        "the max_quantity of its line in strategies/ allows 0.015."
    )
    script.says(quantity="0.010", stop="-5", resting=[[0, "0.006", "-1", False]])
    step(exchange, node)
    assert exchange.position() == "0.010"
    assert [r for r in exchange.get("ledger")["orders"] if r["type"] == "LIMIT"] == []
    script.says(quantity="0.015", stop="-5")
    for _ in range(6):
        step(exchange, node)
    assert exchange.position() == "0.015"


def test_a_post_only_order_that_would_trade_is_tried_within_bounds(
    start: Start, tmp_path: Path, store: Store, exchange: Exchange, script: Script
) -> None:
    node = start(code(tmp_path / "script", LINE.format(more="cool_down=0")))
    node.until("trading")
    node.settle(last_bar(exchange))
    script.says(quantity="held", stop="-5", resting=[[0, "0.005", "1", True]])
    for _ in range(2):
        state = step(exchange, node)
    [told] = [c["sentence"] for c in state["conditions"] if c["name"] == f"orders of {SYMBOL}"]
    assert "-5022" in told
    assert "where a post-only order cannot rest" in told
    refused = [row for row in state["orders"] if row["status"] == "REJECTED"]
    assert len(refused) == 2 * 3  # attempts a bar
    script.says(quantity="held", stop="-5", resting=[[0, "0.005", "-1", True]])
    state = step(exchange, node)
    state = node.settle(last_bar(exchange))
    assert [Decimal(r["quantity"]) for r in state["orders"] if r["status"] == "ACCEPTED"] == [
        Decimal("0.005")
    ]
    until(node, f"orders of {SYMBOL}", is_there=False)
