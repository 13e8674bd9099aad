"""A real node archives what ended long ago, at its start and while it trades."""

import time
from pathlib import Path
from typing import Any

import pytest
import redis

from node.conftest import Start
from node.past import DAY_MS, lists, put_past, put_states, round_trips
from node.processes import Exchange, Node, Store
from node.stores import ACCOUNT, TRADER, Market
from node.test_archive import KIND, in_files
from node.test_trading import last_bar, step, step_until_position

OFTEN = """
import sys
from trading_node.commands import main as cli
from trading_node.guards.archive import watch

watch.EVERY_SECONDS = 0.3
sys.exit(cli.main(["run"]))
"""
"""A node that looks more often whether a day has passed; what is due, and when, is as ever."""
SECONDS = 30.0
MANY = 2_500
"""More than a start leaves to the watch."""
FEW = 250
"""Three batches of the watch."""
TRADED_BARS = 60
DAYS_ON = 13
BARS_A_DAY = 1_440


def fill(store: Store, exchange: Exchange, count: int) -> None:
    """Let the store have a past that the exchange has long forgotten."""
    now_ms = last_bar(exchange)
    with redis.Redis.from_url(store.url) as client:
        put_past(client, round_trips(now_ms - 90 * DAY_MS, now_ms - 12 * DAY_MS, count))
        put_states(client, ACCOUNT, Market().account(), now_ms - 90 * DAY_MS, 1_200)


def stored(store: Store) -> set[str]:
    """Return the client order ids in the store."""
    with redis.Redis.from_url(store.url) as client:
        return set(lists(client, "orders"))


def until_gone(node: Node, store: Store, gone: set[str]) -> None:
    """Wait until nothing of some orders is in the store."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and node.child.poll() is None:
        if not gone & stored(store):
            return
        time.sleep(0.05)
    raise AssertionError(f"{gone & stored(store)} are still in the store.\n{node.everything()}")


def until_archived(node: Node, store: Store) -> None:
    """Wait until nothing of the past is in the store."""
    until_gone(node, store, {name for name in stored(store) if name.startswith("past-")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the node's archive is."""
    return tmp_path / "state" / "archive" / TRADER


def names(state: dict[str, Any]) -> set[str]:
    return {order["client_order_id"] for order in state["orders"]}


def closed(state: dict[str, Any]) -> set[str]:
    """Return the orders that had ended."""
    ends = ("FILLED", "CANCELED", "EXPIRED")
    return {o["client_order_id"] for o in state["orders"] if o["status"] in ends}


def ended_ms(exchange: Exchange, name: str) -> int:
    """Return when the exchange changed an order last."""
    rows = exchange.get("ledger")["orders"]
    return max(int(row["updated_ms"]) for row in rows if row["client_order_id"] == name)


def test_a_store_that_is_too_large_is_cut_down_before_the_engine_loads_it(
    start: Start, store: Store, exchange: Exchange, folder: Path
) -> None:
    fill(store, exchange, MANY)
    node = start()
    node.until("trading")
    said = node.get("health")[1]["found"]
    assert f"{MANY:,} orders and 700 states of the account went to" in said
    archived = in_files(folder, KIND.ORDERS)
    assert len(archived) == len(set(archived)) == MANY
    assert not [name for name in stored(store) if name.startswith("past-")]
    state = step_until_position(exchange, node)
    assert not [name for name in names(state) if name.startswith("past-")]
    assert [position["quantity"] for position in state["positions"]] == [exchange.position()]


def test_what_is_due_goes_while_the_node_trades_and_the_rest_stays(
    start: Start, store: Store, exchange: Exchange, folder: Path
) -> None:
    fill(store, exchange, FEW)
    node = start(OFTEN)
    node.until("trading")
    before = step_until_position(exchange, node)
    until_archived(node, store)
    archived = in_files(folder, KIND.ORDERS)
    assert len(archived) == len(set(archived)) == FEW
    state = node.settle(last_bar(exchange))
    assert names(state) == {name for name in names(before) if not name.startswith("past-")}
    assert names(state) == stored(store)
    assert state["conditions"] == []
    assert state["stage"] == "trading"
    # It trades on, and comes back equal.
    for _ in range(3):
        state = step(exchange, node)
    node.kill()
    again = start(TRADER_INSTANCE_ID="second")
    again.until("trading")
    after = again.settle(last_bar(exchange))
    assert names(after) >= names(state)
    assert after["positions"] == state["positions"]
    assert len(in_files(folder, KIND.ORDERS)) == FEW


