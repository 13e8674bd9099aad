"""A real exchange process and a client that speaks its protocol, for tests."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
from yarl import URL

import simulated_exchange
from processes import Process
from signing import KEY, SECRET, signed

DRILL = Path(simulated_exchange.__file__).parent.parent
EPOCH_MS = 1_704_067_200_000
START_MS = EPOCH_MS + 300 * 60_000
SECONDS = 10.0


def called(*arguments: str) -> Process:
    """Call the exchange's command line."""
    command = [sys.executable, "-m", "simulated_exchange", *arguments]
    return Process(command, environment={"PYTHONPATH": str(DRILL)})


def refused(*arguments: str) -> tuple[int, str]:
    """Call it so that it does not start; return its exit code and what it says of it."""
    process = called(*arguments)
    code = process.wait()
    assert process.output == []
    return code, process.errors()


class User:
    """A client of one exchange process."""

    def __init__(self, http: str, ws: str, session: aiohttp.ClientSession) -> None:
        self.http = http
        self.ws = ws
        self.session = session
        self.headers: Mapping[str, str] = {}  # of the last answer

    async def raw(
        self, method: str, path: str, query: str = "", key: str = KEY, body: str | None = None
    ) -> tuple[int, Any]:
        url = f"{self.http}{path}?{query}" if query else f"{self.http}{path}"
        headers = {"X-MBX-APIKEY": key} if key else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        sent = URL(url, encoded=True)
        async with self.session.request(method, sent, headers=headers, data=body) as answer:
            self.headers = answer.headers
            return answer.status, await answer.json()

    async def signed(
        self, method: str, path: str, secret: str = SECRET, **parameters: Any
    ) -> tuple[int, Any]:
        return await self.raw(method, f"/fapi/{path}", signed(parameters, secret))

    async def ask(self, method: str, path: str, **parameters: Any) -> Any:
        """Return the answer of a request that has to succeed."""
        status, answer = await self.signed(method, path, **parameters)
        assert status == 200, answer
        return answer

    async def refused(self, method: str, path: str, **parameters: Any) -> int:
        """Return the error code of a request that has to be refused."""
        status, answer = await self.signed(method, path, **parameters)
        assert status != 200, answer
        assert answer["msg"]
        return int(answer["code"])

    async def order(self, side: str, quantity: str = "0.010", **more: Any) -> Any:
        given = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
        return await self.ask("POST", "v1/order", **(given | more))

    async def conditional(self, side: str, kind: str, trigger: str, **more: Any) -> Any:
        given = {"symbol": "BTCUSDT", "side": side, "type": kind, "algoType": "CONDITIONAL"}
        given |= {"triggerPrice": trigger}
        if "closePosition" not in more:
            given["quantity"] = "0.010"
        return await self.ask("POST", "v1/algoOrder", **(given | more))

    async def sim(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self.session.request(method, f"{self.http}/_sim/{path}", json=body) as answer:
            content = await answer.json()
            assert answer.status == status, content
            return content

    async def ledger(self) -> Any:
        return await self.sim("GET", "ledger")

    async def step(self, bars: int = 1) -> Any:
        return await self.sim("POST", "step", {"bars": bars})

    async def arm(self, name: str, **options: Any) -> Any:
        """Order a fault; return the answer."""
        return await self.sim("POST", "faults", {"name": name, **options})

    async def fired(self, key: str, wait: float = 5) -> Any:
        """Wait until a fault has fired; return its row."""
        row = await self.sim("GET", f"faults/{key}?wait_s={wait}")
        assert row["fired"] or not wait, row
        return row

    async def release(self, key: str) -> Any:
        return await self.sim("DELETE", f"faults/{key}")

    async def wick(self, price: float, symbol: str = "BTCUSDT") -> Any:
        body = {"name": "wick", "symbol": symbol, "price": price}
        return await self.sim("POST", "faults", body)

    async def price(self) -> float:
        return float((await self.ledger())["prices"]["BTCUSDT"])

    async def journal(self, kind: str = "") -> list[Any]:
        records = (await self.sim("GET", "journal?after=0"))["records"]
        return [record for record in records if record["kind"].startswith(kind)]

    @contextlib.asynccontextmanager
    async def listening(self, path: str = "") -> AsyncIterator["Stream"]:
        """Open the user stream, or any stream by its path."""
        if not path:
            key = (await self.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
            path = f"/ws?listenKey={key}"
        async with self.session.ws_connect(self.ws + path) as socket:
            yield Stream(socket)


class Stream:
    """What a client hears."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self, seconds: float = SECONDS) -> Any:
        return await self.socket.receive_json(timeout=seconds)

    async def until(self, **wanted: str) -> Any:
        """Return the next message whose keys have these values."""
        async with asyncio.timeout(SECONDS):
            while True:
                message = await self.next()
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message

    async def take(self, count: int) -> list[Any]:
        return [await self.next() for _ in range(count)]

    async def is_silent(self, seconds: float = 0.2) -> bool:
        try:
            await self.socket.receive_json(timeout=seconds)
        except TimeoutError:
            return True
        return False


class Running:
    """An exchange process that said that it is ready, for tests that must not stand still."""

    def __init__(self, process: Process, ready: Any) -> None:
        self.process = process
        self.ready = ready

    @classmethod
    async def start(cls, *arguments: str) -> Self:
        process = called(*arguments)
        return cls(process, await asyncio.to_thread(process.next_line, SECONDS))

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        code = await asyncio.to_thread(self.process.stop, number, SECONDS)
        return code, self.process.errors()


@contextlib.asynccontextmanager
async def exchange(*arguments: str) -> AsyncIterator[User]:
    """Run an exchange and a client; the exchange has to end well and without a word."""
    running = await Running.start(*arguments)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS)) as session:
            yield User(running.ready["http"], running.ready["ws"], session)
    finally:
        code, errors = await running.stop()
    assert (code, errors) == (0, ""), (code, errors)
