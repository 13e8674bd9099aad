"""How long the store takes to answer by way of the drill's proxy, against straight.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file. The
client is a process of its own, as a node is, and writes as NautilusTrader does: one event at a time
or in transactions of one, and waits for each answer. Times depend on the machine; the ratios of one
run are what to compare.
"""

import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from redis import Redis

from served import DRILL, percentile

sys.path.insert(0, str(DRILL))

from recovery_drill.store.proxy import StoreProxy
from recovery_drill.store.server import EmbeddedStore

ROUNDS = 5
COMMANDS = 1000
KEY = "trader-LAB-001:orders:E0"
EVENT = b"x" * 300


def talk(url: str) -> None:
    """Measure one client, and print its seconds as JSON."""
    client = Redis.from_url(url)
    found = defaultdict(list)
    for _ in range(COMMANDS):
        began = time.perf_counter()
        client.rpush(KEY, EVENT)
        found["command"].append(time.perf_counter() - began)
        began = time.perf_counter()
        with client.pipeline(transaction=True) as pipe:
            pipe.rpush(KEY, EVENT)
            pipe.execute()
        found["transaction"].append(time.perf_counter() - began)
    began = time.perf_counter()
    with client.pipeline(transaction=False) as pipe:
        for _ in range(COMMANDS):
            pipe.llen(KEY)
        pipe.execute()
    found["pipelined"].append((time.perf_counter() - began) / COMMANDS)
    client.close()
    print(json.dumps(found))


async def measure(url: str) -> dict[str, list[float]]:
    """Run one client as a process of its own."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, __file__, url, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await client.communicate()
    found: dict[str, list[float]] = json.loads(out)
    return found


async def main() -> None:
    """Measure and print a table."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder))
        await store.start()
        proxy = StoreProxy.before(store.url, lambda name, mono_ns: None)
        await proxy.start()
        urls = {"straight": store.url, "by way of the proxy": proxy.url_of(store.url)}
        for _, (way, url) in itertools.product(range(ROUNDS), urls.items()):
            for what, seconds in (await measure(url)).items():
                found[what, way] += seconds
        await proxy.close()
        await store.stop()
    print(f"{ROUNDS} rounds of {COMMANDS}; microseconds each, and times the straight way's;")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    print(f"{'':13}{'':21}{'p50':>7}{'p99':>7}{'p50':>7}")
    for (what, way), seconds in found.items():
        ratio = percentile(seconds, 0.5) / percentile(found[what, "straight"], 0.5)
        low, high = (percentile(seconds, share) * 1e6 for share in (0.5, 0.99))
        print(f"{what:13}{way:21}{low:7.0f}{high:7.0f}{ratio:6.1f}x")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        talk(sys.argv[1])
    else:
        asyncio.run(main())
