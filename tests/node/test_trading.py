"""A node trades, answers, survives kill -9 and leaves protection in place when it stops."""

import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import redis

from node.conftest import Start
from node.processes import ENGINE_ALONE, SYMBOL, Exchange, Node, Store

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
OWNER = "1jnoyl7h"
"""What ids of TRADER-001, EMA001, BTCUSDT begin with. It must stay: others are a stranger's."""


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
    assert node.stages == [
        "preflight", "lease", "mend", "load", "connect", "reconcile", "audit", "warmup", "trading",
    ]  # fmt: skip
    status, health = node.get("health")
    assert (status, health["stage"], health["reason"]) == (200, "trading", "")
    assert re.fullmatch(
        r"The lease is held in epoch 1\. The mend compared 0 keys with the exchange in \d+ ms: all "
        r"as it should\. The audit found engine and exchange in agreement: nothing held, 0 of the "
        r"node's orders working, 0 fills since flat\.",
        health["found"],
    )
    assert " ".join(node.get("state")[1]["found"].values()) == health["found"]
    state = step_until_position(exchange, node)
    assert state["schema"] == 1
    assert state["pid"] == node.child.pid
    assert state["instance_id"] == "first"
    assert state["lease_epoch"] == 1
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


def test_state_answers_when_it_has_changed(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    state = node.settle(last_bar(exchange))
    _, unchanged = node.get(f"state?after={state['revision']}&wait_s=0.3")
    assert unchanged["revision"] == state["revision"]

    with ThreadPoolExecutor(1) as waiting:
        asked = waiting.submit(node.get, f"state?after={state['revision']}&wait_s=9")
        bar = exchange.post("step", {"bars": 1})["bar"]
        _, changed = asked.result(timeout=5)
    assert changed["revision"] > state["revision"]
    while changed["decided_bar"][SYMBOL] < bar or changed["inflight"]:
        before = changed["revision"]
        _, changed = node.get(f"state?after={before}&wait_s=9")
        assert changed["revision"] > before, "the last change was not told of"

    assert node.get("state?after=many")[0] == 400


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
    # The mend asks for trades first, then the audit.
    hang = {"name": "gate", "match": {"request": "trades.all"}, "nth": 2, "phase": "received"}
    exchange.post("faults", hang)
    node = start()
    node.until("audit")
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
    until_stored(node, lambda state: bool(state["positions"] == before["positions"]))
    for _ in range(2):
        node.kill()
        assert node.child.returncode == -signal.SIGKILL
        node = start(TRADER_INSTANCE_ID="again")
        node.until("trading")
        after = node.settle(last_bar(exchange))
        assert after["positions"] == before["positions"]
        assert exchange.get("ledger")["orders"] == ledger["orders"]


def until_stored(node: Node, knows: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the node's state shows what it should know, and the store has what it knows.

    A kill between the store's writes of one fill loses its position event, which nothing repairs
    yet; the engine may then invent a fill for the difference.
    """
    client = redis.Redis.from_url(node.store_url)
    deadline = time.monotonic() + 10
    size = -1
    while time.monotonic() < deadline:
        state = node.get("state")[1]
        before, size = size, int(client.info("persistence").get("aof_current_size", 0))
        if knows(state) and size == before:
            return
        time.sleep(0.05)
    raise AssertionError("The node and its store did not take up a fill.")


def kill_at(exchange: Exchange, node: Node, match: dict[str, str], phase: str) -> None:
    """Step until the first such request is held in `phase`, and kill the node there."""

    def knows(state: dict[str, Any]) -> bool:
        quantity = sum((Decimal(p["quantity"]) for p in state["positions"]), Decimal(0))
        return quantity == Decimal(exchange.position()) and not state["inflight"]

    gate = {"name": "gate", "match": match, "nth": 1, "phase": phase}
    held = exchange.post("faults", gate)["id"]
    for _ in range(MOST_BARS):
        if exchange.post("step", {"walk": True})["changes"]:
            until_stored(node, knows)
        bar = exchange.post("step", {"bars": 1})["bar"]
        while not exchange.get(f"faults/{held}")["fired"]:
            state = node.get("state")[1]
            if state["decided_bar"].get(SYMBOL) == bar and state["inflight"] == 0:
                break
        else:
            # What the node knows by then is in the store: what it is killed with is the request.
            until_stored(node, lambda _: True)
            node.kill()
            exchange.release(held)
            return
    raise AssertionError(f"No {match} in {MOST_BARS} bars.")


def test_entry_that_filled_unheard_is_not_repeated(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    kill_at(exchange, node, {"leg": "entry"}, "processed")
    before = [row for row in exchange.get("ledger")["orders"] if row["kind"] == "order"]
    again = start()
    again.until("trading")
    state = again.settle(last_bar(exchange))
    ledger = exchange.get("ledger")
    assert [row for row in ledger["orders"] if row["kind"] == "order"] == before
    assert Decimal(state["positions"][0]["quantity"]) == Decimal(exchange.position())
    assert len(exchange.working_stops()) == 1


def test_cancel_that_happened_unheard_is_learned(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    kill_at(exchange, node, {"request": "conditional.cancel"}, "answered")
    forget_pending_cancels(store)
    again = start()
    again.until("trading")
    state = again.settle(last_bar(exchange))
    [stop] = exchange.working_stops()
    still_open = [row for row in state["orders"] if row["status"] == "ACCEPTED"]
    assert [row["client_order_id"] for row in still_open] == [stop["client_order_id"]]
    cancels = cancelled(exchange)
    assert len(cancels) == len(set(cancels)), "what had ended was cancelled again"


def cancelled(exchange: Exchange) -> list[str]:
    """Return the id of each request to cancel a stop, in order."""
    records = exchange.get("journal?after=0")["records"]
    requests = [each["data"] for each in records if each["kind"] == "request"]
    return [r["client_order_id"] for r in requests if r["request"] == "conditional.cancel"]


def test_stop_that_the_exchange_does_not_know_any_more_is_asked_for(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    kill_at(exchange, node, {"request": "conditional.cancel"}, "answered")
    forget_pending_cancels(store)
    ghost = cancelled(exchange)[-1]
    # Nothing that a start asks may tell that the stop has ended.
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.engine.v1.shell import TargetStrategy
from trading_node.life import runner
from trading_node.life.past import Past

runner.GUARDS = [guard for guard in runner.GUARDS if guard.name not in ("mend", "audit")]
Past.has_ended_unheard = lambda self, row: False
TargetStrategy.query = lambda self, name: None
sys.exit(cli.main(["run"]))
"""
    again = start(code)
    again.until("trading")
    state = again.settle(last_bar(exchange))
    for _ in range(3):
        state = step(exchange, again)
    statuses = {row["client_order_id"]: row["status"] for row in state["orders"]}
    assert statuses[ghost] == "CANCELED"


def forget_submission(store: Store) -> None:
    """Take back each order's last event if it says that the order has been sent."""
    with redis.Redis.from_url(store.url) as client:
        for key in client.scan_iter("trader-*:orders:*"):
            if b"OrderSubmitted" in client.lrange(key, -1, -1)[0]:
                client.rpop(key)


@pytest.mark.parametrize("is_submitted", [True, False])
@pytest.mark.parametrize("request_", [{"leg": "entry"}, {"request": "conditional.new"}])
def test_order_that_never_arrived_is_sent_again_under_its_id(
    start: Start,
    store: Store,
    exchange: Exchange,
    request_: dict[str, str],
    is_submitted: bool,
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    kill_at(exchange, node, request_, "received")
    if not is_submitted:
        forget_submission(store)
    before = {row["client_order_id"] for row in exchange.get("ledger")["orders"]}
    again = start()
    again.until("trading")
    state = again.settle(last_bar(exchange))
    orders = exchange.get("ledger")["orders"]
    entries = [row for row in orders if row["kind"] == "order" and not row["reduce_only"]]
    [position] = state["positions"]
    assert Decimal(position["quantity"]) == Decimal(exchange.position())
    [stop] = exchange.working_stops()
    assert stop["client_order_id"] == f"{OWNER}-{last_bar(exchange) // 1000}-S0"
    assert entries[-1]["client_order_id"] == f"{OWNER}-{last_bar(exchange) // 1000}-E0"
    names = [row["client_order_id"] for row in orders if row["kind"] == "conditional"]
    assert len(names) == len(set(names))
    assert len([row for row in orders if row["client_order_id"] not in before]) <= 2


SHORT_HISTORY = """
import sys
from trading_node.commands import main as cli
from trading_node.venue.binance.orders import SymbolQuestions

stock = SymbolQuestions.closed_bars

async def half(self, count):
    return (await stock(self, count))[count // 2:]

SymbolQuestions.closed_bars = half
sys.exit(cli.main(["run"]))
"""


def test_without_a_window_a_naked_position_is_closed(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    kill_at(exchange, node, {"request": "conditional.new"}, "received")
    assert exchange.position() != "0"
    assert not exchange.working_stops()
    with redis.Redis.from_url(store.url) as client:
        client.flushall()
    again = start(SHORT_HISTORY)
    again.until("trading")
    deadline = time.monotonic() + 10
    while again.get("state")[1]["positions"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert exchange.position() == "0"
    assert exchange.get("ledger")["orders"][-1]["reduce_only"]
    assert again.get("state")[1]["decided_bar"] == {}


def test_without_a_window_a_guarded_position_stays(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    node.kill()
    ledger = exchange.get("ledger")
    again = start(SHORT_HISTORY)
    again.until("trading")
    exchange.post("step", {"bars": 2})
    again.child.send_signal(signal.SIGTERM)
    assert again.wait() == 0
    assert exchange.get("ledger")["orders"] == ledger["orders"]


def forget_pending_cancels(store: Store) -> None:
    """Take back the last event of each order being cancelled, as if it came too late to keep."""
    with redis.Redis.from_url(store.url) as client:
        for key in client.scan_iter("trader-*:orders:*"):
            if b"OrderPendingCancel" in client.lrange(key, -1, -1)[0]:
                client.rpop(key)


def test_lost_store_does_not_lose_the_position(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    before = step_until_position(exchange, node)["positions"]
    ledger = exchange.get("ledger")
    node.kill()
    with redis.Redis.from_url(store.url) as client:
        client.flushall()
    again = start()
    again.until("trading")
    assert again.settle(last_bar(exchange))["positions"] == before
    assert exchange.get("ledger")["orders"] == ledger["orders"]


def test_stopped_out_is_not_entered_again_on_the_same_bar(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    step(exchange, node)  # the entry's own bar is over: only the stop's fill tells
    node.kill()
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.position() == "0"
    ledger = exchange.get("ledger")
    with redis.Redis.from_url(store.url) as client:
        client.flushall()
    again = start()
    again.until("trading")
    assert again.settle(last_bar(exchange))["positions"] == []
    assert exchange.get("ledger")["orders"] == ledger["orders"]


REPORTS = {
    "positions.read": "positionRisk",
    "orders.open": "openOrders",
    "orders.all": "allOrders",
    "trades.all": "userTrades",
    "conditionals.open": "openAlgoOrders",
    "conditionals.all": "allAlgoOrders",
}
"""What reconciliation asks for, and the request that the exchange has for it."""


def fail(exchange: Exchange, kind: str, times: int) -> str:
    """Let the next reports' requests of a kind fail; return the fault."""
    # The instruments are loaded with the first question for positions.
    first = 2 if kind == "positions.read" else 1
    fault = {"name": "fail", "match": {"request": kind}, "nth": first, "times": times}
    return str(exchange.post("faults", {**fault, "status": 503, "code": -1001})["id"])


def test_failed_report_is_no_empty_report(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    step(exchange, node)
    node.kill()
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.position() == "0"
    for kind, name in REPORTS.items():
        failing = fail(exchange, kind, 1000)
        node = start(ENGINE_ALONE)
        assert node.wait() == 75
        assert node.said(f"did not answer {name} in two attempts"), node.everything()
        exchange.release(failing)
    for kind in REPORTS:
        fail(exchange, kind, 1)
    node = start(ENGINE_ALONE)
    node.until("trading")
    state = node.settle(last_bar(exchange))
    statuses = {row["client_order_id"]: row["status"] for row in state["orders"]}
    assert statuses[stop["client_order_id"]] == "FILLED"
    told = {trade for row in state["orders"] for trade in row["trade_ids"]}
    assert told == {fill["trade_id"] for fill in exchange.get("ledger")["fills"]}
    assert state["positions"] == []


def test_failed_report_after_a_lost_store(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    node.kill()
    ledger = exchange.get("ledger")
    for kind in ("trades.all", "conditionals.open"):
        with redis.Redis.from_url(store.url) as client:
            client.flushall()
        failing = fail(exchange, kind, 1000)
        node = start(ENGINE_ALONE)
        assert node.wait() == 75
        assert node.said(f"did not answer {REPORTS[kind]} in two attempts"), node.everything()
        exchange.release(failing)
    assert exchange.get("ledger")["orders"] == ledger["orders"]


def test_failed_question_for_an_order_does_not_end_the_order(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    fail(exchange, "conditional.cancel", 1000)
    failing = fail(exchange, "conditional.query", 1000)
    for _ in range(MOST_BARS):
        bar = exchange.post("step", {"bars": 1})["bar"]
        if exchange.get(f"faults/{failing}?wait_s=0.2")["fired"]:
            break
        node.settle(bar)
    else:
        raise AssertionError(f"No failed cancel in {MOST_BARS} bars.")
    # The failed cancel is asked about, and nobody answers: that says nothing about the stop.
    working = {row["client_order_id"] for row in exchange.working_stops()}
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        rows = node.get("state")[1]["orders"]
        open_ = {
            r["client_order_id"] for r in rows if r["status"] in ("ACCEPTED", "PENDING_CANCEL")
        }
        assert open_ == working
        time.sleep(0.05)


def test_missed_bars_are_asked_for(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step(exchange, node)
    opened = sockets(exchange, "market")
    # Held still, so that it cannot connect again before the bars have closed.
    node.child.send_signal(signal.SIGSTOP)
    exchange.post("faults", {"name": "drop_sockets"})
    exchange.post("step", {"bars": 2})
    node.child.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 10
    while sockets(exchange, "market") == opened and time.monotonic() < deadline:
        time.sleep(0.01)
    step(exchange, node)


def sockets(exchange: Exchange, stream: str) -> int:
    """Return how many sockets of a stream, user or market, have been opened so far."""
    records = exchange.get("journal?after=0")["records"]
    opened = [each["data"] for each in records if each["kind"] == "socket.opened"]
    return sum(each["stream"] == stream for each in opened)


def test_refused_orders_are_bounded(start: Start, store: Store, exchange: Exchange) -> None:
    refuse = {"name": "fail", "match": {"request": "order.new"}, "nth": 1, "times": 1000}
    exchange.post("faults", {**refuse, "status": 400, "code": -2019})
    node = start()
    node.until("trading")
    state = node.settle(last_bar(exchange))
    for _ in range(MOST_BARS):
        if state["orders"]:
            break
        state = step(exchange, node)
    names = [row["client_order_id"][-2:] for row in state["orders"]]
    assert names == ["E0", "E1", "E2"]
    assert {row["status"] for row in state["orders"]} == {"REJECTED"}


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
from trading_node.commands import main as cli
from trading_node.engine.v1.shell import TargetStrategy

def broken(self, bar):
    raise ZeroDivisionError("seeded")

TargetStrategy.on_bar = broken
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    node.until("trading")
    exchange.post("step", {"bars": 1})
    assert node.wait() == 1
    assert node.said("seeded")


def test_exception_in_the_decision_is_told_and_ends_nothing(
    start: Start, store: Store, exchange: Exchange
) -> None:
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.strategies.ema_cross import EmaCross

def broken(self, view):
    raise ZeroDivisionError("seeded")

EmaCross.target = broken
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    node.until("degraded")
    assert node.said("The rule of EMA001 has failed: ZeroDivisionError: seeded.")
    assert node.get("health")[1]["stage"] == "degraded"
    assert exchange.get("ledger")["orders"] == []


def test_strategy_that_stops_itself_is_no_zombie(
    start: Start, store: Store, exchange: Exchange
) -> None:
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.engine.v1.shell import TargetStrategy

TargetStrategy.on_bar = lambda self, bar: self.stop()
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    node.until("trading")
    exchange.post("step", {"bars": 1})
    assert node.wait() == 1
    assert node.said("trades no more")
