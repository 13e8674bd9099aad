"""Build the engine's node from the settings; every choice stands beside its reason."""

from collections.abc import Iterable
from urllib.parse import unquote

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceDataClientConfig,
    BinanceDataClientFactory,
    BinanceEnvironment,
    BinanceExecutionClientConfig,
    BinanceExecutionClientFactory,
    BinanceInstrumentProviderConfig,
    BinanceProductType,
)
from nautilus_trader.common import (
    CacheConfig,
    Environment,
    LoggerConfig,
    LogLevel,
    SerializationEncoding,
)
from nautilus_trader.infrastructure import RedisCacheConfig
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeBuilder,
    LiveNodeConfig,
    LiveRiskEngineConfig,
)
from nautilus_trader.model import AccountId, TraderId

from ...config.secret_files import store_credentials
from ...config.settings import Settings
from ...venue.binance.signing_clock import RECEIVE_WINDOW_MS
from ..mending.encoding_v2 import CODEC
from .door import Door
from .views import instrument_id_of

CONNECT_SECONDS = 15.0
RECONCILE_SECONDS = 20.0
DISCONNECT_SECONDS = 3.0
POST_STOP_SECONDS = 0.5
NEVER_MS = 86_400_000
"""As good as never: the engine has no word for that."""


def build_node(settings: Settings, symbols: Iterable[str], door: Door) -> LiveNode:
    """
    Return the node, whose store is loaded when it runs.

    It belongs to the thread that calls this: another one that touches it ends the process.
    """
    host, port, username, password, tls = store_credentials(settings.store_url)
    http = f"http://127.0.0.1:{door.port}"
    instruments = BinanceInstrumentProviderConfig(
        load_all=False, load_ids=[str(instrument_id_of(symbol)) for symbol in symbols]
    )
    config = LiveNodeConfig(
        trader_id=TraderId(settings.id),
        environment=Environment.LIVE,
        logging=LoggerConfig(stdout_level=LogLevel.from_str(settings.log_level), is_colored=False),
        # The store gets each change at once: there is nothing to load or save besides.
        load_state=False,
        save_state=False,
        cache=CacheConfig(
            encoding=SerializationEncoding.MSG_PACK,
            # A new instance id at each start would make each start a cold one.
            use_instance_id=False,
            # It would empty the whole database, other traders' keys too.
            flush_on_start=False,
        ),
        # Our own limits stand before every order; the engine's would deny a market order for as
        # long as no quote has come.
        risk_engine=LiveRiskEngineConfig(bypass=True),
        exec_engine=LiveExecutionEngineConfig(
            reconciliation=True,
            reconciliation_startup_delay_secs=0.0,
            # Off, all of them: after some questions they reject an order whose fate nobody knows.
            # What has become of an order is found out by asking for it; see outcomes.
            inflight_check_interval_ms=NEVER_MS,
            inflight_check_threshold_ms=NEVER_MS,
            open_check_interval_secs=None,
            position_check_interval_secs=None,
        ),
        timeout_connection_secs=CONNECT_SECONDS,
        timeout_reconciliation_secs=RECONCILE_SECONDS,
        timeout_disconnection_secs=DISCONNECT_SECONDS,
        delay_post_stop_secs=POST_STOP_SECONDS,
    )
    return (
        LiveNodeBuilder.from_config("NODE", config)
        .with_cache_database_factory(
            RedisCacheConfig(
                host=host,
                port=port,
                username=username and unquote(username),
                password=password and unquote(password),
                ssl=tls,
                connection_timeout=2,
                response_timeout=2,
                # While the store is away, commands queue and are written when it is back.
                number_of_retries=100,
                max_delay=1,
            )
        )
        .add_data_client(
            BINANCE,
            BinanceDataClientFactory(),
            BinanceDataClientConfig(
                product_type=BinanceProductType.USD_M,
                environment=BinanceEnvironment.TESTNET,
                base_url_http=http,
                base_url_ws=settings.exchange_ws_url,
                instrument_provider=instruments,
                max_retries=0,
            ),
        )
        .add_exec_client(
            BINANCE,
            BinanceExecutionClientFactory(),
            BinanceExecutionClientConfig(
                account_id=AccountId(CODEC.account),
                product_type=BinanceProductType.USD_M,
                environment=BinanceEnvironment.TESTNET,
                base_url_http=http,
                base_url_ws=f"ws://127.0.0.1:{door.port}/ws",
                base_url_ws_trading=f"ws://127.0.0.1:{door.port}/ws",
                # Orders go by HTTP, through the door.
                use_ws_trading=False,
                # One-way positions are the engine's to name: one a strategy and instrument.
                use_position_ids=False,
                api_key=door.key,
                api_secret=door.secret,
                recv_window_ms=RECEIVE_WINDOW_MS,
                instrument_provider=instruments,
                max_retries=0,
            ),
        )
        .build()
    )
