"""A node in one file: a small grid of limit orders around the price; each fill is taken back."""

from decimal import Decimal

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import (
    CacheConfig,
    DatabaseConfig,
    InstrumentProviderConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


class GridConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    trade_size: Decimal
    step: Decimal = Decimal("0.0015")
    levels: int = 2


class Grid(Strategy):
    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if self.cache.orders_open(instrument_id=self.config.instrument_id):
            return
        if not self.portfolio.is_flat(self.config.instrument_id):
            return
        size = self.instrument.make_qty(self.config.trade_size)
        for level in range(1, self.config.levels + 1):
            self.rest(OrderSide.BUY, size, bar.close.as_decimal() * (1 - level * self.config.step))
            self.rest(OrderSide.SELL, size, bar.close.as_decimal() * (1 + level * self.config.step))

    def on_order_filled(self, event: OrderFilled) -> None:
        order = self.cache.order(event.client_order_id)
        if order.is_reduce_only or not order.is_closed:
            return
        price = order.price.as_decimal()
        if event.order_side == OrderSide.BUY:
            self.rest(
                OrderSide.SELL, order.quantity, price * (1 + self.config.step), reduce_only=True
            )
        else:
            self.rest(
                OrderSide.BUY, order.quantity, price * (1 - self.config.step), reduce_only=True
            )

    def on_position_closed(self, event: object) -> None:
        # Back to flat: the grid is laid anew around the next bar's close.
        self.cancel_all_orders(self.config.instrument_id)

    def rest(
        self, side: OrderSide, quantity: Quantity, price: Decimal, *, reduce_only: bool = False
    ) -> None:
        self.submit_order(
            self.order_factory.limit(
                instrument_id=self.config.instrument_id,
                order_side=side,
                quantity=quantity,
                price=self.instrument.make_price(price),
                reduce_only=reduce_only,
            )
        )


provider = InstrumentProviderConfig(load_ids=frozenset({INSTRUMENT}))
node = TradingNode(
    config=TradingNodeConfig(
        trader_id=TraderId("TRADER-001"),
        cache=CacheConfig(database=DatabaseConfig(type="redis")),
        data_clients={
            BINANCE: BinanceDataClientConfig(
                account_type=BinanceAccountType.USDT_FUTURES, instrument_provider=provider
            ),
        },
        exec_clients={
            BINANCE: BinanceExecClientConfig(
                account_type=BinanceAccountType.USDT_FUTURES, instrument_provider=provider
            ),
        },
    )
)
node.trader.add_strategy(
    Grid(
        GridConfig(
            instrument_id=INSTRUMENT,
            bar_type=BarType.from_str(f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL"),
            trade_size=Decimal("0.010"),
        )
    )
)
node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
node.build()

if __name__ == "__main__":
    try:
        node.run()
    finally:
        node.dispose()
