"""The policy table: read, filled in, and refused with one sentence."""

import sys
from pathlib import Path

import pytest

from recovery_drill.checks.traded import check_traded
from recovery_drill.failures import UsageError
from recovery_drill.record.policy import fill_in, read_policy, told
from recovery_drill.record.traded import Traded

GOOD = """
[tool.recovery-drill]
node_command = ["{python}", "-m", "node", "run"]
intent = '^(?P<intent>.+-[EX])\\d+$'
warm_up_bars = 60
[tool.recovery-drill.environment]
TRADER_ID = "LAB-001"
"""


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_policy_is_read_with_defaults(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD))
    assert policy.trader_id == "LAB-001"
    assert policy.symbols == ("BTCUSDT",)
    assert policy.protective_stop
    assert (policy.budgets.store_seconds, policy.budgets.notice_seconds) == (5.0, 5.0)
    assert policy.intent_of("EMA001-1704085259-E3") == "EMA001-1704085259-E"
    assert policy.intent_of("EMA001-1704085259-S0") is None


def test_the_warm_up_can_be_left_to_the_node(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD.replace("warm_up_bars = 60", "")))
    assert policy.warm_up_bars is None


def test_an_attempt_may_be_a_letter(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD.replace("\\d+", "[0-9a-z]")))
    for attempt in "09az":
        assert policy.intent_of(f"MINE-1704085259-E{attempt}") == "MINE-1704085259-E"
    assert policy.intent_of("MINE-1704085259-E10") is None


def test_the_node_command_can_be_given(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD), "my-node --fast")
    assert policy.node_command == ("my-node", "--fast")


def test_a_run_may_be_told_otherwise(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD))
    said = told(policy, environment=["A=b=c d", "TRADER_ID="], symbols=["ETHUSDT", "ETHUSDT"])
    assert said.environment == {"TRADER_ID": "", "A": "b=c d"}
    assert said.symbols == ("ETHUSDT",)
    assert told(policy, environment=[], symbols=[]) == policy


@pytest.mark.parametrize("text", ["A", "=b", ""])
def test_a_variable_needs_a_name_and_a_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is no NAME=VALUE"):
        told(read_policy(written(tmp_path, GOOD)), environment=[text], symbols=[])


def test_a_symbol_that_nobody_would_look_at_is_refused(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD))
    bitcoin, ether = (Traded("A", symbol, 60, 60) for symbol in ("BTCUSDT", "ETHUSDT"))
    check_traded(policy, ())
    check_traded(policy, (bitcoin,))
    with pytest.raises(UsageError, match=r"trades BTCUSDT, ETHUSDT, and the drill was told BTC"):
        check_traded(policy, (ether, bitcoin))
    both = told(policy, environment=[], symbols=["BTCUSDT", "ETHUSDT"])
    check_traded(both, (ether, bitcoin))
    with pytest.raises(UsageError, match="give --symbol for each"):
        check_traded(both, (bitcoin,))


def test_the_node_gets_the_settings_of_the_contract(tmp_path: Path) -> None:
    values = {
        "store_url": "redis://127.0.0.1:1",
        "exchange_http": "http://127.0.0.1:2",
        "exchange_ws": "ws://127.0.0.1:2",
        "http_port": "3",
        "instance_id": "drill-1",
    }
    environment = read_policy(written(tmp_path, GOOD)).node_environment(values)
    assert environment["TRADER_STORE_URL"] == "redis://127.0.0.1:1"
    assert environment["TRADER_PROFILE"] == "simulated"
    assert environment["TRADER_ID"] == "LAB-001"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[project]\nname='x'\n", r"has no table \[tool.recovery-drill\]"),
        ("not toml", "is not readable as TOML"),
        (GOOD.replace("warm_up_bars = 60", 'engine = "v9"'), "and the drill knows v1"),
        (GOOD.replace("warm_up_bars", "warm_bars"), "unknown field `warm_bars`"),
        (GOOD.replace("(?P<intent>.+-[EX])", "(.+)"), "needs a group named intent"),
        (GOOD.replace("(?P<intent>.+-[EX])", "("), "is not valid"),
    ],
)
def test_a_bad_policy_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_policy(written(tmp_path, text))


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no pyproject\.toml"):
        read_policy(tmp_path)


def test_only_known_placeholders_are_filled_in() -> None:
    assert fill_in("{python} {a} {b}", {"a": "1"}) == f"{sys.executable} 1 {{b}}"
