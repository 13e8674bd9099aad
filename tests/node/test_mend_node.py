"""A real node comes up equal to the exchange from a store that was torn, broken or emptied."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
import redis

from node.baked import module
from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.stores import FORMAT, OWNERS, POSITION, RECORDS, TRADER
from node.test_trading import last_bar, step, step_until_position

PREFIX = f"trader-{TRADER}:"


def record_of(ledger: dict[str, Any]) -> Any:
    """Return what a stepped exchange's ledger says, as it would tell it."""
    orders = tuple(
        RECORDS.OrderRecord(
            kind=row["kind"],
            exchange_order_id=row["exchange_order_id"],
            client_order_id=row["client_order_id"],
            symbol=row["symbol"],
            type=row["origin_type"] if row["kind"] == "conditional" else row["type"],
            side=row["side"],
            status=row["status"],
            time_in_force=row["time_in_force"],
            quantity=Decimal(row["quantity"]),
            filled=Decimal(row["filled"]),
            reduce_only=row["reduce_only"],
            created_ms=row["created_ms"],
            updated_ms=row["updated_ms"],
            price=Decimal(row["price"]) or None,
            trigger_price=Decimal(row["trigger_price"]) or None,
            triggered_order_id=row["triggered_order_id"] or None,
        )
        for row in ledger["orders"]
    )
    trades = tuple(
        RECORDS.TradeRecord(
            trade_id=row["trade_id"],
            exchange_order_id=row["exchange_order_id"],
            symbol=row["symbol"],
            side=row["side"],
            quantity=Decimal(row["quantity"]),
            price=Decimal(row["price"]),
            commission=Decimal(row["commission"]),
            commission_asset="USDT",
            is_maker=row["maker"],
            at_ms=row["market_ms"],
        )
        for row in ledger["fills"]
    )
    positions = tuple(
        RECORDS.PositionRecord(row["symbol"], Decimal(row["quantity"]), Decimal(row["entry_price"]))
        for row in ledger["positions"]
        if Decimal(row["quantity"])
    )
    return RECORDS.ExchangeRecord(
        ledger["market_ms"], orders, trades, positions, since_ms={SYMBOL: 0}
    )


def mend(store: Store, exchange: Exchange) -> Any:
    """Mend the store from the exchange's ledger."""
    said: list[str] = []
    tool = module("guards.mend.store").StoreMend(store.url, TRADER, FORMAT(TRADER), said.append)
    report = asyncio.run(tool.mend(record_of(exchange.get("ledger")), OWNERS))
    assert len(said) >= len(report.mended)
    return report


def stored(client: Any) -> dict[bytes, Any]:
    """Return all that the store has of the trader, with what it was when."""
    return {key: client.dump(key) for key in client.scan_iter(PREFIX + "*")}


def facts(state: dict[str, Any]) -> Any:
    """Return what a node tells of orders and positions, as a later one must."""
    orders = {
        o["client_order_id"]: (o["status"], o["filled"], o["trade_ids"]) for o in state["orders"]
    }
    return orders, state["positions"]


def lose_position(client: Any) -> None:
    client.delete(f"{PREFIX}positions:{POSITION}")


def last_fill(client: Any) -> str:
    [row] = client.lrange(f"{PREFIX}positions:{POSITION}", -1, -1)
    name: str = module("engine.mending.encoding_v1").CODEC.position_fill(row).client_order_id
    return name


def lose_fill(client: Any) -> None:
    client.rpop(f"{PREFIX}orders:{last_fill(client)}")
    lose_position(client)


def lose_order(client: Any) -> None:
    name = last_fill(client)
    client.delete(f"{PREFIX}orders:{name}")


def break_order(client: Any) -> None:
    client.lset(f"{PREFIX}orders:{last_fill(client)}", 1, b"garbage")


def break_types(client: Any) -> None:
    name = last_fill(client)
    client.delete(f"{PREFIX}orders:{name}", f"{PREFIX}index:order_position")
    client.set(f"{PREFIX}orders:{name}", "a string")
    client.set(f"{PREFIX}index:order_position", "a string")


def double_events(client: Any) -> None:
    key = f"{PREFIX}orders:{last_fill(client)}"
    client.rpush(key, *client.lrange(key, 0, -1))


def break_instrument(client: Any) -> None:
    client.set(f"{PREFIX}instruments:{SYMBOL}-PERP.BINANCE", b"\xc1")


def lose_everything(client: Any) -> None:
    client.flushall()


HARM = {
    "nothing": lambda client: None,
    "a position lost": lose_position,
    "a fill and its position lost": lose_fill,
    "an order lost": lose_order,
    "an order broken": break_order,
    "wrong types": break_types,
    "events twice": double_events,
    "an instrument broken": break_instrument,
    "everything lost": lose_everything,
}


@pytest.mark.parametrize("harm", HARM)
def test_a_mended_store_brings_the_node_up_equal(
    harm: str, start: Start, store: Store, exchange: Exchange
) -> None:
    node = start()
    node.until("trading")
    state = step_until_position(exchange, node)
    while len({o["client_order_id"] for o in state["orders"] if o["trade_ids"]}) < 3:
        state = step(exchange, node)
    while not state["positions"]:
        state = step(exchange, node)
    client = redis.Redis.from_url(store.url)
    until_quiet(client, node, state)
    node.kill()
    before = stored(client)
    HARM[harm](client)
    report = mend(store, exchange)
    if harm == "nothing":
        assert not report.mended
        assert stored(client) == before
    assert not mend(store, exchange).mended
    node = start(TRADER_INSTANCE_ID="again")
    node.until("trading")
    again = node.settle(last_bar(exchange))
    assert again["positions"] == state["positions"]
    orders, was = facts(again)[0], facts(state)[0]
    if report.cold or harm == "everything lost":
        orders = {name: row for name, row in was.items() if name in orders}
    assert {name: was.get(name) for name in orders} == orders
    if harm not in ("everything lost", "an instrument broken"):
        assert orders == was
        assert "inferred" not in node.whole()
    assert not mend(store, exchange).mended or harm == "everything lost" or report.cold


def until_quiet(client: Any, node: Node, state: dict[str, Any]) -> None:
    """Wait until the store has every order that the node tells of, and is written no more."""
    wanted = {o["client_order_id"]: len(o["trade_ids"]) for o in state["orders"]}
    before = None
    for _ in range(200):
        now = stored(client)
        if now == before and len([k for k in now if b":orders:" in k]) >= len(wanted):
            return
        before = now
        node.get(f"state?after={state['revision']}&wait_s=0.05")
    raise AssertionError("The store is written all the time.")
