"""A node's configuration, with the drill's store and exchange in the place of its own."""

from typing import TYPE_CHECKING, Any

import msgspec

from recovery_drill.kit.settings import Settings, settings
from recovery_drill.record.contract import ExitCode

if TYPE_CHECKING:
    from nautilus_trader.config import TradingNodeConfig

ADAPTER = "nautilus_trader.adapters.binance"
KEY, SECRET = "simulated-key", "simulated-secret"
"""Those of the one account that the simulated exchange has."""


class CannotBeDrilled(SystemExit):
    """The node could reach something that is not the drill's; it ends with one line."""

    def __init__(self, sentence: str) -> None:
        print(sentence, flush=True)
        super().__init__(int(ExitCode.CONFIGURATION))


def here(config: "TradingNodeConfig") -> "TradingNodeConfig":
    """Return a configuration whose every address is the drill's.

    Where no drill has started the process it is returned as it is. What is no address stays: a node
    is drilled with its own settings.

    Raises
    ------
    CannotBeDrilled
        If it has a client that the simulated exchange cannot answer. A drilled node must not reach
        an exchange that is real.

    """
    place = settings()
    if place is None:
        return config
    from nautilus_trader.model.identifiers import TraderId

    changed: dict[str, Any] = {
        "trader_id": TraderId(place.trader_id),
        "data_clients": _clients(config.data_clients, place),
        "exec_clients": _clients(config.exec_clients, place),
    }
    for name in ("cache", "message_bus"):
        part: Any = getattr(config, name)
        if part is not None and part.database is not None:
            database = _database(part.database, place)
            changed[name] = msgspec.structs.replace(part, database=database)
    return msgspec.structs.replace(config, **changed)


def _database(database: Any, place: Settings) -> Any:
    return msgspec.structs.replace(
        database,
        host=place.store_host,
        port=place.store_port,
        username=place.store_username,
        password=place.store_password,
        ssl=False,
    )


def _clients(clients: dict[str, Any], place: Settings) -> dict[str, Any]:
    return {name: _client(name, client, place) for name, client in clients.items()}


def _client(name: str, client: Any, place: Settings) -> Any:
    """Return a client of the Binance USD-M adapter that speaks with the drill's exchange only."""
    if not type(client).__module__.startswith(ADAPTER):
        raise CannotBeDrilled(
            f"The client {name} is a {type(client).__name__}, and the drill's exchange speaks "
            "Binance USD-M futures only: drill the node without it."
        )
    from nautilus_trader.adapters.binance import BinanceAccountType, BinanceKeyType
    from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment

    if client.account_type is not BinanceAccountType.USDT_FUTURES:
        raise CannotBeDrilled(
            f"The client {name} trades {client.account_type.value}, and the drill's exchange "
            "speaks Binance USD-M futures only (account_type=BinanceAccountType.USDT_FUTURES)."
        )
    changed: dict[str, Any] = {
        "api_key": KEY,
        "api_secret": SECRET,
        "key_type": BinanceKeyType.HMAC,
        # With this one the adapter takes the addresses as they are.
        "environment": BinanceEnvironment.TESTNET,
        "base_url_http": place.exchange_http_url,
        "base_url_ws": place.exchange_ws_url,
        "proxy_url": None,
    }
    if hasattr(client, "base_url_ws_stream"):
        # Without it the user stream has an address of the adapter's own.
        changed["base_url_ws_stream"] = place.exchange_ws_url
    return msgspec.structs.replace(client, **changed)
