"""What the exchange's benchmarks share: servers in processes of their own, a signing client."""

import asyncio
import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from processes import Process  # noqa: E402 - found on the path above
from signing import HEADERS, signed  # noqa: E402 - as above

DRILL = TEMPLATE / "{{cookiecutter.project_slug}}" / "drill"
EXCHANGE = ("-m", "simulated_exchange", "--stepped")
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
READY_SECONDS = 60.0


class Answer(NamedTuple):
    """An answer, and the seconds from sending the request to having read it."""

    status: int
    content: Any
    seconds: float


class Client:
    """A client of one server, with connections of its own."""

    def __init__(self, http: str, ws: str, pid: int, took: float) -> None:
        self.http, self.ws, self.pid, self.took = http, ws, pid, took
        timeout, connector = aiohttp.ClientTimeout(60), aiohttp.TCPConnector(limit=0)
        self.session = aiohttp.ClientSession(timeout=timeout, connector=connector)

    async def ask(self, method: str, path: str, **parameters: object) -> Answer:
        """Send a signed request; signing and reading the JSON are not timed."""
        url = URL(f"{self.http}/fapi/v1/{path}?{signed(parameters)}", encoded=True)
        return await self._timed(method, url)

    async def sim(self, method: str, path: str, body: object = None) -> Answer:
        """Use the control interface."""
        return await self._timed(method, URL(f"{self.http}/_sim/{path}"), body)

    async def _timed(self, method: str, url: URL, body: object = None) -> Answer:
        began = time.perf_counter()
        async with self.session.request(method, url, headers=HEADERS, json=body) as answer:
            text = await answer.text()
        took = time.perf_counter() - began
        return Answer(answer.status, json.loads(text), took)

    async def listen(self) -> None:
        """Hear the user stream, and do nothing with it, until cancelled."""
        key = (await self.ask("POST", "listenKey")).content["listenKey"]
        async with self.session.ws_connect(f"{self.ws}/ws/{key}") as socket:
            async for _ in socket:
                pass


@contextlib.asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[Client]:
    """Start a server that prints a ready line, as the exchange does; stop it in the end."""
    began = time.perf_counter()
    process = Process([sys.executable, *arguments], environment={"PYTHONPATH": str(DRILL)})
    try:
        ready = await asyncio.to_thread(process.next_line, READY_SECONDS)
        took = time.perf_counter() - began
        client = Client(ready["http"], ready["ws"], process.pid, took)
        try:
            yield client
        finally:
            await client.session.close()
    finally:
        await asyncio.to_thread(process.stop)


def megabytes(pid: int) -> float:
    """Return the memory that a process has in use (resident set), in MB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, stdout=subprocess.PIPE)
    return int(said.stdout) * 1024 / 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that at least this share of all values do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
