"""A node in one file: follows two averages, and protects each position with a stop."""

from datetime import timedelta
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
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import PositionOpened
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")


class CrossConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    trade_size: Decimal
    stop_distance: Decimal = Decimal("0.004")


class Cross(Strategy):
    def __init__(self, config: CrossConfig) -> None:
        super().__init__(config)
        self.fast = ExponentialMovingAverage(5)
        self.slow = ExponentialMovingAverage(15)

    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        self.register_indicator_for_bars(self.config.bar_type, self.fast)
        self.register_indicator_for_bars(self.config.bar_type, self.slow)
        self.request_bars(self.config.bar_type, start=self.clock.utc_now() - timedelta(days=2))
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        if not self.indicators_initialized():
            return
        if self.fast.value >= self.slow.value:
            if self.portfolio.is_net_short(self.config.instrument_id):
                self.leave()
            elif self.portfolio.is_flat(self.config.instrument_id):
                self.enter(OrderSide.BUY)
        elif self.portfolio.is_net_long(self.config.instrument_id):
            self.leave()
        elif self.portfolio.is_flat(self.config.instrument_id):
            self.enter(OrderSide.SELL)

    def enter(self, side: OrderSide) -> None:
        self.submit_order(
            self.order_factory.market(
                instrument_id=self.config.instrument_id,
                order_side=side,
                quantity=self.instrument.make_qty(self.config.trade_size),
            )
        )

    def leave(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        self.close_all_positions(self.config.instrument_id)

    def on_position_opened(self, event: PositionOpened) -> None:
        is_long = event.entry == OrderSide.BUY
        distance = -self.config.stop_distance if is_long else self.config.stop_distance
        self.submit_order(
            self.order_factory.stop_market(
                instrument_id=self.config.instrument_id,
                order_side=OrderSide.SELL if is_long else OrderSide.BUY,
                quantity=event.quantity,
                trigger_price=self.instrument.make_price(
                    Decimal(str(event.avg_px_open)) * (1 + distance)
                ),
                reduce_only=True,
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
    Cross(
        CrossConfig(
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
