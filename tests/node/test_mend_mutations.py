"""Keys that were damaged at random: whatever they hold, the engine loads what the mend leaves."""

import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.engine_load import held, load
from node.stores import (
    FORMAT,
    NOW_NS,
    OWNERS,
    POSITION,
    RAW,
    TRADER,
    Keys,
    Market,
    applied,
    plan_of,
)

ODD: list[Any] = [
    None, "", "NaN", "-1", "0", "1e308", "0.010", "Infinity", -1, 0, 2**63, 1.5, float("nan"), True,
    [], {}, [[[]]], {"a": {"b": {}}}, "x" * 5_000, "\x00", "ü", "1e999", "9" * 30, "OrderFilled",
    "BUY", "2024-01-01T00:00:00Z", "1 USDT", "OTHER-001", b"\xff",
]  # fmt: skip


def market() -> Market:
    """Return a node that has traded: a flip in parts, a stop that filled, one that works."""
    made = Market()
    made.send("1jnoyl7h-1704085199-E0", "-0.010")
    made.fill("1jnoyl7h-1704085199-E0", "0.010")
    made.send("1jnoyl7h-1704085199-S0", "0.010", trigger="59650.70")
    made.trigger("1jnoyl7h-1704085199-S0")
    made.fill("1jnoyl7h-1704085199-S0", "0.010", price="59650.80")
    made.send("1jnoyl7h-1704085259-E0", "0.010")
    made.fill("1jnoyl7h-1704085259-E0", "0.004")
    made.fill("1jnoyl7h-1704085259-E0", "0.006")
    made.send("1jnoyl7h-1704085259-S0", "-0.010", trigger="59000.00")
    made.ask_to_cancel("1jnoyl7h-1704085259-S0")
    made.end("1jnoyl7h-1704085259-S0")
    made.send("1jnoyl7h-1704085319-S0", "-0.010", trigger="59100.00")
    made.send("1jnoyl7h-1704085319-R070", "0.002", price="58000.00")
    return made


MARKET = market()


def changed(keys: Keys, luck: random.Random) -> None:
    """Damage one key in one of many ways."""
    key = luck.choice(sorted(keys))
    raw = keys[key]
    match luck.randrange(10):
        case 0:
            del keys[key]
        case 1:
            kind = luck.choice(["list", "string", "set", "hash", "zset", "stream"])
            value: Any = {"list": [b"1"], "string": b"1", "set": {b"1"}, "hash": {b"1": b"1"}}
            keys[key] = RAW(kind, value.get(kind))
        case 2:
            other = luck.choice(sorted(keys))
            keys[key], keys[other] = keys[other], keys[key]
        case 3:
            keys[key.replace("1704", luck.choice(["1705", "", "é", "17 04"]))] = keys.pop(key)
        case _ if raw.kind == "list" and raw.value:
            keys[key] = RAW("list", changed_rows(list(raw.value), luck))
        case _ if raw.kind == "string" and raw.value:
            keys[key] = RAW("string", changed_row(raw.value, luck))
        case _ if raw.kind == "hash" and raw.value:
            fields = dict(raw.value)
            fields[luck.choice(sorted(fields))] = luck.choice([b"", b"\xff", b"nobody", b"a b"])
            keys[key] = RAW("hash", fields)


def changed_rows(rows: list[bytes], luck: random.Random) -> list[bytes]:
    """Damage a list."""
    at = luck.randrange(len(rows))
    match luck.randrange(7):
        case 0:
            del rows[at]
        case 1:
            rows.insert(luck.randrange(len(rows) + 1), rows[at])
        case 2:
            luck.shuffle(rows)
        case 3:
            rows = rows[:at]
        case 4:
            donor = luck.choice([r.value for r in MARKET.keys.values() if r.kind == "list"])
            rows.insert(at, luck.choice(donor))
        case _:
            rows[at] = changed_row(rows[at], luck)
    return rows


def changed_row(row: bytes, luck: random.Random) -> bytes:
    """Damage one value."""
    if row and luck.random() < 0.4:
        at = luck.randrange(len(row))
        flipped = bytes([row[at] ^ (1 << luck.randrange(8))])
        return luck.choice([row[:at] + flipped + row[at + 1 :], row[:at], row + row, b""])
    try:
        value = msgspec.msgpack.decode(row)
    except ValueError:
        return row
    if not isinstance(value, dict) or not value:
        return row
    field = luck.choice(sorted(value, key=str))
    match luck.randrange(4):
        case 0:
            del value[field]
        case 1:
            value["surprise"] = 1
        case 2:
            return luck.choice([msgspec.json.encode(value), msgspec.msgpack.encode([value])])
        case _:
            value[field] = luck.choice(ODD)
    return msgspec.msgpack.encode(value)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**40), st.integers(1, 5))
def test_the_engine_loads_what_a_mend_leaves(seed: int, damages: int) -> None:
    luck = random.Random(seed)  # noqa: S311 - not for secrets
    keys = dict(MARKET.keys)
    for _ in range(damages):
        if keys:
            changed(keys, luck)
    plan = plan_of(keys, MARKET.record)
    assert not plan.unexplained
    after = applied(keys, plan)
    loaded = load(after)
    assert plan_of(after, MARKET.record).is_empty
    has_begun = any(key.startswith(("orders:", "positions:")) for key in after)
    if not plan.cold and has_begun:
        assert held(loaded) == MARKET.held
        assert f"positions:{POSITION}" in after
        for name, row in {**MARKET.conditionals, **MARKET.orders}.items():
            if row.filled or row.status == "NEW":
                assert loaded[f"orders:{name}"].filled_qty.as_decimal() == row.filled
    for each in plan.put_aside:
        assert each.reason


def test_nothing_of_this_is_said_of_a_right_store() -> None:
    plan = FORMAT(TRADER).mend(MARKET.keys, MARKET.record, OWNERS, NOW_NS)
    assert plan.is_empty
    assert held(load(MARKET.keys)) == MARKET.held
