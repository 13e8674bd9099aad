"""A fill as the store has it, and as the exchange tells it."""

from decimal import Decimal

from ...venue.records import TradeRecord
from .events import OrderFilled

NS_PER_MS = 1_000_000
CENT = Decimal("0.0000001")
"""Commissions that differ by less are the same: the exchange tells more digits than it takes."""


def is_fill_of(fill: OrderFilled, trade: TradeRecord) -> bool:
    """Return whether a stored fill tells of a trade, and tells it right."""
    paid, _, asset = fill.commission.partition(" ")
    return (
        fill.trade_id == trade.trade_id
        and fill.order_side == trade.side
        and Decimal(fill.last_qty) == trade.quantity
        and Decimal(fill.last_px) == trade.price
        and asset == trade.commission_asset
        and abs(Decimal(paid) - trade.commission) < CENT
    )


def told(fill: OrderFilled) -> tuple[object, ...]:
    """Return what two stored fills must have in common to be the same."""
    return (
        fill.trade_id,
        fill.order_side,
        Decimal(fill.last_qty),
        Decimal(fill.last_px),
        fill.client_order_id,
        fill.commission,
    )


def trade_of(fill: OrderFilled, symbol: str) -> TradeRecord:
    """Return a stored fill as the exchange would tell it."""
    paid, _, asset = fill.commission.partition(" ")
    return TradeRecord(
        trade_id=fill.trade_id,
        exchange_order_id=fill.venue_order_id,
        symbol=symbol,
        side=fill.order_side,
        quantity=Decimal(fill.last_qty),
        price=Decimal(fill.last_px),
        commission=Decimal(paid),
        commission_asset=asset,
        is_maker=fill.liquidity_side == "MAKER",
        at_ms=round(int(fill.ts_event) / NS_PER_MS),
    )
