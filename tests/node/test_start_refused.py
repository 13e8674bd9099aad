"""A node that cannot trade ends within a bound, with its code and one plain line."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from node.conftest import Start
from node.processes import ENGINE_ALONE, Exchange, Store

AWAY = 75
CONFIGURATION = 78


@pytest.fixture
def hung_store() -> Iterator[int]:
    """A store that answers the preflight, its first client, and nobody after that."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket, index: int) -> None:
        with client:
            while data := client.recv(65536):
                if index == 0:
                    client.sendall(b"+OK\r\n" * data.count(b"*"))

    def accept() -> None:
        for index in range(100):
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client, index), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_all_settings_errors_at_once(start: Start) -> None:
    node = start(TRADER_SYMBOL="?", TRADER_ID="?", TRADER_STORE_URL="?")
    assert node.wait() == CONFIGURATION
    names = [line.split()[0] for line in node.complaint()]
    assert names == ["TRADER_ID", "TRADER_STORE_URL", "TRADER_SYMBOL"]


def test_unreachable_store(start: Start) -> None:
    node = start()
    assert node.wait() == AWAY
    [line] = node.complaint()
    assert line.startswith("The store at 127.0.0.1:1 is away")


def test_wrong_password(tmp_path: Path, start: Start) -> None:
    store = Store(tmp_path / "locked", "--requirepass", "right")
    for url in (store.url, store.url.replace("//", "//:wrong@")):
        node = start(TRADER_STORE_URL=url)
        assert node.wait() == CONFIGURATION
        [line] = node.complaint()
        assert "refuses the user name or password" in line
        assert "wrong" not in line.replace("WRONGPASS", "").split("(")[0]


def test_read_only_store(tmp_path: Path, start: Start, store: Store) -> None:
    replica = Store(tmp_path / "replica", "--replicaof", "127.0.0.1", str(store.port))
    node = start(TRADER_STORE_URL=replica.url)
    # It may take its primary's place in a moment: whoever starts the node again tries again.
    assert node.wait() == AWAY
    [line] = node.complaint()
    assert "read-only replica" in line


def test_exchange_away(start: Start, store: Store) -> None:
    node = start()
    assert node.wait() == AWAY
    [line] = node.complaint()
    assert line.startswith("The exchange at http://127.0.0.1:1 is away")


def test_something_else_than_the_simulated_exchange(start: Start, store: Store) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        node = start(TRADER_EXCHANGE_HTTP_URL=f"http://127.0.0.1:{other.server_port}")
        assert node.wait() == CONFIGURATION
        other.shutdown()
    [line] = node.complaint()
    assert "is not a simulated exchange" in line


def test_public_host(start: Start, store: Store) -> None:
    node = start(TRADER_EXCHANGE_HTTP_URL="https://93.184.215.14")
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert "not a loopback or private address" in line


def test_http_port_taken(start: Start, store: Store, exchange: Exchange) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        node = start(TRADER_HTTP_PORT=str(taken.getsockname()[1]))
        assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert "TRADER_HTTP_PORT" in line


def test_hung_store_is_bounded(start: Start, hung_store: int, exchange: Exchange) -> None:
    url = f"redis://127.0.0.1:{hung_store}"
    # Whoever else asks the store would end it earlier.
    alone = ENGINE_ALONE.replace("ASKING = (", 'ASKING = ("halt", "lease", "archive", ')
    node = start(alone, TRADER_STORE_URL=url, TRADER_STARTUP_TIMEOUT_SECONDS="3")
    node.until("load")
    loading = time.monotonic()
    assert node.wait() == AWAY
    assert time.monotonic() - loading < 5
    assert node.said("was still at load")


def test_failing_mass_status_leaves_no_zombie(
    start: Start, store: Store, exchange: Exchange
) -> None:
    failing = {"name": "fail", "match": {"request": "orders.open"}, "nth": 1, "times": 100}
    exchange.post("faults", {**failing, "status": 503, "code": -1001})
    node = start(ENGINE_ALONE)
    assert node.wait() == AWAY
    assert node.said("could not reconcile")
    assert node.said("openOrders")


def test_hanging_mass_status_is_bounded(start: Start, store: Store, exchange: Exchange) -> None:
    hang = {"name": "gate", "match": {"request": "orders.open"}, "nth": 1, "phase": "received"}
    exchange.post("faults", hang)
    node = start(ENGINE_ALONE, TRADER_STARTUP_TIMEOUT_SECONDS="4")
    assert node.wait() == AWAY
    assert node.said("was still at reconcile")


def test_hung_mend_is_bounded(start: Start, store: Store, exchange: Exchange) -> None:
    hang = {"name": "gate", "match": {"request": "conditionals.all"}, "nth": 1, "phase": "received"}
    gate = exchange.post("faults", hang)["id"]
    node = start(TRADER_STARTUP_TIMEOUT_SECONDS="4")
    node.until("mend")
    store.child.send_signal(signal.SIGSTOP)
    exchange.release(gate)
    assert node.wait() == AWAY
    assert node.said("was still at mend")


def test_unanswered_questions_end_the_warm_up(
    start: Start, store: Store, exchange: Exchange
) -> None:
    failing = {"name": "fail", "match": {"request": "klines.read"}, "nth": 1, "times": 100}
    exchange.post("faults", {**failing, "status": 503, "code": -1001})
    node = start()
    assert node.wait(40) == AWAY
    assert node.said("did not answer for bars in 5 attempts")
    assert exchange.position() == "0"


def test_symbol_that_the_exchange_does_not_list(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start(TRADER_SYMBOL="NOPEUSDT")
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert line.startswith(
        "The exchange does not list NOPEUSDT; correct TRADER_SYMBOL, or the line of"
    )


def test_quantity_that_the_exchange_cannot_fill(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start(TRADER_ORDER_QUANTITY="0.0105")
    assert node.wait() == CONFIGURATION
    assert node.said("The quantity 0.0105 is no multiple of 0.001")
    assert exchange.get("ledger")["orders"] == []


def test_exchange_without_bars(start: Start, store: Store, exchange: Exchange) -> None:
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.venue.binance.orders import SymbolQuestions

async def nothing(self, count):
    return []

SymbolQuestions.closed_bars = nothing
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    assert node.wait() == AWAY
    assert node.said("has no closed bar of BTCUSDT")


def test_watchdog_that_does_not_wake_up(start: Start) -> None:
    code = """
import sys
from trading_node.commands import main as cli
from trading_node.life import watchdog

watchdog.AWAKE_SECONDS = 0.2
watchdog._interpret = lambda script: None
sys.exit(cli.main(["run"]))
"""
    node = start(code)
    assert node.wait() == 1
    [line] = node.complaint()
    assert line.startswith("The watchdog did not wake up within")


def test_command_line(start: Start) -> None:
    for arguments, code in ((["--version"], 0), (["--help"], 0), ([], 2), (["walk"], 2)):
        script = (
            f"import sys; from trading_node.commands.main import main; sys.exit(main({arguments}))"
        )
        assert start(script).wait() == code
