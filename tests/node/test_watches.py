"""A node that is not told what happens learns it by asking, or ends; what is wrong is said."""

import signal
import time
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import MOST_BARS, last_bar, sockets, step_until_position, until_stored
from node.test_user_stream import until_user_sockets

AWAY = 75
MOST_REFUSED = 3
NOTICED_SECONDS = 20.0
NEVER_OPENED = """
import sys
from trading_node.commands import main as cli
from trading_node.engine.v1 import deaf_stream, outcome_hooks

stock = outcome_hooks.DeafStream


class Stays(stock):
    def __init__(self, stream, give_up):
        async def nothing():
            pass

        stream._resubscribe = nothing
        super().__init__(stream, give_up)


deaf_stream.OPENING_SECONDS = 1.0
outcome_hooks.DeafStream = Stays
sys.exit(cli.main(["run"]))
"""
"""A node whose new stream is as silent as the one before."""


def until_health(node: Node, seen: Callable[[int, Any], bool]) -> Any:
    """Wait until the node's health is as `seen` wants it; return it."""
    deadline = time.monotonic() + NOTICED_SECONDS
    while time.monotonic() < deadline:
        status, health = node.get("health")
        if seen(status, health):
            return health
        time.sleep(0.05)
    raise AssertionError(f"Not seen within {NOTICED_SECONDS:g} s: {health}")


def stop_out_unheard(exchange: Exchange, node: Node) -> None:
    """Hold a position, and let its stop fill while the user stream is open and silent."""
    before = step_until_position(exchange, node)
    until_stored(node, lambda state: bool(state["positions"] == before["positions"]))
    exchange.post("faults", {"name": "half_open", "stream": "user"})
    [stop] = exchange.working_stops()
    exchange.post("faults", {"name": "wick", "symbol": SYMBOL, "price": stop["trigger_price"]})
    assert exchange.position() == "0"


