"""
Each alert is brought about once by a real fault of a real node, and none comes without one.

The rules are the deployed ones with their own times; a Prometheus in a container asks each second.
"""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import yaml

from engine import needs_engine
from node.conftest import Order, Start
from node.processes import Exchange, Process, Store, free_port
from node.prometheus import Container, Prometheus, images
from node.test_trading import last_bar, step
from node.test_watches import STEPPED_CLOCK

pytestmark = [needs_engine, pytest.mark.long]

QUIET_SECONDS = 30.0
SLACK_SECONDS = 15.0
"""What a scrape, an evaluation and a busy machine may add."""
BARS = 150

Seen = Callable[..., None]


@pytest.fixture(scope="module")
def prometheus(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with the deployed rules."""
    made = Prometheus(project, tmp_path_factory.mktemp("prometheus"))
    yield made
    made.end()


@pytest.fixture
def instance(
    request: pytest.FixtureRequest, prometheus: Prometheus, environment: dict[str, str]
) -> Iterator[str]:
    """The test's own name for what is asked, so that no alert is another test's."""
    name = request.node.name
    prometheus.ask("trader", **{name: f"127.0.0.1:{environment['TRADER_HTTP_PORT']}"})
    yield name
    prometheus.ask("trader")
    prometheus.ask("store")


@pytest.fixture
def seen(prometheus: Prometheus, instance: str) -> Seen:
    """Wait for an alert, and say how long it took since the fault."""

    def wait(alert: str, fault: str, seconds: float, began: float | None = None) -> None:
        began = time.monotonic() if began is None else began
        prometheus.until(alert, instance, seconds + SLACK_SECONDS)
        print(f"measured: {fault}: {alert} after {time.monotonic() - began:.1f} s")

    return wait


@pytest.fixture
def store_metrics(
    project: Path, prometheus: Prometheus, instance: str, store: Store
) -> Iterator[Container]:
    """What the deployed exporter tells of the test's store."""
    port = free_port()
    made = Container(
        "store-metrics",
        images(project)["store-metrics"],
        f"--redis.addr=redis://127.0.0.1:{store.port}",
        f"--web.listen-address=127.0.0.1:{port}",
        *("--config-command=-", "--set-client-name=false", "--connection-timeout=300ms"),
    )
    prometheus.ask("store", **{instance: f"127.0.0.1:{port}"})
    yield made
    made.end()


def is_quiet(prometheus: Prometheus, instance: str, seconds: float) -> None:
    """Fail when anything but the watchdog fires within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert prometheus.alerts(instance) <= {"Watchdog"}
        time.sleep(0.2)


def test_undisturbed_it_is_quiet(
    start: Start,
    store: Store,
    exchange: Exchange,
    prometheus: Prometheus,
    instance: str,
    store_metrics: Container,
) -> None:
    node = start()
    node.until("trading")
    until_scraped(prometheus, instance)
    deadline = time.monotonic() + QUIET_SECONDS
    node.settle(last_bar(exchange))
    while time.monotonic() < deadline:
        step(exchange, node)
        assert prometheus.alerts(instance) <= {"Watchdog"}
    is_quiet(prometheus, instance, 3.0)
    assert prometheus.alerts(instance) == {"Watchdog"}
    assert (
        prometheus.get(f'query?query=redis_up{{instance="{instance}"}}')["result"][0]["value"][1]
        == "1"
    )


def until_scraped(prometheus: Prometheus, instance: str) -> None:
    """Wait until the node's metrics have been taken once."""
    deadline = time.monotonic() + SLACK_SECONDS
    while not prometheus.get(f'query?query=trader_info{{instance="{instance}"}}')["result"]:
        assert time.monotonic() < deadline, "The node is not scraped."
        time.sleep(0.1)


def test_a_node_that_is_gone(start: Start, store: Store, exchange: Exchange, seen: Seen) -> None:
    node = start()
    node.until("trading")
    node.kill()
    seen("TraderDown", "kill -9, and nobody starts it again", 30)


def test_a_node_that_refuses(start: Start, seen: Seen, processes: list[Process]) -> None:
    node = start(TRADER_SYMBOL="btc", TRADER_ON_REFUSAL="hold")
    node.until("refused")
    seen("TraderRefused", "a wrong setting", 0)


def test_a_start_that_never_ends(
    start: Start, store: Store, exchange: Exchange, seen: Seen
) -> None:
    hang = {"name": "delay", "match": {"request": "positions.read"}, "phase": "received"}
    exchange.post("faults", {**hang, "times": 100, "seconds": 300})
    began = time.monotonic()
    start(TRADER_STARTUP_TIMEOUT_SECONDS="600")
    seen("TraderNotTrading", "an exchange that does not tell positions", 60 + 30, began)


def test_a_node_that_begins_again_and_again(
    start: Start,
    store: Store,
    exchange: Exchange,
    prometheus: Prometheus,
    instance: str,
    seen: Seen,
) -> None:
    began = time.monotonic()
    for _ in range(4):
        node = start()
        node.until("trading")
        until_scraped(prometheus, instance)
        time.sleep(2)  # two scrapes
        node.kill()
    seen("TraderRestarts", "three times kill -9", 0, began)


def test_a_position_without_its_stop(
    start: Start, store: Store, exchange: Exchange, seen: Seen
) -> None:
    match = {"request": "conditional.new", "leg": "stop"}
    hang = {"name": "delay", "match": match, "phase": "received", "times": 100, "seconds": 60}
    exchange.post("faults", hang)
    node = start()
    node.until("trading")
    began = time.monotonic()
    seen("TraderNaked", "an exchange that takes no stop and says nothing", 5, began)


def test_halted(start: Start, store: Store, exchange: Exchange, seen: Seen, order: Order) -> None:
    node = start()
    node.until("trading")
    order("halt", "--why", "a test").said()
    seen("TraderHalted", "halt", 0)


def test_a_store_that_stands_still(
    start: Start, store: Store, exchange: Exchange, seen: Seen, store_metrics: Container
) -> None:
    node = start()
    node.until("trading")
    store.send(signal.SIGSTOP)
    began = time.monotonic()
    try:
        seen("TraderCondition", "a store that stands still", 10, began)
        seen("StoreDown", "a store that stands still", 10, began)
    finally:
        store.send(signal.SIGCONT)


def test_orders_that_are_refused(
    start: Start, store: Store, exchange: Exchange, seen: Seen
) -> None:
    refused = {"name": "fail", "match": {"request": "order.new", "leg": "entry"}, "times": 100}
    exchange.post("faults", {**refused, "status": 400, "code": -2019})
    node = start()
    node.until("trading")
    began = time.monotonic()
    for _ in range(60):
        exchange.post("step", {"bars": 1})
        time.sleep(0.3)  # each is decided, or kept waiting
    seen("TraderOrdersRefused", "an account without margin", 0, began)


def test_orders_that_take_long(start: Start, store: Store, exchange: Exchange, seen: Seen) -> None:
    slow = {"name": "delay", "match": {"request": "order.new"}, "times": 100, "seconds": 1.5}
    exchange.post("faults", {**slow, "phase": "received"})
    node = start()
    node.until("trading")
    began = time.monotonic()
    for _ in range(BARS):
        exchange.post("step", {"bars": 1})
        node.settle(last_bar(exchange))
        if len(exchange.get("ledger")["orders"]) >= 6:
            break
    seen("TraderSlowOrders", "an exchange that takes 1.5 s for an order", 0, began)


def test_bars_that_do_not_come(start: Start, store: Store, exchange: Exchange, seen: Seen) -> None:
    node = start()
    node.until("trading")  # and the market stands still
    seen("TraderBarsMissing", "a market that stands still", 2 * 60 + 15)


def test_a_clock_that_is_wrong(
    start: Start, store: Store, exchange: Exchange, seen: Seen, tmp_path: Path
) -> None:
    stepped = tmp_path / "stepped"
    node = start(STEPPED_CLOCK, STEPPED=str(stepped))
    node.until("trading")
    stepped.touch()
    seen("TraderClock", "a clock that steps by 5 s", 10)


def test_a_day_that_loses(start: Start, store: Store, exchange: Exchange, seen: Seen) -> None:
    node = start(TRADER_MAX_DAILY_LOSS="1")
    node.until("trading")
    began = time.monotonic()
    for _ in range(60):
        exchange.post("step", {"bars": 1})
        time.sleep(0.1)
    seen(
        "TraderDayLoss",
        "a market that costs more than four fifths of what a day may lose",
        30,
        began,
    )


def test_a_store_that_is_nearly_full(
    store: Store, prometheus: Prometheus, seen: Seen, store_metrics: Container
) -> None:
    with redis.Redis(port=store.port) as client:
        for number in range(1000):
            client.set(f"ballast:{number}", b"x" * 10_000)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.1))
    seen("StoreMemory", "a store that is nine tenths full", 0)


