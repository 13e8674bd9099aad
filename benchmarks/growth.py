"""What a past costs, beside the stock engine: start to trading, memory, ``/state``.

Run with the template's environment, after `make setup`: ``.venv/bin/python benchmarks/growth.py``.
With numbers as arguments, other sizes than 0, 1,000, 20,000 and 100,000.

Each size has a store with so many orders that ended between a year and two weeks ago, and as many
states of the account. First the stock engine loads it, as it is (its constructor alone: it is not
connected); then the node starts on the same store, once and three times more. Its first start
archives the past where there is too much of it; what counts for a year is the next one. Times
depend on the machine: compare the columns of one run.
"""

import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import redis

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.leases import lease_given_back  # noqa: E402 - likewise
from node.past import DAY_MS, put_past, put_states, round_trips  # noqa: E402 - likewise
from node.processes import SYMBOL, Exchange, Node, Store, free_port  # noqa: E402 - likewise
from node.stores import ACCOUNT, TRADER, Market  # noqa: E402 - likewise
from processes import Process  # noqa: E402 - likewise

SIZES = (0, 1_000, 20_000, 100_000)
SECONDS = 1_200.0
STOCK = """
import json, resource, sys, time
from nautilus_trader.config import CacheConfig, DatabaseConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import TraderId

began = time.monotonic()
database = DatabaseConfig(type="redis", host="127.0.0.1", port=int(sys.argv[1]))
node = TradingNode(TradingNodeConfig(
    trader_id=TraderId(sys.argv[2]),
    logging=LoggingConfig(log_level="ERROR"),
    cache=CacheConfig(database=database),
))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
found = {"event": "loaded", "seconds": time.monotonic() - began, "memory": memory,
         "orders": len(node.cache.orders())}
print(json.dumps(found), flush=True)
node.dispose()
"""


class Seen(NamedTuple):
    """One start: seconds to trading, megabytes, and what ``/state`` weighs in kilobytes."""

    seconds: float
    memory: float
    state: float


def fill(store: Store, now_ms: int, count: int) -> None:
    """Give a store its past."""
    with redis.Redis.from_url(store.url) as client:
        first, last = now_ms - 365 * DAY_MS, now_ms - 14 * DAY_MS
        # A year of single writes would fill the disk: the file is written once it is there.
        client.config_set("appendonly", "no")
        put_past(client, round_trips(first, last, count))
        if count:
            put_states(client, ACCOUNT, Market().account(), first, count)
        client.config_set("appendonly", "yes")
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.1)


def stock(store: Store, folder: Path) -> Seen:
    """Let the stock engine load a store."""
    process = Process([sys.executable, "-c", STOCK, str(store.port), TRADER], folder)
    loaded = process.next_line(SECONDS)
    process.stop()
    return Seen(float(loaded["seconds"]), float(loaded["memory"]), 0.0)


def start(project: Path, store: Store, exchange: Exchange, folder: Path, name: str) -> Seen:
    """Start a node until it trades, look at it, and stop it."""
    settings = {
        "TRADER_PROFILE": "simulated",
        "TRADER_ID": TRADER,
        "TRADER_INSTANCE_ID": name,
        "TRADER_SYMBOL": SYMBOL,
        "TRADER_STORE_URL": store.url,
        "TRADER_EXCHANGE_HTTP_URL": exchange.http,
        "TRADER_EXCHANGE_WS_URL": exchange.ws,
        "TRADER_HTTP_PORT": str(free_port()),
        "TRADER_STATE_FOLDER": str(folder / "state"),
        "TRADER_STARTUP_TIMEOUT_SECONDS": "3600",
    }
    began = time.monotonic()
    node = Node(folder / name, project / "src", PACKAGE, settings)
    node.until("trading", SECONDS)
    seconds = time.monotonic() - began
    status = Path(f"/proc/{node.child.pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/state", timeout=20) as answer:
        state = len(answer.read()) / 1024
    # Asked to stop, it gives its lease back: the next start waits for nobody.
    assert node.stop() == 0
    return Seen(seconds, memory, state)


def size_of(store: Store) -> tuple[float, int]:
    """Return what a store holds, in megabytes, and how many orders."""
    with redis.Redis.from_url(store.url) as client:
        used = client.info("memory")["used_memory"] / 2**20
        return used, sum(1 for _ in client.scan_iter("trader-*:orders:*", count=1_000))


def main() -> None:
    """Measure and print a table."""
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    project = baked_project()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'past orders':>11}  {'stock load':>10} {'memory':>7}  {'first start':>11} "
        f"{'next start':>10} {'memory':>7} {'/state':>7}  {'store before':>12} {'after':>7} "
        f"{'orders':>6}  {'archive':>8}  next / empty"
    )
    empty: Seen | None = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            store = Store(folder / "store")
            store.take_up(*lease_given_back(TRADER))
            exchange = Exchange(folder / "exchange", project / "drill")
            fill(store, int(exchange.get("hello")["market_ms"]), count)
            before, _ = size_of(store)
            alone = stock(store, folder / "stock")
            first = start(project, store, exchange, folder, "first")
            seen = [start(project, store, exchange, folder, f"next-{n}") for n in range(3)]
            again = sorted(seen)[1]
            after, orders = size_of(store)
            files = (folder / "state" / "archive").rglob("*.parquet")
            archive = sum(each.stat().st_size for each in files) / 2**20
            exchange.stop()
            store.stop()
        empty = empty or again
        ratio = (
            f"{again.seconds / empty.seconds:.2f} s/s, {again.memory / empty.memory:.2f} MB/MB, "
            f"{again.state / empty.state:.2f} kB/kB"
        )
        print(
            f"{count:>11,}  {alone.seconds:>8.1f} s {alone.memory:>4.0f} MB  "
            f"{first.seconds:>9.1f} s {again.seconds:>8.1f} s {again.memory:>4.0f} MB "
            f"{again.state:>4.1f} kB  {before:>9.1f} MB {after:>4.1f} MB {orders:>6}  "
            f"{archive:>5.1f} MB  {ratio}",
            flush=True,
        )


if __name__ == "__main__":
    main()
