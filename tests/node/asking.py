"""A simulated exchange behind a relay, and what a test asks or orders there in this process."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from node.baked import baked_project, module
from node.processes import SYMBOL, Exchange
from node.relay import Relay


class Asked:
    """An exchange, a relay before it, and settings that point there."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.exchange = Exchange(folder, baked_project() / "drill", *options)
        self.relay = Relay(self.exchange.http)

    def settings(self, **changes: str) -> Any:
        """Return settings of a node that trades there."""
        given = {
            "profile": "simulated",
            "id": "TRADER-001",
            "symbol": SYMBOL,
            "store_url": "redis://127.0.0.1:1",
            "exchange_http_url": self.relay.url,
            "exchange_ws_url": self.exchange.ws,
        }
        return module("config.settings").Settings(_env_file=None, **{**given, **changes})

    def start(self, **changes: str) -> Any:
        """Return what guards look at."""
        settings = self.settings(**changes)
        own = module("strategies.settings").StrategySettings(_env_file=None)
        traded = module("strategies").traded(settings, own)
        requests = module("venue.binance.requests").Requests(settings)
        return module("guards.guard").Start(settings, traded, requests, None, None, None)

    def order(self, side: str, quantity: str = "0.010", **more: str) -> dict[str, Any]:
        """Place an order, without the relay: a market order unless `more` says otherwise."""
        query = {"symbol": SYMBOL, "side": side, "quantity": quantity, "type": "MARKET", **more}
        path = "algoOrder" if "algoType" in query else "order"
        return dict(self.send("POST", f"/fapi/v1/{path}", **query))

    def stop(self, name: str, quantity: str = "0.010") -> dict[str, Any]:
        """Place a protective stop far below the market."""
        more = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "40000"}
        return self.order("SELL", quantity, clientAlgoId=name, reduceOnly="true", **more)

    def send(self, verb: str, path: str, **query: Any) -> Any:
        """Send a signed request without the relay."""
        text = urlencode(query | {"timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(b"simulated-secret", text.encode(), hashlib.sha256).hexdigest()
        url = f"{self.exchange.http}{path}?{text}&signature={signature}"
        asked = Request(url, method=verb, headers={"X-MBX-APIKEY": "simulated-key"})  # noqa: S310 - loopback
        with urlopen(asked, timeout=20) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def close(self) -> None:
        """End both."""
        self.relay.close()
        self.exchange.kill()


def asked_by_commands(shared: Asked, environment: dict[str, str]) -> Iterator[Asked]:
    """Yield an account that commands of this environment ask through its relay."""
    environment["TRADER_EXCHANGE_HTTP_URL"] = shared.relay.url
    environment["TRADER_EXCHANGE_WS_URL"] = shared.exchange.ws
    yield shared
    shared.relay.changes.clear()
