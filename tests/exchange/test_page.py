"""The page of what is in and what is out says what the code says."""

import re
from pathlib import Path

import simulated_exchange
from simulated_exchange.protocol.endpoints import ACCOUNT, MARKET, ORDERS
from simulated_exchange.protocol.unsupported import UNSUPPORTED

PAGE = (Path(simulated_exchange.__file__).parents[1] / "exchange.md").read_text(encoding="utf-8")
INSIDE, OUTSIDE = PAGE.split("## Out, and why")
TESTS = Path(__file__).parents[2]


def requests(text: str) -> set[str]:
    """Return the requests that a part of the page names, as the code writes them."""
    found = re.findall(r"`(GET|POST|PUT|DELETE) (/?[\w/-]+)`", text)
    return {f"{verb} {path if path[0] == '/' else f'/fapi/{path}'}" for verb, path in found}


def test_what_is_in_is_on_the_page() -> None:
    assert requests(INSIDE) == {*MARKET, *ACCOUNT, *ORDERS}


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
