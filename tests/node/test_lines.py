"""Several lines at one node: each warms up by its own bars, and one that fails stops no other."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import Exchange, Node, Store
from node.scripted import Script, code
from node.test_memory_node import until
from node.test_trading import last_bar

FIVE_MINUTES = 5 * 60_000
BITCOIN = 'Traded(Remembering(FOLDER, "bitcoin", window=40), "BTCUSDT", "1m", "BTC001")'
ETHER = 'Traded(Remembering(FOLDER, "ether", window=7), "ETHUSDT", "{bar}", "ETH001")'


@pytest.fixture
def exchange(tmp_path: Path, project: Path) -> Exchange:
    """An exchange that lists two symbols."""
    options = ("--symbol", "BTCUSDT", "--symbol", "ETHUSDT")
    return Exchange(tmp_path / "exchange", project / "drill", *options)


@pytest.fixture
def scripts(tmp_path: Path) -> tuple[Script, Script]:
    """The scripts of the two rules."""
    folder = tmp_path / "script"
    return Script(folder, "bitcoin"), Script(folder, "ether")


def held(state: dict[str, Any]) -> dict[str, Decimal]:
    """Return the positions by symbol."""
    return {row["symbol"]: Decimal(row["quantity"]) for row in state["positions"]}


def step(exchange: Exchange, node: Node, *symbols: str) -> dict[str, Any]:
    """Close one bar and return the state once these symbols have decided it."""
    return node.settle(exchange.post("step", {"bars": 1})["bar"], *symbols)


def test_each_line_warms_up_by_its_own_bars(
    start: Start, tmp_path: Path, store: Store, exchange: Exchange, scripts: tuple[Script, Script]
) -> None:
    bitcoin, ether = scripts
    lines = code(tmp_path / "script", BITCOIN, ETHER.format(bar="5m"))
    node = start(lines)
    node.until("trading")
    bar = last_bar(exchange)
    node.settle(bar, "BTCUSDT")
    node.get("state")
    first = {script.looks()[0]["bars"]: script.looks()[0]["length"] for script in scripts}
    assert first == {40: 60_000, 7: FIVE_MINUTES}
    bitcoin.says(quantity="0.010", stop="-3")
    ether.says(quantity="0.100", stop="-3")
    for _ in range(6):
        state = step(exchange, node, "BTCUSDT")
    last = last_bar(exchange)
    five = (last + 1) // FIVE_MINUTES * FIVE_MINUTES - 1
    assert state["decided_bar"] == {"BTCUSDT": last, "ETHUSDT": five}
    assert held(state) == {"BTCUSDT": Decimal("0.010"), "ETHUSDT": Decimal("0.100")}
    assert ether.looks()[-1]["bar"] == five
    node.kill()
    step_to = exchange.post("step", {"bars": 7})["bar"]
    again = start(lines)
    again.until("trading")
    state = again.settle(step_to, "BTCUSDT")
    assert held(state) == {"BTCUSDT": Decimal("0.010"), "ETHUSDT": Decimal("0.100")}
    five = (step_to + 1) // FIVE_MINUTES * FIVE_MINUTES - 1
    assert again.settle(five, "ETHUSDT")["decided_bar"] == {"BTCUSDT": step_to, "ETHUSDT": five}
    assert {look["bars"] for look in bitcoin.looks()} == {40}
    assert {look["bars"] for look in ether.looks()} == {7}


@pytest.mark.parametrize("answer", [{"fails": "seeded"}, {"quantity": "0.0105"}])
def test_a_rule_that_fails_stops_no_other(
    start: Start,
    tmp_path: Path,
    store: Store,
    exchange: Exchange,
    scripts: tuple[Script, Script],
    answer: dict[str, str],
) -> None:
    bitcoin, ether = scripts
    node = start(code(tmp_path / "script", BITCOIN, ETHER.format(bar="1m")))
    node.until("trading")
    bitcoin.says(quantity="0.010", stop="-3")
    step(exchange, node, "BTCUSDT", "ETHUSDT")
    [stop] = exchange.working_stops()
    bitcoin.says(**answer)
    ether.says(quantity="0.100", stop="-3")
    state = step(exchange, node, "ETHUSDT")
    state = until(node, "rule of BTCUSDT", is_there=True)
    [told] = [each for each in state["conditions"] if each["name"] == "rule of BTCUSDT"]
    assert told["sentence"].startswith("The rule of BTC001 has failed: ")
    assert (told["symbol"], state["stage"]) == ("BTCUSDT", "degraded")
    node.settle(last_bar(exchange), "ETHUSDT")
    assert held(node.get("state")[1]) == {"BTCUSDT": Decimal("0.010"), "ETHUSDT": Decimal("0.100")}
    assert stop["client_order_id"] in {row["client_order_id"] for row in exchange.working_stops()}
    assert "Traceback" in node.whole()
    failed = [look["bar"] for look in bitcoin.looks()].count(last_bar(exchange))
    assert failed == 1  # once a bar
    bitcoin.says(quantity="0", stop="-3")
    step(exchange, node, "BTCUSDT", "ETHUSDT")
    until(node, "rule of BTCUSDT", is_there=False)
    node.settle(last_bar(exchange), "BTCUSDT", "ETHUSDT")
    assert held(node.get("state")[1]) == {"ETHUSDT": Decimal("0.100")}
