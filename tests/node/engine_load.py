"""The engine's own load of a store, without a store: what it would have in memory."""

from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.orders import OrderUnpacker
from nautilus_trader.model.position import Position
from nautilus_trader.serialization.serializer import MsgSpecSerializer

SERIALIZER = MsgSpecSerializer(encoding=msgspec.msgpack, timestamps_as_str=True)


def load_order(rows: list[bytes]) -> Any:
    """Load one order as `CacheDatabaseAdapter.load_order` does; raise what that raises."""
    init, *events = (SERIALIZER.deserialize(row) for row in rows)
    assert isinstance(init, OrderInitialized)
    order = OrderUnpacker.from_init(init)
    for event in events:
        if event in order.events:
            raise RuntimeError("Corrupt cache with duplicate event")
        order.apply(event)
    return order


def load(keys: dict[str, Any]) -> dict[str, Any]:
    """Return the orders and positions that the engine loads from keys; raise what it raises."""
    loaded: dict[str, Any] = {}
    instruments = {}
    for key, raw in keys.items():
        kind, _, name = key.partition(":")
        match kind:
            case "instruments":
                instruments[name] = SERIALIZER.deserialize(raw.value)
                assert instruments[name].id.value == name
            case "currencies":
                assert int(SERIALIZER.deserialize(raw.value)["precision"]) >= 0
            case "accounts":
                first, *rest = (SERIALIZER.deserialize(row) for row in raw.value)
                account = AccountFactory.create(first)
                for event in rest:
                    account.apply(event)
            case "orders":
                loaded[key] = load_order(raw.value)
                assert loaded[key].client_order_id.value == name
    for key, raw in keys.items():
        if key.startswith("positions:"):
            first, *rest = (SERIALIZER.deserialize(row) for row in raw.value)
            position = Position(instruments[first.instrument_id.value], first)
            for event in rest:
                if event in position.events:
                    raise RuntimeError("Corrupt cache with duplicate event")
                position.apply(event)
            assert position.id.value == key.partition(":")[2]
            loaded[key] = position
    return loaded


def held(loaded: dict[str, Any]) -> Decimal:
    """Return what all positions add up to."""
    return sum(
        (each.signed_decimal_qty() for each in loaded.values() if isinstance(each, Position)),
        Decimal(0),
    )
