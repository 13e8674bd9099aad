"""What has ended long ago goes to files: nothing is lost, nothing twice, nothing too early."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import redis

from node.archive_process import Passes
from node.baked import module
from node.engine_load import load
from node.past import DAY_MS, PREFIX, lists, put_keys, put_past, put_states, round_trips
from node.processes import Store
from node.stores import ACCOUNT, BEGAN_MS, POSITION, TRADER, Market

ARCHIVE = module("books.archive")
FORM = module("engine.mending.archived").KeysArchive(
    TRADER, module("engine.mending.encoding_v1").CODEC
)
KIND = ARCHIVE.Kind
NS = 1_000_000
NOW_MS = BEGAN_MS + 30 * DAY_MS
BEFORE_NS = (NOW_MS - 10 * DAY_MS) * NS
PAST = 6
STATES = 1_010
DUE_STATES = STATES - 500


def held_long() -> Market:
    """An order long before, a position that has been held since, an exit's stop that was moved."""
    market = Market()
    market.send("old-entry", "0.010")
    market.fill("old-entry", "0.010")
    market.send("old-exit", "-0.010")
    market.fill("old-exit", "0.010")
    market.send("old-stop", "-0.010", trigger="50000.00")
    market.end("old-stop")
    market.send("entry", "0.010")
    market.fill("entry", "0.010")
    market.send("stop-1", "-0.010", trigger="50000.00")
    market.end("stop-1")
    market.send("stop-2", "-0.010", trigger="51000.00")
    market.send("more", "0.010")
    market.fill("more", "0.005")
    market.end("more")
    return market


@pytest.fixture
def client(empty_store: Store) -> Iterator[redis.Redis]:
    """The store, asked by the test."""
    with redis.Redis.from_url(empty_store.url) as connection:
        yield connection


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    """An archive of its own."""
    return ARCHIVE.Archive(tmp_path / "archive")


def move(store: Store, archive: Any, before_ns: int = BEFORE_NS) -> Any:
    """Do one pass, in other batches than a killed one did: a start's are larger than a watch's."""
    way = module("guards.archive.store").StoreArchive(store.url, FORM, archive)
    try:
        return asyncio.run(module("guards.archive.moving").move(way, before_ns, 3))
    finally:
        way.close()


