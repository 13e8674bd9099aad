"""What the store has of one trader, decoded from the engine's keys.

NautilusTrader keeps each order as a list of events under ``trader-<ID>:orders:<client_order_id>``
and the current cycle of each position as a list of fills under
``trader-<ID>:positions:<position_id>``, in msgpack. It writes without waiting for an answer, so the
store lags behind the node; `caught_up` says when it no longer does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from recovery_drill.record.contract import V1, Engine
from recovery_drill.record.model import NodeOrder, NodePosition, NodeState


@dataclass(frozen=True)
class StoreView:
    """Decoded orders and positions of one trader.

    Parameters
    ----------
    orders : dict[str, tuple[dict, ...]]
        The events of each order, by client order id, oldest first.
    positions : dict[str, tuple[dict, ...]]
        The fills of each position's current cycle, by position id.
    keys : tuple[str, ...]
        The keys of what strategies remember (``general:*``, ``strategies:*``), sorted, without
        the trader's prefix.
    engine : Engine
        Whose words these are.

    """

    orders: dict[str, tuple[dict[str, Any], ...]]
    positions: dict[str, tuple[dict[str, Any], ...]]
    keys: tuple[str, ...] = ()
    engine: Engine = V1

    def trade_ids(self, client_order_id: str) -> tuple[str, ...]:
        """Return the trade ids of an order's stored fills."""
        events = self.orders.get(client_order_id, ())
        return tuple(str(e["trade_id"]) for e in events if e.get("type") == self.engine.fill)

    def position(self, position_id: str) -> Decimal:
        """Return the signed quantity that a position's stored fills add up to."""
        total = Decimal(0)
        for fill in self.positions[position_id]:
            quantity = Decimal(str(fill["last_qty"]))
            total += quantity if fill["order_side"] == "BUY" else -quantity
        return total

    def name_of(self, position_id: str) -> str:
        """Return a position's id, after its instrument where the id does not begin with that.

        An engine names positions by instrument and strategy, by the exchange's word for their side,
        or by a number; what they are of their fills say.
        """
        of = next((str(fill.get("instrument_id", "")) for fill in self.positions[position_id]), "")
        return position_id if position_id.startswith(of) else f"{of} {position_id}"

    def is_of(self, position_id: str, position: NodePosition) -> bool:
        """Tell whether a stored position is one of the node's: of its symbol and its strategy."""
        fills = self.positions[position_id]
        owners = {str(fill["strategy_id"]) for fill in fills if "strategy_id" in fill}
        is_owned = position.strategy_id in owners or (
            not owners and position_id.endswith(position.strategy_id)
        )
        name = self.name_of(position_id)
        return is_owned and re.match(rf"{re.escape(position.symbol)}\b", name) is not None


async def read_store(client: Redis, trader_id: str, engine: Engine = V1) -> StoreView:
    """Read and decode one trader's orders and positions, and the names of what it remembers."""
    prefix = engine.keys_of(trader_id)
    orders = {
        name.removeprefix(engine.id_prefix): tuple(plain_event(event, engine) for event in events)
        for name, events in (await _lists(client, f"{prefix}{engine.orders}:")).items()
    }
    positions = await _lists(client, f"{prefix}{engine.positions}:")
    keys = [
        key.decode().removeprefix(prefix)
        for kind in engine.remembered
        async for key in client.scan_iter(match=f"{prefix}{kind}:*", count=1000)
    ]
    kept = tuple(sorted(set(keys)))
    return StoreView(orders=orders, positions=positions, keys=kept, engine=engine)


async def _lists(client: Redis, prefix: str) -> dict[str, tuple[dict[str, Any], ...]]:
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    async for key in client.scan_iter(match=f"{prefix}*", count=1000, _type="LIST"):
        # The client does not decode answers, so that rows are bytes whatever its types allow.
        rows = cast("list[bytes]", await client.lrange(key, 0, -1))
        name = key.decode().removeprefix(prefix)
        found[name] = tuple(msgspec.msgpack.decode(row) for row in rows)
    return found


def plain_event(event: Any, engine: Engine) -> dict[str, Any]:
    """Return an order's event without the name that an engine puts it under."""
    if engine.tagged and isinstance(event, dict) and len(event) == 1:
        [inner] = event.values()
        if isinstance(inner, dict):
            return inner
    return cast("dict[str, Any]", event)


def store_look_data(view: StoreView, when: str, behind: str | None) -> dict[str, Any]:
    """Return the data of a ``store.look`` record: enough to judge the store without it.

    Parameters
    ----------
    view : StoreView
        What was in the store.
    when : str
        What had just happened, for messages.
    behind : str or None
        What `caught_up` last said.

    """
    return {
        "when": when,
        "behind": behind,
        "orders": {
            name: [
                [str(e["type"]), *(_text(e.get(k)) for k in ("trade_id", "last_qty", "order_side"))]
                for e in events
            ]
            for name, events in view.orders.items()
        },
        "positions": {
            view.name_of(name): [
                [str(f["trade_id"]), str(f["order_side"]), str(f["last_qty"])] for f in fills
            ]
            for name, fills in view.positions.items()
        },
        "keys": list(view.keys),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def caught_up(state: NodeState, store: StoreView) -> str | None:
    """Compare the store with the node's memory.

    Returns
    -------
    str or None
        One sentence on the first thing that the store lacks; None when it lacks nothing.

    """
    for order in state.orders:
        events = store.orders.get(order.client_order_id, ())
        if not events:
            return f"The store does not have order {order.client_order_id}."
        last = _last(events, order, store.engine)
        if last not in store.engine.last_events.get(order.status, {last}):
            return f"The store has {last} last of {order.client_order_id}, which is {order.status}."
        if set(store.trade_ids(order.client_order_id)) != set(order.trade_ids):
            return f"The store lacks a fill of order {order.client_order_id}."
    for position in state.positions:
        sizes = [store.position(key) for key in store.positions if store.is_of(key, position)]
        if position.quantity not in sizes:
            return f"The store lacks the position of {position.quantity} {position.symbol}."
    for key in store.positions:
        # One that was closed keeps its fills, which then add up to nothing.
        quantity = store.position(key)
        if quantity and not any(store.is_of(key, position) for position in state.positions):
            return f"The store lacks the end of position {key}: it has {quantity} there."
    return None


def _last(events: Sequence[Mapping[str, Any]], order: NodeOrder, engine: Engine) -> str:
    """Return the last event that can have made an order what it is.

    What was asked of it too late comes after its end, and changes nothing.
    """
    names = [str(event.get("type")) for event in events]
    if order.closed:
        names = [name for name in names if name not in engine.idle] or names
    return names[-1]
