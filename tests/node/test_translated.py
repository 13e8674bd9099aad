"""A store that one engine has written, told in the words of the other: nothing is lost."""

from typing import Any

import msgspec
import pytest

from node.baked import module
from node.stores import FORMAT, NOW_NS, OWNERS, TRADER, Keys, Market, applied
from node.test_mend_mutations import market

FORMATS = module("engine.mending.formats").FORMATS
TRANSLATED = module("engine.mending.translated").translated
V1, V2 = FORMATS["v1"](TRADER), FORMATS["v2"](TRADER)
MEMORY = module("engine.stored").RawKey("string", b"what a strategy remembers")


def said(event: Any) -> dict[str, Any]:
    """Return an event's fields; an option that is nothing and one that is left out are the same."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    options = fields.get("options", {})
    return {**fields, "options": {k: v for k, v in options.items() if v is not None}}


def told(form: Any, keys: Keys) -> dict[str, Any]:
    """Return what keys say, in no version's words."""
    stored = form.read(keys)
    assert stored.put_aside == []
    return {
        "orders": {
            name: (order.status, order.number, order.filled, list(map(said, order.events)))
            for name, order in stored.orders.items()
        },
        "positions": {name: each.fills for name, each in stored.positions.items()},
        "accounts": stored.accounts,
        "instruments": {
            name: (each.price_precision, each.size_precision, each.settlement_currency)
            for name, each in stored.instruments.items()
        },
        "hashes": stored.hashes,
    }


@pytest.fixture
def traded() -> Market:
    """A market in which much has happened, all of it heard."""
    return market()


def test_there_and_back_nothing_is_lost(traded: Market) -> None:
    keys = {**traded.keys, "general:memory": MEMORY}
    there = applied(keys, TRANSLATED(keys, V1, V2))
    assert told(V2, there) == told(V1, keys)
    back = applied(there, TRANSLATED(there, V2, V1))
    assert told(V1, back) == told(V1, keys)
    assert there["general:memory"] == back["general:memory"] == MEMORY


def test_the_mend_finds_nothing_to_do_afterwards(traded: Market) -> None:
    record = traded.record
    keys = applied(traded.keys, FORMAT(TRADER).mend(traded.keys, record, OWNERS, NOW_NS))
    there = applied(keys, TRANSLATED(keys, V1, V2))
    plan = V2.mend(there, record, OWNERS, NOW_NS)
    assert plan.is_empty, plan.mended


def test_each_version_calls_the_other_s_keys_foreign(traded: Market) -> None:
    there = applied(traded.keys, TRANSLATED(traded.keys, V1, V2))
    assert V1.foreign(traded.keys) == V2.foreign(there) == ""
    assert "NautilusTrader 1" in V2.foreign(traded.keys)
    assert "NautilusTrader 2" in V1.foreign(there)


def test_an_order_that_cannot_be_told_stays_aside_and_is_named(traded: Market) -> None:
    name = "1jnoyl7h-1704085199-E0"
    rows = traded.keys[f"orders:{name}"].value
    broken = {**traded.keys, f"orders:{name}": module("engine.stored").RawKey("list", rows[1:])}
    plan = TRANSLATED(broken, V1, V2)
    assert f"orders:{name}" not in plan.writes.lists
    assert any(name in sentence for sentence in plan.mended)


def test_a_state_that_one_version_writes_twice_is_written_once() -> None:
    fresh = Market()
    there = applied(fresh.keys, TRANSLATED(fresh.keys, V1, V2))
    [key] = [each for each in there if each.startswith("accounts:")]
    twice = module("engine.stored").RawKey("list", [*there[key].value, *there[key].value])
    assert V2.read({**there, key: twice}).put_aside == []
    back = applied({**there, key: twice}, TRANSLATED({**there, key: twice}, V2, V1))
    assert len(back[key].value) == 1


def test_version_2_tells_orders_under_names_and_fills_of_positions_bare(traded: Market) -> None:
    there = applied(traded.keys, TRANSLATED(traded.keys, V1, V2))
    for key, raw in there.items():
        if key.startswith("orders:"):
            [(name, fields)] = msgspec.msgpack.decode(raw.value[0]).items()
            assert (name, fields["type"]) == ("Initialized", "OrderInitialized")
            assert fields["ts_init"].endswith("Z")
        elif key.startswith("positions:"):
            assert msgspec.msgpack.decode(raw.value[0])["type"] == "OrderFilled"
