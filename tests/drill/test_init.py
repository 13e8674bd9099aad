"""``recovery-drill init``: what it finds in a repository, and what it leaves alone."""

import tomllib
from pathlib import Path

import pytest

from baking import TEMPLATE
from recovery_drill.campaign.init import find_node, init
from recovery_drill.failures import UsageError
from recovery_drill.record.policy import read_policy

STOCK = TEMPLATE / "tests" / "stock_nodes"
BEFORE = '# mine\n[project]\nname = "mine"   # as I like it\n\n[tool.ruff]\nline-length = 77'


def repository(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"{name}.py").write_text((STOCK / f"{name}.py").read_text("utf-8"), "utf-8")
    return folder


def test_an_empty_repository_with_a_node_gets_policy_and_test(tmp_path: Path) -> None:
    said = list(init(repository(tmp_path, "stops")))
    assert said[:3] == [
        "stops.py makes a TradingNode; it is started by recovery_drill.kit, and not changed.",
        "Its symbols: BTCUSDT.",
        "Stops are placed in stops.py: each position must have one.",
    ]
    policy = read_policy(tmp_path)
    assert policy.node_command == ("{python}", "-m", "recovery_drill.kit", "stops.py")
    assert (policy.symbols, policy.protective_stop, policy.intent) == (("BTCUSDT",), True, None)
    assert (policy.ledger, policy.epoch, policy.history) == ("orders", "now", 2880)
    assert policy.budgets.stop_seconds == 30
    compile((tmp_path / "tests" / "test_recovery.py").read_text("utf-8"), "test", "exec")


@pytest.mark.parametrize("name", ["no_stops", "grid"])
def test_a_node_that_places_no_stops_is_asked_for_none(tmp_path: Path, name: str) -> None:
    list(init(repository(tmp_path, name)))
    assert not read_policy(tmp_path).protective_stop


def test_what_is_there_stays_byte_for_byte(tmp_path: Path) -> None:
    pyproject, test = tmp_path / "pyproject.toml", tmp_path / "tests" / "test_recovery.py"
    pyproject.write_text(BEFORE, "utf-8")
    test.parent.mkdir()
    test.write_text("# my own\n", "utf-8")
    said = list(init(repository(tmp_path, "stops")))
    assert pyproject.read_text("utf-8").startswith(BEFORE + "\n\n")
    document = tomllib.loads(pyproject.read_text("utf-8"))
    assert {"project", "tool"} == set(document)
    assert document["tool"]["ruff"] == {"line-length": 77}
    assert test.read_text("utf-8") == "# my own\n"
    assert "Left as it is: tests/test_recovery.py." in said
    with pytest.raises(UsageError, match="already; nothing was written"):
        list(init(tmp_path))


def test_the_workflow_is_written_where_the_action_is(tmp_path: Path) -> None:
    action = tmp_path / "drill" / "action"
    action.mkdir(parents=True)
    (action / "recovery-drill.yml").write_text("name: Drill\n", "utf-8")
    list(init(repository(tmp_path, "stops")))
    assert (tmp_path / ".github/workflows/recovery-drill.yml").read_text("utf-8") == "name: Drill\n"


def test_a_repository_without_a_node_or_with_several_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No Python file in .* calls TradingNode"):
        find_node(tmp_path)
    repository(tmp_path, "stops", "grid")
    with pytest.raises(UsageError, match=r"grid\.py, stops\.py each make a TradingNode"):
        find_node(tmp_path)
    assert find_node(tmp_path, Path("grid.py")).file == Path("grid.py")
    with pytest.raises(UsageError, match=r"There is no file none\.py"):
        find_node(tmp_path, Path("none.py"))
