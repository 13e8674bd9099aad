"""What a store holds is broken by hand: the node trades and is right, and nothing is lost."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.baked import module
from node.lies import CONFIGURATION, World, world

TRADER = "TRADER-001"
PREFIX = f"trader-{TRADER}:"
QUARANTINE = f"quarantine:{TRADER}:"
POSITION = f"{PREFIX}positions:BTCUSDT-PERP.BINANCE-TargetStrategy-EMA001"
ACCOUNT = f"{PREFIX}accounts:BINANCE-USDT_FUTURES-master"
INSTRUMENT = f"{PREFIX}instruments:BTCUSDT-PERP.BINANCE"
FORMAT = f"{PREFIX}format"
RIGHT = "right"
DEEP = b"\x91" * 10_000 + b"\xc0"
"""A list in a list, and so on."""

type Harm = Callable[[Any], object]
type Event = dict[str, Any]


def order_key(client: Any, at: int = 0) -> str:
    """Return the key of one of the orders: the oldest entry is 0, the working stop is -1."""
    keys: list[str] = sorted(key.decode() for key in client.scan_iter(f"{PREFIX}orders:*"))
    return keys[at]


def raw_in_order(raw: bytes, row: int = 1, at: int = 0) -> Harm:
    """Put bytes in the place of one event of an order."""
    return lambda client: client.lset(order_key(client, at), row, raw)


def changed(key: Callable[[Any], str], row: int, change: Callable[[Event], Any]) -> Harm:
    """Change one event."""

    def harm(client: Any) -> None:
        name = key(client)
        event = msgspec.msgpack.decode(client.lindex(name, row))
        client.lset(name, row, msgspec.msgpack.encode(change(event)))

    return harm


def in_order(row: int, at: int = 0, **fields: Any) -> Harm:
    """Set fields of one event of an order."""
    return changed(lambda client: order_key(client, at), row, lambda event: {**event, **fields})


def in_position(**fields: Any) -> Harm:
    """Set fields of the position's first fill."""
    return changed(lambda _: POSITION, 0, lambda event: {**event, **fields})


def in_account(**fields: Any) -> Harm:
    """Set fields of the account's newest state."""
    return changed(lambda _: ACCOUNT, -1, lambda event: {**event, **fields})


def without(row: int, *names: str) -> Harm:
    """Leave fields of an order's event out."""
    return changed(order_key, row, lambda event: {k: v for k, v in event.items() if k not in names})


def as_json(client: Any) -> None:
    key = order_key(client)
    rows = [msgspec.msgpack.decode(row) for row in client.lrange(key, 0, -1)]
    client.delete(key)
    client.rpush(key, *[json.dumps(row) for row in rows])


def in_latin(client: Any) -> None:
    key = order_key(client)
    client.lset(key, 0, client.lindex(key, 0).replace(b"TargetStrategy", b"TargetStrat\xe9gi"))


def of_another_version(client: Any) -> None:
    key = order_key(client)
    event = msgspec.msgpack.decode(client.lindex(key, 1))
    client.lset(key, 1, msgspec.msgpack.encode({"Submitted": event}))


def instead(key: str | Callable[[Any], str], kind: str) -> Harm:
    """Put a key of another type in a key's place."""

    def harm(client: Any) -> None:
        name = key if isinstance(key, str) else key(client)
        client.delete(name)
        match kind:
            case "string":
                client.set(name, b"a string")
            case "list":
                client.rpush(name, b"a", b"list")
            case "set":
                client.sadd(name, b"a", b"set")
            case "hash":
                client.hset(name, mapping={"a": "hash"})
            case "zset":
                client.zadd(name, {"a": 1.0})
            case _:
                client.xadd(name, {"a": "stream"})

    return harm


def twice(key: Callable[[Any], str]) -> Harm:
    return lambda client: client.rpush(key(client), *client.lrange(key(client), 0, -1))


def backwards(client: Any) -> None:
    key = order_key(client)
    rows = client.lrange(key, 0, -1)
    client.delete(key)
    client.rpush(key, *rows[::-1])


def exchanged(client: Any) -> None:
    one, other = order_key(client, 0), order_key(client, 2)
    client.rename(one, "between")
    client.rename(other, one)
    client.rename("between", other)


def bogus_orders(count: int) -> Harm:
    """Add orders that were never sent."""

    def harm(client: Any) -> None:
        event = msgspec.msgpack.decode(client.lindex(order_key(client), 0))
        pipe = client.pipeline(transaction=False)
        for number in range(count):
            name = f"bogus-{number}"
            row = msgspec.msgpack.encode({**event, "client_order_id": name, "event_id": name})
            pipe.rpush(f"{PREFIX}orders:{name}", row)
            pipe.sadd(f"{PREFIX}index:orders", name)
        pipe.execute()

    return harm


