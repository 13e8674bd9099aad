"""What the store has, as the same rows that the engine's cache is told in; no engine is needed."""

from decimal import Decimal

from ...plan.rows import BalanceRow, OrderRow, PositionRow, Rows
from .stored import Stored, StoredPosition
from .stored_orders import StoredOrder

PERPETUAL = "-PERP.BINANCE"


def stored_rows(stored: Stored) -> Rows:
    """Return orders, open positions and the newest balances of a trader's keys."""
    positions = stored.positions.values()
    newest = [states[-1] for states in stored.accounts.values() if states]
    return Rows(
        orders=tuple(_order(order) for order in stored.orders.values()),
        positions=tuple(_position(each) for each in positions if each.quantity),
        balances=tuple(
            BalanceRow(each.currency, *map(Decimal, (each.total, each.locked, each.free)))
            for state in newest
            for each in state.balances
        ),
    )


def _order(order: StoredOrder) -> OrderRow:
    init = order.init
    return OrderRow(
        client_order_id=init.client_order_id,
        exchange_order_id=order.number,
        symbol=_symbol(init.instrument_id),
        type=init.order_type,
        side=init.order_side,
        status=order.status,
        quantity=order.quantity,
        filled=order.filled,
        reduce_only=init.reduce_only,
        price=None if order.price is None else Decimal(order.price),
        trigger_price=None if order.trigger_price is None else Decimal(order.trigger_price),
        trade_ids=tuple(fill.trade_id for fill in order.fills),
        born_ns=int(init.ts_init),
    )


def _position(position: StoredPosition) -> PositionRow:
    first = position.fills[0]
    return PositionRow(_symbol(first.instrument_id), position.quantity, first.strategy_id)


def _symbol(instrument_id: str) -> str:
    return instrument_id.removesuffix(PERPETUAL)
