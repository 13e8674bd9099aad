"""What the exchange costs after many orders: memory, latency, its ledger, a start on its journal.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, then
the number of orders if not 100,000. It takes some minutes and a few hundred MB of temporary disk.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from served import EXCHANGE, LIMIT, Answer, Client, megabytes, percentile, served

ORDERS = 100_000
PER_BAR = 500
LEFT_OPEN = 1_000  # every so many orders one stays open
WORKERS = 10
SAMPLES = 500
STARTS = 5


async def some_order(client: Client, number: int) -> None:
    """Of five orders, two are filled and three cancelled; of many one stays open."""
    name, side = f"order-{number}", "BUY" if number % 2 else "SELL"
    resting = LIMIT | {"quantity": "0.002", "price": "50000"}
    traded = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.002"}
    order = traded if number % 5 < 2 else resting
    said = [await client.ask("POST", "order", **order, newClientOrderId=name)]
    if order is resting and number % LEFT_OPEN != LEFT_OPEN - 1:
        known = {"symbol": "BTCUSDT", "origClientOrderId": name}
        said.append(await client.ask("DELETE", "order", **known))
    assert all(answer.status == 200 for answer in said), said


async def trade(client: Client, orders: int) -> None:
    """Send the orders, a bar's worth at a time."""
    for first in range(0, orders, PER_BAR):
        numbers = iter(range(first, min(first + PER_BAR, orders)))

        async def work(numbers: Iterator[int]) -> None:
            for number in numbers:
                await some_order(client, number)

        await asyncio.gather(*(work(numbers) for _ in range(WORKERS)))
        await client.sim("POST", "step", {"bars": 1})


async def latency(client: Client, name: str) -> str:
    """Place and cancel orders, one after the other; return what an answer took."""
    found: list[float] = []
    for number in range(SAMPLES):
        known = {"newClientOrderId": f"{name}-{number}"}
        placed = await client.ask(
            "POST", "order", **LIMIT, quantity="0.002", price="50000", **known
        )
        gone = await client.ask(
            "DELETE", "order", symbol="BTCUSDT", orderId=placed.content["orderId"]
        )
        found += [placed.seconds, gone.seconds]
    p50, p99 = (percentile(found, share) * 1000 for share in (0.5, 0.99))
    return f"{p50:.2f} ms p50, {p99:.2f} ms p99"


async def start(*arguments: str) -> str:
    """Start an exchange some times; return what that took, and the memory it then has."""
    times = []
    for _ in range(STARTS):
        async with served(*EXCHANGE, *arguments) as client:
            times.append(client.took)
            memory = megabytes(client.pid)
    return f"{percentile(times, 0.5):.2f} s to the ready line (p50 of {STARTS}), {memory:.0f} MB"


async def main(orders: int) -> None:
    """Measure and print a table."""
    rows = {"a start afresh": await start()}
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        async with served(*EXCHANGE, "--state", str(state)) as client:
            rows["latency at first"] = await latency(client, "early")
            before = megabytes(client.pid)
            began = asyncio.get_running_loop().time()
            await trade(client, orders)
            took = asyncio.get_running_loop().time() - began
            grown = megabytes(client.pid)
            each = f"{(grown - before) * 1000 / orders:.2f} kB an order"
            rows["orders in between"] = f"{orders} in {took:.0f} s, by {WORKERS} at a time"
            rows["memory before and after"] = f"{before:.0f} MB, {grown:.0f} MB: {each}"
            rows["latency at last"] = await latency(client, "late")
            asked = {
                "GET allOrders, 1000 rows": await client.ask(
                    "GET", "allOrders", symbol="BTCUSDT", limit=1000
                ),
                "GET userTrades, 1000 rows": await client.ask(
                    "GET", "userTrades", symbol="BTCUSDT", limit=1000
                ),
                "GET openOrders": await client.ask("GET", "openOrders"),
                "GET ledger": await client.sim("GET", "ledger"),
            }
            for name, answer in asked.items():
                rows[name] = said(answer)
            rows["memory after the ledger"] = f"{megabytes(client.pid):.0f} MB"
        size = sum(path.stat().st_size for path in state.iterdir())
        rows["journal on disk"] = f"{size / 1e6:.0f} MB"
        rows["a start on that journal"] = await start("--state", str(state))
    print(f"Load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    for name, value in rows.items():
        print(f"{name:28}{value}")


def said(answer: Answer) -> str:
    """Return what an answer took, and how much it was."""
    assert answer.status == 200, answer
    content = answer.content
    rows = len(content) if isinstance(content, list) else len(content["orders"])
    return f"{answer.seconds:.3f} s, {rows} orders"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else ORDERS))
