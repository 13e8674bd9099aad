"""
Both engines side by side: start to trading, memory, and how soon a bar is decided.

Alternating, with nothing and with 20,000 orders in the past. It needs the Python of a project that
was baked with ``engine=v2`` and set up: name it in ENGINE2_PYTHON. Run it with the template's own.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

import redis  # noqa: E402 - found on the path above

from baking import bake, clean_environment  # noqa: E402 - as above
from node.baked import module  # noqa: E402 - as above
from node.leases import lease_given_back  # noqa: E402 - as above
from node.past import DAY_MS, put_past, round_trips  # noqa: E402 - as above
from node.processes import (  # noqa: E402 - as above
    TRADER,
    Exchange,
    Node,
    Store,
    node_settings,
)
from node.stores import BEGAN_MS  # noqa: E402 - as above
from processes import resident_megabytes  # noqa: E402 - as above

PASTS = (0, 20_000)
TIMES = 3
BARS = 60
PACKAGE = "trader"


@dataclass
class Seen:
    """What was measured of one engine with one past."""

    start: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    decided: list[float] = field(default_factory=list)

    def told(self) -> str:
        """Return it in a line."""

        def spread(values: list[float], digits: int) -> str:
            low, high = min(values), max(values)
            middle = statistics.median(values)
            return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

        return (
            f"start {spread(self.start, 2)} s, {spread(self.memory, 0)} MB, "
            f"a bar decided in {statistics.median(self.decided) * 1000:.1f} ms"
        )


class EngineNode(Node):
    """A node of either engine."""

    def __init__(self, python: str, folder: Path, project: Path, environment: dict[str, str]):
        self.started = time.monotonic()
        self.port = int(environment["TRADER_HTTP_PORT"])
        self.store_url = environment["TRADER_STORE_URL"]
        self.stages = []
        own = {**clean_environment(), **environment, "PYTHONPATH": str(project / "src")}
        super(Node, self).__init__([python, "-m", PACKAGE, "run"], folder, own)


def fill(store: Store, orders: int, room: str) -> None:
    """Put a past of so many orders into a store, in the words of an engine."""
    store.take_up(*lease_given_back(TRADER))
    if not orders:
        return
    with redis.Redis(port=store.port, protocol=2) as client:
        put_past(client, round_trips(BEGAN_MS - 6 * DAY_MS, BEGAN_MS - DAY_MS, orders))
    if room == "v2":
        formats = module("engine.mending.formats").FORMATS
        tool = module("guards.mend.store").StoreMend
        old, new = (formats[each](TRADER) for each in ("v1", "v2"))
        translated = module("engine.mending.translated").translated
        asyncio.run(
            tool(store.url, TRADER, new, lambda _: None).rewrite(
                lambda keys: translated(keys, old, new)
            )
        )


def once(folder: Path, python: str, project: Path, orders: int, room: str, seen: Seen) -> None:
    """Start a node, let it trade for some bars, and stop it."""
    store = Store(folder / "store")
    exchange = Exchange(folder / "exchange", project / "drill")
    fill(store, orders, room)
    settings = node_settings(folder, store.url, exchange.http, exchange.ws)
    node = EngineNode(python, folder / "node", project, settings)
    node.until("trading", 90)
    seen.start.append(time.monotonic() - node.started)
    last = int(exchange.post("step", {"bars": 1})["bar"])
    node.settle(last)
    for _ in range(BARS):
        began, bar = time.monotonic(), int(exchange.post("step", {"bars": 1})["bar"])
        # On a busy machine the node may wait for its store, and says so.
        if node.get("health")[0] == 200:
            node.settle(bar)
            seen.decided.append(time.monotonic() - began)
    seen.memory.append(resident_megabytes(node.pid))
    for process in (node, exchange, store):
        process.stop()


def main() -> int:
    """Measure, and print a table."""
    second = os.environ.get("ENGINE2_PYTHON")
    if not second or subprocess.run([second, "-c", "import nautilus_trader"]).returncode:
        print("Name a Python with NautilusTrader 2 in ENGINE2_PYTHON.", file=sys.stderr)
        return 78
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        projects = {}
        for room in ("v1", "v2"):
            (folder / room).mkdir()
            projects[room] = bake(folder / room, project_slug=PACKAGE, engine=room).path
        for orders in PASTS:
            found = {room: Seen() for room in projects}
            for number in range(TIMES):
                for room, python in (("v1", sys.executable), ("v2", second)):
                    place = folder / f"{room}-{orders}-{number}"
                    place.mkdir()
                    once(place, python, projects[room], orders, room, found[room])
            for room, seen in found.items():
                print(f"{room}, {orders:,} past orders: {seen.told()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
