"""What the drill tells a node that it starts, from the node's environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from recovery_drill.record.contract import DEFAULT_TRADER_ID, LOOPBACK, Variable

REDIS_PORT = 6379


@dataclass(frozen=True)
class Settings:
    """Where a drilled node finds everything.

    Parameters
    ----------
    trader_id : str
        The name under which it trades, and which its keys in the store begin with.
    instance_id : str
        Which of its lives this is.
    store_host, store_port : str, int
        Where its store answers.
    store_username, store_password : str or None
        With what it says who it is, where the store asks.
    exchange_http_url, exchange_ws_url : str
        Where the exchange takes requests and sends streams.
    http_host, http_port : str, int
        Where its own endpoint answers.

    """

    trader_id: str
    instance_id: str
    store_host: str
    store_port: int
    store_username: str | None
    store_password: str | None
    exchange_http_url: str
    exchange_ws_url: str
    http_host: str
    http_port: int


def settings(environment: Mapping[str, str] | None = None) -> Settings | None:
    """Return what the drill tells the node, or None where no drill has started it."""
    told = os.environ if environment is None else environment
    if Variable.EXCHANGE_HTTP_URL not in told or Variable.HTTP_PORT not in told:
        return None
    store = urlsplit(told.get(Variable.STORE_URL, f"redis://{LOOPBACK}:{REDIS_PORT}"))
    return Settings(
        trader_id=told.get(Variable.TRADER_ID, DEFAULT_TRADER_ID),
        instance_id=told.get(Variable.INSTANCE_ID, ""),
        store_host=store.hostname or LOOPBACK,
        store_port=store.port or REDIS_PORT,
        store_username=store.username or None,
        store_password=store.password,
        exchange_http_url=told[Variable.EXCHANGE_HTTP_URL],
        exchange_ws_url=told[Variable.EXCHANGE_WS_URL],
        http_host=told.get(Variable.HTTP_HOST, LOOPBACK),
        http_port=int(told[Variable.HTTP_PORT]),
    )
