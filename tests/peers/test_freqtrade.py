"""Freqtrade under the same kill: what is judged, that it cannot leave this machine, and its table.

It needs an environment of its own; FREQTRADE_PYTHON names the Python of one.
"""

import importlib.util
import os
import re
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from baking import TEMPLATE

PEER = TEMPLATE / "peers" / "freqtrade"
PAGE = TEMPLATE / "docs" / "peers.md"
PYTHON = os.environ.get("FREQTRADE_PYTHON", "")


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PEER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


cases, launcher = module("cases"), module("launcher")
HOLDING, FLAT = (next(c for c in cases.CASES if c.name == n) for n in ("holding", "flat"))


def order(name: str, kind: str = "order", **more: Any) -> dict[str, Any]:
    told = {"client_order_id": name, "kind": kind, "quantity": "0.016", "reduce_only": False}
    return {**told, "status": "NEW" if kind == "conditional" else "FILLED", **more}


def ledger(held: str, *orders: dict[str, Any]) -> dict[str, Any]:
    return {"positions": [{"quantity": held}] if held != "0" else [], "orders": list(orders)}


def believed(amount: str) -> Any:
    return cases.Records(cases.Decimal(amount), 1)


ENTRY, STOP = order("e1"), order("s1", "conditional", reduce_only=True)


def test_what_came_back_right_is_not_charged() -> None:
    right = ledger("0.016", ENTRY, STOP)
    assert cases.broken(HOLDING, right, believed("0.016"), ["e1", "s1"]) == []
    assert cases.broken(FLAT, ledger("0"), believed("0")) == []


@pytest.mark.parametrize(
    ("told", "amount", "sentence"),
    [
        (ledger("0.016", ENTRY, STOP), "0", "It believes that it holds 0; the exchange holds"),
        (ledger("0.032", ENTRY, order("e2"), STOP), "0.016", "It entered 2 times"),
        (ledger("0.016", ENTRY), "0.016", "0.016 are held without a stop."),
        (ledger("0.016", ENTRY, STOP, STOP), "0.016", "2 stops work at once."),
        (ledger("0.032", ENTRY, STOP), "0.032", "Its stops are for 0.016, and 0.032 are held."),
        (ledger("0", ENTRY, STOP), "0", "A stop is left behind"),
    ],
)
def test_what_is_broken_is_said(told: dict[str, Any], amount: str, sentence: str) -> None:
    found = cases.broken(HOLDING, told, believed(amount), ["e1", "s1"])
    assert any(sentence in each for each in found)


def test_one_that_wants_to_be_flat_and_is_not_or_is_away_is_charged() -> None:
    held = ledger("0.016", ENTRY, STOP)
    assert "It wants to be flat" in cases.broken(FLAT, held, believed("0.016"))[-1]
    assert cases.broken(FLAT, held, None) == ["It did not come back."]


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("203.0.113.1", 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.sendto", (None, ("203.0.113.1", 53))),
        ("socket.getaddrinfo", ("exchange.example", 443, 0, 0, 0)),
        ("socket.gethostbyname", ("exchange.example",)),
    ],
)
def test_nothing_leaves_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(PermissionError, match="only this machine"):
        launcher.stay_here(event, arguments)


def test_this_machine_may_be_reached() -> None:
    launcher.stay_here("socket.connect", (None, ("127.0.0.1", 8080)))
    launcher.stay_here("socket.getaddrinfo", ("localhost", 80, 0, 0, 0))
    launcher.stay_here("open", ("exchange.example",))


def test_every_address_becomes_the_exchanges() -> None:
    stock = {"fapiPublic": "https://a.example/fapi/v1", "ws": {"future": "wss://b.example/ws"}}
    here = launcher.here(stock, "http://127.0.0.1:1")
    assert here["fapiPublic"] == "http://127.0.0.1:1/fapi/v1"
    assert all(text.startswith("http://127.0.0.1:1/") for text in launcher.texts(here))


def test_another_exchange_is_refused() -> None:
    with pytest.raises(SystemExit, match="not on this machine"):
        launcher.main("https://exchange.example", "trade")


def test_the_page_has_a_row_for_each_case() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert rows == [case.name for case in cases.CASES]


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.skipif(not PYTHON, reason="FREQTRADE_PYTHON names no Python: see docs/peers.md.")
@pytest.mark.parametrize("name", ["holding", "entry-filled"])
def test_it_does_what_the_page_says(name: str) -> None:
    drill = [sys.executable, str(PEER / "drill.py"), PYTHON, name]
    ended = subprocess.run(drill, capture_output=True, text=True, timeout=600, check=False)
    (row,) = re.findall(rf"^\| `{name}` .*$", ended.stdout, flags=re.MULTILINE)
    assert row in PAGE.read_text("utf-8"), ended.stdout + ended.stderr
