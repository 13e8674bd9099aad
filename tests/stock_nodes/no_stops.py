"""A node in one file: the engine's own example strategy, which places no stops."""

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
    TradingNodeConfig,
)
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId, TraderId

INSTRUMENT = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")

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
    EMACross(
        EMACrossConfig(
            instrument_id=INSTRUMENT,
            bar_type=BarType.from_str(f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL"),
            trade_size=Decimal("0.010"),
            subscribe_trade_ticks=False,
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
