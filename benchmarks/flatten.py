"""How long ``flatten`` takes with the node alive, dead or paused, and with the store away.

Run after `make setup`, with the template's environment: ``.venv/bin/python`` and this file;
``--times`` says how often each is done. Seconds are from the command's start until the exchange
holds nothing and has nothing open, and until the command has said so: in between it waits until
nothing late can arrive any more. How each ends is checked, and a time that is not there ends it.
"""

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.processes import SYMBOL, Command, Exchange, Node, Store, free_port  # noqa: E402 - as above
from node.test_trading import step_until_position  # noqa: E402 - as above
from processes import all_ended  # noqa: E402 - as above

SECONDS = 60.0
OK, AWAY = 0, 75


def pause(node: Node, store: Store) -> None:
    """Let the node stand still."""
    node.send(signal.SIGSTOP)


def kill(node: Node, store: Store) -> None:
    """End the node as a loss of power would."""
    node.kill()


def pause_store(node: Node, store: Store) -> None:
    """Let the store stand still."""
    store.send(signal.SIGSTOP)


def nothing(node: Node, store: Store) -> None:
    """Let all of it be."""


CASES: dict[str, tuple[Callable[[Node, Store], None], int]] = {
    "node alive": (nothing, OK),
    "node dead": (kill, OK),
    "node paused": (pause, OK),
    "store away": (pause_store, AWAY),
}


def is_flat(exchange: Exchange) -> bool:
    """Return whether nothing is held and nothing waits."""
    ledger = exchange.get("ledger")
    held = any(Decimal(row["quantity"]) for row in ledger["positions"])
    return not held and all(row["status"] != "NEW" for row in ledger["orders"])


def once(case: str, folder: Path) -> tuple[float, float]:
    """Return the seconds until it is flat, and until the command has ended."""
    happens, code = CASES[case]
    source = baked_project() / "src"
    store = Store(folder / "store")
    exchange = Exchange(folder / "exchange", baked_project() / "drill")
    environment = {
        "TRADER_PROFILE": "simulated",
        "TRADER_ID": "TRADER-001",
        "TRADER_SYMBOL": SYMBOL,
        "TRADER_STORE_URL": store.url,
        "TRADER_EXCHANGE_HTTP_URL": exchange.http,
        "TRADER_EXCHANGE_WS_URL": exchange.ws,
        "TRADER_HTTP_PORT": str(free_port()),
        "TRADER_STATE_FOLDER": str(folder / "state"),
    }
    node = Node(folder / "node", source, PACKAGE, environment)
    node.until("trading")
    step_until_position(exchange, node)
    happens(node, store)
    flatten = Command(folder, source, PACKAGE, environment, "flatten", "--yes")
    flatten.until_seen(lambda: is_flat(exchange), SECONDS)
    flat = time.monotonic() - flatten.started
    flatten.said(SECONDS, code)
    return flat, time.monotonic() - flatten.started


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, metavar="N")
    times = parser.parse_args().times
    baked_project()  # what the bake says comes before the table
    print(f"{'':12} {'flat p50':>9} {'max':>7} {'said p50':>9} {'max':>7}   of {times}")
    for case in CASES:
        found = []
        for _ in range(times):
            with all_ended(), tempfile.TemporaryDirectory() as folder:
                found.append(once(case, Path(folder)))
        columns = []
        for seconds in zip(*found, strict=True):
            columns += [f"{statistics.median(seconds):9.2f}", f"{max(seconds):7.2f}"]
        print(f"{case:12} {' '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
