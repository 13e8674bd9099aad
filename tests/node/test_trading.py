"""A node trades, answers, survives kill -9 and leaves protection in place when it stops."""

import signal
from decimal import Decimal
from typing import Any

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store

ORDER_KEYS = {
    "client_order_id",
    "exchange_order_id",
    "symbol",
    "type",
    "side",
    "quantity",
    "filled",
    "status",
    "reduce_only",
    "price",
    "trigger_price",
    "trade_ids",
}
MOST_BARS = 200


def last_bar(exchange: Exchange) -> int:
    return int(exchange.get("ledger")["bar"])


def step(exchange: Exchange, node: Node) -> dict[str, Any]:
    """Close one bar and return the node's state once it has decided."""
    return node.settle(exchange.post("step", {"bars": 1})["bar"])


def step_until_position(exchange: Exchange, node: Node) -> dict[str, Any]:
    """Close bars until the node holds a position."""
    state = node.settle(last_bar(exchange))
    for _ in range(MOST_BARS):
        if state["positions"]:
            return state
        state = step(exchange, node)
    raise AssertionError(f"No position in {MOST_BARS} bars.")


def test_trading_and_what_it_answers(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    assert node.stages == ["preflight", "load", "connect", "reconcile", "warmup", "trading"]
    assert node.get("health") == (200, {"stage": "trading", "reason": ""})
    state = step_until_position(exchange, node)
    assert state["schema"] == 1
    assert state["pid"] == node.child.pid
    assert state["instance_id"] == "first"
    assert state["lease_epoch"] is None
    [position] = state["positions"]
    assert position["symbol"] == SYMBOL
    assert Decimal(position["quantity"]) == Decimal(exchange.position())
    assert position["strategy_id"] == "TargetStrategy-EMA001"
    assert {key for order in state["orders"] for key in order} == ORDER_KEYS
    [stop] = exchange.working_stops()
    assert stop["client_order_id"] in {order["client_order_id"] for order in state["orders"]}
    assert Decimal(stop["quantity"]) == abs(Decimal(position["quantity"]))
    [balance] = state["balances"]
    assert Decimal(balance["total"]) == Decimal(exchange.get("ledger")["wallet"]["USDT"])


def test_stop_as_asked_leaves_protection(start: Start, store: Store, exchange: Exchange) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        node = start()
        node.until("trading")
        step_until_position(exchange, node)
        before = exchange.get("ledger")
        node.child.send_signal(number)
        assert node.wait() == 0
        node.until("stopping")
        assert exchange.working_stops()
        assert exchange.get("ledger")["orders"] == before["orders"]


def test_stop_during_the_start(start: Start, store: Store, exchange: Exchange) -> None:
    hang = {"name": "gate", "match": {"request": "orders.open"}, "nth": 1, "phase": "received"}
    exchange.post("faults", hang)
    node = start()
    node.until("reconcile")
    assert node.get("health")[0] == 503
    node.child.send_signal(signal.SIGTERM)
    assert node.wait() == 0


def test_killed_and_restarted_holds_the_position(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    before = step_until_position(exchange, node)
    ledger = exchange.get("ledger")
    for _ in range(2):
        node.kill()
        assert node.child.returncode == -signal.SIGKILL
        node = start(TRADER_INSTANCE_ID="again")
        node.until("trading")
        after = node.settle(last_bar(exchange))
        assert after["positions"] == before["positions"]
        assert exchange.get("ledger")["orders"] == ledger["orders"]


def test_no_decision_before_the_warm_up(start: Start, store: Store, exchange: Exchange) -> None:
    gate = {"name": "gate", "match": {"request": "klines.read"}, "nth": 1, "phase": "received"}
    held = exchange.post("faults", gate)["id"]
    node = start()
    node.until("warmup")
    assert exchange.get(f"faults/{held}?wait_s=10")["fired"]
    exchange.post("step", {"bars": 3})
    state = node.get("state")[1]
    assert state["stage"] == "warmup"
    assert state["decided_bar"] == {}
    assert exchange.get("ledger")["orders"] == []


def test_exception_in_a_handler_is_a_defect(start: Start, store: Store, exchange: Exchange) -> None:
    code = """
import sys
from trading_node import cli
from trading_node.strategy import TargetStrategy

def broken(self, bar):
    raise ZeroDivisionError("seeded")

TargetStrategy.on_bar = broken
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    node.until("trading")
    exchange.post("step", {"bars": 1})
    assert node.wait() == 1
    assert "seeded" in node.complaint()[-1]


def test_exception_in_the_decision_is_a_defect(
    start: Start, store: Store, exchange: Exchange
) -> None:
    code = """
import sys
from trading_node import cli
from trading_node.decision import EmaCross

def broken(self, view):
    raise ZeroDivisionError("seeded")

EmaCross.target = broken
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    assert node.wait() == 1
    assert "ZeroDivisionError: seeded" in node.complaint()[-1]
    assert exchange.get("ledger")["orders"] == []


def test_strategy_that_stops_itself_is_no_zombie(
    start: Start, store: Store, exchange: Exchange
) -> None:
    code = """
import sys
from trading_node import cli
from trading_node.strategy import TargetStrategy

TargetStrategy.on_bar = lambda self, bar: self.stop()
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    node.until("trading")
    exchange.post("step", {"bars": 1})
    assert node.wait() == 1
    assert "trades no more" in node.complaint()[-1]
