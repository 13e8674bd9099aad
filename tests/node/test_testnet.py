"""
The testnet profile, as far as it can be shown without the testnet.

Nothing here asks for a host's address outside this machine. The way of the profile is taken against
the simulated exchange, with the guard on addresses taken out and on settings gone around.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import Exchange, Process, Store

AWAY = 75
CONFIGURATION = 78
TESTNET = """
import os
import sys

from trading_node.commands.run import load
from trading_node.config.profiles import Profile
from trading_node.engine.v1.start import EngineV1
from trading_node.life import runner

runner.GUARDS = [guard for guard in runner.GUARDS if guard.name != "hosts"]
settings, traded = load()
settings = settings.model_copy(update={"profile": Profile.TESTNET})
code = runner.run(settings, traded, EngineV1(settings))
sys.stdout.flush()
os._exit(int(code))
"""


@pytest.fixture
def exchange_now(tmp_path: Path, project: Path) -> dict[str, str]:
    """An exchange whose market is at wall time, as the testnet's is; its addresses."""
    command = [sys.executable, "-m", "simulated_exchange", "--port", "0"]
    process = Process(command, tmp_path / "now", {"PYTHONPATH": str(project / "drill")})
    ready = process.next_line(20)
    return {"TRADER_EXCHANGE_HTTP_URL": ready["http"], "TRADER_EXCHANGE_WS_URL": ready["ws"]}


def test_it_trades_by_server_time(start: Start, store: Store, exchange_now: dict[str, str]) -> None:
    node = start(TESTNET, **exchange_now)
    node.until("trading")


def test_it_does_not_ask_for_market_time(start: Start, store: Store, exchange: Exchange) -> None:
    # By server time, the market of this exchange has stood still for months.
    node = start(TESTNET)
    assert node.wait(30) == AWAY
    assert node.said("has no closed bar of BTCUSDT")


def test_symbol_that_the_exchange_does_not_list(
    start: Start, store: Store, exchange: Exchange
) -> None:
    node = start(TESTNET, TRADER_SYMBOL="NOPEUSDT")
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert line.startswith("The exchange does not list NOPEUSDT; correct TRADER_SYMBOL")


@pytest.mark.parametrize(
    ("request_name", "complaint"),
    [
        ("time.read", "does not tell its time"),
        ("ticker.read", "does not tell the price of BTCUSDT"),
    ],
)
@pytest.mark.parametrize("code", [-1001, None], ids=["json", "html"])
def test_exchange_that_does_not_answer(
    start: Start,
    store: Store,
    exchange: Exchange,
    request_name: str,
    complaint: str,
    code: int | None,
) -> None:
    failing = {"name": "fail", "match": {"request": request_name}, "nth": 1, "times": 100}
    exchange.post("faults", {**failing, "status": 503, "code": code})
    node = start(TESTNET)
    assert node.wait() == AWAY
    [line] = node.complaint()
    assert complaint in line
    assert "HTTP status 503" in line


async def test_a_name_that_leads_to_this_machine(
    importable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard: Any = import_module(f"{importable}.guards.guard")
    exchange: Any = import_module(f"{importable}.guards.exchange")
    settings: Any = import_module(f"{importable}.config.settings")
    here = settings.Settings.model_construct(
        profile=settings.Profile.TESTNET,
        exchange_http_url="https://127.0.0.1",
        exchange_ws_url="wss://127.0.0.1",
    )
    with pytest.raises(exchange.NodeExit, match="never talks to a stand-in") as caught:
        await exchange.check_hosts(guard.Start(here, [], None, None, None, None))
    assert caught.value.code == CONFIGURATION
