"""NautilusTrader 2's Rust adapter, which nobody here wrote, trades on the exchange.

It needs an environment of its own: both versions of NautilusTrader have the same package name.
`make test-long` makes it and names its Python in RUST_ADAPTER_PYTHON.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.support import User

CLIENT = Path(__file__).with_name("rust_adapter_client.py")
PYTHON = os.environ.get("RUST_ADAPTER_PYTHON", "")
SECONDS = 30.0

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not PYTHON, reason="RUST_ADAPTER_PYTHON names no Python: run `make test-long`."
    ),
]


class Client:
    """A running client process: what it is told to do, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.kinds: set[str] = set()
        self._left: list[Any] = []
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    def do(self, command: str) -> None:
        self._stdin.write(f"{command}\n".encode())

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
        async with asyncio.timeout(SECONDS):
            line = await self._stdout.readline()
        assert line, "The client ended too soon."
        self._left.append(json.loads(line))
        self.kinds.add(self._left[-1]["kind"])

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(SECONDS):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@contextlib.asynccontextmanager
async def client(user: User) -> AsyncIterator[Client]:
    """Start a client; it has to be ended by the end of the block."""
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        str(CLIENT),
        user.http,
        f"{user.ws}/ws",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Client(process)
        assert process.returncode is not None
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()  # reads the pipe empty, or the end would not be seen


async def test_it_streams_trades_and_knows_its_orders_after_a_kill(user: User) -> None:
    price = await user.price()
    low, lower = f"{price * 0.98:.1f}", f"{price * 0.97:.1f}"

    async with client(user) as first:
        started = await first.until("started")
        assert started == {"kind": "started", "tick": "0.10", "position": "0", "orders": {}}
        assert (await first.until("history"))["bars"] == 10
        await first.until("quote")
        # It has two sockets for market data, and may not have heard on both when the market moves.
        while not {"trade", "bar"} <= first.kinds:
            await user.step()
            first.do("tell")
            await first.until("told")
        bar = await first.until("bar")
        _, klines = await user.raw("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m")
        assert float(bar["close"]) in [float(kline[4]) for kline in klines]

        first.do("buy 0.010")
        filled = await first.until("OrderFilled", quantity="0.010")
        first.do(f"limit resting 0.020 {lower}")
        await first.until("OrderAccepted", name="resting")
        first.do(f"limit unwanted 0.020 {lower}")
        await first.until("OrderAccepted", name="unwanted")
        first.do(f"stop guard 0.010 {low}")
        await first.until("OrderAccepted", name="guard")
        first.do("cancel unwanted")
        await first.until("OrderCanceled", name="unwanted")
        assert await first.end(signal.SIGKILL) == -signal.SIGKILL

    ledger = await user.ledger()
    (fill,) = ledger["fills"]
    assert (filled["trade_id"], float(filled["price"])) == (fill["trade_id"], float(fill["price"]))
    assert float(filled["commission"].removesuffix(" USDT")) == float(fill["commission"])
    assert [order["status"] for order in ledger["orders"]] == ["FILLED", "NEW", "CANCELED", "NEW"]

    async with client(user) as second:
        known = await second.until("started")
        assert float(known["position"]) == 0.01
        assert known["orders"] == {
            "resting": ["LIMIT", "ACCEPTED"],
            "guard": ["STOP_MARKET", "ACCEPTED"],
        }
        await user.wick(price * 0.975)
        await second.until("OrderFilled", name="guard", quantity="0.010")
        second.do("cancel resting")
        await second.until("OrderCanceled", name="resting")
        second.do("tell")
        left = await second.until("told")
        assert (float(left["position"]), left["orders"]) == (0, {})
        assert await second.end(signal.SIGTERM) == 0

    refused = [r for r in await user.journal("request") if r["data"]["status"] != 200]
    assert refused == []
