"""Halt, flatten and the rest, typed where the node runs; settings that are given empty."""

import json
import time
from decimal import Decimal

import pytest

from engine import Stack, needs_engine
from stack.conftest import MakeStack

pytestmark = needs_engine

SECONDS_TO_A_POSITION = 120
LIMITS = (
    *("MAX_ORDER_QUANTITY", "MAX_ORDER_NOTIONAL", "MAX_ORDERS_A_MINUTE"),
    *("MAX_REDUCING_ORDERS_A_MINUTE", "MAX_POSITION_NOTIONAL", "MAX_LEVERAGE"),
    *("MAX_DAILY_LOSS", "MAX_DAILY_FEES", "MAX_PRICE_DISTANCE", "ON_DAILY_LIMIT"),
)


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    """A stack whose settings name every limit, and give none."""
    stack = make_stack("commands")
    with (stack.project / ".env").open("a", encoding="utf-8") as settings:
        settings.writelines(f"TRADER_{name}=\n" for name in LIMITS)
    stack.compose("up", "--detach", "--wait")
    return stack


def node(stack: Stack, *command: str, code: int = 0) -> str:
    """Type a command in the node's container, by the project's name."""
    return stack.compose("exec", "-T", "node", "my-trader", *command, code=code)


def held(stack: Stack) -> list[str]:
    """Return what the exchange has still: positions, and orders that wait."""
    ledger = stack.ledger()
    rows = [row for row in ledger["positions"] if Decimal(row["quantity"])]
    rows += [row for row in ledger["orders"] if row["status"] in ("NEW", "PARTIALLY_FILLED")]
    return [str(row) for row in rows]


def until_held(stack: Stack) -> None:
    deadline = time.monotonic() + SECONDS_TO_A_POSITION
    while not held(stack):
        assert time.monotonic() < deadline, f"No position within {SECONDS_TO_A_POSITION} s."
        time.sleep(0.2)


def test_an_empty_limit_is_its_default(stack: Stack) -> None:
    stack.until_stage("trading")
    inside = stack.compose("exec", "-T", "node", "env").splitlines()
    assert {f"TRADER_{name}=" for name in LIMITS} <= set(inside)
    assert "a day may lose 50000 USDT" in node(stack, "doctor")


def test_a_limit_of_the_settings_reaches_the_node(stack: Stack) -> None:
    limit = {"TRADER_MAX_DAILY_LOSS": "123"}
    stack.compose("up", "--detach", "--wait", "--no-deps", "node", environment=limit)
    assert "a day may lose 123 USDT" in node(stack, "doctor")
    stack.compose("up", "--detach", "--wait", "--no-deps", "node")


def test_doctor_and_state_look_from_inside(stack: Stack) -> None:
    stack.until_stage("trading")
    findings = json.loads(node(stack, "doctor", "--json"))
    assert findings
    assert "lease" in node(stack, "state")


def test_a_halt_outlives_containers_and_the_store(stack: Stack) -> None:
    stack.until_stage("trading")
    said = node(stack, "halt", "--why", "prices look wrong", "--who", "ada")
    assert said.startswith("Halted everything by ada at ")
    stack.until_stage("degraded")
    stack.compose("down")
    stack.run("docker", "volume", "rm", f"{stack.name}_store")
    # Not to be waited for: what is halted is not healthy.
    stack.compose("up", "--detach")
    reason = stack.until_stage("degraded")["reason"]
    assert said.strip() in reason
    assert json.loads(stack.ask("GET", "halt:TRADER-001"))["who"] == "ada"
    said = node(stack, "resume", "--why", "they were right", "--who", "ada")
    assert said.startswith("Nothing is halted: resumed by ada at ")
    stack.until_stage("trading")


@pytest.mark.parametrize("place", ["in the node's container", "in one of its own"])
def test_flatten_closes_everything_wherever_it_is_typed(stack: Stack, place: str) -> None:
    """The node's container ends with the node: only after the command has."""
    stack.until_stage("trading")
    until_held(stack)
    before = stack.inspect("node")["RestartCount"]
    if place == "in the node's container":
        said = node(stack, "flatten", "--yes", "--why", "over", "--who", "ada")
    else:
        said = stack.run("make", "flatten", "WHY=over", "ARGS=--yes --who ada")
    assert "Flat: the exchange has nothing left of any symbol. Halted everything by ada" in said
    assert held(stack) == []
    deadline = time.monotonic() + 60
    while stack.inspect("node")["RestartCount"] == before:
        assert time.monotonic() < deadline, "The node that gave way was not started again."
        time.sleep(0.1)
    assert "over" in stack.until_stage("degraded")["reason"]
    assert held(stack) == []
    node(stack, "resume", "--why", "again", "--who", "ada")
    stack.until_stage("trading")
