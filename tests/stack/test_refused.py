"""A stack that must not trade says why and stays up; it is not started for ever."""

import pytest

from engine import Stack, needs_engine
from stack.conftest import MakeStack

pytestmark = needs_engine

REAL_LOOKING = "k" * 64


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    """Images and a store; each test starts a node of its own."""
    stack = make_stack("refused")
    stack.compose("up", "--detach", "--wait", "store")
    return stack


def refused(stack: Stack, *files: str, **environment: str) -> str:
    """Start the node with other settings; return why it refuses, and that it does so only once."""
    overlays = [word for name in files for word in ("--file", name)]
    stack.compose(
        *overlays,
        "up",
        "--detach",
        "--force-recreate",
        "--no-deps",
        "node",
        environment=environment,
    )
    reason = str(stack.until_stage("refused")["reason"])
    assert stack.get(stack.node_port, "/health")[0] == 503
    state = stack.inspect("node")
    assert (state["RestartCount"], state["State"]["Status"]) == (0, "running")
    stack.compose("stop", "node")
    # Stopped by hand it ends with the code of its refusal, and stays down.
    state = stack.inspect("node")
    assert (state["State"]["Status"], state["State"]["ExitCode"]) == ("exited", 78)
    assert reason.splitlines()[0] in stack.compose("logs", "--no-log-prefix", "node")
    return reason


def test_a_wrong_setting(stack: Stack) -> None:
    assert "TRADER_ORDER_QUANTITY" in refused(stack, TRADER_ORDER_QUANTITY="-1")


def test_live(stack: Stack) -> None:
    reason = refused(stack, TRADER_PROFILE="live", COMPOSE_PROFILES="")
    assert "TRADER_LIVE_ACKNOWLEDGEMENT must be the sentence" in reason
    assert "TRADER_MAX_DAILY_LOSS is not set" in reason
    assert "TRADER_EXCHANGE_HTTP_URL is not the exchange's" in reason


def test_a_wrong_password_of_the_store(stack: Stack) -> None:
    path = stack.project / "secrets" / "store_password"
    right = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text("wrong", encoding="utf-8")
    path.chmod(0o444)
    try:
        assert "TRADER_STORE_PASSWORD" in refused(stack)
    finally:
        path.unlink()
        path.write_text(right, encoding="utf-8")
        path.chmod(0o444)


@pytest.mark.parametrize(
    ("key", "environment", "why"),
    [
        ("simulated-key", {}, "TRADER_API_KEY"),
        (REAL_LOOKING, {"TESTNET_HTTP_URL": "http://exchange:8090"}, "TRADER_EXCHANGE_HTTP_URL"),
        (REAL_LOOKING, {"TESTNET_WS_URL": "ws://exchange:8090"}, "TRADER_EXCHANGE_WS_URL"),
    ],
)
def test_the_testnet_with_what_belongs_to_the_simulation(
    stack: Stack, key: str, environment: dict[str, str], why: str
) -> None:
    """Refused by the settings alone: no host is asked for its address."""
    for name in ("api_key", "api_secret"):
        path = stack.project / "secrets" / name
        path.unlink(missing_ok=True)
        path.write_text(key, encoding="utf-8")
        path.chmod(0o444)
    files = ("compose.yaml", "compose.testnet.yaml")
    settings = {"TRADER_PROFILE": "testnet", "COMPOSE_PROFILES": "", **environment}
    # Whatever else is wrong, nothing here may reach beyond this machine.
    stack.compose(
        *("--file", files[0], "--file", files[1]), "config", "--quiet", environment=settings
    )
    assert why in refused(stack, *files, **settings)


def test_make_up_says_why_it_does_not_trade(stack: Stack) -> None:
    said = stack.run(
        *("make", "up", "ARGS=--no-deps --wait-timeout 15 node"),
        code=2,
        environment={"TRADER_ORDER_QUANTITY": "-1"},
    )
    assert "TRADER_ORDER_QUANTITY" in said
    stack.compose("stop", "node")


def test_a_missing_setting_is_said_before_anything_starts(stack: Stack) -> None:
    said = stack.compose("config", environment={"TRADER_PROFILE": ""}, code=None)
    assert "`make settings` makes .env" in said
