"""The exchange as the drill knows it: a process and its control endpoint under ``/_sim/``."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from recovery_drill.failures import Inconclusive, UsageError
from recovery_drill.proc.child import Child
from recovery_drill.proc.process import Process
from recovery_drill.proc.spawn import Spawn, start_cold
from recovery_drill.record.contract import EXCHANGE_USAGE
from recovery_drill.record.model import Ledger

READY_SECONDS = 30.0
ANSWER_SECONDS = 15.0


class Exchange:
    """The counterparty of a drill, which outlives every node.

    Parameters
    ----------
    child : Process
        The exchange, not yet started; it must print the contract's ready line.
    http_url : str
        Where the drill reaches it, if that is not where its ready line says.

    """

    def __init__(self, child: Process, http_url: str = "") -> None:
        self._given_url = http_url
        self._session: aiohttp.ClientSession | None = None
        self.http_url = ""
        self.ws_url = ""
        self.market_ms = 0
        self.follow(child)

    def follow(self, child: Process) -> None:
        """Take another process for the exchange: it goes on where the one before has ended."""
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.child = child
        child.on_event = self._on_event

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "ready" and not self._ready.done():
            self._ready.set_result(event)

    async def start(self) -> None:
        """Start the exchange and wait for its ready line.

        Raises
        ------
        UsageError
            If it refuses its arguments, as a market file that is none.
        Inconclusive
            If it ends otherwise, or says nothing within the bound.

        """
        await self.child.start()
        await self.until_ready()

    async def until_ready(self) -> None:
        """Wait for the ready line of an exchange that has been started; see `start`."""
        ended = asyncio.ensure_future(self.child.wait(READY_SECONDS))
        waiting: set[asyncio.Future[Any]] = {self._ready, ended}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            ended.exception()
            if self.child.exit_code == EXCHANGE_USAGE:
                raise UsageError(f"The exchange refused its arguments: {self.child.last_words()}")
            raise Inconclusive(f"The exchange did not become ready: {self.child.last_words()}")
        ended.cancel()
        ready = self._ready.result()
        self.http_url, self.ws_url = self._given_url or ready["http"], ready["ws"]
        await self.close()
        self._session = aiohttp.ClientSession(
            self.http_url, timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        )
        self.market_ms = (await self.hello())["market_ms"]

    async def _ask(self, method: str, path: str, **options: Any) -> bytes:
        assert self._session is not None, "the exchange was not started"
        try:
            async with self._session.request(method, f"/_sim/{path}", **options) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Inconclusive(
                f"The exchange did not answer {method} {path}: {error!r}."
            ) from error
        if answer.status != 200:
            raise Inconclusive(f"The exchange refused {method} {path}: {body.decode()[:300]}")
        return body

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        value = msgspec.json.decode(await self._ask(method, path, **options))
        assert isinstance(value, dict)
        return value

    async def hello(self) -> dict[str, Any]:
        """Return name, seed, epoch and market time."""
        return await self._json("GET", "hello")

    async def ledger(self) -> Ledger:
        """Return everything that happened, as the exchange has it."""
        ledger = msgspec.json.decode(await self._ask("GET", "ledger"), type=Ledger)
        self.market_ms = ledger.market_ms
        return ledger

    async def step(self) -> int:
        """Close one bar; return its close time (ms)."""
        return int((await self._json("POST", "step", json={"bars": 1}))["bar"])

    async def walk(self) -> int:
        """Walk the price through the bar that is forming; return how many changes that made.

        It stays where the first order has filled or triggered, and 0 means that it went through.
        """
        return int((await self._json("POST", "step", json={"walk": "halt"}))["changes"])

    async def reach(self, symbol: str, price: Decimal) -> int:
        """Let the price go towards a level, and stay at the first change; return how many."""
        body = {"name": "reach", "symbol": symbol, "price": str(price)}
        return int((await self._json("POST", "faults", json=body))["changes"])

    async def wick(self, symbol: str, price: Decimal) -> None:
        """Let the price touch `price` and come back, inside the bar that is forming."""
        body = {"name": "wick", "symbol": symbol, "price": str(price)}
        await self._json("POST", "faults", json=body)

    async def arm(self, fault: dict[str, Any]) -> str:
        """Arm a named fault; return its id."""
        return str((await self._json("POST", "faults", json=fault))["id"])

    async def fired(self, fault_id: str, wait_s: float = 0.0) -> bool:
        """Return whether the fault has fired, waiting up to `wait_s` for it."""
        answer = await self._json("GET", f"faults/{fault_id}", params={"wait_s": f"{wait_s:g}"})
        return bool(answer["fired"])

    async def release(self, fault_id: str) -> None:
        """Release what a gate holds, or disarm it."""
        await self._json("DELETE", f"faults/{fault_id}")

    async def stop(self) -> None:
        """End the exchange."""
        await self.close()
        if self.child.started:
            await self.child.stop()

    async def close(self) -> None:
        """End the connection to its endpoint, and leave it running."""
        if self._session is not None:
            await self._session.close()


def exchange_process(command: Sequence[str], folder: Path, spawn: Spawn = start_cold) -> Child:
    """Return the exchange of a command line, not yet started; its log is kept in the folder."""
    return Child(
        "exchange",
        command,
        environment={},
        log_path=folder / "exchange.log",
        directory=folder,
        spawn=spawn,
    )
