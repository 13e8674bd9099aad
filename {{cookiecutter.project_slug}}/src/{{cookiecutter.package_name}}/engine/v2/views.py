"""The engine's bars, orders, positions and balances in this package's own words."""

from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.model import Bar, InstrumentId, PositionSide

from ...plan.bars import ClosedBar
from ...plan.rows import BalanceRow, FillRow, OrderRow, PositionRow

NS_PER_MS = 1_000_000
PERPETUAL = "-PERP"


def instrument_id_of(symbol: str) -> InstrumentId:
    """Return the engine's name for a perpetual contract."""
    return InstrumentId.from_str(f"{symbol}{PERPETUAL}.{BINANCE}")


def symbol_of(instrument_id: Any) -> str:
    """Return a perpetual contract's symbol as the exchange writes it."""
    return str(instrument_id.symbol.value).removesuffix(PERPETUAL)


def order_row(order: Any) -> OrderRow:
    """Return an order in the cache as a row."""
    price, trigger = getattr(order, "price", None), getattr(order, "trigger_price", None)
    return OrderRow(
        client_order_id=order.client_order_id.value,
        exchange_order_id=order.venue_order_id.value if order.venue_order_id else None,
        symbol=symbol_of(order.instrument_id),
        type=order.order_type.name,
        side=order.side.name,
        status=order.status.name,
        # By their text, which keeps the instrument's decimals: 0.010, not 0.01.
        quantity=Decimal(str(order.quantity)),
        filled=Decimal(str(order.filled_qty)),
        reduce_only=order.is_reduce_only,
        price=None if price is None else Decimal(str(price)),
        trigger_price=None if trigger is None else Decimal(str(trigger)),
        trade_ids=tuple(trade_id.value for trade_id in order.trade_ids),
        born_ns=order.ts_init,
    )


def position_row(position: Any) -> PositionRow:
    """Return an open position in the cache as a row."""
    quantity = position.quantity.as_decimal()
    return PositionRow(
        symbol=symbol_of(position.instrument_id),
        quantity=-quantity if position.side == PositionSide.SHORT else quantity,
        strategy_id=position.strategy_id.value,
        entry_price=Decimal(repr(position.avg_px_open)),
        entry_ms=milliseconds(position.ts_opened),
    )


def fill_row(fill: Any) -> FillRow:
    """Return a fill as a row."""
    paid = fill.commission
    return FillRow(
        symbol=symbol_of(fill.instrument_id),
        trade_id=fill.trade_id.value,
        client_order_id=fill.client_order_id.value,
        side=fill.order_side.name,
        quantity=Decimal(str(fill.last_qty)),
        price=Decimal(str(fill.last_px)),
        commission=Decimal(0) if paid is None else paid.as_decimal(),
        currency=fill.currency.code if paid is None else paid.currency.code,
        at_ms=milliseconds(fill.ts_event),
    )


def balance_rows(account: Any) -> list[BalanceRow]:
    """Return what an account in the cache holds."""
    return [
        BalanceRow(
            currency=currency.code,
            total=balance.total.as_decimal(),
            locked=balance.locked.as_decimal(),
            free=balance.free.as_decimal(),
        )
        for currency, balance in account.balances().items()
    ]


def closed_bar(bar: Bar) -> ClosedBar:
    """Return the engine's bar without its types."""
    return ClosedBar(
        close_ms=milliseconds(bar.ts_event),
        open=bar.open.as_decimal(),
        high=bar.high.as_decimal(),
        low=bar.low.as_decimal(),
        close=bar.close.as_decimal(),
        volume=bar.volume.as_decimal(),
    )


def milliseconds(nanoseconds: int) -> int:
    """Return a stamp in milliseconds."""
    return round(nanoseconds / NS_PER_MS)
