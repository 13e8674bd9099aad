"""A past of any size, as a node of engine v1 has stored it, and quickly made."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any

import msgspec
import redis

from node.stores import POSITION, TRADER, Event, Keys, Market, unpacked

DAY_MS = 86_400_000
PREFIX = f"trader-{TRADER}:"
SETS = ("orders", "orders_closed", "order_ids")
IDS = ("client_order_id", "event_id", "trade_id", "venue_order_id")
pack = msgspec.msgpack.encode


def round_trips(
    first_ms: int, last_ms: int, count: int, owner: str = ""
) -> Iterator[tuple[str, list[bytes]]]:
    """
    Yield the stored events of `count` orders, an entry and an exit in turn, by client order id.

    Parameters
    ----------
    first_ms, last_ms : int
        When the first and the last of them end, in market time.
    count : int
        How many.
    owner : str
        Whose ids they have; without it, ids that are nobody's.

    """
    market = Market()
    market.send("entry", "0.010")
    market.fill("entry", "0.010")
    market.send("exit", "-0.010")
    market.fill("exit", "0.010")
    yield from _copies(market, ("entry", "exit"), first_ms, last_ms, count, owner)


def moved_stops(first_ms: int, last_ms: int, count: int) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the stored events of `count` stops that were cancelled without a fill, likewise."""
    market = Market()
    market.send("stop", "-0.010", trigger="50000.00")
    market.end("stop")
    yield from _copies(market, ("stop",), first_ms, last_ms, count, "")


def _copies(
    market: Market, names: Sequence[str], first_ms: int, last_ms: int, count: int, owner: str
) -> Iterator[tuple[str, list[bytes]]]:
    kinds = [unpacked(market.keys, f"orders:{name}") for name in names]
    for number in range(count):
        at_ms = first_ms + (last_ms - first_ms) * number // max(1, count - 1)
        name = f"{owner}-{at_ms // 1_000}-E0" if owner else f"past-{number:07d}"
        yield name, [pack(_at(each, name, number, at_ms)) for each in kinds[number % len(kinds)]]


def _at(event: Event, name: str, number: int, at_ms: int) -> Event:
    place = int(event["event_id"][-6:], 16) % 1_000
    told = event | {
        "client_order_id": name,
        "event_id": f"{number:08x}-0000-4000-8000-{place:012x}",
        "ts_event": f"{at_ms}000000",
    }
    for key, value in (("venue_order_id", 10**9 + number), ("trade_id", 10**8 + number)):
        if key in event:
            told[key] = str(value)
    return told


def put_past(client: Any, past: Iterator[tuple[str, list[bytes]]]) -> None:
    """Store orders with all that the engine's index says of them."""
    for some in batched(past, 2_000):
        names = [name for name, _ in some]
        pipe = client.pipeline(transaction=False)
        for name, rows in some:
            pipe.rpush(f"{PREFIX}orders:{name}", *rows)
        for index in SETS:
            pipe.sadd(f"{PREFIX}index:{index}", *names)
        pipe.hset(f"{PREFIX}index:order_client", mapping=dict.fromkeys(names, "BINANCE"))
        pipe.hset(f"{PREFIX}index:order_position", mapping=dict.fromkeys(names, POSITION))
        pipe.execute()


def put_states(
    client: Any, account: str, state: Event, first_ms: int, count: int, number: int = 0
) -> None:
    """Store states of an account, a minute apart, numbered from `number` on."""
    rows = [
        pack(
            state
            | {
                "event_id": f"{number + place:08x}-0000-4000-9000-000000000000",
                "ts_event": f"{first_ms + place * 60_000}000000",
            }
        )
        for place in range(count)
    ]
    for some in batched(rows, 5_000):
        client.rpush(f"{PREFIX}accounts:{account}", *some)


def put_keys(client: Any, keys: Keys) -> None:
    """Store raw keys."""
    for name, raw in keys.items():
        match raw.kind:
            case "list":
                client.rpush(PREFIX + name, *raw.value)
            case "string":
                client.set(PREFIX + name, raw.value)
            case "hash":
                client.hset(PREFIX + name, mapping=raw.value)
            case _:
                client.sadd(PREFIX + name, *raw.value)


def lists(client: redis.Redis, kind: str) -> dict[str, list[bytes]]:
    """Return the stored lists of a kind, by the rest of their names."""
    names = [key.decode() for key in client.scan_iter(f"{PREFIX}{kind}:*", count=1_000)]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.lrange(name, 0, -1)
    rows: list[Any] = pipe.execute()
    return {name.split(":", 2)[2]: each for name, each in zip(names, rows, strict=True)}
