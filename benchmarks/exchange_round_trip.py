"""How long the exchange takes to answer an order, against a bare aiohttp server that echoes it.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file. All
servers are processes of their own and get the same requests from the same client, by turns; all
of it stays on this machine. Times depend on the machine; the ratios of one run are what to compare.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from served import EXCHANGE, LIMIT, Client, percentile, served

CLIENTS = (1, 20)
ROUNDS = 5
PAIRS = 400
"""Orders placed and cancelled in each round, by all clients of a server together."""


async def echo() -> None:
    """Serve the floor: read a request, answer with its parameters as JSON."""

    async def answer(request: web.Request) -> web.Response:
        await request.text()
        return web.json_response(dict(request.query))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(json.dumps({"http": http, "ws": ""}), flush=True)
    await asyncio.Event().wait()


async def place_and_cancel(client: Client, name: str, times: int) -> list[float]:
    """Return the seconds that each answer took."""
    found = []
    for number in range(times):
        order = LIMIT | {"quantity": "0.010", "price": "50000"}
        named = f"{name}-{number}"
        placed = await client.ask("POST", "order", **order, newClientOrderId=named)
        gone = await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId=named)
        assert (placed.status, gone.status) == (200, 200), (placed, gone)
        found += [placed.seconds, gone.seconds]
    return found


@contextlib.asynccontextmanager
async def servers(folder: str) -> AsyncIterator[dict[str, Client]]:
    """Start all that are compared, the floor first."""
    async with contextlib.AsyncExitStack() as stack:
        start = stack.enter_async_context
        kept = await start(served(*EXCHANGE, "--state", str(Path(folder) / "state")))
        yield {
            "aiohttp echo": await start(served(__file__, "echo")),
            "exchange": await start(served(*EXCHANGE)),
            "exchange, --state and user stream": kept,
        }


async def main() -> None:
    """Measure and print a table."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        async with servers(folder) as compared:
            listening = asyncio.create_task([*compared.values()][-1].listen())
            for round_number in range(-1, ROUNDS):  # the first warms up and does not count
                for count in CLIENTS:
                    for name, client in compared.items():
                        each = (f"{round_number}-{count}-{n}" for n in range(count))
                        tasks = (place_and_cancel(client, n, PAIRS // count) for n in each)
                        taken = await asyncio.gather(*tasks)
                        if round_number >= 0:
                            found[count, name] += itertools.chain.from_iterable(taken)
            assert not listening.done()
            listening.cancel()
    print(f"{ROUNDS} rounds of {PAIRS} limit orders placed and cancelled; ms an answer,")
    print(f"and times the echo's; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    print(f"{'clients':>7}  {'server':35}{'p50':>7}{'p99':>8}{'p50':>8}{'p99':>7}")
    for (count, name), seconds in found.items():
        floor = found[count, "aiohttp echo"]
        ms = [percentile(seconds, share) * 1000 for share in (0.5, 0.99)]
        ratio = [
            value / percentile(floor, share) / 1000
            for value, share in zip(ms, (0.5, 0.99), strict=True)
        ]
        print(f"{count:7}  {name:35}{ms[0]:7.2f}{ms[1]:8.2f}{ratio[0]:7.1f}x{ratio[1]:6.1f}x")


if __name__ == "__main__":
    asyncio.run(echo() if sys.argv[1:] == ["echo"] else main())
