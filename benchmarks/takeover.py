"""How soon a node that stands by trades when the one that trades ends, stands still or stops.

Run after `make setup`, with the template's environment: ``.venv/bin/python benchmarks/takeover.py
--times 50``. Store, exchange and nodes are real processes. With ``--watch MINUTES`` a node trades
for so long beside one that stands by, with every core busy: nobody may take over.
"""

import argparse
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from served import DRILL, TEMPLATE, percentile

sys.path[:0] = [str(DRILL), str(TEMPLATE / "tests")]

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.processes import SYMBOL, Exchange, Node, Store, free_port  # noqa: E402 - as above

END_SECONDS = 30.0
HOW = {
    "killed (SIGKILL)": signal.SIGKILL,
    "stands still (SIGSTOP)": signal.SIGSTOP,
    "stops as asked (SIGTERM)": signal.SIGTERM,
}


class Field:
    """A store, an exchange, and nodes with one id."""

    def __init__(self, folder: Path) -> None:
        self.project = baked_project()
        self.folder = folder
        self.exchange = Exchange(folder / "exchange", self.project / "drill")
        self.store = Store(folder / "store")
        self._count = 0

    def start(self, *arguments: str) -> Node:
        """Start a node."""
        self._count += 1
        environment = {
            "TRADER_PROFILE": "simulated",
            "TRADER_ID": "TRADER-001",
            "TRADER_INSTANCE_ID": f"node-{self._count}",
            "TRADER_SYMBOL": SYMBOL,
            "TRADER_STORE_URL": self.store.url,
            "TRADER_EXCHANGE_HTTP_URL": self.exchange.http,
            "TRADER_EXCHANGE_WS_URL": self.exchange.ws,
            "TRADER_HTTP_PORT": str(free_port()),
        }
        code = (
            f"import sys\nfrom {PACKAGE}.commands import main as cli\n"
            f"sys.exit(cli.main(['run', *{arguments!r}]))\n"
        )
        folder = self.folder / f"node-{self._count}"
        return Node(folder, self.project / "src", PACKAGE, environment, code)


def measure(folder: Path, number: signal.Signals, times: int) -> list[float]:
    """Return the seconds from a signal to the one that trades to the other one's trading."""
    field = Field(folder)
    node = field.start()
    node.until("trading")
    found = []
    for _ in range(times):
        other = field.start("--standby")
        other.until("lease")
        began = time.monotonic()
        node.child.send_signal(number)
        other.until("trading")
        found.append(time.monotonic() - began)
        if number is signal.SIGSTOP:
            node.child.send_signal(signal.SIGCONT)
        node.wait(END_SECONDS)
        node = other
    for each in (node, field.exchange, field.store):
        each.kill()
    return found


def _busy() -> None:
    while True:
        pass


@contextlib.contextmanager
def every_core_busy() -> Iterator[None]:
    """Keep every core busy."""
    loads = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(os.cpu_count() or 1)]
    for load in loads:
        load.start()
    try:
        yield
    finally:
        for load in loads:
            load.kill()


def watch(folder: Path, minutes: float) -> int:
    """Return how often somebody took over from a node that was alive."""
    field = Field(folder)
    node = field.start()
    node.until("trading")
    other = field.start("--standby")
    other.until("lease")
    with every_core_busy():
        deadline = time.monotonic() + minutes * 60
        while time.monotonic() < deadline:
            field.exchange.post("step", {"bars": 1})
            time.sleep(1.0)
    taken = int(node.child.poll() is not None or node.get("state")[1]["lease_epoch"] != 1)
    for each in (node, other, field.exchange, field.store):
        each.kill()
    return taken


def main() -> int:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--watch", type=float, default=0, metavar="MINUTES")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'seconds until the other one trades':36}{'p50':>7}{'max':>7}")
        for place, (name, number) in enumerate(HOW.items()):
            found = measure(Path(folder) / str(place), number, options.times)
            print(f"{name:36}{percentile(found, 0.5):7.2f}{max(found):7.2f}", flush=True)
        if options.watch:
            taken = watch(Path(folder) / "watch", options.watch)
            print(f"taken over in {options.watch:g} minutes without a reason: {taken}")
            return taken
    return 0


if __name__ == "__main__":
    sys.exit(main())
