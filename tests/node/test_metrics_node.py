"""``/metrics`` of a real node: what is told is so, and asking costs nothing outside of it."""

import signal
import time
import urllib.request
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from node.conftest import Order, Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.test_trading import last_bar, step_until_position

LINE = {"tag": "EMA001", "symbol": SYMBOL}
MOST_SERIES = 200
"""Of a node with one line; labels have few values."""
SECONDS = 15.0

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(node: Node) -> str:
    """Return the answer to a scrape."""
    url = f"http://127.0.0.1:{node.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return str(answer.read().decode())


def samples(text: str) -> Samples:
    """Return every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return a sample's value."""
    return found[name, frozenset(labels.items())]


def orders(found: Samples, leg: str, outcome: str) -> float:
    """Return how many orders of a leg have had an outcome."""
    return value(found, "trader_orders_total", **LINE, leg=leg, outcome=outcome)


def test_a_node_tells_what_it_holds(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    first = samples(scraped(node))
    assert value(first, "trader_stage", stage="trading") == 1
    assert value(first, "trader_stage", stage="degraded") == 0
    assert value(first, "trader_lease_held") == 1
    assert value(first, "trader_lease_epoch") == 1
    assert 0 < value(first, "trader_lease_left_seconds") <= 3
    assert value(first, "trader_start_stage_seconds", stage="load") > 0
    so_far = sum(v for (name, _), v in first.items() if name == "trader_start_stage_seconds")
    assert so_far <= value(first, "trader_start_seconds") < SECONDS * 2
    assert abs(value(first, "trader_clock_offset_seconds")) < 0.5
    assert value(first, "trader_day_result_usd") <= 0
    assert value(first, "trader_equity", asset="USDT") > 90_000
    step_until_position(exchange, node)
    then = samples(scraped(node))
    held = Decimal(exchange.position())
    assert value(then, "trader_position", **LINE) == float(held)
    assert value(then, "trader_position_protected", **LINE) == float(abs(held))
    assert value(then, "trader_stop_wanted", **LINE) == 1
    assert value(then, "trader_naked_for_seconds", **LINE) == 0
    # Between the entry's fill and the stop's acceptance it has lacked one, for a moment.
    assert 0 < value(then, "trader_naked_seconds_total", **LINE) < 2
    entries = orders(then, "entry", "filled")
    assert entries >= 1
    assert orders(then, "stop", "accepted") >= 1
    assert value(then, "trader_fills_total", **LINE, leg="entry") >= entries
    trips = value(then, "trader_order_round_trip_seconds_count", request="place")
    legs = ("entry", "exit", "stop")
    assert trips == sum(orders(then, leg, "submitted") for leg in legs)
    assert value(then, "trader_store_lag_seconds") == 0
    assert value(then, "trader_store_look_seconds") < 1
    assert value(then, "trader_day_commission_usd") > 0
    assert value(then, "trader_metrics_failures_total") == 0
    assert value(then, "process_resident_memory_bytes") > 10**7
    assert len(then) < MOST_SERIES
    # Not one series more with more orders: no label is an order's own.
    before = set(then)
    exchange.post("step", {"bars": 30})
    node.settle(last_bar(exchange))
    later = samples(scraped(node))
    assert orders(later, "entry", "submitted") > 0
    assert {name for name in set(later) - before if name[0] != "trader_refusals_total"} == set()


def test_a_scrape_asks_nobody(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    scraped(node)
    for process in (exchange, store):
        process.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(20):
            scraped(node)
        assert time.monotonic() - began < SECONDS / 3
    finally:
        for process in (store, exchange):
            process.send(signal.SIGCONT)


def test_what_is_wrong_is_told(
    start: Start, store: Store, exchange: Exchange, order: Order
) -> None:
    node = start()
    node.until("trading")
    order("halt", "--why", "a test").said()
    node.until("degraded")
    found = samples(scraped(node))
    assert value(found, "trader_condition_holds", condition="halt", symbol="") == 1
    assert value(found, "trader_condition_seconds", condition="halt", symbol="") < SECONDS
    order("resume", "--why", "it is over").said()
    node.until("trading")
    assert not [name for name, _ in samples(scraped(node)) if name == "trader_condition_holds"]


def test_a_node_that_is_held_tells_that_alone(start: Start, processes: list[Any]) -> None:
    node = start(TRADER_SYMBOL="btc", TRADER_ON_REFUSAL="hold")
    node.until("refused")
    found = samples(scraped(node))
    assert value(found, "trader_stage", stage="refused") == 1
    assert value(found, "trader_lease_held") == 0


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_both_formats_can_be_read(start: Start, processes: list[Any], accept: str) -> None:
    node = start(TRADER_SYMBOL="btc", TRADER_ON_REFUSAL="hold")
    node.until("refused")
    url = f"http://127.0.0.1:{node.port}/metrics"
    asked = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - loopback
        kind = answer.headers["Content-Type"]
        text = answer.read().decode()
    assert kind.startswith(accept.partition(";")[0] or "text/plain")
    assert 'trader_stage{stage="refused"} 1.0' in text
    assert text.endswith("# EOF\n") == bool(accept)
