"""
Whether one node stays as it is when it runs on and on: memory, store, files, ``/state``, processor.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file, perhaps
with ``--minutes N`` (60), ``--trades NAMES`` (`grid`, which trades in nearly every bar) and
``--warm-up N``: what share of the time is not counted. A node trades in a stepped market, one bar
after the other as fast as it decides, so that days go by; what ended ten market days ago goes to
the archive on the way. Each minute everything is looked at. In the end a line is laid through what
was seen after the warm-up (Theil and Sen: the median of all slopes between two looks, so that a
busy moment of the machine does not tilt it), and its slope is told in percent an hour.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import redis

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.processes import Exchange, Node, Store, node_settings  # noqa: E402 - likewise
from processes import cpu_seconds, resident_megabytes  # noqa: E402 - likewise

EVERY_SECONDS = 60.0
TRADING_SECONDS = 120.0
BAR_MS = 60_000
MEGABYTE = 2**20
type Look = dict[str, float]


def grown(node: Node, store: Store, state_folder: Path) -> Look:
    """Return how much there is of everything that could grow."""
    process = Path(f"/proc/{node.child.pid}")
    began = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/state", timeout=60) as answer:
        told = answer.read()
    answered = time.monotonic() - began
    state = json.loads(told)
    with redis.Redis.from_url(store.url) as client:
        memory = float(client.info("memory")["used_memory"])
        keys = float(client.dbsize())
    kept = [path for path in state_folder.rglob("*") if path.is_file()]
    return {
        "node MB": resident_megabytes(node.child.pid),
        "threads": len(list((process / "task").iterdir())),
        "open files": len(list((process / "fd").iterdir())),
        "/state kB": len(told) / 1024,
        "/state ms": answered * 1000,
        "orders": len(state["orders"]),
        "store MB": memory / MEGABYTE,
        "store keys": keys,
        "append-only MB": sum(
            path.stat().st_size for path in store.folder.rglob("appendonly*") if path.is_file()
        )
        / MEGABYTE,
        "archive files": sum(path.suffix == ".parquet" for path in kept),
        "archive MB": sum(path.stat().st_size for path in kept) / MEGABYTE,
    }


def slope(looks: list[Look], name: str) -> tuple[float, float]:
    """Return the median of what `name` was, and its slope in percent of that an hour."""
    middle = statistics.median(look[name] for look in looks)
    slopes = [
        (after[name] - before[name]) / (after["hours"] - before["hours"])
        for before, after in itertools.combinations(looks, 2)
    ]
    return middle, 100 * statistics.median(slopes) / middle if middle else 0.0


def settle(node: Node, bar: int) -> None:
    """Wait until a bar is decided and nothing is in flight, asking only when something changes."""
    revision, deadline = 0, time.monotonic() + TRADING_SECONDS
    while time.monotonic() < deadline:
        state = node.get(f"state?after={revision}&wait_s=5")[1]
        if set(state["decided_bar"].values()) == {bar} and state["inflight"] == 0:
            return
        revision = state["revision"]
    raise AssertionError(f"Bar {bar} was not settled.\n{node.everything()}")


def soak(node: Node, exchange: Exchange, store: Store, state: Path, minutes: float) -> list[Look]:
    """Close bars for so long; return what was seen each minute, and print it."""
    began = time.monotonic()
    looks: list[Look] = []
    bars, bar_then, cpu_then, then = 0, 0, cpu_seconds(node.child.pid), began
    bar = int(exchange.get("ledger")["bar"])
    first = bar
    settle(node, bar)
    while time.monotonic() < began + minutes * 60:
        bar = int(exchange.post("step", {"bars": 1})["bar"])
        settle(node, bar)
        bars = (bar - first) // BAR_MS
        now = time.monotonic()
        if now < then + EVERY_SECONDS:
            continue
        cpu = cpu_seconds(node.child.pid)
        look = {
            "hours": (now - began) / 3600,
            "bars": bars,
            "days": bars / 1440,
            "bars a second": (bars - bar_then) / (now - then),
            "CPU ms a bar": 1000 * (cpu - cpu_then) / (bars - bar_then),
            **grown(node, store, state),
        }
        bar_then, cpu_then, then = bars, cpu, time.monotonic()
        looks.append(look)
        print(json.dumps({name: round(value, 3) for name, value in look.items()}), flush=True)
    return looks


def main() -> None:
    """Soak and print what it did, each minute and in the end."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=60.0)
    asked.add_argument("--trades", default="grid")
    asked.add_argument("--warm-up", type=float, default=0.4)
    words = asked.parse_args()
    project = baked_project()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "store").mkdir()
        store = Store(folder / "store")
        exchange = Exchange(folder / "exchange", project / "drill")
        settings = node_settings(folder, store.url, exchange.http, exchange.ws) | {
            "TRADER_INSTANCE_ID": "soak",
            "STRATEGY_TRADES": words.trades,
        }
        node = Node(folder / "node", project / "src", PACKAGE, settings)
        node.until("trading", TRADING_SECONDS)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        looks = soak(node, exchange, store, folder / "state", words.minutes)
        fills = len(exchange.get("ledger")["fills"])
        code = node.stop()
        exchange.stop()
        store.stop()
    counted = [look for look in looks if look["hours"] * 60 > words.minutes * words.warm_up]
    last = looks[-1]
    print(
        f"\n{last['bars']:.0f} bars, {last['days']:.1f} days of the market, {fills} fills in "
        f"{last['hours'] * 60:.0f} minutes, load {os.getloadavg()[0]:.1f}; the node ended with "
        f"{code}. After the first {words.warm_up:.0%}:\n"
    )
    print(f"{'':16} {'median':>10} {'an hour':>10}")
    for each in counted[0]:
        if each not in ("hours", "bars", "days"):
            middle, percent = slope(counted, each)
            print(f"{each:16} {middle:>10.2f} {percent:>+9.2f} %")


if __name__ == "__main__":
    main()