def test_a_store_that_cannot_write(store: Store, seen: Seen, store_metrics: Container) -> None:
    with redis.Redis(port=store.port) as client:
        shutil.rmtree(store.folder)
        client.bgsave()
        seen("StoreFiles", "a folder that is gone", 0)


def test_a_replica_that_is_gone(
    store: Store, processes: list[Process], tmp_path: Path, seen: Seen, store_metrics: Container
) -> None:
    follows = ("--replicaof", f"127.0.0.1 {store.port}")
    for name in ("second", "third"):
        (tmp_path / name).mkdir()
        processes.append(Store(tmp_path / name, *follows))
    with redis.Redis(port=store.port) as client:
        deadline = time.monotonic() + SLACK_SECONDS
        while client.info("replication")["connected_slaves"] < 2:
            assert time.monotonic() < deadline, "The replicas do not follow."
            time.sleep(0.1)
    processes[-1].kill()
    seen("StoreReplicaMissing", "a replica that is gone", 60)


def test_an_exporter_that_is_gone(
    store: Store, prometheus: Prometheus, instance: str, seen: Seen, store_metrics: Container
) -> None:
    deadline = time.monotonic() + SLACK_SECONDS
    while not prometheus.get(f'query?query=redis_up{{instance="{instance}"}}')["result"]:
        assert time.monotonic() < deadline, "The exporter is not scraped."
        time.sleep(0.1)
    store_metrics.end()
    seen("MetricsMissing", "an exporter that is gone", 60)


def test_no_alert_is_left_out(project: Path) -> None:
    rules = yaml.safe_load((project / "deploy" / "monitoring" / "rules.yml").read_text("utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    told = Path(__file__).read_text("utf-8")
    assert {alert for alert in alerts if f'"{alert}"' not in told} == set()
