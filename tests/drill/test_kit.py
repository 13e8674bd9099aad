"""What a foreign node imports: nothing without a drill, and within one no address is real."""

from typing import Any

import msgspec
import pytest
from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
)
from nautilus_trader.config import (
    CacheConfig,
    DatabaseConfig,
    LiveDataClientConfig,
    LiveExecEngineConfig,
    TradingNodeConfig,
)
from nautilus_trader.model.identifiers import TraderId

from recovery_drill.kit import here, settings
from recovery_drill.kit.here import CannotBeDrilled
from recovery_drill.record.contract import Variable

HTTP, WS = "http://127.0.0.1:1", "ws://127.0.0.1:2"
TOLD = {
    Variable.TRADER_ID: "DRILL1-001",
    Variable.INSTANCE_ID: "drill-1",
    Variable.STORE_URL: "redis://me:secret@127.0.0.1:7001",
    Variable.EXCHANGE_HTTP_URL: HTTP,
    Variable.EXCHANGE_WS_URL: WS,
    Variable.HTTP_PORT: "9000",
}
REAL = "https://fapi.binance.com"


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the drill puts into the environment of a node."""
    for name, value in TOLD.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def no_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a node that nobody drills."""
    for name in Variable:
        monkeypatch.delenv(name, raising=False)


def client(kind: Any = BinanceExecClientConfig, **more: Any) -> Any:
    futures = BinanceAccountType.USDT_FUTURES
    return kind(**{"account_type": futures, "base_url_http": REAL, "api_key": "real", **more})


def config(**more: Any) -> TradingNodeConfig:
    whole = {
        "trader_id": TraderId("MINE-001"),
        "cache": CacheConfig(database=DatabaseConfig(type="redis", host="store", ssl=True)),
        "exec_engine": LiveExecEngineConfig(open_check_interval_secs=7.0),
        "data_clients": {BINANCE: client(BinanceDataClientConfig)},
        "exec_clients": {BINANCE: client(max_retries=2, proxy_url="http://proxy")},
    }
    return TradingNodeConfig(**{**whole, **more})


@pytest.mark.usefixtures("no_drill")
def test_without_a_drill_nothing_changes() -> None:
    given = config()
    assert settings() is None
    assert here(given) is given


@pytest.mark.usefixtures("drill")
def test_in_a_drill_every_address_is_the_drill_s() -> None:
    given = config()
    changed = here(given)
    assert changed.trader_id.value == "DRILL1-001"
    assert changed.cache is not None
    database: Any = changed.cache.database
    assert (database.host, database.port, database.ssl) == ("127.0.0.1", 7001, False)
    assert (database.username, database.password) == ("me", "secret")
    data, orders = changed.data_clients[BINANCE], changed.exec_clients[BINANCE]
    for each in (data, orders):
        assert (each.base_url_http, each.base_url_ws, each.proxy_url) == (HTTP, WS, None)
        assert each.api_key == "simulated-key"
    assert orders.base_url_ws_stream == WS
    # Each text that names a place, wherever it stands, is one that the drill has told.
    places = [text for text in texts(msgspec.to_builtins(orders, enc_hook=str)) if "//" in text]
    assert set(places) == {HTTP, WS}


def texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in texts(each)]
        case list() | tuple():
            return [text for each in value for text in texts(each)]
        case _:
            return []


@pytest.mark.usefixtures("drill")
def test_what_is_no_address_stays() -> None:
    given = config()
    changed = here(given)
    assert changed.exec_engine == given.exec_engine
    assert changed.exec_clients[BINANCE].max_retries == 2
    assert here(config(cache=None)).cache is None


@pytest.mark.usefixtures("drill")
@pytest.mark.parametrize(
    ("clients", "said"),
    [
        ({"SPOT": client(account_type=BinanceAccountType.SPOT)}, "The client SPOT trades SPOT"),
        ({"OTHER": LiveDataClientConfig()}, "The client OTHER is a LiveDataClientConfig"),
    ],
)
def test_a_client_that_could_reach_a_real_exchange_is_refused(
    clients: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CannotBeDrilled) as refused:
        here(config(data_clients=clients))
    assert refused.value.code == 78
    assert said in capsys.readouterr().out
