"""What a rule sees before a kill and after it, also when the exchange alone is left to tell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from node.conftest import Start
from node.processes import SYMBOL, Exchange, Node, Store
from node.scripted import Script, code
from node.test_trading import last_bar, step

LINE = 'Traded(Scripted(FOLDER, "view"), "BTCUSDT", "1m", "VIEW01", cool_down=0)'


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script of the one rule."""
    return Script(tmp_path / "script", "view")


@pytest.fixture
def trades(start: Start, tmp_path: Path) -> Callable[[], Node]:
    """Start a node that trades the one line."""

    def started() -> Node:
        node = start(code(tmp_path / "script", LINE))
        node.until("trading")
        return node

    return started


def seen_again(
    node: Node,
    trades: Callable[[], Node],
    script: Script,
    exchange: Exchange,
    emptied: Store | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Kill the node and start it; return what its rule has seen of one bar before and after."""
    bar = last_bar(exchange)
    node.settle(bar)
    before = script.last(bar)
    count = len(script.looks())
    node.kill()
    if emptied is not None:
        with redis.Redis.from_url(emptied.url) as client:
            client.flushall()
    again = trades()
    again.settle(bar)
    assert len(script.looks()) > count
    return before, script.last(bar)


@pytest.mark.parametrize("is_cold", [False, True])
def test_position_and_exits_are_the_same_after_a_kill(
    trades: Callable[[], Node], script: Script, store: Store, exchange: Exchange, *, is_cold: bool
) -> None:
    exchange.post("faults", {"name": "thin", "symbol": SYMBOL, "quantity": "0.003"})
    node = trades()
    node.settle(last_bar(exchange))
    for quantity in ("-0.010", "-0.008", "0", "0.010", "0.015", "0.008"):
        script.says(quantity=quantity, stop="-5" if quantity[0] != "-" else "5")
        step(exchange, node)
    script.says(quantity="held", stop="-5", take_profit="3")
    for _ in range(3):
        step(exchange, node)
    before, after = seen_again(node, trades, script, exchange, store if is_cold else None)
    assert len(before["exits"]) > 2
    assert before["position"] != "0"
    assert before == after
