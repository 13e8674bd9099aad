"""
A nursery of senders: each is a process that sends orders for as long as it believes that it may.

It holds the production package's lease and signs with the production package's clock; there is no
engine, so that a run takes seconds and many fit beside each other. A line ``{"name", "log", "url",
"trader", "stops"}`` on standard input brings one into the world, which writes what happens to its
log. With ``FENCE_MUTANT=window`` the exchange is not told how long the lease lasts.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from trading_node.config.settings import Settings
from trading_node.guards.clock import wrong_clock
from trading_node.guards.lease.lease import FAILURES, Lease
from trading_node.guards.lease.record import TAKEN
from trading_node.venue.binance.requests import FAILURES as UNANSWERED
from trading_node.venue.binance.requests import ExchangeError, Requests
from trading_node.venue.binance.signing_clock import NotAllowed, SigningClock

PAUSE_SECONDS = 0.06
ALIVE_SECONDS = 5.0
WRONG_TIME = -1021
UNCUT = os.environ.get("FENCE_MUTANT") == "window"


class Stopping(SigningClock):  # type: ignore[misc]  # the package is found when it runs
    """It stands still now and then after it has signed: until somebody lets it go on."""

    def __init__(self, stops: float) -> None:
        super().__init__()
        self._stops = stops
        self._random = random.Random(os.getpid())  # noqa: S311 - no secret

    def stamp(self, *, is_change: bool) -> dict[str, int]:
        """Sign, and stand still now and then."""
        stamp: dict[str, int] = super().stamp(is_change=is_change)
        if UNCUT:
            stamp["recvWindow"] = 60_000
        if is_change and self._random.random() < self._stops:
            os.kill(os.getpid(), signal.SIGSTOP)
        return stamp


async def send(told: dict[str, Any]) -> None:
    """Take the lease, send until it is lost, and begin again."""
    settings = Settings(
        _env_file=None,
        profile="simulated",
        id=told["trader"],
        symbol="BTCUSDT",
        store_url=told["url"],
        exchange_http_url=os.environ["EXCHANGE"],
        exchange_ws_url=os.environ["EXCHANGE"].replace("http", "ws"),
    )
    log = Path(told["log"]).open("a", buffering=1)  # noqa: SIM115, ASYNC230 - as long as it lives

    def tell(event: str, **more: Any) -> None:
        log.write(json.dumps({"event": event, "mono_ns": time.monotonic_ns(), **more}) + "\n")

    requests = Requests(settings)
    requests.clock = Stopping(told["stops"])
    await wrong_clock(requests)
    while True:
        lease = Lease(settings, time.monotonic())
        requests.clock.allowed = lease.left
        while True:
            try:
                if await asyncio.to_thread(lease.try_to_take) in TAKEN:
                    break
            except FAILURES:
                pass
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.sleep(max(0.0, lease.until_in_force()))
        epoch, number = lease.epoch, 0
        tell("taken", epoch=epoch)
        while not lease.lost:
            lease.needed(ALIVE_SECONDS)
            number += 1
            order = {
                "symbol": "BTCUSDT",
                "side": ("BUY", "SELL")[number % 2],
                "type": "MARKET",
                "quantity": "0.003",
                "newClientOrderId": f"{told['name']}-{epoch}-{number}",
            }
            try:
                await requests.change("POST", "/fapi/v1/order", order)
            except NotAllowed:
                pass
            except UNANSWERED as error:
                if isinstance(error, ExchangeError) and error.code == WRONG_TIME:
                    tell("fenced", epoch=epoch)
            await asyncio.sleep(PAUSE_SECONDS)
        tell("lost", epoch=epoch)
        lease.release()


def main() -> None:
    """Bring a sender into the world for each line, and say its process id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(send(json.loads(line)))
        print(json.dumps({"event": "born", "pid": child}), flush=True)


main()