def test_what_the_open_position_consists_of_stays(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    put_keys(client, held_long().keys)
    move(empty_store, archive)
    assert set(lists(client, "orders")) == {"entry", "more", "stop-1", "stop-2"}
    assert {row["client_order_id"] for row in archive.rows(KIND.ORDERS)} == {
        "old-entry", "old-exit", "old-stop",
    }  # fmt: skip
    assert set(lists(client, "positions")) == {POSITION}


def test_nothing_leaves_while_a_position_cannot_be_read(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    market = held_long()
    put_keys(client, market.keys)
    client.lset(f"{PREFIX}positions:{POSITION}", 0, "garbage")
    before = lists(client, "orders")
    assert move(empty_store, archive).is_nothing
    assert lists(client, "orders") == before


def test_a_closed_position_leaves_with_its_fills(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    market = held_long()
    market.send("exit", "-0.015")
    market.fill("exit", "0.015")
    market.end("stop-2")
    put_keys(client, market.keys)
    moved = move(empty_store, archive)
    assert (moved.orders, moved.positions) == (8, 1)
    assert not lists(client, "orders")
    assert not lists(client, "positions")
    [row] = archive.rows(KIND.POSITIONS)
    assert row["position_id"] == POSITION
    assert [fill["client_order_id"] for fill in row["fills"]] == ["entry", "more", "exit"]


def test_what_ended_lately_stays(client: redis.Redis, empty_store: Store, archive: Any) -> None:
    before_ms = BEFORE_NS // NS
    put_past(client, round_trips(before_ms - 5, before_ms + 4, 10))
    assert move(empty_store, archive).orders == 5
    assert sorted(lists(client, "orders")) == [f"past-{number:07d}" for number in range(5, 10)]


def test_rows_tell_what_the_events_tell(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    put_keys(client, held_long().keys)
    stored = lists(client, "orders")
    move(empty_store, archive)
    rows = {row["client_order_id"]: row for row in archive.rows(KIND.ORDERS)}
    assert all(row["events"] == stored[name] for name, row in rows.items())
    exit_ = rows["old-exit"]
    assert (exit_["side"], exit_["status"], exit_["symbol"]) == ("SELL", "FILLED", "BTCUSDT")
    assert exit_["quantity"] == exit_["filled"] == Decimal("0.010")
    [fill] = exit_["fills"]
    assert (fill["price"], fill["currency"]) == (Decimal("59201.90"), "USDT")
    assert rows["old-stop"]["trigger_price"] == 50_000
    assert not rows["old-stop"]["fills"]


def test_the_index_forgets_what_has_left(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    put_past(client, round_trips(BEGAN_MS, BEGAN_MS + DAY_MS, PAST))
    move(empty_store, archive)
    assert not client.keys("*")


def test_what_is_left_is_what_the_engine_loads(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    market = held_long()
    put_keys(client, market.keys)
    move(empty_store, archive)
    keys = {
        name: raw
        for name, raw in market.keys.items()
        if not name.startswith(("orders:", "index:"))
        or name.removeprefix("orders:") in lists(client, "orders")
    }
    assert set(load(keys)) == {
        "orders:entry", "orders:more", "orders:stop-1", "orders:stop-2", f"positions:{POSITION}",
    }  # fmt: skip


def test_a_broken_order_is_left_to_the_mend(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    put_past(client, round_trips(BEGAN_MS, BEGAN_MS + DAY_MS, PAST))
    client.lset(f"{PREFIX}orders:past-0000003", 1, "garbage")
    client.rpush(f"{PREFIX}orders:past-0000004", b"garbage")
    assert move(empty_store, archive).orders == PAST - 2
    assert set(lists(client, "orders")) == {"past-0000003", "past-0000004"}


# -- Nothing lost, nothing twice ---------------------------------------------------------------


def fill(client: redis.Redis) -> tuple[dict[str, list[bytes]], list[bytes]]:
    """Fill the store: orders that are due and one that is not, a closed position, states."""
    market = Market()
    put_states(client, ACCOUNT, market.account(), BEGAN_MS, STATES)
    market.send("first", "0.010")
    market.fill("first", "0.010")
    market.send("last", "-0.010")
    market.fill("last", "0.010")
    put_keys(client, {k: v for k, v in market.keys.items() if not k.startswith("accounts:")})
    put_past(client, round_trips(BEGAN_MS, BEGAN_MS + 10 * DAY_MS, PAST))
    put_past(client, ((f"new-{n}", r) for n, (_, r) in enumerate(round_trips(NOW_MS, NOW_MS, 1))))
    return lists(client, "orders"), lists(client, "accounts")[ACCOUNT]


def in_files(folder: Path, kind: Any) -> list[str]:
    """Return the names of all rows of all files, as often as they are there."""
    files = sorted((folder / kind).glob("*.parquet"))
    columns = [pyarrow.parquet.read_table(f, columns=[kind.name_column]) for f in files]
    return [name for table in columns for name in table[kind.name_column].to_pylist()]


def test_killed_at_each_step_nothing_is_lost_and_nothing_is_twice(
    client: redis.Redis, empty_store: Store, project: Path, tmp_path: Path
) -> None:
    passes = Passes(project, empty_store.url, BEFORE_NS)
    fill(client)
    steps = passes.count(tmp_path / "whole")
    assert steps >= 30
    for step in range(1, steps + 1):
        client.flushall()
        orders, states = fill(client)
        folder = tmp_path / f"killed-{step}"
        passes.killed(folder, step)
        left, there = set(lists(client, "orders")), set(in_files(folder, KIND.ORDERS))
        assert left | there == set(orders), step
        kept = lists(client, "accounts")[ACCOUNT]
        assert len(kept) + len(in_files(folder, KIND.STATES)) >= len(states), step
        # The engine has written one more, and the next pass comes.
        put_states(client, ACCOUNT, Market().account(), NOW_MS, 1, number=STATES)
        states = [*states, lists(client, "accounts")[ACCOUNT][-1]]
        again = ARCHIVE.Archive(folder)
        move(empty_store, again)
        names = in_files(folder, KIND.ORDERS)
        assert len(names) == len(set(names)) == PAST + 2, step
        assert set(lists(client, "orders")) == {"new-0"}, step
        assert in_files(folder, KIND.POSITIONS) == [POSITION], step
        assert not lists(client, "positions"), step
        of_states, kept = in_files(folder, KIND.STATES), lists(client, "accounts")[ACCOUNT]
        assert len(of_states) == len(set(of_states)) == len(states) - len(kept), step
        assert len(of_states) >= DUE_STATES, step
        assert kept == states[-len(kept) :], step
        told = {row["client_order_id"]: row["events"] for row in again.rows(KIND.ORDERS)}
        assert all(told[name] == orders[name] for name in told), step
        assert not list(folder.glob("*/*.part")), step


def test_a_store_restored_from_an_older_copy_brings_nothing_in_twice(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    for _ in range(2):
        put_past(client, round_trips(BEGAN_MS, BEGAN_MS + DAY_MS, PAST))
        assert move(empty_store, archive).orders == PAST
    assert len(in_files(archive.folder, KIND.ORDERS)) == PAST


def test_what_two_machines_have_archived_is_read_once(
    client: redis.Redis, empty_store: Store, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("here", "there")]
    for folder, count in zip(folders, (PAST, PAST - 2), strict=True):
        put_past(client, round_trips(BEGAN_MS, BEGAN_MS + count * 1_000, count))
        move(empty_store, ARCHIVE.Archive(folder))
    for path in (folders[1] / "orders").iterdir():
        path.rename(folders[0] / "orders" / path.name)
    assert len(in_files(folders[0], KIND.ORDERS)) == 2 * PAST - 2
    rows = [row["client_order_id"] for row in ARCHIVE.Archive(folders[0]).rows(KIND.ORDERS)]
    assert sorted(rows) == [f"past-{number:07d}" for number in range(PAST)]


def test_an_order_that_changes_meanwhile_stays(
    client: redis.Redis, empty_store: Store, archive: Any
) -> None:
    put_past(client, round_trips(BEGAN_MS, BEGAN_MS + DAY_MS, 2))
    way = module("guards.archive.store").StoreArchive(empty_store.url, FORM, archive)
    found = way.put_orders(["past-0000000", "past-0000001"], BEFORE_NS)
    client.rpush(f"{PREFIX}orders:past-0000000", b"one more")
    assert way.remove_orders(found) == 0
    assert set(lists(client, "orders")) == {"past-0000000", "past-0000001"}
    way.close()
    # What has not changed leaves the next time.
    assert move(empty_store, archive).orders == 1
    assert set(lists(client, "orders")) == {"past-0000000"}


def test_a_disk_that_takes_nothing_leaves_everything_in_the_store(
    client: redis.Redis, empty_store: Store, tmp_path: Path
) -> None:
    put_past(client, round_trips(BEGAN_MS, BEGAN_MS + DAY_MS, PAST))
    (tmp_path / "archive").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="archive"):
        move(empty_store, ARCHIVE.Archive(tmp_path / "archive"))
    assert len(lists(client, "orders")) == PAST