def all_orders(client: Any) -> None:
    for key in list(client.scan_iter(f"{PREFIX}orders:*")):
        client.lset(key, 0, b"\xc1")


ODD_NAMES = (
    *(
        b"orders:",
        b"orders:\xff\xfe",
        b"orders:a b\r\nc",
        b"orders:\x00",
        b"orders:" + b"x" * 60_000,
    ),
    *("orders:ü*[?]".encode(), b"positions:", b"nonsense", b""),
)


def odd_names(client: Any) -> None:
    for name in ODD_NAMES:
        client.rpush(PREFIX.encode() + name, b"something")


def index_of_nothing(client: Any) -> None:
    for name in ("order_client", "order_position"):
        client.hset(f"{PREFIX}index:{name}", mapping={"nobody": "nothing", b"\xff": b"\xfe"})
    for name in ("orders", "orders_open", "positions", "positions_open", "order_ids"):
        client.sadd(f"{PREFIX}index:{name}", "nobody", b"\xff", "")


def index_of_types(client: Any) -> None:
    kinds = ("string", "list", "hash", "zset", "stream")
    for key, kind in zip(sorted(client.scan_iter(f"{PREFIX}index:*")), kinds * 3, strict=False):
        instead(key.decode(), kind)(client)


def strings(pattern: str, value: bytes) -> Harm:
    """Set all strings of a kind."""

    def harm(client: Any) -> None:
        for key in list(client.scan_iter(PREFIX + pattern)):
            client.set(key, value)

    return harm


def in_instrument(**fields: Any) -> Harm:
    def harm(client: Any) -> None:
        value = msgspec.msgpack.decode(client.get(INSTRUMENT))
        client.set(INSTRUMENT, msgspec.msgpack.encode({**value, **fields}))

    return harm


def all_at_once(client: Any) -> None:
    odd_names(client)
    index_of_types(client)
    all_orders(client)
    instead(POSITION, "hash")(client)
    client.lset(ACCOUNT, -1, b"\xc1")
    client.set(INSTRUMENT, DEEP)


def mark(**fields: str) -> Harm:
    return lambda client: client.set(FORMAT, json.dumps(fields))


HARMS: dict[str, Harm] = {
    "garbage in an order": raw_in_order(b"\xc1garbage"),
    "garbage in the working stop": raw_in_order(b"\x00", 0, -1),
    "nothing in an order": raw_in_order(b""),
    "every order is garbage": all_orders,
    "an order in JSON": as_json,
    "an order in another encoding": in_latin,
    "an event of another version": of_another_version,
    "an unknown event": in_order(1, type="OrderTeleported"),
    "an event that is a number": raw_in_order(msgspec.msgpack.encode(7)),
    "10,000 lists in each other": raw_in_order(DEEP),
    "an order without instrument": without(0, "instrument_id"),
    "an order without quantity": without(0, "quantity"),
    "an order of an instrument unknown": in_order(0, instrument_id="ETHUSDT-PERP.BINANCE"),
    "an order of a strategy unknown": in_order(0, strategy_id="Nobody-000"),
    "an order of a trader unknown": in_order(0, trader_id="OTHER-001"),
    "an order of NaN": in_order(0, quantity="NaN"),
    "a fill of NaN": in_order(3, last_qty="NaN"),
    "a fill of 1e308": in_order(3, last_qty="1e308"),
    "a fill of a thousand coins": in_order(3, last_qty="1000.000"),
    "a fill at less than nothing": in_order(3, last_px="-59000.00"),
    "a fill in the year 5000": in_order(3, ts_event="95617584000000000000"),
    "a fill of a trade with a long name": in_order(3, trade_id="9" * 5_000),
    "a position whose fill is 1e308": in_position(last_qty="1e308"),
    "a position on the other side": in_position(order_side="SELL"),
    "a position of ten times the fill": in_position(last_qty="0.100"),
    "a position twice": twice(lambda _: POSITION),
    "an order twice": twice(lambda client: order_key(client, -1)),
    "an order backwards": backwards,
    "two orders exchanged": exchanged,
    "a position that is a string": instead(POSITION, "string"),
    "a position that is a stream": instead(POSITION, "stream"),
    "an order that is a set": instead(order_key, "set"),
    "the working stop is a hash": instead(lambda client: order_key(client, -1), "hash"),
    "an account that is a sorted set": instead(ACCOUNT, "zset"),
    "an account of garbage": lambda client: client.lset(ACCOUNT, -1, b"\xc1"),
    "an account of NaN": in_account(balances=[{"total": "NaN"}]),
    "an account of nothing": in_account(balances=None),
    "an account of another name": in_account(account_id="OTHER-1"),
    "currencies of garbage": strings("currencies:*", b"\xc1"),
    "currencies of lists in lists": strings("currencies:*", DEEP),
    "an instrument of lists in lists": strings("instruments:*", DEEP),
    "an instrument with another precision": in_instrument(price_precision=99),
    "an instrument of another symbol": in_instrument(id="ETHUSDT-PERP.BINANCE"),
    "an instrument that is a list": instead(INSTRUMENT, "list"),
    "indexes of nothing": index_of_nothing,
    "indexes of other types": index_of_types,
    "odd names": odd_names,
    "2,000 orders never sent": bogus_orders(2_000),
    "an order of 8 MB": lambda client: client.rpush(f"{PREFIX}orders:large", b"x" * 8_000_000),
    "an order of 50,000 events": lambda client: client.rpush(
        f"{PREFIX}orders:long", *[b"\xc1"] * 50_000),
    "a general value of garbage": strings("general:*", b"\xc1"),
    "general values of other types": lambda client: (
        client.rpush(f"{PREFIX}general:a", b"\xc1"), client.set(f"{PREFIX}general:b", DEEP)),
    "a strategy's state of garbage": lambda client: client.set(
        f"{PREFIX}strategies:TargetStrategy-EMA001:state", b"\xc1"),
    "a mark that cannot be read": lambda client: client.set(FORMAT, b"\xff\xfe"),
    "a mark of lists in lists": lambda client: client.set(FORMAT, b"[" * 900),
    "a mark that is a list": instead(FORMAT, "list"),
    "no mark": lambda client: client.delete(FORMAT),
    "all at once": all_at_once,
}  # fmt: skip