def test_a_user_stream_that_is_silent(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    stop_out_unheard(exchange, node)
    until_user_sockets(exchange, 2)
    state = node.settle(last_bar(exchange))
    assert state["positions"] == []
    told = {trade for row in state["orders"] for trade in row["trade_ids"]}
    assert told == {fill["trade_id"] for fill in exchange.get("ledger")["fills"]}
    # What comes next is told by the new one.
    state = step_until_position(exchange, node)
    records = exchange.get("journal?after=0")["records"]
    told_to = [r["data"]["delivered"] for r in records if r["kind"] == "event"]
    assert told_to[-1] == 1
    assert node.get("health")[0] == 200


def test_a_user_stream_that_stays_silent(start: Start, store: Store, exchange: Exchange) -> None:
    node = start(NEVER_OPENED)
    node.until("trading")
    stop_out_unheard(exchange, node)
    # The next entry is learned by asking again.
    for _ in range(MOST_BARS):
        exchange.post("step", {"bars": 1})
        if exchange.position() != "0":
            break
        time.sleep(0.3)
    assert node.wait(NOTICED_SECONDS) == AWAY
    assert node.said("opening it anew has not helped")
    again = start()
    again.until("trading")
    state = again.settle(last_bar(exchange))
    told = {trade for row in state["orders"] for trade in row["trade_ids"]}
    assert told == {fill["trade_id"] for fill in exchange.get("ledger")["fills"]}


def test_a_market_stream_that_is_silent(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    exchange.post("faults", {"name": "half_open", "stream": "market"})
    bar = exchange.post("step", {"bars": 1})["bar"]
    assert node.settle(bar)["decided_bar"][SYMBOL] >= bar
    exchange.post("step", {"bars": 2})
    assert node.wait(NOTICED_SECONDS) == AWAY
    assert node.said("has not brought the last 3 bars")


def test_an_exchange_that_does_not_answer(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    exchange.child.send_signal(signal.SIGSTOP)
    try:
        health = until_health(node, lambda status, _: status == 503)
        assert health["stage"] == "degraded"
        assert "The exchange has not answered for 5 s" in health["reason"]
    finally:
        exchange.child.send_signal(signal.SIGCONT)
    until_health(node, lambda status, _: status == 200)
    assert node.get("state")[1]["conditions"] == []
    bar = exchange.post("step", {"bars": 1})["bar"]
    node.settle(bar)


def refuse_listen_keys(exchange: Exchange, times: int) -> None:
    """Break all sockets, and refuse the next requests for a listen key."""
    refused = {"name": "fail", "match": {"request": "listen_key.new"}, "times": times}
    exchange.post("faults", {**refused, "status": 503, "code": -1001})
    exchange.post("faults", {"name": "drop_sockets"})


def test_a_listen_key_that_is_refused_once(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    opened = sockets(exchange, "user")
    refuse_listen_keys(exchange, 1)
    deadline = time.monotonic() + NOTICED_SECONDS
    while sockets(exchange, "user") == opened:
        assert time.monotonic() < deadline, node.everything()
        time.sleep(0.05)
    assert node.child.poll() is None
    assert node.get("health")[0] == 200


def test_listen_keys_that_are_refused(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    refuse_listen_keys(exchange, 2)
    assert node.wait(NOTICED_SECONDS) == AWAY
    assert node.said("could not be opened again")


def test_a_symbol_that_is_settled(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    fault = exchange.post("faults", {"name": "settle", "symbol": SYMBOL})["id"]
    for _ in range(MOST_BARS):
        exchange.post("step", {"bars": 1})
        if node.get("state")[1]["conditions"]:
            break
        time.sleep(0.3)
    health = until_health(node, lambda status, _: status == 503)
    assert f"The exchange does not trade {SYMBOL} now: its status is SETTLING." in health["reason"]
    [condition] = [
        each for each in node.get("state")[1]["conditions"] if each["name"] == f"symbol {SYMBOL}"
    ]
    assert condition["symbol"] == SYMBOL
    refused = [
        record
        for record in exchange.get("journal?after=0")["records"]
        if record["kind"] == "request" and str(record["data"].get("code")) == "-4140"
    ]
    assert 0 < len(refused) <= MOST_REFUSED
    exchange.release(fault)
    until_health(node, lambda status, _: status == 200)


@pytest.fixture
def watch(importable: str) -> Any:
    """The module under test."""
    return import_module(f"{importable}.guards.account_watch")


def test_a_difference_counts_when_it_stays(watch: Any) -> None:
    differing = watch.Differing()
    sentence = "The position of BTCUSDT is 0.010 at the exchange, and 0 here."
    for at in (0.0, 1.0, 2.0):
        assert differing.look([sentence], at) == ""
    assert differing.look([], 2.5) == "", "it was right in between"
    for at in (3.0, 4.0, 5.0):
        assert differing.look([sentence], at) == ""
    other = sentence.replace("0.010", "0.020")
    assert differing.look([other], 6.0) == other, "its quantity may change, and it stays one"


def test_few_looks_are_not_enough(watch: Any) -> None:
    differing = watch.Differing()
    assert differing.look(["The order x is open here."], 0.0) == ""
    assert differing.look(["The order x is open here."], 100.0) == ""


def test_silence(watch: Any) -> None:
    silence = watch.Silence()
    assert not silence.lasts(0.0, 1.0)
    assert not silence.lasts(1.5, 4.9)
    assert silence.lasts(4.9, 5.0)
    silence.ends()
    assert not silence.lasts(6.0, 6.1)
    silence.ends()
    assert silence.lasts(10.0, 15.0), "one question that takes so long"


def test_what_stands_is_compared_without_what_is_past(watch: Any, importable: str) -> None:
    records: Any = import_module(f"{importable}.venue.records")
    rows: Any = import_module(f"{importable}.plan.rows")
    record = records.ExchangeRecord(
        at_ms=0, positions=(records.PositionRecord(SYMBOL, Decimal("0.010"), Decimal(1)),)
    )
    found = watch.lasting_differences(rows.Rows(), record, [], [SYMBOL])
    assert found == [f"The position of {SYMBOL} is 0.010 at the exchange, and 0 here."]


STEPPED_CLOCK = """
import os
import sys
import time
from trading_node.commands import main as cli
from trading_node.guards import clock_watch

clock_watch.LOOK_SECONDS = 0.2
stock = time.time
time.time = lambda: stock() + (5 if os.path.exists(os.environ["STEPPED"]) else 0)
sys.exit(cli.main(["run"]))
"""


def test_a_clock_that_steps(start: Start, store: Store, exchange: Exchange, tmp_path: Path) -> None:
    stepped = tmp_path / "stepped"
    node = start(STEPPED_CLOCK, STEPPED=str(stepped))
    node.until("trading")
    stepped.touch()
    health = until_health(node, lambda status, _: status == 503)
    assert "clock is 5.0 s ahead of the exchange's" in health["reason"]
    stepped.unlink()
    until_health(node, lambda status, _: status == 200)


def test_an_order_of_somebody_else_is_named(
    start: Start, store: Store, exchange: Exchange, environment: dict[str, str]
) -> None:
    node = start()
    node.until("trading")
    node.settle(last_bar(exchange))
    by_hand = {"name": "order", "symbol": SYMBOL, "side": "BUY", "type": "LIMIT"}
    exchange.post("faults", {**by_hand, "quantity": "0.010", "price": "40000.00"})
    deadline = time.monotonic() + NOTICED_SECONDS
    while not any("is not this node's" in each for each in node.get("state")[1]["notes"]):
        assert time.monotonic() < deadline, node.get("state")[1]["notes"]
        time.sleep(0.1)
    assert node.get("health")[0] == 200
