"""The page of what is in and what is out says what the code says."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from exchange.support import DRILL, SECONDS, User
from processes import Process
from simulated_exchange.protocol.endpoints import ACCOUNT, ENDPOINTS, MARKET, ORDERS
from simulated_exchange.protocol.unsupported import UNSUPPORTED
from simulated_exchange.protocol.ws_api import METHODS, SESSION_REQUESTS

PAGE = (DRILL / "exchange.md").read_text(encoding="utf-8")
CONTRACT = (DRILL / "contract.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
INSIDE, OUTSIDE = PAGE.split("## Out, and why")
TESTS = Path(__file__).parents[2]


def requests(text: str) -> set[str]:
    """Return the requests that a part of the page names, as the code writes them."""
    found = re.findall(r"`(GET|POST|PUT|DELETE) (/?[\w/-]+)`", text)
    return {f"{verb} {path if path[0] == '/' else f'/fapi/{path}'}" for verb, path in found}


def test_what_is_in_is_on_the_page() -> None:
    assert requests(INSIDE) == {*MARKET, *ACCOUNT, *ORDERS}


def test_every_method_of_the_websocket_api_is_on_the_page() -> None:
    [paragraph] = re.findall(r"\*\*The WebSocket API\*\*.*?\n\n", INSIDE, re.DOTALL)
    named = re.findall(r"`([\w/]+(?:\.\w+)?)`", paragraph)
    assert {*METHODS, *SESSION_REQUESTS} <= set(named)


def test_what_is_out_is_on_the_page_with_its_reason() -> None:
    assert requests(OUTSIDE) == set(UNSUPPORTED)
    for request, reason in UNSUPPORTED.items():
        [line] = [line for line in OUTSIDE.splitlines() if request in requests(line)]
        assert line.endswith(f"| {reason} |")


def test_every_claim_names_a_test_that_exists() -> None:
    named = re.findall(r"`(tests/exchange/[\w*]+\.py)`", PAGE)
    assert len(named) > 5
    for name in named:
        assert list(TESTS.glob(name)), f"{name} does not exist."


def test_the_contract_names_every_request_that_a_fault_can_match() -> None:
    [line] = [line for line in CONTRACT.splitlines() if line.startswith("| `request` |")]
    named = re.findall(r"`([^`]+)`", line)[1:]
    answered = {endpoint.request for endpoint in ENDPOINTS.values()}
    assert sorted(named) == sorted({*answered, *SESSION_REQUESTS})


@pytest.mark.parametrize("example", EXAMPLES, ids=["ccxt", "python"])
async def test_an_example_runs_as_it_stands(user: User, example: str) -> None:
    assert example.count("http://127.0.0.1:8080") == 1
    script = example.replace("http://127.0.0.1:8080", user.http)
    process = Process([sys.executable, "-c", script])
    code = await asyncio.to_thread(process.wait, 3 * SECONDS)
    assert code == 0, process.everything()
    assert float("".join(process.output).split()[0]) == pytest.approx(await user.price(), abs=1)
    [position] = (await user.ledger())["positions"]
    assert position["quantity"] == "0.010"
