"""The embedded store is a real server: it survives a kill, and loses all with its files."""

from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from drill.evidence_builder import node_order, state
from recovery_drill.failures import UsageError
from recovery_drill.store.server import EmbeddedStore, GivenStore, free_port
from recovery_drill.store.view import StoreView, caught_up

FILLED = {
    "type": "OrderFilled",
    "trade_id": "1",
    "last_qty": "0.010",
    "order_side": "BUY",
}
ORDER = "EMA001-1704085259-E0"
POSITION = "BTCUSDT-PERP.BINANCE-EMA-001"


async def write_fill(store: EmbeddedStore) -> None:
    client = Redis.from_url(store.url)
    row = msgspec.msgpack.encode(FILLED)
    await client.rpush(f"trader-LAB-001:orders:{ORDER}", row)
    await client.rpush(f"trader-LAB-001:positions:{POSITION}", row)
    await client.rpush("trader-LAB-002:orders:OTHER", row)
    await client.aclose()


async def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    try:
        await write_fill(store)
        await store.until_written()
        await store.kill()
        await store.start()
        view = await store.view("LAB-001")
        assert view.trade_ids(ORDER) == ("1",)
        assert str(view.position(POSITION)) == "0.010"
        assert set(view.orders) == {ORDER}
    finally:
        await store.stop()


async def test_a_lost_store_is_empty_at_the_same_address(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    try:
        await write_fill(store)
        url = store.url
        await store.lose("LAB-001")
        assert store.url == url
        assert (await store.view("LAB-001")).orders == {}
    finally:
        await store.stop()


async def test_a_given_store_loses_only_the_keys_of_one_trader(tmp_path: Path) -> None:
    server = EmbeddedStore(tmp_path)
    await server.start()
    given = GivenStore(server.url)
    try:
        await write_fill(server)
        await given.start()
        assert (await given.view("LAB-001")).orders
        await given.lose("LAB-001")
        assert (await given.view("LAB-001")).orders == {}
        assert (await server.view("LAB-002")).orders
    finally:
        await given.stop()
        await server.stop()


async def test_a_store_that_does_not_answer_is_refused_with_a_sentence() -> None:
    store = GivenStore(f"redis://127.0.0.1:{free_port()}")
    with pytest.raises(UsageError, match="does not answer"):
        await store.start()
    await store.stop()


def test_an_address_that_is_none_is_refused_with_a_sentence() -> None:
    with pytest.raises(UsageError, match="is not one"):
        GivenStore("http://127.0.0.1")


def test_a_store_that_lags_behind_the_node_is_noticed() -> None:
    stored = StoreView({ORDER: (FILLED,)}, {POSITION: (FILLED,)})
    node = state(
        orders=[node_order()],
        positions=[{"symbol": "BTCUSDT", "quantity": "0.010", "strategy_id": "EMA-001"}],
    )
    assert caught_up(node, stored) is None
    assert caught_up(node, StoreView({}, {})) == f"The store does not have order {ORDER}."
    torn = StoreView({ORDER: (FILLED,)}, {})
    assert caught_up(node, torn) == "The store lacks the position of 0.010 BTCUSDT."
    accepted = StoreView({ORDER: ({"type": "OrderAccepted"},)}, {POSITION: (FILLED,)})
    assert (
        caught_up(node, accepted)
        == f"The store has OrderAccepted last of {ORDER}, which is FILLED."
    )
    other = StoreView({ORDER: ({**FILLED, "trade_id": "2"},)}, {POSITION: (FILLED,)})
    assert caught_up(node, other) == f"The store lacks a fill of order {ORDER}."
