"""Another API key while a position is held; and what a node does whose key was taken away."""

import time
import urllib.request
from pathlib import Path
from typing import Any

from node.conftest import Start
from node.processes import Exchange, Node, Store, free_port
from node.test_trading import MOST_BARS, last_bar, step, step_until_position

NEW = {"TRADER_API_KEY": "simulated-key-2", "TRADER_API_SECRET": "simulated-secret-2"}
CONFIGURATION = 78
SEEN_SECONDS = 20.0


def make_key(exchange: Exchange) -> None:
    exchange.post("keys", {"key": NEW["TRADER_API_KEY"], "secret": NEW["TRADER_API_SECRET"]})


def take_old_key_away(exchange: Exchange) -> None:
    url = f"{exchange.http}/_sim/keys/simulated-key"
    asked = urllib.request.Request(url, method="DELETE")  # noqa: S310 - loopback
    urllib.request.urlopen(asked, timeout=20).close()  # noqa: S310 - loopback


def until_condition(node: Node, words: str) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while words not in str(node.get("state")[1]["conditions"]):
        assert time.monotonic() < deadline, node.everything()
        time.sleep(0.05)


def names(exchange: Exchange) -> list[tuple[Any, Any]]:
    return [(row["client_order_id"], row["kind"]) for row in exchange.get("ledger")["orders"]]


def test_a_new_key_and_the_old_one_away(start: Start, store: Store, exchange: Exchange) -> None:
    node = start()
    node.until("trading")
    step_until_position(exchange, node)
    position, stops, orders = exchange.position(), exchange.working_stops(), names(exchange)
    make_key(exchange)
    began = time.monotonic()
    node.child.terminate()
    assert node.wait(SEEN_SECONDS) == 0
    assert exchange.working_stops() == stops, "the stop stays while nobody trades"
    node = start(**NEW)
    node.until("trading")
    print(f"Without supervision: {time.monotonic() - began:.1f} s.")
    take_old_key_away(exchange)
    node.settle(last_bar(exchange))
    assert (exchange.position(), exchange.working_stops()) == (position, stops)
    assert names(exchange) == orders, "nothing was sent"
    for _ in range(MOST_BARS):
        if not step(exchange, node)["positions"]:
            break
    assert node.get("health")[0] == 200
    assert len(set(names(exchange))) == len(names(exchange)), "an order was doubled"


def test_a_node_whose_key_was_taken_away_is_kept_out(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    """Another machine with a store of its own: this is what keeps the old one from trading."""
    old = start()
    old.until("trading")
    step_until_position(exchange, old)
    position, stops = exchange.position(), exchange.working_stops()
    make_key(exchange)
    take_old_key_away(exchange)
    until_condition(old, "refuses the key")
    new = start(
        TRADER_STORE_URL=Store(tmp_path / "elsewhere").url,
        TRADER_STATE_FOLDER=str(tmp_path / "state-elsewhere"),
        TRADER_HTTP_PORT=str(free_port()),
        **NEW,
    )
    new.until("trading")
    assert (exchange.position(), exchange.working_stops()) == (position, stops)
    # It lives on, and comes back to life, and sends nothing that counts.
    step(exchange, new)
    old.kill()
    back = start()
    assert back.wait(SEEN_SECONDS) == CONFIGURATION
    assert back.said("The exchange refuses the key")
    for _ in range(5):
        step(exchange, new)
    assert new.get("health")[0] == 200
    assert len(set(names(exchange))) == len(names(exchange)), "an order was doubled"
