"""What the engine's own adapter signs carries the lease's window, whichever request it is."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from nautilus_trader.adapters.binance.common.enums import (
    BinanceAccountType,
    BinanceOrderSide,
    BinanceOrderType,
)
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.common.component import LiveClock

from node.baked import module

HOOKS = module("engine.v1.outcome_hooks")
CLOCKS = module("venue.binance.signing_clock")
OutcomeUnknown = module("engine.v1.sending").OutcomeUnknown
NodeExit = module("exit_codes").NodeExit
LEFT_SECONDS, LEFT_MS = 0.7, "700"
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": BinanceOrderSide.BUY,
    "order_type": BinanceOrderType.MARKET,
}


class Account:
    """The adapter's requests for an account, as a node has them once it is built.

    Parameters
    ----------
    url : str
        Where they go.
    asked : list[web.Request]
        What has arrived there.

    """

    def __init__(self, url: str, asked: list[web.Request]) -> None:
        self.asked = asked
        self.clock = CLOCKS.SigningClock()
        watch = LiveClock()
        self.http = BinanceHttpClient(watch, api_key="key", api_secret="secret", base_url=url)
        self.requests = BinanceFuturesAccountHttpAPI(
            self.http, watch, BinanceAccountType.USDT_FUTURES
        )

    def hook(self) -> None:
        """Hook in what a node hooks in."""
        client: Any = SimpleNamespace(_http_account=self.requests, _http_client=self.http)
        HOOKS._hook_requests(client, SimpleNamespace(clock=self.clock))

    def changes(self) -> list[Any]:
        """Return how each change of orders is asked for."""
        account = self.requests
        return [
            lambda: account.new_order(**ORDER, quantity="0.010"),
            lambda: account.new_algo_order(**ORDER, quantity="0.010", trigger_price="1"),
            lambda: account.cancel_order(symbol="BTCUSDT", orig_client_order_id="A"),
            lambda: account.cancel_algo_order(client_algo_id="A"),
        ]


@pytest_asyncio.fixture
async def account() -> AsyncIterator[Account]:
    """The adapter's requests, to a server that refuses all of them."""
    asked: list[web.Request] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"code": -1021, "msg": "It is late."}, status=400)

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Account(f"http://127.0.0.1:{port}", asked)
    await runner.cleanup()


async def test_a_change_is_accepted_no_longer_than_the_lease_lasts(account: Account) -> None:
    account.hook()
    account.clock.allowed = lambda: LEFT_SECONDS
    for change in account.changes():
        with pytest.raises(Exception, match="It is late"):
            await change()
        assert account.asked[-1].query["recvWindow"] in (LEFT_MS, str(int(LEFT_MS) - 1))
    assert len(account.asked) == len(account.changes())


async def test_without_the_lease_no_change_is_sent(account: Account) -> None:
    account.hook()
    account.clock.allowed = lambda: 0.0
    for change in account.changes():
        with pytest.raises(OutcomeUnknown, match="does not hold the lease"):
            await change()
    assert account.asked == []


async def test_a_question_needs_no_lease(account: Account) -> None:
    account.hook()
    account.clock.allowed = lambda: 0.0
    with pytest.raises(Exception, match="It is late"):
        await account.requests.query_open_orders("BTCUSDT")
    assert account.asked[-1].query["recvWindow"] == str(CLOCKS.RECEIVE_WINDOW_MS)


async def test_an_adapter_that_signs_in_another_way_ends_the_start(account: Account) -> None:
    for endpoint in vars(account.requests).values():
        if hasattr(endpoint, HOOKS.HOW_ASKED):
            endpoint._method_request = {}
    with pytest.raises(NodeExit, match="signs in another way"):
        account.hook()