SLOW: dict[str, Harm] = {"20,000 orders never sent": bogus_orders(20_000)}

FOREIGN: dict[str, Harm] = {
    "another engine's": mark(format="nautilus-2", trader=TRADER),
    "another trader's": mark(format="nautilus-1", trader="OTHER-001"),
}


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[World]:
    """A world in which a position is held."""
    with world(tmp_path_factory.mktemp("world"), project) as made:
        yield made


def dumps(client: Any) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter("*")}


def lost(holding: World, harmed: dict[bytes, bytes], said: str) -> list[bytes]:
    """
    Return what was broken by hand and is neither where it was nor in the quarantine.

    A position that could be read and was wrong is made anew of its fills: what it was is said.
    """
    after = dumps(holding.client)
    aside = {
        (PREFIX.encode() + key.split(b":", 3)[3], dump)
        for key, dump in after.items()
        if key.startswith(QUARANTINE.encode())
    }
    broken = {key for key, dump in harmed.items() if holding.dumps.get(key) != dump}
    return [
        key
        for key in broken
        if b":index:" not in key  # it is made of the others
        and not key.endswith((b":format", b":general:store-watch"))  # each life writes its own
        and not (key == POSITION.encode() and "The position in BTCUSDT was" in said)
        and after.get(key) != harmed[key]
        and (key, harmed[key]) not in aside
    ]


def check(harm: Harm, holding: World) -> None:
    holding.put_back()
    harm(holding.client)
    harmed = dumps(holding.client)
    end = holding.play_on()
    end.check(RIGHT)
    assert lost(holding, harmed, " ".join(end.sentences)) == []
    listed = module("guards.quarantine").list_all(holding.client, TRADER)
    in_quarantine = {key for each in listed for key in each.keys}
    assert all(each.reasons for each in listed), listed
    assert bool(in_quarantine) == any("Put aside" in line for line in end.sentences) or any(
        "starts cold" in line for line in end.sentences
    )


def check_twice(harm: Harm, holding: World) -> None:
    check(harm, holding)
    again = holding.play_on()
    again.check(RIGHT)
    if again.sentences:  # after a cold start the orders of the past are brought back, once
        again = holding.play_on()
        again.check(RIGHT)
    assert not again.sentences


@pytest.mark.parametrize("name", HARMS)
def test_a_broken_store(name: str, holding: World) -> None:
    check(HARMS[name], holding)


@pytest.mark.parametrize("name", [*HARMS][::6])
def test_what_was_mended_stays_so(name: str, holding: World) -> None:
    check_twice(HARMS[name], holding)


@pytest.mark.long
@pytest.mark.parametrize("name", SLOW)
def test_a_broken_store_that_takes_long(name: str, holding: World) -> None:
    check(SLOW[name], holding)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_store_that_is_somebody_else_s(name: str, holding: World) -> None:
    holding.put_back()
    FOREIGN[name](holding.client)
    harmed = dumps(holding.client)
    end = holding.play_on()
    end.check(CONFIGURATION)
    assert "Nothing was changed" in end.last
    assert dumps(holding.client) == harmed
