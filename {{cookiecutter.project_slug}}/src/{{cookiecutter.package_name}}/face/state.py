"""The node's state as one document, made from rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Any

from ..plan.rows import BalanceRow, OrderRow, PositionRow, Rows
from ..plan.traded import Traded
from .conditions import Condition

SCHEMA = 1
MOST_CLOSED = 500
"""Of closed orders, the newest are told; those before them are asked for with ``before``."""
AGE = attrgetter("born_ns", "client_order_id")


@dataclass(frozen=True, slots=True)
class NodeState:
    """
    What ``GET /state`` tells beyond the engine's rows.

    Parameters
    ----------
    pid : int
        The process id.
    instance_id : str
        The name of this process among its restarts.
    lease_epoch : int, optional
        The number of its holding of the lease; ``None`` without.
    revision : int
        Grows with each change of what is answered here.
    stage : str
        The current stage.
    trader_id : str
        Whose node it is; empty while its settings cannot be read.
    decided_bar : Mapping[str, int]
        By symbol: close time in milliseconds of market time of the last decided bar.
    pending_looks : int
        Looks at the market that are due and have not happened; each may send a command.
    traded : Sequence[Traded]
        What is traded.
    found : Mapping[str, str]
        By guard: what it has found on the way up, in a sentence.
    notes : Sequence[str]
        What a person should know of account, store and exchange, in sentences.
    conditions : Sequence[Condition]
        What is wrong now.

    """

    pid: int
    instance_id: str
    revision: int
    stage: str
    trader_id: str = ""
    decided_bar: Mapping[str, int] = field(default_factory=dict)
    pending_looks: int = 0
    traded: Sequence[Traded] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    conditions: Sequence[Condition] = ()
    lease_epoch: int | None = None


def document(node: NodeState, rows: Rows, before: str | None = None) -> dict[str, Any]:
    """
    Return the answer to ``GET /state``.

    Parameters
    ----------
    node : NodeState
        What the node tells.
    rows : Rows
        What the engine has.
    before : str, optional
        A client order id: of closed orders, those before it are told.

    """
    orders, older = told_orders(rows.orders, before)
    return {
        "schema": SCHEMA,
        "pid": node.pid,
        "trader_id": node.trader_id,
        "instance_id": node.instance_id,
        "lease_epoch": node.lease_epoch,
        "revision": node.revision,
        "stage": node.stage,
        "decided_bar": dict(node.decided_bar),
        "inflight": sum(row.is_in_flight for row in rows.orders) + node.pending_looks,
        "traded": [_traded(each) for each in node.traded],
        "positions": [_position(row) for row in rows.positions],
        "orders": [_order(row) for row in orders],
        "older_orders": older,
        "found": dict(node.found),
        "notes": list(node.notes),
        "conditions": [asdict(each) for each in node.conditions],
        "balances": [_balance(row) for row in rows.balances],
    }


def told_orders(rows: Sequence[OrderRow], before: str | None = None) -> tuple[list[OrderRow], int]:
    """Return all open orders and one page of closed ones, and how many closed ones are older."""
    told: list[OrderRow] = []
    closed: list[OrderRow] = []
    for row in rows:
        (closed if row.is_closed else told).append(row)
    if before is not None:
        first = next((AGE(row) for row in closed if row.client_order_id == before), None)
        # One that is not here any more is older than all that are.
        closed = [] if first is None else [row for row in closed if AGE(row) < first]
    # They come nearly in order, which makes sorting thousands quicker than picking the newest.
    page = sorted(closed, key=AGE)[-MOST_CLOSED:]
    return sorted([*told, *page], key=AGE), len(closed) - len(page)


def _traded(each: Traded) -> dict[str, Any]:
    return {
        "tag": each.tag,
        "symbol": each.symbol,
        "bar_seconds": each.bar_length.ms // 1000,
        "window": each.rule.window,
    }


def _position(row: PositionRow) -> dict[str, Any]:
    return {
        "symbol": row.symbol,
        "quantity": str(row.quantity),
        "strategy_id": row.strategy_id,
    }


def _order(row: OrderRow) -> dict[str, Any]:
    return {
        "client_order_id": row.client_order_id,
        "exchange_order_id": row.exchange_order_id,
        "symbol": row.symbol,
        "type": row.type,
        "side": row.side,
        "quantity": str(row.quantity),
        "filled": str(row.filled),
        "status": row.status,
        "reduce_only": row.reduce_only,
        "price": None if row.price is None else str(row.price),
        "trigger_price": None if row.trigger_price is None else str(row.trigger_price),
        "trade_ids": list(row.trade_ids),
    }


def _balance(row: BalanceRow) -> dict[str, str]:
    return {
        "currency": row.currency,
        "total": str(row.total),
        "locked": str(row.locked),
        "free": str(row.free),
    }
