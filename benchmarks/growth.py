"""What a past costs, beside the stock engine: start to trading, memory, ``/state``.

Run with the template's environment, after `make setup`: ``.venv/bin/python benchmarks/growth.py``.
With numbers as arguments, other sizes than 0, 1,000, 20,000 and 100,000.

Each size has a store with so many orders that ended between a year and two weeks ago, and as many
states of the account. First the stock engine loads it, as it is (its constructor alone: it is not
connected); then the node starts on the same store. Its first start archives the past where there is
too much of it, and trades on until the rest has gone, too. What counts for a year of operation is
the next start: the sizes take turns in it, and the median is told. Times depend on the machine.
"""

import os
import statistics
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
from node.processes import Exchange, Node, Store, node_settings  # noqa: E402 - likewise
from node.stores import ACCOUNT, TRADER, Market  # noqa: E402 - likewise
from node.test_trading import OWNER  # noqa: E402 - likewise
from processes import Process, resident_megabytes  # noqa: E402 - likewise

SIZES = (0, 1_000, 20_000, 100_000)
SECONDS = 1_200.0
ARCHIVED_SECONDS = 240.0
TURNS = 5
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
        put_past(client, round_trips(first, last, count, OWNER))
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


class Year(NamedTuple):
    """A store with a past, and the exchange beside it."""

    orders: int
    folder: Path
    store: Store
    exchange: Exchange
    now_ms: int

    def start(self, project: Path, name: str, *, until_archived: bool = False) -> Seen:
        """Start a node until it trades, look at it, and stop it."""
        settings = node_settings(
            self.folder, self.store.url, self.exchange.http, self.exchange.ws
        ) | {"TRADER_INSTANCE_ID": name, "TRADER_STARTUP_TIMEOUT_SECONDS": "3600"}
        began = time.monotonic()
        node = Node(self.folder / name, project / "src", PACKAGE, settings)
        node.until("trading", SECONDS)
        seconds = time.monotonic() - began
        memory = resident_megabytes(node.child.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/state", timeout=20) as answer:
            state = len(answer.read()) / 1024
        # The watch of the node that trades takes up, within its first minutes, what is left.
        end = time.monotonic() + ARCHIVED_SECONDS
        while until_archived and self.past() and time.monotonic() < end:
            time.sleep(1)
        # Asked to stop, it gives its lease back: the next start waits for nobody.
        assert node.stop() == 0
        return Seen(seconds, memory, state)

    def past(self) -> int:
        """Return how many orders of the past are in the store."""
        with redis.Redis.from_url(self.store.url) as client:
            names = [key.decode() for key in client.scan_iter("trader-*:orders:*", count=1_000)]
        ends = [int(name.rsplit("-", 2)[1]) * 1_000 for name in names]
        return sum(end_ms < self.now_ms - 13 * DAY_MS for end_ms in ends)

    def megabytes(self) -> float:
        """Return what the store holds."""
        with redis.Redis.from_url(self.store.url) as client:
            return float(client.info("memory")["used_memory"] / 2**20)


def prepared(project: Path, folder: Path, count: int) -> Year:
    """Let a year pass: fill a store, load it as the stock engine does, start once."""
    store = Store(folder / "store")
    store.take_up(*lease_given_back(TRADER))
    exchange = Exchange(folder / "exchange", project / "drill")
    now_ms = int(exchange.get("hello")["market_ms"])
    fill(store, now_ms, count)
    year = Year(count, folder, store, exchange, now_ms)
    before, alone = year.megabytes(), stock(store, folder / "stock")
    first = year.start(project, "first", until_archived=True)
    files = (folder / "state" / "archive").rglob("*.parquet")
    archive = sum(each.stat().st_size for each in files) / 2**20
    print(
        f"{count:>11,}  {alone.seconds:>8.1f} s {alone.memory:>4.0f} MB  {first.seconds:>9.1f} s  "
        f"{before:>9.1f} MB {year.megabytes():>4.1f} MB  {year.past():>11}  {archive:>5.1f} MB",
        flush=True,
    )
    return year


def main() -> None:
    """Measure and print two tables."""
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    project = baked_project()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(
        f"{'past orders':>11}  {'stock load':>10} {'memory':>7}  {'first start':>11}  "
        f"{'store before':>12} {'after':>7}  {'not archived':>12}  archive"
    )
    with tempfile.TemporaryDirectory() as name:
        years = [prepared(project, Path(name) / str(count), count) for count in sizes]
        seen: dict[int, list[Seen]] = {count: [] for count in sizes}
        # One after the other, again and again: what else the machine does hits all of them alike.
        for turn in range(TURNS):
            for year in years:
                seen[year.orders].append(year.start(project, f"next-{turn}"))
        for year in years:
            year.exchange.stop()
            year.store.stop()
    print(f"\n{'past orders':>11}  {'next start':>10}  {'memory':>7}  {'/state':>8}   to the first")
    empty: Seen | None = None
    for count, found in seen.items():
        middle = Seen(*(statistics.median(each) for each in zip(*found, strict=True)))
        empty = empty or middle
        ratios = "  ".join(f"{here / there:.2f}" for here, there in zip(middle, empty, strict=True))
        print(
            f"{count:>11,}  {middle.seconds:>8.2f} s  {middle.memory:>4.0f} MB  "
            f"{middle.state:>5.1f} kB   {ratios}"
        )


if __name__ == "__main__":
    main()