def test_killed_while_it_archives_nothing_is_lost_and_nothing_twice(
    start: Start, store: Store, exchange: Exchange, folder: Path
) -> None:
    fill(store, exchange, FEW)
    past = stored(store)
    for life in range(3):
        node = start(OFTEN, TRADER_INSTANCE_ID=f"life-{life}")
        node.until("trading")
        until = time.monotonic() + SECONDS
        count = len(list(folder.glob("orders/*.parquet*")))
        while len(list(folder.glob("orders/*.parquet*"))) == count and time.monotonic() < until:
            time.sleep(0.001)
        node.kill()
        archived = set(in_files(folder, KIND.ORDERS))
        assert archived | stored(store) >= past
    node = start(OFTEN, TRADER_INSTANCE_ID="last")
    until_archived(node, store)
    archived_once = in_files(folder, KIND.ORDERS)
    assert sorted(archived_once) == sorted(past)


def test_a_disk_that_takes_nothing_keeps_nobody_from_trading(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    fill(store, exchange, MANY)
    (tmp_path / "full").write_text("")
    node = start(TRADER_ARCHIVE_DIRECTORY=str(tmp_path / "full"))
    node.until("trading")
    assert node.said("The store is large and cannot be made smaller")
    assert len([name for name in stored(store) if name.startswith("past-")]) == MANY


def test_its_own_orders_leave_once_the_market_has_gone_on_for_days(
    start: Start, store: Store, exchange: Exchange, folder: Path
) -> None:
    node = start()
    node.until("trading")
    state = step_until_position(exchange, node)
    for _ in range(TRADED_BARS):
        state = step(exchange, node)
    while state["positions"]:  # what happens to one while nobody is there for days is another story
        state = step(exchange, node)
    node.kill()
    long_ago = last_bar(exchange)
    for _ in range(DAYS_ON):
        exchange.post("step", {"bars": BARS_A_DAY})
    old = {name for name in names(state) if name in closed(state)}
    assert len(old) >= 4

    node = start(OFTEN, TRADER_INSTANCE_ID="second")
    node.until("trading")
    state = node.settle(last_bar(exchange))
    until_gone(node, store, old)
    archived = set(in_files(folder, KIND.ORDERS))
    assert archived >= old, node.everything()
    assert all(ended_ms(exchange, name) <= long_ago + DAY_MS for name in archived)
    for _ in range(3):
        state = step(exchange, node)
    assert not names(state) & archived
    assert sum(float(p["quantity"]) for p in state["positions"]) == float(exchange.position())

    # What the exchange tells at the next start brings none of it back.
    for life in ("third", "fourth"):
        node.kill()
        node = start(OFTEN, TRADER_INSTANCE_ID=life)
        node.until("trading")
        state = node.settle(last_bar(exchange))
        assert "in agreement" in node.get("health")[1]["found"]
        assert not names(state) & archived
        assert not stored(store) & archived
    rows = in_files(folder, KIND.ORDERS)
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("days", ["7", "0", "-1", "many"])
def test_no_setting_archives_what_the_exchange_may_report(start: Start, days: str) -> None:
    node = start(TRADER_ARCHIVE_DAYS=days)
    assert node.wait(SECONDS) == 78
    assert node.said("TRADER_ARCHIVE_DAYS")


def test_the_store_has_no_right_that_the_archive_lacks(project: Path) -> None:
    rights = (project / "deploy" / "store" / "users.acl").read_text()
    needs = ("ltrim", "lindex", "lrange", "llen", "scan", "watch", "multi", "exec", "del", "srem")
    assert all(f" +{each} " in rights or f" +{each}\n" in rights for each in (*needs, "hdel"))
