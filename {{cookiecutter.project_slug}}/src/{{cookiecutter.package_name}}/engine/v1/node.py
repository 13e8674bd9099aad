"""Build the engine's node from the settings; every choice stands beside its reason."""

from collections.abc import Iterable
from typing import Any

import msgspec
from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
)
from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.cache.database import CacheDatabaseAdapter
from nautilus_trader.config import (
    CacheConfig,
    DatabaseConfig,
    InstrumentProviderConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.serialization.serializer import MsgSpecSerializer

from ...config.profiles import Profile
from ...config.secret_files import store_credentials
from ...config.settings import Settings
from ...exit_codes import ExitCode, NodeExit
from ...venue.binance.signing_clock import RECEIVE_WINDOW_MS
from .adapter import MendedDataClientFactory
from .views import instrument_id_of

CONNECT_SECONDS = 15.0
RECONCILE_SECONDS = 20.0
PORTFOLIO_SECONDS = 10.0
DISCONNECT_SECONDS = 3.0
POST_STOP_SECONDS = 0.5

LIVE_ROUTES, GIVEN_ROUTES = BinanceEnvironment.LIVE, BinanceEnvironment.TESTNET
"""All addresses are given in every profile; the first one lets the adapter add the paths that the
exchange itself has for each kind of stream."""


def node_config(settings: Settings, symbols: Iterable[str]) -> TradingNodeConfig:
    """Return the engine's configuration, with the instruments of `symbols`."""
    ids = frozenset(instrument_id_of(symbol) for symbol in symbols)
    instruments = InstrumentProviderConfig(load_ids=ids)
    return TradingNodeConfig(
        trader_id=TraderId(settings.id),
        # use_pyo3: without it the engine's store writer fails without a word.
        logging=LoggingConfig(log_level=settings.log_level, log_colors=False, use_pyo3=True),
        cache=_cache_config(settings),
        exec_engine=_exec_engine_config(),
        # An exception in a handler stops the node, and its own exit code says so: see start.
        data_engine=LiveDataEngineConfig(graceful_shutdown_on_exception=True),
        risk_engine=LiveRiskEngineConfig(graceful_shutdown_on_exception=True),
        data_clients={BINANCE: _data_client_config(settings, instruments)},
        exec_clients={BINANCE: _exec_client_config(settings, instruments)},
        timeout_connection=CONNECT_SECONDS,
        # The engine accepts this bound and ignores it; start enforces it.
        timeout_reconciliation=RECONCILE_SECONDS,
        timeout_portfolio=PORTFOLIO_SECONDS,
        timeout_disconnection=DISCONNECT_SECONDS,
        # The time that orders in flight get to be answered after the strategy has stopped.
        timeout_post_stop=POST_STOP_SECONDS,
    )


def _cache_config(settings: Settings) -> CacheConfig:
    host, port, username, password, tls = store_credentials(settings.store_url)
    return CacheConfig(
        database=DatabaseConfig(
            type="redis",
            host=host,
            port=port,
            username=username,
            password=password,
            ssl=tls,
            connection_timeout=2,
            response_timeout=2,
            # While the store is away, commands queue and are written about a second after it is
            # back; fewer retries lose them, the default delay waits up to a quarter of an hour.
            number_of_retries=100,
            max_delay=1,
        ),
        # Buffered, an order may be filled at the exchange before the store has heard of it.
        buffer_interval_ms=None,
        # A new instance id at each start would make each start a cold one.
        use_instance_id=False,
        # It would empty the whole database, other traders' keys too.
        flush_on_start=False,
    )


def check_certificate(settings: Settings) -> None:
    """
    Connect to a store behind TLS once, as the engine does; its load would try for minutes.

    The engine's client has a list of public authorities of its own, and asks nobody else: neither
    the machine's list nor SSL_CERT_FILE.

    Raises
    ------
    NodeExit
        With code 78 if the certificate is not believed.

    """
    config = _cache_config(settings)
    if config.database is None or not config.database.ssl:
        return
    once = msgspec.structs.replace(config.database, number_of_retries=0)
    try:
        CacheDatabaseAdapter(
            trader_id=TraderId(settings.id),
            instance_id=UUID4(),
            serializer=MsgSpecSerializer(encoding=msgspec.msgpack),
            config=msgspec.structs.replace(config, database=once),
        ).close()
    except RuntimeError as error:
        if "certificate" in str(error):
            raise NodeExit(
                ExitCode.CONFIGURATION,
                "The engine does not believe the store's certificate: it takes those of public "
                "authorities alone, whatever this machine trusts; give the store one, or let the "
                "way to it be encrypted outside of the node (docs/going-live.md).",
            ) from error
        raise


def _exec_engine_config() -> LiveExecEngineConfig:
    return LiveExecEngineConfig(
        reconciliation=True,
        # Off: its questions name no symbol and count 80 each time, and the watch of the account
        # asks for the same more often.
        open_check_interval_secs=None,
        position_check_interval_secs=None,
        # Off: after five questions it rejects an order whose fate nobody knows, and takes one that
        # is being cancelled for cancelled. See unknown_outcomes.
        inflight_check_interval_ms=0,
        # Ten seconds by default.
        reconciliation_startup_delay_secs=2.0,
        graceful_shutdown_on_exception=True,
    )


def _environment(settings: Settings) -> BinanceEnvironment:
    return LIVE_ROUTES if settings.profile is Profile.LIVE else GIVEN_ROUTES


def _data_client_config(
    settings: Settings, instruments: InstrumentProviderConfig
) -> BinanceDataClientConfig:
    return BinanceDataClientConfig(
        api_key=settings.api_key,
        api_secret=settings.api_secret.get_secret_value(),
        account_type=BinanceAccountType.USDT_FUTURES,
        environment=_environment(settings),
        base_url_http=settings.exchange_http_url,
        base_url_ws=settings.exchange_ws_url,
        instrument_provider=instruments,
    )


def _exec_client_config(
    settings: Settings, instruments: InstrumentProviderConfig
) -> BinanceExecClientConfig:
    return BinanceExecClientConfig(
        api_key=settings.api_key,
        api_secret=settings.api_secret.get_secret_value(),
        account_type=BinanceAccountType.USDT_FUTURES,
        environment=_environment(settings),
        base_url_http=settings.exchange_http_url,
        base_url_ws=settings.exchange_ws_url,
        # Without this one the user stream has an address of the adapter's own. It carries the
        # events of HMAC keys; other keys would take them from base_url_ws: profiles refuses them.
        base_url_ws_stream=settings.exchange_ws_url,
        # One-way positions are the engine's to name: one a strategy and instrument.
        use_position_ids=False,
        recv_window_ms=RECEIVE_WINDOW_MS,
        # No blind second request: the plan asks first and then sends.
        max_retries=None,
        instrument_provider=instruments,
    )


def build_node(settings: Settings, symbols: Iterable[str], exec_client_factory: Any) -> TradingNode:
    """
    Return the node with its clients built; this loads the store and blocks while it does.

    Must be called with the event loop running.
    """
    node = TradingNode(config=node_config(settings, symbols))
    node.add_data_client_factory(BINANCE, MendedDataClientFactory)
    node.add_exec_client_factory(BINANCE, exec_client_factory)
    node.build()
    return node
