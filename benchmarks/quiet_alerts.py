"""
Whether the alerts are quiet while nothing is wrong: many undisturbed plays, watched by the rules.

Run after `make setup`, where a container engine answers, with the template's environment:
``.venv/bin/python`` and this file, perhaps with ``--plays N`` (200), ``--bars N`` (150) and
``--at-once N`` (6). Each play has a market of its own, and the four examples take turns. A bar
closes four times a second, so that a play lasts as long as most alerts wait for. One Prometheus
with the deployed rules asks every node each second. What has fired, ``Watchdog``
excepted, is told with its play; the exit code is 1 then.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "tests"))

from node.baked import PACKAGE, baked_project  # noqa: E402 - found on the path above
from node.leases import lease_given_back  # noqa: E402 - likewise
from node.processes import TRADER, Exchange, Node, Store, node_settings  # noqa: E402 - likewise
from node.prometheus import Prometheus  # noqa: E402 - likewise
from node.test_trading import last_bar, step  # noqa: E402 - likewise

EXAMPLES = ("ema_cross", "mean_reversion", "grid", "bracket")
TRADING_SECONDS = 120.0
BAR_SECONDS = 0.25
FIRED = 'sum by (alertname, instance) (count_over_time(ALERTS{alertstate="firing"}[6h]))'


class Watched:
    """What Prometheus asks now; plays come and go.

    Parameters
    ----------
    prometheus : Prometheus
        Who asks.

    """

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._places: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, name: str, place: str) -> None:
        """Ask one more."""
        with self._lock:
            self._places[name] = place
            self._prometheus.ask("trader", **self._places)

    def remove(self, name: str) -> None:
        """Ask one less."""
        with self._lock:
            del self._places[name]
            self._prometheus.ask("trader", **self._places)

    def fired(self) -> dict[tuple[str, str], float]:
        """Return for alert and play for how many evaluations it has fired."""
        found = self._prometheus.get(f"query?query={urllib.parse.quote(FIRED)}")["result"]
        return {
            (each["metric"]["alertname"], each["metric"].get("instance", "")): float(
                each["value"][1]
            )
            for each in found
            if each["metric"]["alertname"] != "Watchdog"
        }

    def looks(self) -> int:
        """Return how often a node has been asked and has answered."""
        asked = urllib.parse.quote('sum(sum_over_time(up{job="trader"}[6h]))')
        found = self._prometheus.get(f"query?query={asked}")["result"]
        return int(float(found[0]["value"][1])) if found else 0


def play(project: Path, folder: Path, number: int, bars: int, watched: Watched) -> int:
    """Let one example trade for so many bars; return how many fills it had."""
    example, name = EXAMPLES[number % len(EXAMPLES)], f"play-{number}"
    store = Store(folder / "store")
    store.take_up(*lease_given_back(TRADER))
    exchange = Exchange(folder / "exchange", project / "drill", "--seed", str(number))
    settings = node_settings(folder, store.url, exchange.http, exchange.ws) | {
        "TRADER_INSTANCE_ID": name,
        "STRATEGY_TRADES": example,
    }
    node = Node(folder / "node", project / "src", PACKAGE, settings)
    node.until("trading", TRADING_SECONDS)
    watched.add(name, f"127.0.0.1:{settings['TRADER_HTTP_PORT']}")
    node.settle(last_bar(exchange))
    began = time.monotonic()
    for bar in range(1, bars + 1):
        step(exchange, node)
        time.sleep(max(0.0, began + bar * BAR_SECONDS - time.monotonic()))
    fills = len(exchange.get("ledger")["fills"])
    # Asked no more before it ends: who stops a node by hand silences its alerts, too.
    watched.remove(name)
    node.stop()
    exchange.stop()
    store.stop()
    return fills


def main() -> None:
    """Play, and tell what has fired."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--plays", type=int, default=200)
    asked.add_argument("--bars", type=int, default=150)
    asked.add_argument("--at-once", type=int, default=6)
    words = asked.parse_args()
    project = baked_project()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(words.at_once) as players:
        root = Path(name)
        root.chmod(0o755)  # another user reads the rules below it
        prometheus = Prometheus(project, root / "prometheus")
        began = time.monotonic()
        try:
            watched = Watched(prometheus)

            def one(number: int) -> int:
                folder = root / str(number)
                (folder / "store").mkdir(parents=True)
                return play(project, folder, number, words.bars, watched)

            fills = sum(players.map(one, range(words.plays)))
            fired, looks = watched.fired(), watched.looks()
        finally:
            prometheus.end()
    print(
        f"{words.plays} plays of {words.bars} bars with {fills} fills in "
        f"{(time.monotonic() - began) / 60:.0f} minutes, asked {looks} times, "
        f"load {os.getloadavg()[0]:.1f}: {len(fired) or 'no'} alerts fired."
    )
    for (alert, instance), times in sorted(fired.items()):
        example = EXAMPLES[int(instance.rpartition("-")[2]) % len(EXAMPLES)] if instance else ""
        print(f"  {alert} {instance} {example}: {times:.0f} evaluations")
    sys.exit(bool(fired))


if __name__ == "__main__":
    main()
