"""NautilusTrader 2's Rust adapter, which nobody here wrote, trades on the exchange.

It needs an environment of its own: both versions of NautilusTrader have the same package name.
`make test-long` makes it and names its Python in RUST_ADAPTER_PYTHON.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from exchange.support import User
from processes import Process

CLIENT = Path(__file__).with_name("rust_adapter_client.py")
PYTHON = os.environ.get("RUST_ADAPTER_PYTHON", "")
SECONDS = 30.0

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not PYTHON, reason="RUST_ADAPTER_PYTHON names no Python: run `make test-long`."
    ),
]


class Client(Process):
    """A running client process: what it is told to do, and what it said."""

    def __init__(self, user: User, *more: str) -> None:
        self.kinds: set[str] = set()
        self._left: list[Any] = []
        super().__init__([PYTHON, str(CLIENT), user.http, f"{user.ws}/ws", *more], hears=True)

    async def until(self, kind: str, **wanted: str) -> Any:
        """Take the first of its lines that is of this kind and has these values; wait for it."""
        wanted["kind"] = kind
        async with asyncio.timeout(SECONDS):
            while not (found := [said for said in self._left if wanted.items() <= said.items()]):
                await self.hear()
        self._left.remove(found[0])
        return found[0]

    async def hear(self) -> None:
        """Read one more line."""
        self._left.append(await asyncio.to_thread(self.next_line, SECONDS))
        self.kinds.add(self._left[-1]["kind"])

    async def stopped(self, number: signal.Signals) -> int:
        return await asyncio.to_thread(self.stop, number, SECONDS)


async def test_it_streams_trades_and_knows_its_orders_after_a_kill(user: User) -> None:
    price = await user.price()
    low, lower = f"{price * 0.98:.1f}", f"{price * 0.97:.1f}"

    first = Client(user)
    started = await first.until("started")
    assert started == {"kind": "started", "tick": "0.10", "position": "0", "orders": {}}
    assert (await first.until("history"))["bars"] == 10
    await first.until("quote")
    # It has two sockets for market data, and may not have heard on both when the market moves.
    while not {"trade", "bar"} <= first.kinds:
        await user.step()
        first.tell("tell")
        await first.until("told")
    bar = await first.until("bar")
    _, klines = await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m")
    assert float(bar["close"]) in [float(kline[4]) for kline in klines]

    first.tell("buy 0.010")
    filled = await first.until("OrderFilled", quantity="0.010")
    first.tell(f"limit resting 0.020 {lower}")
    await first.until("OrderAccepted", name="resting")
    first.tell(f"limit unwanted 0.020 {lower}")
    await first.until("OrderAccepted", name="unwanted")
    first.tell(f"stop guard 0.010 {low}")
    await first.until("OrderAccepted", name="guard")
    first.tell("cancel unwanted")
    await first.until("OrderCanceled", name="unwanted")
    assert await first.stopped(signal.SIGKILL) == -signal.SIGKILL

    ledger = await user.ledger()
    (fill,) = ledger["fills"]
    assert (filled["trade_id"], float(filled["price"])) == (fill["trade_id"], float(fill["price"]))
    assert float(filled["commission"].removesuffix(" USDT")) == float(fill["commission"])
    assert [order["status"] for order in ledger["orders"]] == ["FILLED", "NEW", "CANCELED", "NEW"]

    second = Client(user)
    known = await second.until("started")
    assert float(known["position"]) == 0.01
    assert known["orders"] == {
        "resting": ["LIMIT", "ACCEPTED"],
        "guard": ["STOP_MARKET", "ACCEPTED"],
    }
    await user.wick(price * 0.975)
    await second.until("OrderFilled", name="guard", quantity="0.010")
    second.tell("cancel resting")
    await second.until("OrderCanceled", name="resting")
    second.tell("tell")
    left = await second.until("told")
    assert (float(left["position"]), left["orders"]) == (0, {})
    assert await second.stopped(signal.SIGTERM) == 0

    refused = [r for r in await user.journal("request") if r["data"]["status"] != 200]
    assert refused == []


async def test_it_trades_over_the_websocket_api(user: User) -> None:
    price = await user.price()
    low, lower = f"{price * 0.98:.1f}", f"{price * 0.97:.1f}"
    client = Client(user, f"{user.ws}/ws-fapi/v1")
    await client.until("started")
    await client.until("quote")
    client.tell("buy 0.010")
    await client.until("OrderFilled", quantity="0.010")
    client.tell(f"limit resting 0.020 {lower}")
    await client.until("OrderAccepted", name="resting")
    client.tell(f"stop guard 0.010 {low}")
    await client.until("OrderAccepted", name="guard")
    client.tell("cancel resting")
    await client.until("OrderCanceled", name="resting")
    assert await client.stopped(signal.SIGTERM) == 0

    asked = [record["data"] for record in await user.journal("request")]
    by_method = [row["method"] for row in asked if "method" in row and row["status"] == 200]
    assert {"order.place", "order.cancel"} <= set(by_method)
    assert [row for row in asked if row["status"] != 200] == []
